/* How long to train: exactly one of examples, steps, epochs and FLOPs. */
#ifndef RINS_TRAIN_BUDGET_H
#define RINS_TRAIN_BUDGET_H

#include "src/train/run_config.h"

/* steps: as given, or floor(examples / batch), floor(epochs * epoch_size / batch), and for FLOPs the nearest whole
   number of steps. RINS_ERR_CONFIG where not exactly one is set or it buys no step. */
RinsStatus rins_budget_steps(const RinsBudgetConfig *budget, int64_t batch, int64_t epoch_size, double flops_per_pair,
                             int64_t *steps);

#endif
