/* Zero-shot figures on toys worked out by hand: ties and NaN count against the model, empty classes are
   left out of the mean, several labels are one right answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/ranking.h"
#include "eval/scores.h"
#include "eval/zeroshot.h"
#include "src/base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One axis per class; class 5 is class 4's twin, class 6 has no image. */
enum { CLASSES = 7, DIM = 7 };
static const float class_rows[CLASSES * DIM] = {
    1, 0, 0, 0, 0, 0, 0, /**/ 0, 1, 0, 0,      0, 0, 0, /**/ 0, 0, 1, 0,      0, 0, 0, /**/ 0, 0, 0, 1,
    0, 0, 0, 0, 0, 0, 0, 1,      0, 0, /**/ 0, 0, 0, 0, 1,      0, 0, /**/ 0, 0, 0, 0, 0,      0, 1};

static const float image_rows[][DIM] = {
    {.9f, .1f, 0, 0, 0, 0, 0},          /* 0, right */
    {.8f, .9f, .7f, .6f, .1f, 0, .5f},  /* 0, second behind 1 */
    {0, .9f, .1f, 0, 0, 0, 0},          /* 1, right */
    {.5f, .5f, 0, 0, 0, 0, 0},          /* 1, ties with 0: wrong, but in the first five */
    {.9f, .8f, .05f, .7f, .1f, 0, .6f}, /* 2, behind six others: not in the first five */
    {0, 0, 0, 0, .9f, 0, 0},            /* 4, ties with its twin */
    {NAN, 0, 0, .9f, 0, 0, 0},          /* 3, every score is NaN */
};
static const int labels[] = {0, 0, 1, 1, 2, 4, 3};
enum { IMAGES = 7 };

static void figures_of_a_toy(void **state) {
    (void)state;
    RinsZeroshot zeroshot;
    assert_int_equal(rins_zeroshot_begin(&zeroshot, class_rows, CLASSES, DIM), RINS_OK);
    assert_int_equal(rins_zeroshot_add(&zeroshot, image_rows[0], 3, NULL, labels), RINS_OK);
    assert_int_equal(rins_zeroshot_add(&zeroshot, image_rows[3], IMAGES - 3, NULL, labels + 3), RINS_OK);
    assert_int_equal(zeroshot.n, IMAGES);
    assert_int_equal(zeroshot.top1, 2);
    assert_int_equal(zeroshot.top5, 5);
    assert_true(fabs(rins_zeroshot_acc1(&zeroshot) - 2.0 / 7) < 1e-15);
    assert_true(fabs(rins_zeroshot_acc5(&zeroshot) - 5.0 / 7) < 1e-15);
    /* classes 0 and 1: one of two each; 2, 3, 4: none; 5 and 6 have no image and are left out */
    assert_true(fabs(rins_zeroshot_mean_recall(&zeroshot) - 1.0 / 5) < 1e-15);
    assert_int_equal(zeroshot.counts[0].n, 2);
    assert_int_equal(zeroshot.counts[0].top5, 2);
    assert_int_equal(zeroshot.counts[5].n, 0);
    assert_false(zeroshot.multi_label);
    rins_zeroshot_end(&zeroshot);
}

static void a_lost_tie_is_a_confusion_with_the_other(void **state) {
    (void)state;
    RinsZeroshot zeroshot;
    RinsConfusion pairs[3];
    int n;
    assert_int_equal(rins_zeroshot_begin(&zeroshot, class_rows, CLASSES, DIM), RINS_OK);
    for (int repeat = 0; repeat < 2; repeat++) {
        assert_int_equal(rins_zeroshot_add(&zeroshot, image_rows[0], 6, NULL, labels), RINS_OK);
        assert_int_equal(rins_zeroshot_add(&zeroshot, image_rows[5], 1, NULL, labels + 5), RINS_OK);
    }
    assert_int_equal(rins_zeroshot_confusions(&zeroshot, pairs, 3, &n), RINS_OK);
    assert_int_equal(n, 3);
    assert_true(pairs[0].truth == 4 && pairs[0].predicted == 5 && pairs[0].n == 4);
    assert_true(pairs[1].truth == 0 && pairs[1].predicted == 1 && pairs[1].n == 2);
    assert_true(pairs[2].truth == 1 && pairs[2].predicted == 0 && pairs[2].n == 2);
    rins_zeroshot_end(&zeroshot);
}

