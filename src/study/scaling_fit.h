/* Scaling law of one arm: error = beta x^(-c) + epsilon, x the training budget. */
#ifndef RINS_STUDY_SCALING_FIT_H
#define RINS_STUDY_SCALING_FIT_H

#include "src/base/status.h"

#include <stdbool.h>

typedef struct RinsFitPoint { double x, error; int seed; } RinsFitPoint;

typedef struct RinsFit {
    double beta, c, epsilon;
    double beta_low, beta_high, c_low, c_high, epsilon_low, epsilon_high; /* 95 % of the bootstrap, NaN without one */
    double residual; /* root mean square of log(error) - log(fit) */
    int n;
} RinsFit;

/* Robust least squares in log space: for each epsilon of a grid in [0, smallest error) a Huber-weighted line through
   (log x, log(error - epsilon)), the epsilon with the least Huber loss of log(error) wins. Needs three distinct x;
   RINS_ERR_ARG otherwise. The bootstrap resamples seeds where there are several, else points. */
RinsStatus rins_scaling_fit(const RinsFitPoint *points, int n, int bootstrap, uint64_t seed, RinsFit *fit);

double rins_scaling_value(const RinsFit *fit, double x);

#endif
