#include "src/study/scaling_fit.h"

#include "src/base/rng.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { GRID = 100, REWEIGHTINGS = 20 };
static const double HUBER = 0.02; /* log units: errors beyond 2 % count linearly */

double rins_scaling_value(const RinsFit *fit, double x) {
    return fit->beta * pow(x, -fit->c) + fit->epsilon;
}

bool rins_scaling_falls(const RinsFit *fit) {
    return fit->c > 1e-9;
} /* less is rounding */

static double huber(double r) {
    return fabs(r) <= HUBER ? 0.5 * r * r : HUBER * (fabs(r) - 0.5 * HUBER);
}

static double loss_of(const RinsFit *fit, const RinsFitPoint *points, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += huber(log(points[i].error) - log(rins_scaling_value(fit, points[i].x)));
    return sum;
}

/* Line through (log x, log(error - epsilon)) by iteratively reweighted least squares; x and y: room for n each. */
static void fit_line(const RinsFitPoint *points, int n, double epsilon, double *x, double *y, RinsFit *fit) {
    double slope = 0, offset = 0;
    for (int i = 0; i < n; i++) x[i] = log(points[i].x), y[i] = log(points[i].error - epsilon);
    for (int pass = 0; pass < REWEIGHTINGS; pass++) {
        double sw = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
        for (int i = 0; i < n; i++) {
            const double r = fabs(y[i] - offset - slope * x[i]), w = pass == 0 || r <= HUBER ? 1 : HUBER / r;
            sw += w, sx += w * x[i], sy += w * y[i], sxx += w * x[i] * x[i], sxy += w * x[i] * y[i];
        }
        const double det = sw * sxx - sx * sx;
        slope = det > 1e-12 ? (sw * sxy - sx * sy) / det : 0;
        offset = (sy - slope * sx) / sw;
    }
    fit->beta = exp(offset);
    fit->c = -slope;
    fit->epsilon = epsilon;
}

