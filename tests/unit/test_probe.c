/* The linear probe's solver and the nearest neighbours, against what can be worked out another way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/knn.h"
#include "eval/logistic.h"
#include "eval/probe_fit.h"
#include "eval/scores.h"
#include "eval/zeroshot.h"
#include "src/base/rng.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { ENOUGH = 2000 };

#define assert_close(a, b, bound)                                                                                      \
    do {                                                                                                               \
        const double a_ = (a), b_ = (b);                                                                               \
        if (!(fabs(a_ - b_) <= (bound))) print_message("# %s is %.9g, not %.9g\n", #a, a_, b_);                        \
        assert_true(fabs(a_ - b_) <= (bound));                                                                         \
    } while (0)

/* f = 100 (b - a^2)^2 + (1 - a)^2, whose minimum 0 lies at (1, 1) in a bent valley. */
static RinsStatus rosenbrock(void *user, const double *x, double *value, double *gradient) {
    (void)user;
    const double valley = x[1] - x[0] * x[0], rest = 1 - x[0];
    *value = 100 * valley * valley + rest * rest;
    gradient[0] = -400 * x[0] * valley - 2 * rest;
    gradient[1] = 200 * valley;
    return RINS_OK;
}

static void lbfgs_follows_a_bent_valley(void **state) {
    (void)state;
    double x[2] = {-1.2, 1};
    const RinsLbfgsOptions options = {.history = 3, .max_iterations = 200, .tolerance = 1e-9};
    RinsLbfgsResult result;
    assert_int_equal(rins_lbfgs(rosenbrock, NULL, 2, &options, x, &result), RINS_OK);
    assert_true(result.converged && result.iterations < 100);
    assert_close(x[0], 1, 1e-9);
    assert_close(x[1], 1, 1e-9);
}

/* One feature, +1 in class 0 and -1 in class 1: W = (w, -w) with l2 w = 1 / (1 + e^(2 w)), from setting the
   derivative to zero. */
static void a_probe_solved_by_hand(void **state) {
    (void)state;
    const float rows[4] = {1, 1, -1, -1};
    const int labels[4] = {0, 0, 1, 1};
    const RinsLogisticData data = {rows, labels, 4, 1, 2};
    for (double w = 0.25; w < 4; w *= 2) {
        float weights[2] = {0}, bias[2] = {0};
        RinsLbfgsResult result;
        assert_int_equal(rins_logistic_fit(&data, 1 / (w * (1 + exp(2 * w))), ENOUGH, 1, weights, bias, &result),
                         RINS_OK);
        assert_true(result.converged);
        assert_close(weights[0], w, 1e-3);
        assert_close(weights[1], -w, 1e-3);
        assert_close(bias[0], bias[1], 1e-5);
    }
}

typedef struct Case {
    RinsLogisticData data;
    float *rows, *weights, *bias;
    int *labels;
} Case;

static Case make_case(int64_t n, int64_t dim, int classes, uint64_t seed) {
    Case c = {.rows = malloc((size_t)(n * dim) * sizeof(float)),
              .weights = calloc((size_t)(classes * dim), sizeof(float)),
              .bias = calloc((size_t)classes, sizeof(float)),
              .labels = malloc((size_t)n * sizeof(int))};
    RinsRng rng = rins_rng(RINS_RNG_TEST, seed, 0, 0);
    for (int64_t i = 0; i < n * dim; i++) c.rows[i] = (float)rins_rng_normal(&rng);
    rins_normalise_rows(c.rows, n, dim);
    for (int64_t i = 0; i < n; i++)
        c.labels[i] = rins_rng_below(&rng, 3) ? (c.rows[i * dim] > 0) + 2 * (c.rows[i * dim + 1] > 0)
                                              : (int)rins_rng_below(&rng, (uint64_t)classes);
    c.data = (RinsLogisticData){c.rows, c.labels, n, dim, classes};
    return c;
}

static void free_case(Case *c) {
    free(c->rows), free(c->weights), free(c->bias), free(c->labels);
}

