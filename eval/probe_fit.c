#include "eval/probe_fit.h"

#include "eval/logistic.h"
#include "eval/ranking.h"
#include "src/base/log.h"
#include "src/base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_ITERATIONS = 1000,
    SWEEP_ITERATIONS = 500,
    STRONGEST = 1,
    PATIENCE = 2,
    SPLIT_KEY = 0x70726f62,
    BLOCK = 256
};

void rins_probe_free(RinsProbe *probe) {
    free(probe->weights), free(probe->bias), free(probe->mean);
    *probe = (RinsProbe){0};
}

static RinsStatus probe_make(RinsProbe *probe, int64_t dim, int classes) {
    *probe = (RinsProbe){.dim = dim, .classes = classes};
    probe->weights = calloc((size_t)(classes * dim), sizeof *probe->weights);
    probe->bias = calloc((size_t)classes, sizeof *probe->bias);
    probe->mean = calloc((size_t)dim, sizeof *probe->mean);
    return probe->weights && probe->bias && probe->mean
               ? RINS_OK
               : RINS_FAIL(RINS_ERR_MEMORY, "no memory for a probe of %d classes", classes);
}

static void subtract(const float *mean, float *rows, int64_t n, int64_t dim) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < dim; k++) rows[i * dim + k] -= mean[k];
}

/* Embeddings lie in a narrow cone: about their mean the solver needs far fewer steps, and the bias makes up for it. */
static void centre(RinsProbe *probe, float *rows, int64_t n) {
    for (int64_t k = 0; k < probe->dim; k++) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += rows[i * probe->dim + k];
        probe->mean[k] = (float)(sum / (double)n);
    }
    subtract(probe->mean, rows, n, probe->dim);
}

static void swap_rows(float *rows, int *labels, bool *held, int64_t a, int64_t b, int64_t dim) {
    for (int64_t k = 0; k < dim; k++) {
        const float value = rows[a * dim + k];
        rows[a * dim + k] = rows[b * dim + k];
        rows[b * dim + k] = value;
    }
    const int label = labels[a];
    labels[a] = labels[b], labels[b] = label;
    const bool was = held[a];
    held[a] = held[b], held[b] = was;
}

/* Moves the rows held out behind the others; *n_kept is how many others there are. */
static RinsStatus hold_out(float *rows, int *labels, int64_t n, int64_t dim, int classes, int64_t *n_kept) {
    const int64_t wanted = (n + 9) / 10;
    RinsStatus status = RINS_OK;
    int64_t *left = calloc((size_t)classes, sizeof *left), taken = 0;
    bool *held = calloc((size_t)n, sizeof *held);
    if (!left || !held) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld rows", (long long)n);
        goto done;
    }
    for (int64_t i = 0; i < n; i++) left[labels[i]]++;
    for (int64_t i = 0; i < n && taken < wanted; i++) {
        const int64_t row = (int64_t)rins_permute((uint64_t)i, (uint64_t)n, SPLIT_KEY, 0);
        if (left[labels[row]] < 2) continue;
        left[labels[row]]--, taken++;
        held[row] = true;
    }
    if (taken == 0) {
        status = RINS_FAIL(RINS_ERR_FORMAT,
                           "every class has one training image only, so none can be held out: give the L2 strength");
        goto done;
    }
    for (int64_t low = 0, high = n - 1;;) {
        while (low < high && !held[low]) low++;
        while (low < high && held[high]) high--;
        if (low >= high) break;
        swap_rows(rows, labels, held, low, high, dim);
    }
    *n_kept = n - taken;
done:
    free(left), free(held);
    return status;
}

