/* Classification by the nearest class embedding, or by scores from elsewhere: figures only, no model. */
#ifndef RINS_EVAL_ZEROSHOT_H
#define RINS_EVAL_ZEROSHOT_H

#include "src/base/status.h"

#include <stdbool.h>

typedef struct RinsInterval {
    double low, high;
} RinsInterval;

/* Wilson score interval of k successes in n at 95 %; (0, 1) for n = 0. */
RinsInterval rins_wilson(int64_t k, int64_t n);

typedef struct RinsClassCount {
    int64_t n, top1, top5;
} RinsClassCount;
typedef struct RinsConfusion {
    int truth, predicted;
    int64_t n;
} RinsConfusion;

/* Counts over the samples added so far. */
typedef struct RinsZeroshot {
    int64_t dim, n;
    int classes;
    bool multi_label; /* some sample had several labels: per-class figures then mean nothing */
    int64_t top1, top5;
    RinsClassCount *counts;     /* [classes] */
    const float *embeddings;    /* borrowed: (classes, dim) */
    int32_t *truth, *predicted; /* [n] */
    int64_t room;
} RinsZeroshot;

RinsStatus rins_zeroshot_begin(RinsZeroshot *zeroshot, const float *embeddings, int classes, int64_t dim);
void rins_zeroshot_end(RinsZeroshot *zeroshot);

/* Adds n images (n, dim). Sample i is right where the best of its labels labels[offsets[i]] ...
   labels[offsets[i + 1] - 1] has fewer than 1 (or 5) classes beside them with a score as high: a tie counts
   against the model, and so does a NaN. Samples without a label are left out, of n too. offsets NULL: one
   label each. RINS_ERR_ARG for a label outside [0, classes). */
RinsStatus rins_zeroshot_add(RinsZeroshot *zeroshot, const float *images, int64_t n, const int64_t *offsets,
                             const int *labels);

/* Same with scores (n, classes) from elsewhere; `embeddings` may then be NULL. */
RinsStatus rins_zeroshot_add_scores(RinsZeroshot *zeroshot, const float *scores, int64_t n, const int64_t *offsets,
                                    const int *labels);

double rins_zeroshot_acc1(const RinsZeroshot *zeroshot);
double rins_zeroshot_acc5(const RinsZeroshot *zeroshot);
/* Mean of top1 / n over the classes that have samples. */
double rins_zeroshot_mean_recall(const RinsZeroshot *zeroshot);

/* The most frequent wrong (truth, predicted) pairs, by count, then by class; gives how many were written to
   `top`. */
RinsStatus rins_zeroshot_confusions(const RinsZeroshot *zeroshot, RinsConfusion *top, int room, int *n);

#endif
