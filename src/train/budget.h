/* How long to train: exactly one of examples, steps, epochs and FLOPs. */
#ifndef RINS_TRAIN_BUDGET_H
#define RINS_TRAIN_BUDGET_H

#include "src/base/status.h"

typedef struct RinsBudget {
    int64_t examples, steps; /* RINS_INT_NULL: not this one */
    double epochs, flops;    /* NaN: not this one; flops are nominal (3 x forward), expected over stochastic rounds */
} RinsBudget;

/* steps: as given, or floor(examples / batch), floor(epochs * epoch_size / batch), and for FLOPs the nearest whole
   number of steps. RINS_ERR_CONFIG where not exactly one is set or it buys no step. */
RinsStatus rins_budget_steps(const RinsBudget *budget, int64_t batch, int64_t epoch_size, double flops_per_pair,
                             int64_t *steps);

#endif
