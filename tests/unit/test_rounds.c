/* Stochastic rounds: drawn from the binomial, repeatable by (seed, step, tower), independent between towers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/train/rounds.h"

#include <math.h>
#include <stdlib.h>

enum { STEPS = 10000 };

/* 0.999 quantiles of chi-square with 1..3 degrees of freedom. */
static const double chi_limit[] = {0, 10.828, 13.816, 16.266};

static void draws_match_the_binomial(void **state) {
    (void)state;
    const double drops[] = {0.1, 0.25, 0.5, 0.9};
    for (int max = 2; max <= 4; max++)
        for (int d = 0; d < 4; d++) {
            const RinsTowerRounds rounds = {max, drops[d]};
            int counts[5] = {0};
            for (int64_t step = 1; step <= STEPS; step++)
                counts[rins_rounds_draw(&rounds, 11, step, RINS_TOWER_TEXT)]++;
            double chi = 0, sum = 0;
            for (int n = 1; n <= max; n++) {
                const double p = rins_rounds_probability(&rounds, n), expected = p * STEPS;
                chi += (counts[n] - expected) * (counts[n] - expected) / expected;
                sum += p;
            }
            assert_int_equal(counts[0], 0);
            if (fabs(sum - 1) > 1e-12) fail_msg("r %d drop %g: probabilities add up to %.15g", max, drops[d], sum);
            if (chi > chi_limit[max - 1])
                fail_msg("r %d drop %g: chi-square %.2f over %.2f", max, drops[d], chi, chi_limit[max - 1]);
        }
}

static void draws_repeat_by_seed_and_differ_between_towers(void **state) {
    (void)state;
    const RinsTowerRounds rounds = {2, 0.5};
    int same_tower = 0, same_seed = 0;
    for (int64_t step = STEPS; step > 0; step--) { /* order must not matter */
        const int text = rins_rounds_draw(&rounds, 1, step, RINS_TOWER_TEXT);
        assert_int_equal(text, rins_rounds_draw(&rounds, 1, step, RINS_TOWER_TEXT));
        same_tower += text == rins_rounds_draw(&rounds, 1, step, RINS_TOWER_IMAGE);
        same_seed += text == rins_rounds_draw(&rounds, 2, step, RINS_TOWER_TEXT);
    }
    if (abs(same_tower - STEPS / 2) > 200) fail_msg("towers agree in %d of %d steps", same_tower, STEPS);
    if (abs(same_seed - STEPS / 2) > 200) fail_msg("seeds agree in %d of %d steps", same_seed, STEPS);
}

static void no_drop_is_the_signature(void **state) {
    (void)state;
    for (int max = 1; max <= 4; max++) {
        const RinsTowerRounds always = {max, 0}, never = {max, 1};
        for (int64_t step = 1; step <= 100; step++) {
            assert_int_equal(rins_rounds_draw(&always, 5, step, RINS_TOWER_IMAGE), max);
            assert_int_equal(rins_rounds_draw(&never, 5, step, RINS_TOWER_IMAGE), 1);
        }
        assert_true(rins_rounds_probability(&always, max) == 1 && rins_rounds_probability(&never, 1) == 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_match_the_binomial),
        cmocka_unit_test(draws_repeat_by_seed_and_differ_between_towers),
        cmocka_unit_test(no_drop_is_the_signature),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