/* room: 2 n. */
static void fit_grid(const RinsFitPoint *points, int n, double *room, RinsFit *best) {
    double least = INFINITY, smallest = INFINITY;
    for (int i = 0; i < n; i++) smallest = fmin(smallest, points[i].error);
    for (int g = 0; g < GRID; g++) {
        RinsFit fit;
        fit_line(points, n, smallest * 0.995 * g / GRID, room, room + n, &fit);
        const double loss = loss_of(&fit, points, n);
        if (!(loss < least)) continue;
        least = loss;
        best->beta = fit.beta, best->c = fit.c, best->epsilon = fit.epsilon;
    }
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void interval(double *values, int n, double *low, double *high) {
    qsort(values, (size_t)n, sizeof *values, compare);
    *low = values[(int)floor(0.025 * (n - 1))];
    *high = values[(int)ceil(0.975 * (n - 1))];
}

static int distinct_x(const RinsFitPoint *points, int n) {
    int distinct = 0;
    for (int i = 0; i < n; i++) {
        bool seen = false;
        for (int j = 0; j < i; j++) seen = seen || points[j].x == points[i].x;
        distinct += !seen;
    }
    return distinct;
}

/* Seeds in rising order, each once; `seeds`: room for n. */
static int distinct_seeds(const RinsFitPoint *points, int n, int *seeds) {
    int count = 0;
    for (int i = 0; i < n; i++) {
        int at = 0;
        while (at < count && seeds[at] < points[i].seed) at++;
        if (at < count && seeds[at] == points[i].seed) continue;
        memmove(seeds + at + 1, seeds + at, (size_t)(count - at) * sizeof *seeds);
        seeds[at] = points[i].seed;
        count++;
    }
    return count;
}

/* Draws whole seeds with replacement. */
static int resample(const RinsFitPoint *points, int n, const int *seeds, int n_seeds, RinsRng *rng, RinsFitPoint *out) {
    int m = 0;
    for (int s = 0; s < n_seeds; s++) {
        const int pick = seeds[rins_rng_below(rng, (uint64_t)n_seeds)];
        for (int i = 0; i < n && m < n; i++)
            if (points[i].seed == pick) out[m++] = points[i];
    }
    return m;
}

static int keep_finite(double *values, int n) {
    int kept = 0;
    for (int i = 0; i < n; i++)
        if (isfinite(values[i])) values[kept++] = values[i];
    return kept;
}

static RinsStatus run_bootstrap(const RinsFitPoint *points, int n, int bootstrap, uint64_t seed, RinsFit *fit) {
    const size_t each = (size_t)n, times = (size_t)bootstrap, threads = (size_t)omp_get_max_threads();
    RinsFitPoint *drawn = malloc(threads * each * sizeof *drawn);
    double *room = malloc(threads * 2 * each * sizeof *room), *values = malloc(3 * times * sizeof *values);
    int *seeds = malloc((each + 1) * sizeof *seeds);
    if (!drawn || !room || !values || !seeds) {
        free(drawn), free(room), free(values), free(seeds);
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %d resamples", bootstrap);
    }
    const int n_seeds = distinct_seeds(points, n, seeds);
    double *beta = values, *c = values + times, *epsilon = values + 2 * times;
#pragma omp parallel for schedule(dynamic, 8) num_threads((int)threads)
    for (int b = 0; b < (n_seeds > 1 ? bootstrap : 0); b++) {
        const size_t self = (size_t)omp_get_thread_num();
        RinsRng rng = rins_rng(RINS_RNG_BOOTSTRAP, seed, (uint64_t)b, 0);
        RinsFit one = {.beta = NAN, .c = NAN, .epsilon = NAN};
        const int m = resample(points, n, seeds, n_seeds, &rng, drawn + self * each);
        if (distinct_x(drawn + self * each, m) >= RINS_FIT_BUDGETS)
            fit_grid(drawn + self * each, m, room + self * 2 * each, &one);
        beta[b] = one.beta, c[b] = one.c, epsilon[b] = one.epsilon;
    }
    const int done = n_seeds > 1 ? keep_finite(beta, bootstrap) : 0;
    if (done > 0 && keep_finite(c, bootstrap) == done && keep_finite(epsilon, bootstrap) == done) {
        interval(beta, done, &fit->beta_low, &fit->beta_high);
        interval(c, done, &fit->c_low, &fit->c_high);
        interval(epsilon, done, &fit->epsilon_low, &fit->epsilon_high);
    }
    free(drawn), free(room), free(values), free(seeds);
    return RINS_OK;
}

RinsStatus rins_scaling_fit(const RinsFitPoint *points, int n, int bootstrap, uint64_t seed, RinsFit *fit) {
    *fit = (RinsFit){.beta_low = NAN,
                     .beta_high = NAN,
                     .c_low = NAN,
                     .c_high = NAN,
                     .epsilon_low = NAN,
                     .epsilon_high = NAN,
                     .n = n};
    for (int i = 0; i < n; i++)
        if (!(points[i].error > 0) || !(points[i].x > 0))
            return RINS_FAIL(RINS_ERR_ARG, "a scaling fit needs positive errors and budgets");
    if (distinct_x(points, n) < RINS_FIT_BUDGETS)
        return RINS_FAIL(RINS_ERR_ARG, "a scaling fit needs at least %d budgets", RINS_FIT_BUDGETS);
    double *room = malloc(2 * (size_t)n * sizeof *room);
    if (!room) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a fit of %d points", n);
    fit_grid(points, n, room, fit);
    free(room);
    double squares = 0;
    for (int i = 0; i < n; i++) {
        const double r = log(points[i].error) - log(rins_scaling_value(fit, points[i].x));
        squares += r * r;
    }
    fit->residual = sqrt(squares / n);
    return bootstrap > 0 ? run_bootstrap(points, n, bootstrap, seed, fit) : RINS_OK;
}
