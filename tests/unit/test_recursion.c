/* Recursion plans against lists written by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/nn/recursion.h"

#include <stdio.h>
#include <string.h>

typedef struct Case {
    const char *signature;
    int depth, rounds;
    const char *blocks;
} Case;

static const Case cases[] = {
    {"A", 4, 0, "0 1 2 3"},
    {"A", 1, 0, "0"},
    {"AB", 4, 0, "0 1 2 3"},
    {"AB", 3, 0, "0 1 2"}, /* plain at any depth */
    {"ABCDE", 3, 0, "0 1 2"},
    {"A^2B", 4, 0, "0 1 0 1 2 3"},
    {"A^2B", 2, 0, "0 0 1"},
    {"A^3B", 4, 0, "0 1 0 1 0 1 2 3"},
    {"A^2B", 4, 1, "0 1 2 3"},
    {"A^2B", 4, 3, "0 1 0 1 0 1 2 3"},
    {"AB^2", 4, 0, "0 1 2 3 2 3"},
    {"AB^2", 4, 1, "0 1 2 3"},
    {"(AB)^2", 4, 0, "0 1 2 3 0 1 2 3"},
    {"(AB)^2", 4, 1, "0 1 2 3"},
    {"A^2", 3, 0, "0 1 2 0 1 2"},
    {"A^2BC", 3, 0, "0 0 1 2"},
    {"AB^2C", 3, 0, "0 1 1 2"},
    {"(A^2B)^2", 2, 0, "0 0 1 0 0 1"},
    {"((A^2B)^2C)", 3, 0, "0 0 1 0 0 1 2"},
    {"((A^2B)^2C)", 3, 1, "0 0 1 2"},
    {"((A^2B)^2C)", 6, 0, "0 1 0 1 2 3 0 1 0 1 2 3 4 5"},
    {"(A^2B)^2C", 3, 3, "0 0 1 0 0 1 0 0 1 2"},
    {"A:1^2 B:3", 4, 0, "0 0 1 2 3"},
    {"A:3^2B:1", 4, 0, "0 1 2 0 1 2 3"},
    {"A:4 B:8", 12, 0, "0 1 2 3 4 5 6 7 8 9 10 11"},
    {"A:1^3B", 4, 0, "0 0 0 1 2 3"},
    {" ( A B ) ^ 2 C ", 3, 0, "0 1 0 1 2"},
    {"ABA", 4, 0, "0 1 2 3 0 1"},
    {"A^1B", 4, 0, "0 1 2 3"},
    {"A^1B", 4, 2, "0 1 0 1 2 3"},
};

static void plans_equal_hand_written_lists(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        RinsPlan plan;
        const RinsStatus status =
            rins_plan_make(&plan, cases[i].signature, cases[i].depth, cases[i].rounds, RINS_ADAPTER_NONE);
        if (status != RINS_OK) fail_msg("%s: %s", cases[i].signature, rins_last_error());
        char text[256] = "";
        for (int s = 0; s < plan.n_steps; s++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d", s ? " " : "", plan.steps[s].block);
        assert_string_equal(text, cases[i].blocks);
        rins_plan_free(&plan);
    }
}

/* Each block's gradient is written once and completed once, in the order of a backward walk. */
static void gradients_are_written_then_accumulated(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        RinsPlan plan;
        assert_int_equal(rins_plan_make(&plan, cases[i].signature, cases[i].depth, cases[i].rounds, RINS_ADAPTER_NONE),
                         0);
        for (int block = 0; block < plan.n_blocks; block++) {
            int visits = 0, firsts = 0, lasts = 0;
            for (int s = plan.n_steps - 1; s >= 0; s--) {
                if (plan.steps[s].block != block) continue;
                assert_int_equal(plan.steps[s].first_grad, visits == 0);
                assert_int_equal(lasts, 0);
                visits++, firsts += plan.steps[s].first_grad, lasts += plan.steps[s].last_grad;
            }
            assert_true(visits >= 1 && firsts == 1 && lasts == 1);
        }
        rins_plan_free(&plan);
    }
}

static void adapters_sit_where_rounds_end(void **state) {
    (void)state;
    static const struct {
        RinsAdapter adapter;
        int rounds;
        const char *placed;
    } want[] = {
        {RINS_ADAPTER_EXIT, 3, "......"},    {RINS_ADAPTER_EXIT, 2, "...1.."},  {RINS_ADAPTER_EXIT, 1, ".0.."},
        {RINS_ADAPTER_ROUND, 3, ".0.1...."}, {RINS_ADAPTER_ROUND, 2, ".0...."}, {RINS_ADAPTER_ROUND, 1, "...."},
    };
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        RinsPlan plan;
        assert_int_equal(rins_plan_make(&plan, "A^3B", 4, want[i].rounds, want[i].adapter), 0);
        assert_int_equal(plan.n_adapters, 2);
        char text[32] = "";
        for (int s = 0; s < plan.n_steps; s++)
            text[s] = plan.steps[s].adapter < 0 ? '.' : (char)('0' + plan.steps[s].adapter), text[s + 1] = 0;
        if (want[i].rounds < 3 || want[i].adapter == RINS_ADAPTER_ROUND)
            assert_string_equal(text, want[i].placed);
        else
            assert_null(strpbrk(text, "0123456789"));
        rins_plan_free(&plan);
    }
}