static void any_of_several_labels_is_right(void **state) {
    (void)state;
    static const int64_t offsets[] = {0, 2, 4, 4, 5};
    static const int sets[] = {6, 1, /**/ 0, 1, /**/ 4};
    const float *const rows = image_rows[1]; /* best is 1; best is 1; no label: left out; 0 and 1 tie */
    RinsZeroshot zeroshot;
    assert_int_equal(rins_zeroshot_begin(&zeroshot, class_rows, CLASSES, DIM), RINS_OK);
    assert_int_equal(rins_zeroshot_add(&zeroshot, rows, 4, offsets, sets), RINS_OK);
    assert_true(zeroshot.multi_label);
    assert_int_equal(zeroshot.n, 3);
    assert_int_equal(zeroshot.top1, 2);
    rins_zeroshot_end(&zeroshot);
    /* a tie between two right answers is right */
    static const int64_t both[] = {0, 2};
    static const int twins[] = {4, 5};
    assert_int_equal(rins_zeroshot_begin(&zeroshot, class_rows, CLASSES, DIM), RINS_OK);
    assert_int_equal(rins_zeroshot_add(&zeroshot, image_rows[5], 1, both, twins), RINS_OK);
    assert_int_equal(zeroshot.top1, 1);
    static const int outside[] = {7};
    assert_int_equal(rins_zeroshot_add(&zeroshot, image_rows[5], 1, NULL, outside), RINS_ERR_ARG);
    rins_zeroshot_end(&zeroshot);
}

static void equal_rows_score_equal_wherever_they_stand(void **state) {
    (void)state;
    enum { ROWS = 11, WIDTH = 37 };
    float x[3 * WIDTH], y[ROWS * WIDTH], out[3 * ROWS];
    RinsRng rng = rins_rng(RINS_RNG_TEST, 1, 2, 3);
    for (int i = 0; i < 3 * WIDTH; i++) x[i] = (float)rins_rng_normal(&rng);
    for (int i = 0; i < WIDTH; i++) y[i] = (float)rins_rng_normal(&rng);
    for (int r = 1; r < ROWS; r++) memcpy(y + r * WIDTH, y, WIDTH * sizeof *y);
    rins_scores(x, 3, y, ROWS, WIDTH, out);
    for (int i = 0; i < 3; i++) {
        double exact = 0;
        for (int k = 0; k < WIDTH; k++) exact += (double)x[i * WIDTH + k] * y[k];
        assert_true(fabs(exact - out[i * ROWS]) < 1e-5);
        for (int r = 0; r < ROWS; r++) assert_true(out[i * ROWS + r] == rins_dot(x + i * WIDTH, y, WIDTH));
    }
}

static void wilson_interval_is_the_published_one(void **state) {
    (void)state;
    /* Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives
       0 to 0.1611 */
    const RinsInterval many = rins_wilson(81, 263), none = rins_wilson(0, 20), empty = rins_wilson(0, 0);
    assert_true(fabs(many.low - 0.2553) < 5e-5 && fabs(many.high - 0.3662) < 5e-5);
    assert_true(none.low == 0 && fabs(none.high - 0.1611) < 5e-5);
    assert_true(empty.low == 0 && empty.high == 1);
    for (int64_t n = 1; n <= 2000; n++) {
        const RinsInterval no = rins_wilson(0, n), all = rins_wilson(n, n);
        if (no.low != 0 || all.high != 1) fail_msg("%lld: %.3g, 1 - %.3g", (long long)n, no.low, 1 - all.high);
    }
}

static void top_k_falls_and_equal_scores_go_by_index(void **state) {
    (void)state;
    static const float scores[] = {.1f, .5f, NAN, .5f, .9f, .2f};
    static const int64_t want[] = {4, 1, 3, 5, 0, 2};
    int64_t top[6];
    for (int k = 1; k <= 6; k++) {
        rins_top_k(scores, 6, k, top);
        assert_memory_equal(top, want, (size_t)k * sizeof *top);
    }
    assert_int_equal(rins_argmax(scores, 6), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_of_a_toy),
        cmocka_unit_test(a_lost_tie_is_a_confusion_with_the_other),
        cmocka_unit_test(any_of_several_labels_is_right),
        cmocka_unit_test(equal_rows_score_equal_wherever_they_stand),
        cmocka_unit_test(wilson_interval_is_the_published_one),
        cmocka_unit_test(top_k_falls_and_equal_scores_go_by_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
