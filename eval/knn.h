/* Classification by the nearest neighbours, weighted by similarity (Wu et al., "Unsupervised Feature Learning
   via Non-Parametric Instance Discrimination", 2018; DINO uses the same). */
#ifndef RINS_EVAL_KNN_H
#define RINS_EVAL_KNN_H

#include "src/base/status.h"

typedef struct RinsNeighbours {
    const float *rows; /* (n, dim), normalised */
    const int *labels; /* [n] in [0, classes) */
    int64_t n, dim;
    int classes, k; /* 1 <= k <= n */
    double temperature;
} RinsNeighbours;

/* The k rows nearest to each query, nearest first, equally near ones by index: top and sims (queries, k). In
   blocks: memory beside the output does not grow with n. */
void rins_knn_find(const RinsNeighbours *train, const float *queries, int64_t n, int64_t *top, float *sims);

/* out (n, classes): the sum of exp(sim / temperature) over those of the k nearest that are of the class, as a
   share of all k; 0 where there are none. */
RinsStatus rins_knn_scores(const RinsNeighbours *train, const float *queries, int64_t n, float *out);

#endif
