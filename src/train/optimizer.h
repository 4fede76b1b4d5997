/* AdamW over ranges of the flat parameter buffers. The moments live in RinsParams (m, v), so the optimiser itself
   holds nothing that a checkpoint would miss. */
#ifndef RINS_TRAIN_OPTIMIZER_H
#define RINS_TRAIN_OPTIMIZER_H

#include "src/nn/params.h"
#include "src/train/run_config.h"

typedef struct RinsOptimizerOptions {
    double b1, b2, eps, weight_decay;
    double clip;                  /* largest global gradient norm; 0: no clipping */
    bool decay_all;               /* decay every parameter, not only kernels */
    const RinsFloatMap *lr_mults; /* borrowed while making; key: `image` or `text` (a tower) or a parameter's name up to
                                     any dot. The longest name that fits wins over towers. NULL: none */
} RinsOptimizerOptions;

/* Those of a config's train.optimizer, whose lr_mults are borrowed. */
RinsOptimizerOptions rins_optimizer_options(const RinsOptimizerConfig *config);

/* Contiguous elements that get the same step. */
typedef struct RinsRange {
    int64_t offset, count;
    double lr_mult;
    bool decay;
} RinsRange;

typedef struct RinsOptimizer {
    RinsParams *params; /* borrowed */
    RinsOptimizerOptions options;
    RinsRange *ranges;
    int n_ranges;
} RinsOptimizer;

/* Frozen parameters are in no range. RINS_ERR_CONFIG where a key of lr_mults fits no parameter or nothing is left to
   train. */
RinsStatus rins_optimizer_make(RinsOptimizer *optimizer, RinsParams *params, const RinsOptimizerOptions *options);
void rins_optimizer_free(RinsOptimizer *optimizer);

/* Step `step` = 1, 2, ... with learning rate lr (times each range's lr_mult) from params->g; `sqsum` is the device
   scalar of the gradients' squared norm, which also holds the step back where it is not finite. */
void rins_optimizer_step(const RinsOptimizer *optimizer, int64_t step, double lr, const double *sqsum);

#endif
