#include "eval/logistic.h"

#include "eval/scores.h"
#include "src/device/device.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 128, MAX_PARTS = 16, HISTORY = 10, MIN_SHARED = 1 << 16 };
#define MAX_PART_BYTES ((size_t)1 << 29)

/* Rows are cut into parts; each has a gradient of its own, and the parts are added in their order. Every worker has a
   device of one thread: its products are then the same whoever computes them. These devices are always the CPU and
   known to this file alone, so their memory is the host's and may be read between ops. */
typedef struct Problem {
    const RinsLogisticData *data;
    double l2;
    int64_t size; /* parameters: W, then b */
    int parts, workers;
    float *point;     /* [size] the parameters in fp32 */
    float *gradients; /* (parts, size) */
    double *losses;   /* [parts] */
    float *scores;    /* (workers, BLOCK, classes) */
    RinsDevice **devices;
} Problem;

/* Scores become probabilities less 1 at the label; gives -log p of the label. */
static double softmax_row(float *scores, int classes, int label) {
    float top = scores[0];
    for (int c = 1; c < classes; c++) top = scores[c] > top ? scores[c] : top;
    const double own = (double)scores[label] - top;
    double sum = 0;
    for (int c = 0; c < classes; c++) {
        scores[c] = expf(scores[c] - top);
        sum += scores[c];
    }
    const float scale = (float)(1 / sum);
    for (int c = 0; c < classes; c++) scores[c] *= scale;
    scores[label] -= 1;
    return log(sum) - own;
}

static void run_part(Problem *problem, int part, int worker) {
    const RinsLogisticData *data = problem->data;
    RinsDevice *dev = problem->devices[worker];
    const int64_t first = data->n * part / problem->parts, end = data->n * (part + 1) / problem->parts;
    float *gradient = problem->gradients + (int64_t)part * problem->size;
    float *scores = problem->scores + (int64_t)worker * BLOCK * data->classes;
    const int64_t weights = data->classes * data->dim;
    double loss = 0;
    memset(gradient, 0, (size_t)problem->size * sizeof *gradient);
    for (int64_t at = first; at < end; at += BLOCK) {
        const int64_t rows = end - at < BLOCK ? end - at : BLOCK;
        const RinsTensor x = rins_f32(data->rows + at * data->dim, rows, data->dim),
                         z = rins_f32(scores, rows, data->classes);
        const RinsGemm forward = {.a = x,
                                  .b = rins_f32(problem->point, data->classes, data->dim),
                                  .c = z,
                                  .trans_b = true,
                                  .bias = problem->point + weights};
        dev->ops->gemm(dev, &forward);
        for (int64_t i = 0; i < rows; i++)
            loss += softmax_row(scores + i * data->classes, data->classes, data->labels[at + i]);
        const RinsGemm backward = {.a = z,
                                   .b = x,
                                   .c = rins_f32(gradient, data->classes, data->dim),
                                   .trans_a = true,
                                   .accumulate = true,
                                   .a_row_sum = gradient + weights};
        dev->ops->gemm(dev, &backward);
    }
    problem->losses[part] = loss;
}

static RinsStatus objective(void *user, const double *x, double *value, double *gradient) {
    Problem *problem = user;
    const int64_t n = problem->data->n, weights = problem->data->classes * problem->data->dim;
    for (int64_t i = 0; i < problem->size; i++) problem->point[i] = (float)x[i];
#pragma omp parallel for schedule(dynamic) num_threads(problem->workers)
    for (int part = 0; part < problem->parts; part++) run_part(problem, part, omp_get_thread_num());
    for (int w = 0; w < problem->workers; w++) RINS_TRY(problem->devices[w]->ops->sync(problem->devices[w]));
    double loss = 0, square = 0;
    for (int part = 0; part < problem->parts; part++) loss += problem->losses[part];
#pragma omp parallel for schedule(static) num_threads(problem->workers) if (problem->size > MIN_SHARED)
    for (int64_t i = 0; i < problem->size; i++) {
        double sum = 0;
        for (int part = 0; part < problem->parts; part++) sum += problem->gradients[part * problem->size + i];
        gradient[i] = sum / (double)n + (i < weights ? problem->l2 * x[i] : 0);
    }
    for (int64_t i = 0; i < weights; i++) square += x[i] * x[i];
    *value = loss / (double)n + problem->l2 / 2 * square;
    return RINS_OK;
}

