#include "src/train/schedule.h"

#include <math.h>

static int64_t steps_of_fraction(double fraction, int64_t total) {
    if (!(fraction > 0)) return 0;
    const int64_t steps = llround(fraction * (double)total);
    return steps > 0 ? steps : 1;
}

RinsSchedule rins_schedule_make(const RinsScheduleConfig *config, double lr, int64_t total) {
    const bool fixed = config->warmup_steps != RINS_INT_NULL;
    return (RinsSchedule){
        .name = (RinsScheduleName)config->name,
        .lr = lr,
        .warmup = fixed ? config->warmup_steps : steps_of_fraction(config->warmup_fraction, total),
        .cooldown = steps_of_fraction(config->cooldown_fraction, total),
        .total = total,
    };
}

static double decay_factor(const RinsSchedule *s, int64_t step) {
    if (step <= s->warmup) return 1;
    switch (s->name) {
    case RINS_SCHEDULE_COSINE: /* step > warmup and step <= total: the span is at least 1 */
        return 0.5 * (1 + cos(M_PI * (double)(step - 1 - s->warmup) / (double)(s->total - s->warmup)));
    case RINS_SCHEDULE_RSQRT: return sqrt((double)(s->warmup > 0 ? s->warmup : 1) / (double)step);
    case RINS_SCHEDULE_CONSTANT: break;
    }
    return 1;
}

double rins_schedule_lr(const RinsSchedule *s, int64_t step) {
    if (step > s->total) step = s->total;
    double lr = s->lr * decay_factor(s, step);
    if (step < s->warmup) lr *= (double)step / (double)s->warmup;
    if (s->total + 1 - step < s->cooldown) lr *= (double)(s->total + 1 - step) / (double)s->cooldown;
    return lr;
}

int64_t rins_schedule_parts(const RinsSchedule *a, const RinsSchedule *b, int64_t steps) {
    for (int64_t step = 1; step <= steps; step++)
        if (rins_schedule_lr(a, step) != rins_schedule_lr(b, step)) return step;
    return 0;
}
