/* The learning rate is a pure function of (step, total), and a budget is a number of steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/train/budget.h"
#include "src/train/schedule.h"

#include <math.h>

static void near(double got, double want, const char *what) {
    if (fabs(got - want) > 1e-12 * fmax(1, fabs(want))) fail_msg("%s: %.17g, expected %.17g", what, got, want);
}

static RinsSchedule make(RinsScheduleName name, int64_t warmup, double warm_fraction, double cool, int64_t total) {
    const RinsScheduleConfig config = {name, warmup, warm_fraction, cool};
    return rins_schedule_make(&config, 2.0, total);
}

static void warmup_starts_at_lr_over_warmup(void **state) {
    (void)state;
    const RinsSchedule s = make(RINS_SCHEDULE_CONSTANT, 8, 0.5, 0, 100);
    assert_int_equal(s.warmup, 8); /* steps win over the fraction */
    near(rins_schedule_lr(&s, 1), 2.0 / 8, "lr of step 1");
    near(rins_schedule_lr(&s, 4), 2.0 * 4 / 8, "lr of step 4");
    for (int64_t step = 8; step <= 100; step++) near(rins_schedule_lr(&s, step), 2.0, "lr after warm-up");
    assert_int_equal(make(RINS_SCHEDULE_CONSTANT, RINS_INT_NULL, 0.02, 0, 1000).warmup, 20);
    assert_int_equal(make(RINS_SCHEDULE_CONSTANT, RINS_INT_NULL, 0.02, 0, 5).warmup, 1);
    assert_int_equal(make(RINS_SCHEDULE_CONSTANT, 0, 0.02, 0, 5).warmup, 0);
}

static void cosine_falls_from_peak_to_nearly_zero(void **state) {
    (void)state;
    const RinsSchedule s = make(RINS_SCHEDULE_COSINE, 10, 0, 0, 110);
    near(rins_schedule_lr(&s, 10), 2.0, "last step of warm-up");
    near(rins_schedule_lr(&s, 11), 2.0, "first step of the cosine");
    near(rins_schedule_lr(&s, 61), 1.0, "its middle");
    near(rins_schedule_lr(&s, 110), 1 + cos(M_PI * 99 / 100), "its last step");
    for (int64_t step = 12; step <= 110; step++)
        assert_true(rins_schedule_lr(&s, step) < rins_schedule_lr(&s, step - 1));
    near(rins_schedule_lr(&s, 500), rins_schedule_lr(&s, 110), "beyond the end");
}

static void rsqrt_and_cooldown(void **state) {
    (void)state;
    const RinsSchedule s = make(RINS_SCHEDULE_RSQRT, 16, 0, 0.25, 400);
    near(rins_schedule_lr(&s, 16), 2.0, "end of warm-up");
    near(rins_schedule_lr(&s, 64), 1.0, "four times the warm-up");
    near(rins_schedule_lr(&s, 300), 2 * sqrt(16.0 / 300), "last step before the cool-down");
    near(rins_schedule_lr(&s, 351), 2 * sqrt(16.0 / 351) * 0.5, "its middle");
    near(rins_schedule_lr(&s, 400), 2 * sqrt(16.0 / 400) / 100, "last step");
}

/* What branching relies on: with constant decay a longer run has the shorter one's rates until the cool-down. */
static void constant_runs_share_their_trunk(void **state) {
    (void)state;
    const RinsSchedule trunk = make(RINS_SCHEDULE_CONSTANT, 10, 0, 0, 1000);
    const RinsSchedule branch = make(RINS_SCHEDULE_CONSTANT, 10, 0, 0.2, 500);
    for (int64_t step = 1; step <= 401; step++)
        near(rins_schedule_lr(&branch, step), rins_schedule_lr(&trunk, step), "shared step");
    assert_true(rins_schedule_lr(&branch, 402) < rins_schedule_lr(&trunk, 402));
}

static void odd_sizes_stay_finite(void **state) {
    (void)state;
    for (int name = 0; name < 3; name++)
        for (int64_t total = 1; total < 6; total++)
            for (int64_t warmup = 0; warmup < 8; warmup++) {
                const RinsSchedule s = make((RinsScheduleName)name, warmup, 0, 1.0, total);
                for (int64_t step = 1; step <= total; step++) {
                    const double lr = rins_schedule_lr(&s, step);
                    if (!(lr > 0 && lr <= 2.0))
                        fail_msg("lr %g at step %d of %d, warm-up %d", lr, (int)step, (int)total, (int)warmup);
                }
            }
}