/* Norm of the objective's gradient, worked out row by row in double. */
static double gradient_norm(const Case *c, double l2) {
    const int64_t dim = c->data.dim;
    const int classes = c->data.classes;
    double *gradient = calloc((size_t)(classes * (dim + 1)), sizeof *gradient),
           *p = malloc((size_t)classes * sizeof *p), square = 0;
    for (int64_t i = 0; i < c->data.n; i++) {
        double sum = 0;
        for (int k = 0; k < classes; k++) {
            p[k] = c->bias[k];
            for (int64_t d = 0; d < dim; d++) p[k] += (double)c->weights[k * dim + d] * c->rows[i * dim + d];
            sum += p[k] = exp(p[k]);
        }
        for (int k = 0; k < classes; k++) {
            const double g = (p[k] / sum - (c->labels[i] == k)) / (double)c->data.n;
            for (int64_t d = 0; d < dim; d++) gradient[k * (dim + 1) + d] += g * c->rows[i * dim + d];
            gradient[k * (dim + 1) + dim] += g;
        }
    }
    for (int k = 0; k < classes; k++)
        for (int64_t d = 0; d <= dim; d++) {
            const double g = gradient[k * (dim + 1) + d] + (d < dim ? l2 * c->weights[k * dim + d] : 0);
            square += g * g;
        }
    free(gradient), free(p);
    return sqrt(square);
}

static void the_gradient_vanishes_at_the_solution(void **state) {
    (void)state;
    static const struct {
        int64_t n, dim;
        int classes;
    } sizes[] = {{5, 3, 4}, {300, 20, 7}, {2500, 33, 5}};
    for (size_t i = 0; i < 3; i++)
        for (double l2 = 1; l2 > 1e-7; l2 /= 100) {
            Case c = make_case(sizes[i].n, sizes[i].dim, sizes[i].classes, i);
            RinsLbfgsResult result;
            assert_int_equal(rins_logistic_fit(&c.data, l2, ENOUGH, 2, c.weights, c.bias, &result), RINS_OK);
            const double norm = gradient_norm(&c, l2);
            if (!result.converged || !(norm < 1e-5))
                print_message("# %lld rows, l2 %g: |gradient| %.3g after %d iterations\n", (long long)sizes[i].n, l2,
                              norm, result.iterations);
            assert_true(result.converged && norm < 1e-5);
            free_case(&c);
        }
}

/* Uniform in [-1, 1): Knuth's MMIX generator, the same in C and in numpy. */
static float draw(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)(*state >> 40) / 8388608 - 1;
}

/* Figures of scikit-learn 1.9.1 for these rows, to 9 decimals:
     m = LogisticRegression(C=1 / (120 * l2), solver="newton-cholesky", tol=1e-12).fit(x, y)
     loss = log_loss(y, m.predict_proba(x)); column = m.coef_[:, 0]; p = m.predict_proba(t) of one more row */
static void agrees_with_scikit_learn(void **unused) {
    (void)unused;
    enum { N = 120, DIM = 6, CLASSES = 4 };
    static const struct {
        double l2, loss, norm, column[CLASSES], p[CLASSES];
    } wanted[] = {
        {1,
         1.318010512,
         0.242784823,
         {0.092841174, -0.032917806, -0.048046036, -0.011877333},
         {0.249215065, 0.213834852, 0.236089757, 0.300860327}},
        {1e-2,
         0.933975565,
         3.317537662,
         {1.307595486, -0.399658681, -0.667835402, -0.240101403},
         {0.344532478, 0.115982463, 0.277633922, 0.261851137}},
        {1e-5,
         0.918787504,
         4.300641349,
         {1.711605084, -0.470270345, -0.896637562, -0.344697178},
         {0.366725464, 0.097186903, 0.295356999, 0.240730635}},
    };
    float rows[N * DIM], noise[N * CLASSES], more[DIM], weights[CLASSES * DIM] = {0}, bias[CLASSES] = {0};
    int labels[N];
    uint64_t state = 1;
    for (int i = 0; i < N * DIM; i++) rows[i] = draw(&state);
    for (int i = 0; i < N * CLASSES; i++) noise[i] = draw(&state);
    for (int i = 0; i < DIM; i++) more[i] = draw(&state);
    for (int i = 0; i < N; i++) {
        labels[i] = 0;
        for (int c = 1; c < CLASSES; c++)
            if (rows[i * DIM + c] + noise[i * CLASSES + c] > rows[i * DIM + labels[i]] + noise[i * CLASSES + labels[i]])
                labels[i] = c;
    }
    const RinsLogisticData data = {rows, labels, N, DIM, CLASSES};
    for (size_t w = 0; w < sizeof wanted / sizeof wanted[0]; w++) {
        RinsLbfgsResult result; /* each starts where the one before ended */
        assert_int_equal(rins_logistic_fit(&data, wanted[w].l2, ENOUGH, 2, weights, bias, &result), RINS_OK);
        double square = 0, sum = 0, p[CLASSES];
        float scores[CLASSES];
        for (int i = 0; i < CLASSES * DIM; i++) square += (double)weights[i] * weights[i];
        assert_close(result.value - wanted[w].l2 / 2 * square, wanted[w].loss, 2e-4);
        assert_close(sqrt(square), wanted[w].norm, 2e-3);
        for (int c = 0; c < CLASSES; c++) assert_close(weights[c * DIM], wanted[w].column[c], 1e-3);
        rins_logistic_scores(more, 1, weights, bias, CLASSES, DIM, scores);
        for (int c = 0; c < CLASSES; c++) sum += p[c] = exp(scores[c]);
        for (int c = 0; c < CLASSES; c++) assert_close(p[c] / sum, wanted[w].p[c], 2e-4);
    }
}

