/* Minimising a smooth convex function by L-BFGS (Liu and Nocedal 1989). Serial and in double: the same bits
   for the same objective. */
#ifndef RINS_EVAL_LBFGS_H
#define RINS_EVAL_LBFGS_H

#include "src/base/status.h"

#include <stdbool.h>

/* Value and gradient [n] at x [n]. */
typedef RinsStatus RinsObjectiveFn(void *user, const double *x, double *value, double *gradient);

typedef struct RinsLbfgsOptions {
    int history;        /* pairs of steps remembered, at most 32 */
    int max_iterations; /* each at least one evaluation */
    double tolerance;   /* of the gradient's 2-norm */
    double noise;       /* relative error of a value: smaller differences do not end a line search */
} RinsLbfgsOptions;

typedef struct RinsLbfgsResult {
    int iterations, evaluations;
    double value, gradient_norm; /* at the last x */
    bool converged; /* gradient_norm <= tolerance. Else the iterations ran out, or no step made progress any
                       more */
} RinsLbfgsResult;

/* From x [n], which holds the minimum afterwards. Memory: (2 history + 4) n doubles. Fails only where the
   objective does, or with RINS_ERR_NONFINITE where it is not finite at the start. */
RinsStatus rins_lbfgs(RinsObjectiveFn *objective, void *user, int64_t n, const RinsLbfgsOptions *options, double *x,
                      RinsLbfgsResult *result);

#endif
