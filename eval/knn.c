#include "eval/knn.h"

#include "eval/scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { QUERIES = 16, ROWS = 128 };

/* Rows come in rising order, so a row as near as one that is kept stands behind it. */
static void offer(int64_t *top, float *sims, int *kept, int k, int64_t row, float sim) {
    if (*kept == k && !(sim > sims[k - 1])) return;
    int at = *kept < k ? (*kept)++ : k - 1;
    for (; at > 0 && sim > sims[at - 1]; at--) top[at] = top[at - 1], sims[at] = sims[at - 1];
    top[at] = row, sims[at] = sim;
}

static void nearest_block(const RinsNeighbours *train, const float *queries, int n, int64_t *top, float *sims) {
    float scores[QUERIES * ROWS];
    int kept[QUERIES] = {0};
    for (int64_t first = 0; first < train->n; first += ROWS) {
        const int64_t rows = train->n - first < ROWS ? train->n - first : ROWS;
        rins_scores(queries, n, train->rows + first * train->dim, rows, train->dim, scores);
        for (int q = 0; q < n; q++)
            for (int64_t r = 0; r < rows; r++)
                offer(top + (int64_t)q * train->k, sims + (int64_t)q * train->k, &kept[q], train->k, first + r,
                      scores[q * rows + r]);
    }
}

void rins_knn_find(const RinsNeighbours *train, const float *queries, int64_t n, int64_t *top, float *sims) {
#pragma omp parallel for schedule(dynamic)
    for (int64_t first = 0; first < n; first += QUERIES)
        nearest_block(train, queries + first * train->dim, n - first < QUERIES ? (int)(n - first) : QUERIES,
                      top + first * train->k, sims + first * train->k);
}

/* Weights relative to the nearest one's: no temperature overflows. */
static void vote(const RinsNeighbours *train, const int64_t *top, const float *sims, double *sums, float *out) {
    double all = 0;
    memset(sums, 0, (size_t)train->classes * sizeof *sums);
    for (int i = 0; i < train->k; i++) {
        const double weight = exp(((double)sims[i] - sims[0]) / train->temperature);
        sums[train->labels[top[i]]] += weight;
        all += weight;
    }
    for (int c = 0; c < train->classes; c++) out[c] = (float)(sums[c] / all);
}

RinsStatus rins_knn_scores(const RinsNeighbours *train, const float *queries, int64_t n, float *out) {
    if (train->k < 1 || train->k > train->n || !(train->temperature > 0))
        return RINS_FAIL(RINS_ERR_ARG,
                         "k is 1 to %lld (the training images) and the temperature above 0, not %d and %g",
                         (long long)train->n, train->k, train->temperature);
    RinsStatus status = RINS_OK;
    int64_t *top = malloc((size_t)(n + 1) * (size_t)train->k * sizeof *top);
    float *sims = malloc((size_t)(n + 1) * (size_t)train->k * sizeof *sims);
    double *sums = malloc((size_t)train->classes * sizeof *sums);
    if (top && sims && sums) {
        rins_knn_find(train, queries, n, top, sims);
        for (int64_t i = 0; i < n; i++)
            vote(train, top + i * train->k, sims + i * train->k, sums, out + i * train->classes);
    } else {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for %d neighbours of %lld images", train->k, (long long)n);
    }
    free(top), free(sims), free(sums);
    return status;
}
