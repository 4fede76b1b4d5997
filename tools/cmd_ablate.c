/* rins ablate PLAN.yaml [key=value ...] --out DIR */
#define _GNU_SOURCE
#include "tools/ablate.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/notes.h"

#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/number.h"
#include "src/study/study_report.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t stop_requested;

static void request_stop(int number) {
    (void)number;
    stop_requested = 1;
}

/* The first asks, a second one ends the program; but a job may be told once with its group, once by the one that
   started it and once more by that one's end. */
static void catch_signals(bool job) {
    struct sigaction action = {.sa_handler = request_stop, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    if (job) action.sa_flags = 0;
    sigaction(SIGTERM, &action, NULL);
    if (job) signal(SIGPIPE, SIG_IGN); /* nobody listens any more, but what is trained is still to be saved */
}

static void show(void *user, const RinsStudyProgress *progress) {
    RinsAblation *a = user;
    RinsAblationLine line;
    if (a->job) {
        rins_ablate_job_progress(a, progress);
        return;
    }
    const bool finished = !strcmp(progress->phase, "finished");
    a->done += finished;
    if (finished) return;
    rins_ablate_describe(&a->plan, progress, &line);
    rins_progress_update(&a->bar, a->done, line.full);
}

static RinsStatus run_one(RinsAblation *a, int arm, int seed) {
    const RinsStudyOptions options = {.plan = &a->plan,
                                      .out = a->out,
                                      .threads = a->threads,
                                      .stop = &stop_requested,
                                      .progress = show,
                                      .progress_user = a};
    return rins_study_run_arm(&options, arm, seed);
}

static RinsStatus run_in_turn(RinsAblation *a) {
    for (int seed = 0; seed < (int)a->plan.seeds.n;
         seed++) /* a whole repetition first: an early look compares all arms */
        for (int arm = 0; arm < (int)a->plan.arms.n; arm++) RINS_TRY(run_one(a, arm, seed));
    return RINS_OK;
}

static RinsStatus write_files(const RinsStudyPlan *plan, const char *out, const RinsStudyRows *rows) {
    static const char *const names[] = {"results.csv", "fits.csv", "report.html", "summary.txt", "figures"};
    enum { N_PATHS = sizeof names / sizeof names[0] };
    char *paths[N_PATHS] = {NULL};
    RinsAtomicFile summary = {0};
    RinsStatus status = RINS_OK;
    for (int i = 0; i < N_PATHS; i++)
        if (!(paths[i] = rins_path_join(out, names[i]))) status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    if (status != RINS_OK) goto done;
    RINS_TRY_DONE(rins_study_results_csv(plan, paths[0], rows));
    RINS_TRY_DONE(rins_study_fits_csv(plan, paths[1], rows));
    RINS_TRY_DONE(rins_study_html(plan, paths[2], rows));
    RINS_TRY_DONE(rins_study_figures(plan, paths[4], rows));
    RINS_TRY_DONE(rins_atomic_open(&summary, paths[3]));
    RINS_TRY_DONE(rins_study_summary(plan, rows, summary.stream));
    RINS_TRY_DONE(rins_atomic_commit(&summary));
    RINS_TRY_DONE(rins_study_summary(plan, rows, stdout));
    printf("\n%s\n", paths[2]);
done:
    rins_atomic_abort(&summary);
    for (int i = 0; i < N_PATHS; i++) free(paths[i]);
    return status;
}

static RinsStatus write_reports(const RinsAblation *a) {
    const int branches = (int)(a->plan.arms.n * a->plan.seeds.n * a->plan.budgets.n);
    RinsStudyRows rows = {0};
    int missing;
    RinsStatus status = rins_study_results_read(&a->plan, a->out, &rows, &missing);
    if (status == RINS_OK && rows.n == 0)
        status = RINS_FAIL(RINS_ERR_IO, "nothing to report: '%s' has no finished branch of this plan", a->out);
    if (status == RINS_OK && missing)
        rins_log(RINS_LOG_WARN, "%d of %d branches are not finished: the report shows the others", missing, branches);
    if (status == RINS_OK) status = write_files(&a->plan, a->out, &rows);
    rins_study_rows_free(&rows);
    return status;
}

/* "; did you mean 'plain'?" where an arm's name is near, else nothing. */
static void guess_arm(const RinsStudyPlan *plan, const char *only, size_t n, char text[128]) {
    char asked[80];
    const char **names = calloc(plan->arms.n, sizeof *names), *near = NULL;
    snprintf(asked, sizeof asked, "%.*s", (int)(n < sizeof asked ? n : 0), only);
    for (size_t i = 0; names && i < plan->arms.n; i++) names[i] = rins_study_arm(plan, (int)i)->name;
    if (names) near = rins_nearest(asked, names, plan->arms.n);
    text[0] = 0;
    if (near) snprintf(text, 128, "; did you mean '%.80s'?", near);
    free(names);
}

/* "ARM:SEED": the arm's name or its index, and the seed's index. */
static RinsStatus parse_only(const RinsStudyPlan *plan, const char *only, int *arm, int *seed) {
    const char *colon = strrchr(only, ':');
    const size_t n = colon ? (size_t)(colon - only) : 0;
    int64_t index = -1, repetition = -1;
    char guess[128] = "";
    for (int i = 0; i < (int)plan->arms.n && index < 0; i++) {
        const char *name = rins_study_arm(plan, i)->name;
        if (colon && strlen(name) == n && !strncmp(name, only, n)) index = i;
    }
    if (colon && index < 0 && !rins_parse_int(only, n, &index)) {
        index = -1;
        guess_arm(plan, only, n, guess);
    }
    if (colon && !rins_parse_int(colon + 1, strlen(colon + 1), &repetition)) repetition = -1;
    if (index < 0 || index >= (int)plan->arms.n || repetition < 0 || repetition >= (int)plan->seeds.n)
        return RINS_FAIL(
            RINS_ERR_ARG,
            "--only takes ARM:SEED, the arm's name or index (0 to %zu) and the seed's index (0 to %zu), not '%s'%s",
            plan->arms.n - 1, plan->seeds.n - 1, only, guess);
    *arm = (int)index, *seed = (int)repetition;
    return RINS_OK;
}

/* What would otherwise be found out only after training. */
static RinsStatus check_before(RinsAblation *a, int arm, int seed) {
    RINS_TRY(rins_study_survey(&a->plan, a->out, arm, seed, &a->survey));
    a->done = a->survey.finished;
    return a->done < a->survey.branches ? rins_study_eval_check(&a->plan) : RINS_OK;
}

static RinsStatus run_only(RinsAblation *a, const char *only) {
    int arm = 0, seed = 0;
    RINS_TRY(parse_only(&a->plan, only, &arm, &seed));
    if (a->job) return run_one(a, arm, seed);
    RINS_TRY(check_before(a, arm, seed));
    rins_progress_start(&a->bar, "ablate", a->done, a->survey.branches);
    const RinsStatus status = run_one(a, arm, seed);
    rins_progress_end(&a->bar, a->done, "branches");
    return status;
}

static RinsStatus run_all(RinsAblation *a) {
    RINS_TRY(check_before(a, -1, -1));
    RINS_TRY(rins_ablate_overview(a));
    if (a->done == a->survey.branches) return write_reports(a);
    rins_progress_start(&a->bar, "ablate", a->done, a->survey.branches);
    const RinsStatus status = a->jobs > 1 ? rins_ablate_jobs(a) : run_in_turn(a);
    rins_progress_end(&a->bar, a->done, "branches");
    RINS_TRY(status);
    return write_reports(a);
}

static int ablate(RinsAblation *a, const char *only, bool report_only) {
    catch_signals(a->job);
    RinsStatus status = report_only ? write_reports(a) : only ? run_only(a, only) : run_all(a);
    rins_study_survey_free(&a->survey);
    if (a->job) return rins_ablate_job_end(status);
    if (status != RINS_ERR_INTERRUPTED) return rins_report(status);
    fprintf(stderr, "rins: stopped: %s; the same command goes on from there\n", rins_last_error());
    return RINS_EXIT_FAILED;
}

int rins_cmd_ablate(int argc, char **argv) {
    const char *out = NULL, *only = NULL;
    int64_t jobs = 1;
    bool report = false, job = false;
    RinsCommon common = {0};
    const RinsFlag flags[] = {
        {"out", RINS_FLAG_OUT_DIR, &out, "DIR", "where runs, results and the report go", true},
        {"jobs", RINS_FLAG_INT, &jobs, "N", "arms trained at once, each with --threads threads (default 1)", .min = 1,
         .max = 1024},
        {"only", RINS_FLAG_STRING, &only, "ARM:SEED",
         "only this arm (name, or index from 0) and seed (index), without a report"},
        {"report", RINS_FLAG_BOOL, &report, NULL, "only write the report of what is finished"},
        {"job", RINS_FLAG_BOOL, &job, NULL, NULL}, /* what --jobs starts, see ablate_jobs.c */
        {NULL},
    };
    const RinsCli cli = {
        "rins ablate",
        "PLAN.yaml [key=value ...] --out DIR",
        "Trains every arm of a plan over seeds and budgets, evaluates them and says who won. key=value overrides\n"
        "the run config of every arm. Killed and started again, it goes on where it was.",
        flags,
        1,
        -1,
        &common};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    RinsAblation a = {.plan_path = argv[0],
                      .out = out,
                      .set = argv + 1,
                      .n_set = n_args - 1,
                      .threads = (int)common.threads,
                      .jobs = (int)jobs,
                      .job = job,
                      .stop = &stop_requested};
    const RinsStatus status = rins_study_plan_load(&a.plan, argv[0], a.set, a.n_set);
    if (status != RINS_OK) return job ? rins_ablate_job_end(status) : rins_report(status);
    const int ended = ablate(&a, only, report);
    rins_study_plan_free(&a.plan);
    return ended;
}