static void problem_free(Problem *problem) {
    free(problem->point), free(problem->gradients), free(problem->losses), free(problem->scores);
    for (int w = 0; problem->devices && w < problem->workers; w++) rins_device_close(problem->devices[w]);
    free(problem->devices);
}

static RinsStatus problem_make(Problem *problem, const RinsLogisticData *data, int threads) {
    const size_t room = MAX_PART_BYTES / ((size_t)problem->size * sizeof(float));
    problem->parts = (int)((data->n + BLOCK - 1) / BLOCK);
    if (problem->parts > MAX_PARTS) problem->parts = MAX_PARTS;
    if ((size_t)problem->parts > room) problem->parts = room ? (int)room : 1;
    problem->workers = threads ? threads : omp_get_max_threads();
    if (problem->workers > problem->parts) problem->workers = problem->parts;
    problem->point = malloc((size_t)problem->size * sizeof *problem->point);
    problem->gradients = malloc((size_t)problem->parts * (size_t)problem->size * sizeof *problem->gradients);
    problem->losses = calloc((size_t)problem->parts, sizeof *problem->losses);
    problem->scores = malloc((size_t)problem->workers * BLOCK * (size_t)data->classes * sizeof *problem->scores);
    problem->devices = calloc((size_t)problem->workers, sizeof *problem->devices);
    if (!problem->point || !problem->gradients || !problem->losses || !problem->scores || !problem->devices)
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a probe of %lld weights", (long long)problem->size);
    for (int w = 0; w < problem->workers; w++) RINS_TRY(rins_device_open(&problem->devices[w], "cpu", 1));
    return RINS_OK;
}

static RinsStatus check_labels(const RinsLogisticData *data) {
    if (data->n < 1 || data->classes < 2)
        return RINS_FAIL(RINS_ERR_ARG, "a probe needs images of two classes at least, not %lld of %d",
                         (long long)data->n, data->classes);
    for (int64_t i = 0; i < data->n; i++)
        if (data->labels[i] < 0 || data->labels[i] >= data->classes)
            return RINS_FAIL(RINS_ERR_ARG, "label %d is outside the %d classes", data->labels[i], data->classes);
    return RINS_OK;
}

/* What counts as converged: see rins_logistic_fit. */
static RinsStatus find_tolerance(Problem *problem, double *x, double *gradient, double *tolerance) {
    double value, square = 0;
    memset(x, 0, (size_t)problem->size * sizeof *x);
    RINS_TRY(objective(problem, x, &value, gradient));
    for (int64_t i = 0; i < problem->size; i++) square += gradient[i] * gradient[i];
    *tolerance = fmin(1e-5, 1e-4 * sqrt(square));
    return RINS_OK;
}

RinsStatus rins_logistic_fit(const RinsLogisticData *data, double l2, int max_iterations, int threads, float *weights,
                             float *bias, RinsLbfgsResult *result) {
    const int64_t n_weights = data->classes * data->dim;
    Problem problem = {.data = data, .l2 = l2, .size = n_weights + data->classes};
    RinsLbfgsOptions options = {.history = HISTORY, .max_iterations = max_iterations, .noise = 1e-7};
    RinsStatus status = RINS_OK;
    double *x = NULL;
    RINS_TRY(check_labels(data));
    RINS_TRY_DONE(problem_make(&problem, data, threads));
    x = malloc((size_t)(2 * problem.size) * sizeof *x);
    if (!x) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for a probe of %lld weights", (long long)problem.size);
        goto done;
    }
    RINS_TRY_DONE(find_tolerance(&problem, x, x + problem.size, &options.tolerance));
    for (int64_t i = 0; i < n_weights; i++) x[i] = weights[i];
    for (int c = 0; c < data->classes; c++) x[n_weights + c] = bias[c];
    RINS_TRY_DONE(rins_lbfgs(objective, &problem, problem.size, &options, x, result));
    for (int64_t i = 0; i < n_weights; i++) weights[i] = (float)x[i];
    for (int c = 0; c < data->classes; c++) bias[c] = (float)x[n_weights + c];
done:
    free(x);
    problem_free(&problem);
    return status;
}

void rins_logistic_scores(const float *rows, int64_t n, const float *weights, const float *bias, int classes,
                          int64_t dim, float *out) {
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++) {
        rins_scores(rows + i * dim, 1, weights, classes, dim, out + i * classes);
        for (int c = 0; c < classes; c++) out[i * classes + c] += bias[c];
    }
}
