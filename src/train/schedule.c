#include "src/train/schedule.h"

#include "src/base/config.h"

#include <math.h>

const char *const rins_decay_names[] = {"cosine", "constant", "rsqrt", NULL};

static int64_t steps_of_fraction(double fraction, int64_t total) {
    if (!(fraction > 0)) return 0;
    const int64_t steps = llround(fraction * (double)total);
    return steps > 0 ? steps : 1;
}

RinsStatus rins_schedule_make(RinsSchedule *schedule, RinsDecay decay, double lr, int64_t warmup_steps,
                              double warmup_fraction, double cooldown_fraction, int64_t total) {
    if (total < 1) return RINS_FAIL(RINS_ERR_ARG, "a schedule needs at least one step, not %lld", (long long)total);
    if (!(lr >= 0) || !isfinite(lr)) return RINS_FAIL(RINS_ERR_CONFIG, "train.optimizer.lr: %g is not a learning rate", lr);
    if (warmup_steps != RINS_INT_NULL && warmup_steps < 0)
        return RINS_FAIL(RINS_ERR_CONFIG, "train.schedule.warmup_steps: %lld is negative", (long long)warmup_steps);
    if (!(warmup_fraction >= 0 && warmup_fraction <= 1))
        return RINS_FAIL(RINS_ERR_CONFIG, "train.schedule.warmup_fraction: %g is not in 0..1", warmup_fraction);
    if (!(cooldown_fraction >= 0 && cooldown_fraction <= 1))
        return RINS_FAIL(RINS_ERR_CONFIG, "train.schedule.cooldown_fraction: %g is not in 0..1", cooldown_fraction);
    *schedule = (RinsSchedule){
        .decay = decay,
        .lr = lr,
        .warmup = warmup_steps != RINS_INT_NULL ? warmup_steps : steps_of_fraction(warmup_fraction, total),
        .cooldown = steps_of_fraction(cooldown_fraction, total),
        .total = total,
    };
    return RINS_OK;
}

static double decay_factor(const RinsSchedule *s, int64_t step) {
    if (step <= s->warmup) return 1;
    switch (s->decay) {
    case RINS_DECAY_COSINE: /* step > warmup and step <= total: the span is at least 1 */
        return 0.5 * (1 + cos(M_PI * (double)(step - 1 - s->warmup) / (double)(s->total - s->warmup)));
    case RINS_DECAY_RSQRT: return sqrt((double)(s->warmup > 0 ? s->warmup : 1) / (double)step);
    case RINS_DECAY_CONSTANT: break;
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
