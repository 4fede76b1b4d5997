/* Runs one arm with one seed: its trunk, the cool-down of every budget, and their evaluations. */
#ifndef RINS_STUDY_STUDY_RUN_H
#define RINS_STUDY_STUDY_RUN_H

#include "src/study/study_results.h"

#include <signal.h>

typedef struct RinsStudyProgress {
    const char *arm, *phase; /* phase: "trunk", "cool-down", "evaluation" */
    int seed, budget;        /* indices */
    int64_t step, total;     /* of the phase */
    double loss;
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

/* Branches whose result stands are left alone; a killed trunk or cool-down goes on from its newest checkpoint.
   Files: OUT/runs/ARM-sSEED/trunk, OUT/runs/ARM-sSEED/b0 ..., OUT/results/. */
RinsStatus rins_study_run_arm(const RinsStudyOptions *options, int arm, int seed);

#endif
