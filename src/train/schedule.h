/* The learning rate as a pure function of (step, total): nothing to save, nothing to restore. */
#ifndef RINS_TRAIN_SCHEDULE_H
#define RINS_TRAIN_SCHEDULE_H

#include "src/base/status.h"

typedef enum RinsDecay { RINS_DECAY_COSINE, RINS_DECAY_CONSTANT, RINS_DECAY_RSQRT } RinsDecay;

extern const char *const rins_decay_names[]; /* cosine constant rsqrt, NULL */

typedef struct RinsSchedule {
    RinsDecay decay;
    double lr;                /* peak */
    int64_t warmup, cooldown; /* steps */
    int64_t total;            /* steps of the whole run */
} RinsSchedule;

/* Resolves fractions against `total` steps. warmup_steps RINS_INT_NULL: round(warmup_fraction * total); a fraction
   above 0 gives at least one step. RINS_ERR_CONFIG where a value is out of range. */
RinsStatus rins_schedule_make(RinsSchedule *schedule, RinsDecay decay, double lr, int64_t warmup_steps,
                              double warmup_fraction, double cooldown_fraction, int64_t total);

/* Learning rate of step s = 1 .. total, with W = warmup, C = cooldown, T = total:
     lr * warm * decay * cool
     warm  = min(1, s / W), so step 1 has lr / W
     decay = cosine: (1 + cos(pi (s - 1 - W) / (T - W))) / 2 for s > W, else 1;  constant: 1;
             rsqrt: sqrt(W / s) for s > W, else 1 (W at least 1)
     cool  = min(1, (T + 1 - s) / C): the last step has 1 / C.
   Steps beyond T have what step T has. */
double rins_schedule_lr(const RinsSchedule *schedule, int64_t step);

#endif
