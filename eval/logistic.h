/* Multinomial logistic regression over embeddings: what a linear probe fits. */
#ifndef RINS_EVAL_LOGISTIC_H
#define RINS_EVAL_LOGISTIC_H

#include "eval/lbfgs.h"

typedef struct RinsLogisticData {
    const float *rows; /* (n, dim) */
    const int *labels; /* [n] in [0, classes) */
    int64_t n, dim;
    int classes;
} RinsLogisticData;

/* Minimises  1/n sum_i -log softmax(W x_i + b)[label_i]  +  l2 / 2 |W|^2  over W (classes, dim) and b
   [classes], from the values they have. The bias is not held down, so rows less a constant vector give the
   same classes (and, about their mean, sooner). scikit-learn's C is 1 / (n l2). Scores and gradients are fp32
   products, summed over parts of the rows that do not depend on `threads` (0: all the process may use), nor
   does the result. It has converged where the gradient's norm is at most 1e-5, and 1e-4 of what it is at
   zero. */
RinsStatus rins_logistic_fit(const RinsLogisticData *data, double l2, int max_iterations, int threads, float *weights,
                             float *bias, RinsLbfgsResult *result);

/* out (n, classes) = rows W^T + b. */
void rins_logistic_scores(const float *rows, int64_t n, const float *weights, const float *bias, int classes,
                          int64_t dim, float *out);

#endif