static void threads_do_not_change_a_bit(void **state) {
    (void)state;
    Case one = make_case(1500, 24, 6, 9), three = make_case(1500, 24, 6, 9);
    RinsLbfgsResult a, b;
    assert_int_equal(rins_logistic_fit(&one.data, 1e-4, ENOUGH, 1, one.weights, one.bias, &a), RINS_OK);
    assert_int_equal(rins_logistic_fit(&three.data, 1e-4, ENOUGH, 3, three.weights, three.bias, &b), RINS_OK);
    assert_int_equal(a.iterations, b.iterations);
    assert_memory_equal(one.weights, three.weights, 6 * 24 * sizeof(float));
    assert_memory_equal(one.bias, three.bias, 6 * sizeof(float));
    free_case(&one), free_case(&three);
}

/* The strength is the best of those tried, a tenth is held out for it, and the fit is that of a probe given it. */
static void the_sweep_refits_its_best_strength(void **state) {
    (void)state;
    enum { N = 164, DIM = 6, CLASSES = 5 };
    Case a = make_case(N, DIM, CLASSES, 4), b = make_case(N, DIM, CLASSES, 4), test = make_case(50, DIM, CLASSES, 4);
    RinsProbe swept, again, given;
    float one[50 * CLASSES], two[50 * CLASSES];
    assert_int_equal(rins_probe_fit(&swept, a.rows, a.labels, N, DIM, CLASSES, 0, 1), RINS_OK);
    assert_int_equal(rins_probe_fit(&again, b.rows, b.labels, N, DIM, CLASSES, 0, 3), RINS_OK);
    assert_int_equal(swept.held_out, 17);
    assert_true(swept.n_sweep >= 3 && swept.fit.converged);
    for (int i = 0; i < swept.n_sweep; i++) {
        const RinsProbeStrength *s = &swept.sweep[i], *best = s;
        assert_close(log10(s->l2), 1 - i, 1e-12);
        for (int k = 0; k < swept.n_sweep; k++)
            if (swept.sweep[k].l2 == swept.l2) best = &swept.sweep[k];
        assert_true(best->acc1 > s->acc1 || (best->acc1 == s->acc1 && best->loss <= s->loss));
    }
    assert_memory_equal(swept.sweep, again.sweep, sizeof swept.sweep);
    assert_memory_equal(swept.weights, again.weights, CLASSES * DIM * sizeof(float));
    assert_memory_equal(swept.bias, again.bias, CLASSES * sizeof(float));
    rins_probe_free(&again);
    free_case(&b);
    b = make_case(N, DIM, CLASSES, 4);
    assert_int_equal(rins_probe_fit(&given, b.rows, b.labels, N, DIM, CLASSES, swept.l2, 2), RINS_OK);
    assert_true(given.held_out == 0 && given.n_sweep == 0);
    assert_int_equal(rins_probe_scores(&swept, test.rows, 50, one), RINS_OK);
    assert_int_equal(rins_probe_scores(&given, test.rows, 50, two), RINS_OK);
    for (int i = 0; i < 50 * CLASSES; i += CLASSES)
        for (int c = 1; c < CLASSES; c++) assert_close(one[i + c] - one[i], two[i + c] - two[i], 0.02);
    rins_probe_free(&swept), rins_probe_free(&given);
    free_case(&a), free_case(&b), free_case(&test);
}

