/* What a training pair costs, for budgets: analytic, from the plan. */
#ifndef RINS_TRAIN_TRAIN_FLOPS_H
#define RINS_TRAIN_TRAIN_FLOPS_H

#include "src/model/model.h"

/* Expected nominal training FLOPs per pair: 3 x forward, averaged over both towers' draws of rounds. */
RinsStatus rins_expected_flops(const RinsModelConfig *config, double *per_pair);

#endif
