/* What the parts of `rins ablate` share: cmd_ablate.c runs arms in turn, ablate_jobs.c side by side,
   ablate_overview.c says beforehand what will happen. */
#ifndef RINS_TOOLS_ABLATE_H
#define RINS_TOOLS_ABLATE_H

#include "src/study/study_run.h"
#include "tools/progress.h"

/* The plan's command line and where it stands. */
typedef struct RinsAblation {
    RinsStudyPlan plan;
    const char *plan_path, *out;
    char **set; /* overrides of the command line */
    int n_set, threads, jobs;
    bool job; /* one of --jobs: another process reads its standard error */
    const volatile sig_atomic_t *stop;
    RinsStudySurvey survey; /* of what was there at the start */
    int done;               /* finished branches, those at the start included */
    RinsProgress bar;
} RinsAblation;

/* The arms with their costs, what the budgets buy and what is finished, as notes; a warning for every arm
   whose warm-up outlasts its first trunk. */
RinsStatus rins_ablate_overview(const RinsAblation *a);

/* "128", "9.86 k" */
const char *rins_ablate_count(int64_t n, char text[32]);

/* What an arm and seed does. full: "plain, seed 0, budget 5e+11: trunk 61/77  loss 5.1234  1.2 k pairs/s"; brief:
   "plain:0 61/77" (the seed's index, as for --only). */
typedef struct RinsAblationLine {
    char full[240], brief[96];
} RinsAblationLine;
void rins_ablate_describe(const RinsStudyPlan *plan, const RinsStudyProgress *progress, RinsAblationLine *line);

/* Several at once, in `columns`: in full, else without loss and speed, else briefly, and then as many as
   fit with the rest counted: "plain:0 61/77 | +3 more". */
void rins_ablate_join(const RinsAblationLine *const *lines, int n, int columns, char *text, size_t room);

/* `jobs` processes at a time, an arm and seed each; a failed one does not stop the others, and a message that
   several have in common is shown once. RINS_ERR_INTERRUPTED after a stop, with where each was as its
   message. */
RinsStatus rins_ablate_jobs(RinsAblation *a);

/* In such a process, on its standard error: what it does, and how it ended. Gives the exit code. */
void rins_ablate_job_progress(RinsAblation *a, const RinsStudyProgress *progress);
int rins_ablate_job_end(RinsStatus status);

#endif