/* Centring is no part of the answer: rows moved by a constant get the same classes. */
static void a_common_shift_changes_no_class(void **state) {
    (void)state;
    enum { N = 200, DIM = 8, CLASSES = 4 };
    Case a = make_case(N, DIM, CLASSES, 6), b = make_case(N, DIM, CLASSES, 6);
    RinsProbe plain, moved;
    float one[10 * CLASSES], two[10 * CLASSES], rows[10 * DIM];
    for (int i = 0; i < N * DIM; i++) b.rows[i] += 0.5f;
    for (int i = 0; i < 10 * DIM; i++) rows[i] = b.rows[i];
    Case test = make_case(N, DIM, CLASSES, 6);
    assert_int_equal(rins_probe_fit(&plain, a.rows, a.labels, N, DIM, CLASSES, 1e-3, 1), RINS_OK);
    assert_int_equal(rins_probe_fit(&moved, b.rows, b.labels, N, DIM, CLASSES, 1e-3, 1), RINS_OK);
    assert_int_equal(rins_probe_scores(&plain, test.rows, 10, one), RINS_OK);
    assert_int_equal(rins_probe_scores(&moved, rows, 10, two), RINS_OK);
    for (int i = 0; i < 10 * CLASSES; i++) assert_close(one[i], two[i], 0.02);
    rins_probe_free(&plain), rins_probe_free(&moved);
    free_case(&a), free_case(&b), free_case(&test);
}

