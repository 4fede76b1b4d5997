/* The learning rate as a pure function of (step, total): nothing to save, nothing to restore. */
#ifndef RINS_TRAIN_SCHEDULE_H
#define RINS_TRAIN_SCHEDULE_H

#include "src/train/run_config.h"

typedef struct RinsSchedule {
    RinsScheduleName name;
    double lr;                /* peak */
    int64_t warmup, cooldown; /* steps */
    int64_t total;            /* steps of the whole run */
} RinsSchedule;

/* Resolves fractions against `total` >= 1 steps; a fraction above 0 gives at least one step. */
RinsSchedule rins_schedule_make(const RinsScheduleConfig *config, double lr, int64_t total);

/* Learning rate of step s = 1 .. total, with W = warmup, C = cooldown, T = total:
     lr * warm * decay * cool
     warm  = min(1, s / W), so step 1 has lr / W
     decay = cosine: (1 + cos(pi (s - 1 - W) / (T - W))) / 2 for s > W, else 1;  constant: 1;
             rsqrt: sqrt(W / s) for s > W, else 1 (W at least 1)
     cool  = min(1, (T + 1 - s) / C): the last step has 1 / C.
   Steps beyond T have what step T has. */
double rins_schedule_lr(const RinsSchedule *schedule, int64_t step);

/* The first of steps 1 .. `steps` that the two give another rate; 0: none. */
int64_t rins_schedule_parts(const RinsSchedule *a, const RinsSchedule *b, int64_t steps);

#endif
