#include "eval/lbfgs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HISTORY = 32, MAX_TRIALS = 40 };
#define SUFFICIENT 1e-4 /* of the decrease that the slope promises */
#define CURVATURE 0.9   /* of the slope may be left */

typedef struct Search {
    RinsObjectiveFn *objective;
    void *user;
    int64_t n;
    const RinsLbfgsOptions *options;
    RinsLbfgsResult *result;
    double *memory, *gradient, *direction, *next_x, *next_gradient;
    double *steps[MAX_HISTORY], *changes[MAX_HISTORY], scales[MAX_HISTORY]; /* s, y, 1 / (s . y); oldest first */
    int pairs;
} Search;

static double dot(const double *x, const double *y, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

static RinsStatus evaluate(Search *search, const double *x, double *value, double *gradient) {
    search->result->evaluations++;
    return search->objective(search->user, x, value, gradient);
}

/* direction = -H gradient by the two loops; H starts as (s . y) / (y . y) of the newest pair. */
static void find_direction(Search *search) {
    const int64_t n = search->n;
    double *d = search->direction, along[MAX_HISTORY];
    for (int64_t i = 0; i < n; i++) d[i] = -search->gradient[i];
    if (search->pairs == 0) return;
    for (int k = search->pairs - 1; k >= 0; k--) {
        along[k] = search->scales[k] * dot(search->steps[k], d, n);
        for (int64_t i = 0; i < n; i++) d[i] -= along[k] * search->changes[k][i];
    }
    const double *y = search->changes[search->pairs - 1];
    const double start = 1 / (search->scales[search->pairs - 1] * dot(y, y, n));
    for (int64_t i = 0; i < n; i++) d[i] *= start;
    for (int k = 0; k < search->pairs; k++) {
        const double back = along[k] - search->scales[k] * dot(search->changes[k], d, n);
        for (int64_t i = 0; i < n; i++) d[i] += back * search->steps[k][i];
    }
}

/* Remembers the step x -> next_x; one along which the gradient does not grow would spoil H. */
static void remember(Search *search, const double *x) {
    int at = search->pairs;
    if (at == search->options->history) {
        double *step = search->steps[0], *change = search->changes[0];
        at--;
        memmove(search->steps, search->steps + 1, (size_t)at * sizeof *search->steps);
        memmove(search->changes, search->changes + 1, (size_t)at * sizeof *search->changes);
        memmove(search->scales, search->scales + 1, (size_t)at * sizeof *search->scales);
        search->steps[at] = step, search->changes[at] = change;
        search->pairs = at;
    }
    double *s = search->steps[at], *y = search->changes[at];
    for (int64_t i = 0; i < search->n; i++) {
        s[i] = search->next_x[i] - x[i];
        y[i] = search->next_gradient[i] - search->gradient[i];
    }
    const double sy = dot(s, y, search->n), yy = dot(y, y, search->n);
    if (!(sy > 1e-12 * yy)) return;
    search->scales[at] = 1 / sy;
    search->pairs = at + 1;
}

/* Bisects for a step of the weak Wolfe conditions (Lewis and Overton 2013) from x, of value `from` and slope
   `slope`. Near the minimum the values differ by less than their error; the slope alone then says what is
   enough (the approximate Wolfe condition of Hager and Zhang 2005). *moved is false where no
   step was good. */
static RinsStatus line_search(Search *search, const double *x, double from, double slope, double step, double *value,
                              bool *moved) {
    double low = 0, high = INFINITY;
    const double error = search->options->noise * fabs(from);
    *moved = false;
    for (int trial = 0; trial < MAX_TRIALS && !*moved; trial++) {
        for (int64_t i = 0; i < search->n; i++) search->next_x[i] = x[i] + step * search->direction[i];
        RINS_TRY(evaluate(search, search->next_x, value, search->next_gradient));
        const double there = dot(search->next_gradient, search->direction, search->n);
        const bool lower = *value <= from + SUFFICIENT * step * slope ||
                           (*value <= from + error && there <= (2 * SUFFICIENT - 1) * slope);
        if (!lower)
            high = step; /* not finite: too far as well */
        else if (there < CURVATURE * slope)
            low = step;
        else
            *moved = true;
        step = *moved ? step : isinf(high) ? 2 * low : (low + high) / 2;
    }
    return RINS_OK;
}

static RinsStatus run(Search *search, double *x) {
    RinsLbfgsResult *result = search->result;
    RINS_TRY(evaluate(search, x, &result->value, search->gradient));
    result->gradient_norm = sqrt(dot(search->gradient, search->gradient, search->n));
    if (!isfinite(result->value) || !isfinite(result->gradient_norm))
        return RINS_FAIL(RINS_ERR_NONFINITE, "the objective is not finite where the search starts");
    for (;;) {
        result->converged = result->gradient_norm <= search->options->tolerance;
        if (result->converged || result->iterations == search->options->max_iterations) return RINS_OK;
        find_direction(search);
        double slope = dot(search->gradient, search->direction, search->n), value;
        if (!(slope < 0)) { /* rounding has spoilt H */
            search->pairs = 0;
            find_direction(search);
            slope = -result->gradient_norm * result->gradient_norm;
        }
        bool moved;
        const double first = search->pairs ? 1 : fmin(1, 1 / result->gradient_norm);
        RINS_TRY(line_search(search, x, result->value, slope, first, &value, &moved));
        if (!moved) return RINS_OK;
        remember(search, x);
        memcpy(x, search->next_x, (size_t)search->n * sizeof *x);
        memcpy(search->gradient, search->next_gradient, (size_t)search->n * sizeof *x);
        result->value = value;
        result->gradient_norm = sqrt(dot(search->gradient, search->gradient, search->n));
        result->iterations++;
    }
}

RinsStatus rins_lbfgs(RinsObjectiveFn *objective, void *user, int64_t n, const RinsLbfgsOptions *options, double *x,
                      RinsLbfgsResult *result) {
    *result = (RinsLbfgsResult){0};
    if (options->history < 1 || options->history > MAX_HISTORY)
        return RINS_FAIL(RINS_ERR_ARG, "L-BFGS remembers 1 to %d steps, not %d", MAX_HISTORY, options->history);
    Search search = {objective, user, n, options, result};
    search.memory = malloc((size_t)(2 * options->history + 4) * (size_t)n * sizeof *search.memory);
    if (!search.memory) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld parameters", (long long)n);
    double *at = search.memory;
    double **const vectors[] = {&search.gradient, &search.direction, &search.next_x, &search.next_gradient};
    for (int i = 0; i < 4; i++, at += n) *vectors[i] = at;
    for (int i = 0; i < options->history; i++, at += 2 * n) search.steps[i] = at, search.changes[i] = at + n;
    const RinsStatus status = run(&search, x);
    free(search.memory);
    return status;
}
