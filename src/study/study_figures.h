/* Pictures of a study's metrics, for its page and for files of their own. Inside the reports only. */
#ifndef RINS_STUDY_STUDY_FIGURES_H
#define RINS_STUDY_STUDY_FIGURES_H

#include "src/study/study_results.h"

/* Error over training FLOPs: each arm's means with one deviation, and the fitted law where there is one.
   names: the arms', for a file of its own; NULL: into the page. False where there is nothing to show. */
bool rins_study_curves(const RinsStudyPlan *plan, const RinsStudyRows *rows, const char *metric,
                       const char *const *names, FILE *out);
/* Accuracy against the forward FLOPs of one pair: open markers are one round at use. */
void rins_study_frontier(const RinsStudyPlan *plan, const RinsStudyRows *rows, int budget, const char *metric,
                         FILE *out);
/* Means with one deviation. */
void rins_study_bars(const RinsStudyPlan *plan, const RinsStudyRows *rows, int budget, const char *metric, FILE *out);

#endif
