/* Where a label stands among scores. A tie counts against it, and so does a NaN on either side. */
#ifndef RINS_EVAL_RANKING_H
#define RINS_EVAL_RANKING_H

#include <stdbool.h>
#include <stdint.h>

bool rins_in_labels(int64_t index, const int *labels, int64_t n);

/* How many of scores [0, m), the labels left out, are not below the best of the labels: 0 is the first
   place. */
int64_t rins_rank_of_best(const float *scores, int64_t m, const int *labels, int64_t n);

/* The lowest index of the highest score; NaN is below everything. */
int rins_argmax(const float *scores, int64_t m);
/* Same over the indices that are not among the labels; -1 where there is none. */
int rins_argmax_but(const float *scores, int64_t m, const int *labels, int64_t n);

/* The k best (k <= m) in falling order, equal scores by index. */
void rins_top_k(const float *scores, int64_t m, int k, int64_t *top);

#endif
