#include "eval/zeroshot.h"

#include "eval/ranking.h"
#include "eval/scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 32, TOP = 5 };

RinsInterval rins_wilson(int64_t k, int64_t n) {
    if (n == 0) return (RinsInterval){0, 1};
    const double z = 1.959963984540054; /* the normal's 97.5 % point */
    const double p = (double)k / (double)n, zz = z * z / (double)n;
    const double centre = p + zz / 2, half = z * sqrt(p * (1 - p) / (double)n + zz / (4 * (double)n));
    /* none right: half is zz / 2 too, all right: 1 + zz / 2, which square roots give but for their last digit */
    return (RinsInterval){k == 0 ? 0 : (centre - half) / (1 + zz), k == n ? 1 : (centre + half) / (1 + zz)};
}

RinsStatus rins_zeroshot_begin(RinsZeroshot *zeroshot, const float *embeddings, int classes, int64_t dim) {
    *zeroshot = (RinsZeroshot){.dim = dim, .classes = classes, .embeddings = embeddings};
    if (classes < 1) return RINS_FAIL(RINS_ERR_ARG, "zero-shot classification needs at least one class");
    zeroshot->counts = calloc((size_t)classes, sizeof *zeroshot->counts);
    return zeroshot->counts ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory for %d classes", classes);
}

void rins_zeroshot_end(RinsZeroshot *zeroshot) {
    free(zeroshot->counts), free(zeroshot->truth), free(zeroshot->predicted);
    *zeroshot = (RinsZeroshot){0};
}

static RinsStatus make_room(RinsZeroshot *zeroshot, int64_t n) {
    if (zeroshot->n + n <= zeroshot->room) return RINS_OK;
    const int64_t room = 2 * (zeroshot->n + n);
    int32_t *truth = realloc(zeroshot->truth, (size_t)room * sizeof *truth);
    if (truth) zeroshot->truth = truth;
    int32_t *predicted = realloc(zeroshot->predicted, (size_t)room * sizeof *predicted);
    if (predicted) zeroshot->predicted = predicted;
    if (!truth || !predicted) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld predictions", (long long)room);
    zeroshot->room = room;
    return RINS_OK;
}

static void count_sample(RinsZeroshot *zeroshot, const float *scores, const int *labels, int64_t n) {
    const int64_t rank = rins_rank_of_best(scores, zeroshot->classes, labels, n);
    const int best = rins_argmax(scores, zeroshot->classes);
    RinsClassCount *count = &zeroshot->counts[labels[0]];
    count->n++;
    if (rank < 1) zeroshot->top1++, count->top1++;
    if (rank < TOP) zeroshot->top5++, count->top5++;
    zeroshot->multi_label |= n > 1;
    zeroshot->truth[zeroshot->n] = labels[0];
    /* a lost tie is shown as the class it was lost to */
    zeroshot->predicted[zeroshot->n++] = rank < 1 ? labels[0]
                                         : rins_in_labels(best, labels, n)
                                             ? rins_argmax_but(scores, zeroshot->classes, labels, n)
                                             : best;
}

static RinsStatus check_labels(const RinsZeroshot *zeroshot, int64_t n, const int64_t *offsets, const int *labels) {
    const int64_t n_labels = offsets ? offsets[n] : n;
    for (int64_t i = offsets ? offsets[0] : 0; i < n_labels; i++)
        if (labels[i] < 0 || labels[i] >= zeroshot->classes)
            return RINS_FAIL(RINS_ERR_ARG, "label %d is outside the %d classes", labels[i], zeroshot->classes);
    return RINS_OK;
}

/* Samples [first, first + rows) of those added; `scores` begins at the first of them. */
static void count_rows(RinsZeroshot *zeroshot, const float *scores, int64_t first, int64_t rows, const int64_t *offsets,
                       const int *labels) {
    for (int64_t i = 0; i < rows; i++) {
        const int64_t from = offsets ? offsets[first + i] : first + i, to = offsets ? offsets[first + i + 1] : from + 1;
        if (to > from) count_sample(zeroshot, scores + i * zeroshot->classes, labels + from, to - from);
    }
}

