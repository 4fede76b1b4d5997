/* What a study says: plain-text summary, and one HTML file that needs no network. */
#ifndef RINS_STUDY_STUDY_REPORT_H
#define RINS_STUDY_STUDY_REPORT_H

#include "src/study/scaling_fit.h"
#include "src/study/study_results.h"

/* Fit of 1 - metric over budgets of one arm at its trained rounds; `loss` is fitted as it is.
   Intervals by `bootstrap` resamples, 0: none. RINS_ERR_ARG where there are too few budgets. */
RinsStatus rins_study_fit(const RinsStudyRows *rows, int arm, const char *metric, int bootstrap, RinsFit *fit);

/* The budget that arms are compared at: the one that most of them have a result of, of several the largest; -1:
   none. */
int rins_study_compared(const RinsStudyPlan *plan, const RinsStudyRows *rows);
/* Which of an arm's branches have no result, as "1.2e+13 (seeds 1, 2)"; false: all have. */
enum { RINS_STUDY_LACKS = 256 };
bool rins_study_lacks(const RinsStudyPlan *plan, const RinsStudyRows *rows, int arm, char text[RINS_STUDY_LACKS]);

/* Per metric at the compared budget: mean and deviation over seeds of every arm that has a result, its
   difference to the first of these, and whether that exceeds the seeds' spread (|difference| > 2 standard
   errors of the two means). Then who won. Chance stands beside the metric's name where it is known; last come
   the arms that lack branches. */
RinsStatus rins_study_summary(const RinsStudyPlan *plan, const RinsStudyRows *rows, FILE *out);

/* Error curves over training FLOPs with fits, bars with seed error bars, a compute-matched table, and
   accuracy against inference cost. */
RinsStatus rins_study_html(const RinsStudyPlan *plan, const char *path, const RinsStudyRows *rows);

/* DIR/METRIC.svg: each metric's error curves and fits, a picture of its own with a legend; METRIC-2.svg and
   so on where the file-name forms of two metrics are the same. */
RinsStatus rins_study_figures(const RinsStudyPlan *plan, const char *dir, const RinsStudyRows *rows);

/* OUT/fits.csv: beta, c, epsilon with intervals per arm and metric that has enough budgets. Empty cells: no
   interval (one seed); no law (an error that does not fall). */
RinsStatus rins_study_fits_csv(const RinsStudyPlan *plan, const char *path, const RinsStudyRows *rows);

#endif
