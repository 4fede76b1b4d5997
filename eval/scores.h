/* Dot products of embeddings. A score depends on its two vectors alone, never on the block it was computed
   in or on what stands beside it, so equal embeddings tie exactly and a rank counted in blocks
   is the rank. */
#ifndef RINS_EVAL_SCORES_H
#define RINS_EVAL_SCORES_H

#include <stdint.h>

/* sum of x[i] * y[i], always in the same order. */
float rins_dot(const float *x, const float *y, int64_t dim);

/* out (n, m): out[i * m + j] = rins_dot(x row i, y row j). Serial. */
void rins_scores(const float *x, int64_t n, const float *y, int64_t m, int64_t dim, float *out);

/* Divides each of n rows by its norm (a row of zeros stays). */
void rins_normalise_rows(float *rows, int64_t n, int64_t dim);

#endif
