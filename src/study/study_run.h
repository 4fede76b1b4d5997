/* Runs one arm with one seed: its trunk, the cool-down of every budget, and their evaluations. */
#ifndef RINS_STUDY_STUDY_RUN_H
#define RINS_STUDY_STUDY_RUN_H

#include "src/study/study_eval.h"
#include "src/study/study_survey.h"

#include <signal.h>

typedef struct RinsStudyProgress {
    const char *arm, *phase; /* phase: "trunk", "cool-down", "evaluation"; "finished" when a branch's result is there */
    int seed, budget;        /* indices */
    int64_t step, total;     /* of the phase */
    double loss, pairs_per_s;                /* of a training step; 0 elsewhere */
    const RinsStudyEvalProgress *evaluation; /* of an evaluation; NULL elsewhere */
} RinsStudyProgress;

typedef void RinsStudyProgressFn(void *user, const RinsStudyProgress *progress);

typedef struct RinsStudyOptions {
    const RinsStudyPlan *plan;
    const char *out;
    int threads;
    const volatile sig_atomic_t *stop;
    RinsStudyProgressFn *progress; /* or NULL */
    void *progress_user;
} RinsStudyOptions;

/* Branches whose result stands are left alone; trained ones are only evaluated; a killed trunk or cool-down goes on
   from its newest checkpoint. RINS_ERR_MISMATCH where the arm's folder was trained with other keys.
   RINS_ERR_INTERRUPTED after a stop, with "arm 'A', seed S, after step N of M (saved)" as its message. Files:
   OUT/runs/ARM-sSEED/trunk, OUT/runs/ARM-sSEED/b0 ..., OUT/results/. */
RinsStatus rins_study_run_arm(const RinsStudyOptions *options, int arm, int seed);

#endif
