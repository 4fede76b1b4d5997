/* Scaling law of one arm: error = beta x^(-c) + epsilon, x the training budget. */
#ifndef RINS_STUDY_SCALING_FIT_H
#define RINS_STUDY_SCALING_FIT_H

#include "src/base/status.h"

#include <stdbool.h>

typedef struct RinsFitPoint {
    double x, error;
    int seed;
} RinsFitPoint;

enum { RINS_FIT_BUDGETS = 4 }; /* one more than the law has parameters: three are met by chance as well */

typedef struct RinsFit {
    double beta, c, epsilon;
    double beta_low, beta_high, c_low, c_high, epsilon_low, epsilon_high; /* 95 % of the bootstrap, NaN without one */
    double residual; /* root mean square of log(error) - log(fit) */
    int n;
} RinsFit;

/* Robust least squares in log space: for each epsilon of a grid in [0, smallest error) a Huber-weighted line through
   (log x, log(error - epsilon)), the epsilon with the least Huber loss of log(error) wins. Deviations beyond 2 % count
   linearly, so that a curve may leave out one point for the sake of the others: `residual` says how far.
   RINS_ERR_ARG with fewer than RINS_FIT_BUDGETS distinct x. The bootstrap resamples seeds; with one seed there is no
   spread to learn of and the intervals stay NaN. */
RinsStatus rins_scaling_fit(const RinsFitPoint *points, int n, int bootstrap, uint64_t seed, RinsFit *fit);

/* False: the error does not fall with the budget, and what was fitted is no law to draw or to report. */
bool rins_scaling_falls(const RinsFit *fit);

double rins_scaling_value(const RinsFit *fit, double x);

#endif