/* Accuracy (a tie is wrong) and mean -log p of rows that are centred already. */
static RinsStatus judge(const RinsProbe *probe, const float *rows, const int *labels, int64_t n,
                        RinsProbeStrength *strength) {
    float *scores = malloc((size_t)BLOCK * (size_t)probe->classes * sizeof *scores);
    int64_t right = 0;
    double loss = 0;
    if (!scores) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for the scores of %d classes", probe->classes);
    for (int64_t first = 0; first < n; first += BLOCK) {
        const int64_t count = n - first < BLOCK ? n - first : BLOCK;
        rins_logistic_scores(rows + first * probe->dim, count, probe->weights, probe->bias, probe->classes, probe->dim,
                             scores);
        for (int64_t i = 0; i < count; i++) {
            const float *row = scores + i * probe->classes;
            const double top = row[rins_argmax(row, probe->classes)];
            double sum = 0;
            for (int c = 0; c < probe->classes; c++) sum += exp(row[c] - top);
            loss += log(sum) + top - row[labels[first + i]];
            right += rins_rank_of_best(row, probe->classes, &labels[first + i], 1) == 0;
        }
    }
    free(scores);
    strength->acc1 = (double)right / (double)n;
    strength->loss = loss / (double)n;
    return RINS_OK;
}

static bool is_better(const RinsProbeStrength *a, const RinsProbeStrength *b) {
    return a->acc1 != b->acc1 ? a->acc1 > b->acc1 : a->loss < b->loss;
}

/* Tries strengths on the first n_kept rows, each from where the one before ended; probe->l2
   becomes the best. */
static RinsStatus sweep(RinsProbe *probe, const float *rows, const int *labels, int64_t n, int64_t n_kept,
                        int threads) {
    const RinsLogisticData kept = {rows, labels, n_kept, probe->dim, probe->classes};
    int best = 0;
    for (int i = 0; i < RINS_PROBE_STRENGTHS && i - best <= PATIENCE; i++) {
        RinsProbeStrength *strength = &probe->sweep[probe->n_sweep++];
        RinsLbfgsResult result;
        strength->l2 = pow(10, STRONGEST - i);
        RINS_TRY(
            rins_logistic_fit(&kept, strength->l2, SWEEP_ITERATIONS, threads, probe->weights, probe->bias, &result));
        strength->converged = result.converged;
        RINS_TRY(judge(probe, rows + n_kept * probe->dim, labels + n_kept, n - n_kept, strength));
        if (is_better(strength, &probe->sweep[best])) best = i;
    }
    if (best == 0 || best == RINS_PROBE_STRENGTHS - 1)
        rins_log(RINS_LOG_WARN, "the best L2 strength, %g, is the %s that is tried", probe->sweep[best].l2,
                 best ? "weakest" : "strongest");
    probe->l2 = probe->sweep[best].l2;
    probe->held_out = n - n_kept;
    return RINS_OK;
}

RinsStatus rins_probe_fit(RinsProbe *probe, float *rows, int *labels, int64_t n, int64_t dim, int classes, double l2,
                          int threads) {
    const RinsLogisticData all = {rows, labels, n, dim, classes};
    RINS_TRY(probe_make(probe, dim, classes));
    centre(probe, rows, n);
    probe->l2 = l2;
    if (l2 == 0) {
        int64_t n_kept = n;
        RINS_TRY(hold_out(rows, labels, n, dim, classes, &n_kept));
        RINS_TRY(sweep(probe, rows, labels, n, n_kept, threads));
    }
    memset(probe->weights, 0, (size_t)(classes * dim) * sizeof *probe->weights);
    memset(probe->bias, 0, (size_t)classes * sizeof *probe->bias);
    RINS_TRY(rins_logistic_fit(&all, probe->l2, MAX_ITERATIONS, threads, probe->weights, probe->bias, &probe->fit));
    if (!probe->fit.converged)
        rins_log(RINS_LOG_WARN, "the probe stopped after %d iterations at a gradient of norm %.2g",
                 probe->fit.iterations, probe->fit.gradient_norm);
    return RINS_OK;
}

RinsStatus rins_probe_scores(const RinsProbe *probe, const float *rows, int64_t n, float *out) {
    const size_t size = (size_t)(n * probe->dim) * sizeof *rows;
    float *centred = malloc(size + 1);
    if (!centred) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld rows", (long long)n);
    memcpy(centred, rows, size);
    subtract(probe->mean, centred, n, probe->dim);
    rins_logistic_scores(centred, n, probe->weights, probe->bias, probe->classes, probe->dim, out);
    free(centred);
    return RINS_OK;
}