RinsStatus rins_zeroshot_add_scores(RinsZeroshot *zeroshot, const float *scores, int64_t n, const int64_t *offsets,
                                    const int *labels) {
    RINS_TRY(check_labels(zeroshot, n, offsets, labels));
    RINS_TRY(make_room(zeroshot, n));
    count_rows(zeroshot, scores, 0, n, offsets, labels);
    return RINS_OK;
}

RinsStatus rins_zeroshot_add(RinsZeroshot *zeroshot, const float *images, int64_t n, const int64_t *offsets,
                             const int *labels) {
    RINS_TRY(check_labels(zeroshot, n, offsets, labels));
    RINS_TRY(make_room(zeroshot, n));
    float *scores = malloc((size_t)BLOCK * (size_t)zeroshot->classes * sizeof *scores);
    if (!scores) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for the scores of %d classes", zeroshot->classes);
    for (int64_t first = 0; first < n; first += BLOCK) {
        const int64_t rows = n - first < BLOCK ? n - first : BLOCK;
#pragma omp parallel for schedule(static)
        for (int64_t i = 0; i < rows; i++)
            rins_scores(images + (first + i) * zeroshot->dim, 1, zeroshot->embeddings, zeroshot->classes, zeroshot->dim,
                        scores + i * zeroshot->classes);
        count_rows(zeroshot, scores, first, rows, offsets, labels);
    }
    free(scores);
    return RINS_OK;
}

static double ratio(int64_t k, int64_t n) {
    return n ? (double)k / (double)n : 0;
}

double rins_zeroshot_acc1(const RinsZeroshot *zeroshot) {
    return ratio(zeroshot->top1, zeroshot->n);
}
double rins_zeroshot_acc5(const RinsZeroshot *zeroshot) {
    return ratio(zeroshot->top5, zeroshot->n);
}

double rins_zeroshot_mean_recall(const RinsZeroshot *zeroshot) {
    double sum = 0;
    int present = 0;
    for (int c = 0; c < zeroshot->classes; c++) {
        const RinsClassCount *count = &zeroshot->counts[c];
        if (!count->n) continue;
        sum += ratio(count->top1, count->n);
        present++;
    }
    return present ? sum / present : 0;
}

static int by_pair(const void *a, const void *b) {
    const RinsConfusion *x = a, *y = b;
    if (x->truth != y->truth) return x->truth < y->truth ? -1 : 1;
    return (x->predicted > y->predicted) - (x->predicted < y->predicted);
}

static int by_count(const void *a, const void *b) {
    const RinsConfusion *x = a, *y = b;
    if (x->n != y->n) return x->n > y->n ? -1 : 1;
    return by_pair(a, b);
}

RinsStatus rins_zeroshot_confusions(const RinsZeroshot *zeroshot, RinsConfusion *top, int room, int *n) {
    *n = 0;
    int64_t wrong = 0, pairs = 0;
    RinsConfusion *all = malloc((size_t)(zeroshot->n + 1) * sizeof *all);
    if (!all) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld predictions", (long long)zeroshot->n);
    for (int64_t i = 0; i < zeroshot->n; i++)
        if (zeroshot->truth[i] != zeroshot->predicted[i])
            all[wrong++] = (RinsConfusion){zeroshot->truth[i], zeroshot->predicted[i], 1};
    qsort(all, (size_t)wrong, sizeof *all, by_pair);
    for (int64_t i = 0; i < wrong; i++) {
        if (pairs && !by_pair(&all[pairs - 1], &all[i]))
            all[pairs - 1].n++;
        else
            all[pairs++] = all[i];
    }
    qsort(all, (size_t)pairs, sizeof *all, by_count);
    *n = (int)(pairs < room ? pairs : room);
    memcpy(top, all, (size_t)*n * sizeof *all);
    free(all);
    return RINS_OK;
}