/* A class never loses its last row to the part held out; where each has one row, nothing can be. */
static void no_class_is_held_out_whole(void **state) {
    (void)state;
    float rows[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    int labels[8] = {0, 1, 2, 3, 4, 5, 6, 6};
    RinsProbe probe;
    assert_int_equal(rins_probe_fit(&probe, rows, labels, 8, 1, 7, 0, 1), RINS_OK);
    assert_int_equal(probe.held_out, 1);
    assert_int_equal(labels[7], 6);
    rins_probe_free(&probe);
    assert_int_equal(rins_probe_fit(&probe, rows, (int[]){0, 1, 2, 3, 4, 5, 6}, 7, 1, 7, 0, 1), RINS_ERR_FORMAT);
    rins_probe_free(&probe);
}

static void wrong_labels_are_refused(void **state) {
    (void)state;
    Case c = make_case(10, 4, 4, 1);
    RinsLbfgsResult result;
    c.labels[3] = 4;
    assert_int_equal(rins_logistic_fit(&c.data, 1, 10, 1, c.weights, c.bias, &result), RINS_ERR_ARG);
    c.labels[3] = 0;
    c.rows[7] = NAN;
    assert_int_equal(rins_logistic_fit(&c.data, 1, 10, 1, c.weights, c.bias, &result), RINS_ERR_NONFINITE);
    free_case(&c);
}

/* Whole numbers: nearly every similarity occurs several times. */
static void neighbours_are_those_of_a_full_sort(void **state) {
    (void)state;
    enum { N = 300, QUERIES = 37, DIM = 3, CLASSES = 5, K = 23 };
    static float rows[N * DIM], queries[QUERIES * DIM], sims[QUERIES * K], scores[QUERIES * CLASSES];
    static int64_t top[QUERIES * K];
    static int labels[N];
    RinsRng rng = rins_rng(RINS_RNG_TEST, 5, 0, 0);
    for (int i = 0; i < N * DIM; i++) rows[i] = (float)rins_rng_below(&rng, 3) - 1;
    for (int i = 0; i < QUERIES * DIM; i++) queries[i] = (float)rins_rng_below(&rng, 3) - 1;
    for (int i = 0; i < N; i++) labels[i] = (int)rins_rng_below(&rng, CLASSES - 1);
    const RinsNeighbours train = {rows, labels, N, DIM, CLASSES, K, 0.5};
    rins_knn_find(&train, queries, QUERIES, top, sims);
    assert_int_equal(rins_knn_scores(&train, queries, QUERIES, scores), RINS_OK);
    for (int q = 0; q < QUERIES; q++) {
        double votes[CLASSES] = {0}, all = 0;
        for (int i = 0; i < N; i++) {
            const float own = rins_dot(queries + q * DIM, rows + i * DIM, DIM);
            int before = 0; /* nearer rows, and equally near ones of lower index */
            for (int j = 0; j < N; j++) {
                const float other = rins_dot(queries + q * DIM, rows + j * DIM, DIM);
                before += other > own || (other == own && j < i);
            }
            if (before >= K) continue;
            assert_int_equal(top[q * K + before], i);
            assert_true(sims[q * K + before] == own);
            votes[labels[i]] += exp(own / 0.5);
            all += exp(own / 0.5);
        }
        for (int c = 0; c < CLASSES; c++) assert_close(scores[q * CLASSES + c], votes[c] / all, 1e-6);
        assert_true(scores[q * CLASSES + CLASSES - 1] == 0);
    }
}

static void neighbours_do_not_depend_on_threads(void **state) {
    (void)state;
    Case c = make_case(700, 19, 6, 3);
    const RinsNeighbours train = {c.rows, c.labels, 600, 19, 6, 20, 0.07};
    static float one[100 * 6], two[100 * 6];
    const int before = omp_get_max_threads();
    omp_set_num_threads(1);
    assert_int_equal(rins_knn_scores(&train, c.rows + 600 * 19, 100, one), RINS_OK);
    omp_set_num_threads(3);
    assert_int_equal(rins_knn_scores(&train, c.rows + 600 * 19, 100, two), RINS_OK);
    omp_set_num_threads(before);
    assert_memory_equal(one, two, sizeof one);
    const RinsNeighbours all = {c.rows, c.labels, 600, 19, 6, 601, 0.07}, cold = {c.rows, c.labels, 600, 19, 6, 20, 0};
    assert_int_equal(rins_knn_scores(&all, c.rows, 1, one), RINS_ERR_ARG);
    assert_int_equal(rins_knn_scores(&cold, c.rows, 1, one), RINS_ERR_ARG);
    const RinsNeighbours tiny = {c.rows, c.labels, 600,  19,
                                 6,      20,       1e-30}; /* the nearest one decides, nothing overflows */
    assert_int_equal(rins_knn_scores(&tiny, c.rows, 1, one), RINS_OK);
    assert_true(one[c.labels[0]] == 1);
    free_case(&c);
}

/* Two classes with the same share: neither is right. */
static void an_equal_vote_counts_against_the_model(void **state) {
    (void)state;
    const float rows[2] = {1, 1}, query = 1;
    const int labels[2] = {0, 1}, label = 0;
    const RinsNeighbours train = {rows, labels, 2, 1, 3, 2, 0.07};
    float scores[3];
    RinsZeroshot counts;
    assert_int_equal(rins_knn_scores(&train, &query, 1, scores), RINS_OK);
    assert_int_equal(rins_zeroshot_begin(&counts, NULL, 3, 1), RINS_OK);
    assert_int_equal(rins_zeroshot_add_scores(&counts, scores, 1, NULL, &label), RINS_OK);
    assert_int_equal(counts.n, 1);
    assert_int_equal(counts.top1, 0);
    assert_int_equal(counts.top5, 1);
    rins_zeroshot_end(&counts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lbfgs_follows_a_bent_valley),
        cmocka_unit_test(a_probe_solved_by_hand),
        cmocka_unit_test(the_gradient_vanishes_at_the_solution),
        cmocka_unit_test(agrees_with_scikit_learn),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(the_sweep_refits_its_best_strength),
        cmocka_unit_test(a_common_shift_changes_no_class),
        cmocka_unit_test(no_class_is_held_out_whole),
        cmocka_unit_test(wrong_labels_are_refused),
        cmocka_unit_test(neighbours_are_those_of_a_full_sort),
        cmocka_unit_test(neighbours_do_not_depend_on_threads),
        cmocka_unit_test(an_equal_vote_counts_against_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