static RinsBudgetConfig none(void) {
    return (RinsBudgetConfig){RINS_INT_NULL, RINS_INT_NULL, NAN, NAN};
}

static void budgets_become_steps(void **state) {
    (void)state;
    int64_t steps = 0;
    RinsBudgetConfig b = none();
    assert_int_equal(rins_budget_steps(&b, 256, 1000, 1e9, &steps), RINS_ERR_CONFIG);
    b.steps = 7;
    assert_int_equal(rins_budget_steps(&b, 256, 1000, 1e9, &steps), RINS_OK);
    assert_int_equal(steps, 7);
    b.epochs = 2;
    assert_int_equal(rins_budget_steps(&b, 256, 1000, 1e9, &steps), RINS_ERR_CONFIG);
    b = none(), b.epochs = 2.5;
    assert_int_equal(rins_budget_steps(&b, 256, 1000, 1e9, &steps), RINS_OK);
    assert_int_equal(steps, 9); /* floor(2500 / 256) */
    b = none(), b.examples = 1023;
    assert_int_equal(rins_budget_steps(&b, 256, 1000, 1e9, &steps), RINS_OK);
    assert_int_equal(steps, 3);
    b.examples = 255;
    assert_int_equal(rins_budget_steps(&b, 256, 1000, 1e9, &steps), RINS_ERR_CONFIG);
}

/* Runs of different cost per pair end within half a step of one FLOP budget: 0.5 % from 100 steps on. */
static void flop_budgets_match(void **state) {
    (void)state;
    RinsBudgetConfig b = none();
    b.flops = 1e15;
    for (double cost = 1e8; cost < 3e10; cost *= 1.37) {
        int64_t steps = 0;
        assert_int_equal(rins_budget_steps(&b, 256, 1, cost, &steps), RINS_OK);
        const double off = fabs((double)steps * 256 * cost / b.flops - 1);
        if (off > 0.005) fail_msg("%g FLOPs a pair: %d steps are %.3f %% off the budget", cost, (int)steps, 100 * off);
    }
}

/* Where two ends of a run part: never on a constant trunk, from the warm-up, the cosine or the
   cool-down on otherwise. */
static void ends_part_where_rates_do(void **state) {
    (void)state;
    static const struct {
        RinsScheduleName name;
        int64_t warmup; /* -1: a fraction of 0.1 */
        double cooldown;
        int64_t parts; /* of a run of 100 steps and one of 200, within 90 */
    } cases[] = {
        {RINS_SCHEDULE_CONSTANT, 5, 0, 0},  {RINS_SCHEDULE_RSQRT, 5, 0, 0},  {RINS_SCHEDULE_RSQRT, 5, 0.2, 82},
        {RINS_SCHEDULE_CONSTANT, -1, 0, 1}, {RINS_SCHEDULE_COSINE, 5, 0, 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const RinsScheduleConfig c = {.name = (int)cases[i].name,
                                      .warmup_steps = cases[i].warmup < 0 ? RINS_INT_NULL : cases[i].warmup,
                                      .warmup_fraction = 0.1,
                                      .cooldown_fraction = cases[i].cooldown};
        const RinsSchedule a = rins_schedule_make(&c, 1e-3, 100), b = rins_schedule_make(&c, 1e-3, 200);
        const int64_t at = rins_schedule_parts(&a, &b, 90);
        if (at != cases[i].parts) fail_msg("case %zu: at step %d, not %d", i, (int)at, (int)cases[i].parts);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(warmup_starts_at_lr_over_warmup),
        cmocka_unit_test(cosine_falls_from_peak_to_nearly_zero),
        cmocka_unit_test(rsqrt_and_cooldown),
        cmocka_unit_test(constant_runs_share_their_trunk),
        cmocka_unit_test(odd_sizes_stay_finite),
        cmocka_unit_test(budgets_become_steps),
        cmocka_unit_test(flop_budgets_match),
        cmocka_unit_test(ends_part_where_rates_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
