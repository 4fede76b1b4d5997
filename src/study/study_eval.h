/* Evaluates one finished branch on all that the plan names, at the trained rounds and at one. */
#ifndef RINS_STUDY_STUDY_EVAL_H
#define RINS_STUDY_STUDY_EVAL_H

#include "src/study/study_results.h"

/* Opens every data set of the plan once, so that a wrong one ends a study before it begins. */
RinsStatus rins_study_eval_check(const RinsStudyPlan *plan);

/* Where an evaluation is: in data set `at` of `n` (a recursive arm sees each twice), which has `done` of `total`
 * `what`. */
typedef struct RinsStudyEvalProgress {
    const char *data, *what;
    int at, n;
    int64_t done, total;
} RinsStudyEvalProgress;
typedef void RinsStudyEvalFn(void *user, const RinsStudyEvalProgress *progress);

/* `row`: arm, seed, budget, flops and examples are set; a copy per metric goes to `rows`. */
RinsStatus rins_study_eval(const RinsStudyPlan *plan, const char *model, int threads, const RinsStudyRow *row,
                           RinsStudyEvalFn *progress, void *user, RinsStudyRows *rows);

#endif
