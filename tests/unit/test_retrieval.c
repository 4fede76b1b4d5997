/* Retrieval in blocks agrees exactly with sorting every query's candidates one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/retrieval.h"
#include "eval/scores.h"
#include "src/base/rng.h"

#include <math.h>
#include <stdlib.h>

typedef struct Case {
    int64_t images, texts, dim;
    float *image, *text;
    int64_t *image_of;
} Case;

/* Small whole numbers, so that many scores tie. `captions` per image; image `bare` has none. */
static Case make_case(int64_t images, int64_t captions, int64_t dim, int64_t bare, uint64_t seed) {
    Case c = {images,
              0,
              dim,
              malloc((size_t)(images * dim) * 4),
              malloc((size_t)(images * captions * dim) * 4),
              malloc((size_t)(images * captions) * 8)};
    RinsRng rng = rins_rng(RINS_RNG_TEST, seed, 0, 0);
    for (int64_t i = 0; i < images * dim; i++) c.image[i] = (float)rins_rng_below(&rng, 4) - 1;
    for (int64_t k = 0; k < captions; k++)
        for (int64_t i = 0; i < images; i++)
            if (i != bare) c.image_of[c.texts++] = (i * 7 + k) % images == bare ? i : (i * 7 + k) % images;
    for (int64_t t = 0; t < c.texts; t++)
        for (int64_t d = 0; d < dim; d++)
            c.text[t * dim + d] = c.image[c.image_of[t] * dim + d] + (float)rins_rng_below(&rng, 3) - 1;
    return c;
}

static void free_case(Case *c) {
    free(c->image), free(c->text), free(c->image_of);
}

static int64_t text_rank(const Case *c, int64_t t) {
    const float own = rins_dot(c->text + t * c->dim, c->image + c->image_of[t] * c->dim, c->dim);
    int64_t rank = 0;
    for (int64_t i = 0; i < c->images; i++)
        rank += i != c->image_of[t] && rins_dot(c->text + t * c->dim, c->image + i * c->dim, c->dim) >= own;
    return rank;
}

/* Rank of the best own text; -1 where the image has none. */
static int64_t image_rank(const Case *c, int64_t i) {
    int64_t best = -1;
    for (int64_t t = 0; t < c->texts; t++) {
        if (c->image_of[t] != i) continue;
        const float own = rins_dot(c->text + t * c->dim, c->image + i * c->dim, c->dim);
        int64_t rank = 0;
        for (int64_t u = 0; u < c->texts; u++)
            rank += c->image_of[u] != i && rins_dot(c->text + u * c->dim, c->image + i * c->dim, c->dim) >= own;
        if (best < 0 || rank < best) best = rank;
    }
    return best;
}

static void check_recall(const RinsRecall *got, const int64_t *ranks, int64_t n) {
    int64_t at[3] = {0};
    double sum = 0;
    int64_t *sorted = malloc((size_t)n * sizeof *sorted);
    for (int64_t i = 0; i < n; i++) {
        at[0] += ranks[i] < 1, at[1] += ranks[i] < 5, at[2] += ranks[i] < 10;
        sum += (double)ranks[i] + 1;
        int64_t k = i;
        for (; k > 0 && sorted[k - 1] > ranks[i]; k--) sorted[k] = sorted[k - 1];
        sorted[k] = ranks[i];
    }
    assert_int_equal(got->n, n);
    assert_true(got->at1 == (double)at[0] / (double)n);
    assert_true(got->at5 == (double)at[1] / (double)n);
    assert_true(got->at10 == (double)at[2] / (double)n);
    assert_true(got->mean_rank == sum / (double)n);
    const double median = n % 2 ? (double)sorted[n / 2] + 1 : (double)(sorted[n / 2 - 1] + sorted[n / 2]) / 2 + 1;
    assert_true(got->median_rank == median);
    free(sorted);
}

static void check_case(int64_t images, int64_t captions, int64_t dim, int64_t bare, uint64_t seed) {
    Case c = make_case(images, captions, dim, bare, seed);
    RinsRetrieval got;
    assert_int_equal(rins_retrieval(c.image, c.images, c.text, c.image_of, c.texts, dim, &got), RINS_OK);
    int64_t *ranks = calloc((size_t)(c.texts + images), sizeof *ranks), n = 0;
    for (int64_t t = 0; t < c.texts; t++) ranks[t] = text_rank(&c, t);
    check_recall(&got.text_to_image, ranks, c.texts);
    for (int64_t i = 0; i < images; i++)
        if (image_rank(&c, i) >= 0) ranks[n++] = image_rank(&c, i);
    check_recall(&got.image_to_text, ranks, n);
    assert_int_equal(n, bare >= 0 ? images - 1 : images);
    free(ranks);
    free_case(&c);
}

static void blocks_agree_with_brute_force(void **state) {
    (void)state;
    check_case(1, 1, 3, -1, 1);
    check_case(64, 1, 8, -1, 2);
    check_case(65, 5, 6, -1, 3);
    check_case(131, 5, 19, 17, 4);
    check_case(97, 3, 5, 0, 5);
}

static void a_tie_counts_against_the_model(void **state) {
    (void)state;
    const float same[6 * 2] = {1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0};
    const int64_t image_of[6] = {0, 1, 2, 3, 4, 5};
    RinsRetrieval got;
    assert_int_equal(rins_retrieval(same, 6, same, image_of, 6, 2, &got), RINS_OK);
    assert_true(got.text_to_image.at1 == 0 && got.text_to_image.at5 == 0 && got.text_to_image.at10 == 1);
    assert_true(got.image_to_text.mean_rank == 6 && got.image_to_text.median_rank == 6);
    const int64_t outside[6] = {0, 1, 2, 3, 4, 6};
    assert_int_equal(rins_retrieval(same, 6, same, outside, 6, 2, &got), RINS_ERR_ARG);
}

static void nan_is_last(void **state) {
    (void)state;
    const float images[3] = {1, 2, NAN}, texts[3] = {1, 1, 1};
    const int64_t image_of[3] = {0, 1, 2};
    RinsRetrieval got;
    assert_int_equal(rins_retrieval(images, 3, texts, image_of, 3, 1, &got), RINS_OK);
    /* text 0: image 1 is better and image 2's NaN counts against it: rank 3; text 1: rank 2; text
       2: rank 3 */
    assert_true(fabs(got.text_to_image.mean_rank - 8.0 / 3) < 1e-15);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_agree_with_brute_force),
        cmocka_unit_test(a_tie_counts_against_the_model),
        cmocka_unit_test(nan_is_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