static void wrong_signatures_say_what_is_wrong(void **state) {
    (void)state;
    static const struct {
        const char *signature;
        int depth, rounds;
        RinsAdapter adapter;
        const char *says;
    } wrong[] = {
        {"", 4, 0, RINS_ADAPTER_NONE, "a group is missing"},
        {"a", 4, 0, RINS_ADAPTER_NONE, "capital letter"},
        {"A^", 4, 0, RINS_ADAPTER_NONE, "number is missing"},
        {"A^0B", 4, 0, RINS_ADAPTER_NONE, "out of range"},
        {"(A^2B", 4, 0, RINS_ADAPTER_NONE, "')' is missing"},
        {"A^2B)", 4, 0, RINS_ADAPTER_NONE, "')' without '('"},
        {"()", 4, 0, RINS_ADAPTER_NONE, "capital letter"},
        {"A^2B", 5, 0, RINS_ADAPTER_NONE, "depth 4 or 6"},
        {"A^2BC", 2, 0, RINS_ADAPTER_NONE, "depth 3 or 6"},
        {"A:4 B:4", 12, 0, RINS_ADAPTER_NONE, "names 8 blocks"},
        {"A:8 B", 4, 0, RINS_ADAPTER_NONE, "names 8 blocks"},
        {"A:8^2 B", 4, 0, RINS_ADAPTER_NONE, "names 8 blocks"},
        {"A:4^2A:3", 7, 0, RINS_ADAPTER_NONE, "two different sizes"},
        {"A^999B^999", 24, 0, RINS_ADAPTER_NONE, "runs more than"},
        {"A", 4, 2, RINS_ADAPTER_NONE, "no recursive group"},
        {"A", 4, 0, RINS_ADAPTER_EXIT, "no second round"},
        {"A^2B", 4, 3, RINS_ADAPTER_EXIT, "at most 2"},
        {"((((((((((((((((((((((((((((((((((A", 4, 0, RINS_ADAPTER_NONE, "too deep"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        RinsPlan plan;
        assert_int_equal(rins_plan_make(&plan, wrong[i].signature, wrong[i].depth, wrong[i].rounds, wrong[i].adapter),
                         RINS_ERR_CONFIG);
        if (!strstr(rins_last_error(), wrong[i].says))
            fail_msg("'%s': \"%s\" does not say \"%s\"", wrong[i].signature, rins_last_error(), wrong[i].says);
    }
}

/* Signatures whose groups do not come out even, and what there is to write instead. */
static void sizes_that_an_error_offers_are_right(void **state) {
    (void)state;
    static const struct {
        const char *signature, *offered; /* NULL: no sizes fit */
        int depth;
    } uneven[] = {
        {"A^2B", "A:7^2 B:6", 13},
        {"(AB)^2", "(A:2 B:1)^2", 3},
        {" A ^2 B C A", "A:5^2 B:4 C:4 A", 13},
        {"A : 4^2 (BC)^3", "A:4^2 (B:5 C:4)^3", 13},
        {"(AB)^2 B:3 C", "(A:6 B:3)^2 BC:5", 14},
        {"A^2B", NULL, 1},
        {"A:4^2BC", NULL, 5},
    };
    for (size_t i = 0; i < sizeof uneven / sizeof uneven[0]; i++) {
        RinsPlan plan;
        char offered[64] = "";
        const int depth = uneven[i].depth;
        assert_int_equal(rins_plan_make(&plan, uneven[i].signature, depth, 0, RINS_ADAPTER_NONE), RINS_ERR_CONFIG);
        const char *at = strstr(rins_last_error(), "sizes such as '");
        if (at) sscanf(at, "sizes such as '%63[^']'", offered);
        if (!uneven[i].offered) {
            if (at) fail_msg("depth %d: '%s'", depth, rins_last_error());
            continue;
        }
        if (strcmp(offered, uneven[i].offered) != 0) fail_msg("depth %d: '%s'", depth, rins_last_error());
        if (rins_plan_make(&plan, offered, depth, 0, RINS_ADAPTER_NONE) != RINS_OK) fail_msg("%s", rins_last_error());
        assert_int_equal(plan.n_blocks, depth);
        rins_plan_free(&plan);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_equal_hand_written_lists),
        cmocka_unit_test(gradients_are_written_then_accumulated),
        cmocka_unit_test(adapters_sit_where_rounds_end),
        cmocka_unit_test(wrong_signatures_say_what_is_wrong),
        cmocka_unit_test(sizes_that_an_error_offers_are_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
