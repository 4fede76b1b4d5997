/* A linear probe: logistic regression on embeddings, its L2 strength chosen on a part held out. */
#ifndef RINS_EVAL_PROBE_FIT_H
#define RINS_EVAL_PROBE_FIT_H

#include "eval/lbfgs.h"

enum { RINS_PROBE_STRENGTHS = 12 }; /* 10, 1, 0.1 ... 1e-10 */

/* A strength that was tried: accuracy and mean -log p on the rows held out. */
typedef struct RinsProbeStrength {
    double l2, acc1, loss;
    bool converged;
} RinsProbeStrength;

typedef struct RinsProbe {
    float *weights, *bias, *mean; /* (classes, dim), [classes], [dim]: scores are W (x - mean) + b */
    int64_t dim, held_out;        /* held_out: rows, 0 where the strength was given */
    int classes;
    double l2;
    RinsProbeStrength sweep[RINS_PROBE_STRENGTHS]; /* those tried */
    int n_sweep;
    RinsLbfgsResult fit; /* on all rows */
} RinsProbe;

/* Fits rows (n, dim) with labels [n] in [0, classes), each of which occurs. l2 0: a tenth of the rows, drawn
   by a fixed key and never the last row of a class, is held out; strengths fall until two in a row are no
   better there (accuracy first, then loss), and the best is fitted again to all rows. Rows and labels are put
   in another order, and rows less their mean are left behind. The result is the same for any `threads`. */
RinsStatus rins_probe_fit(RinsProbe *probe, float *rows, int *labels, int64_t n, int64_t dim, int classes, double l2,
                          int threads);
/* out (n, classes). */
RinsStatus rins_probe_scores(const RinsProbe *probe, const float *rows, int64_t n, float *out);
void rins_probe_free(RinsProbe *probe);

#endif
