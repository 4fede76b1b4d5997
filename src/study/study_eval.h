/* Evaluates one finished branch on all that the plan names, at the trained rounds and at one. */
#ifndef RINS_STUDY_STUDY_EVAL_H
#define RINS_STUDY_STUDY_EVAL_H

#include "src/study/study_results.h"

/* `row`: arm, seed, budget, flops and examples are set; a copy per metric goes to `rows`. */
RinsStatus rins_study_eval(const RinsStudyPlan *plan, const char *model, int threads, const RinsStudyRow *row,
                           RinsStudyRows *rows);

#endif
