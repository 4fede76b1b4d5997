/* rins ablate PLAN.yaml [key=value ...] --out DIR */
#define _GNU_SOURCE
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/progress.h"

#include "src/base/file.h"
#include "src/base/log.h"
#include "src/study/study_report.h"
#include "src/study/study_run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stop_requested;

static void request_stop(int number) {
    (void)number;
    stop_requested = 1;
}

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = request_stop, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* The plan's command line and where it stands. */
typedef struct Ablation {
    RinsStudyPlan plan;
    const char *plan_path, *out;
    char **set;
    int n_set, threads, jobs;
    pid_t *children; /* (jobs), 0: none */
    bool passed_on;  /* a stop, to the children */
    RinsProgress bar;
} Ablation;

static int branches(const RinsStudyPlan *plan) { return (int)(plan->arms.n * plan->seeds.n * plan->budgets.n); }

static int finished(const Ablation *a) {
    int done = 0;
    for (int arm = 0; arm < (int)a->plan.arms.n; arm++)
        for (int seed = 0; seed < (int)a->plan.seeds.n; seed++)
            for (int b = 0; b < (int)a->plan.budgets.n; b++) {
                char *path = rins_study_result_path(&a->plan, a->out, arm, seed, b);
                done += path && rins_path_is_file(path);
                free(path);
            }
    return done;
}

static void show(void *user, const RinsStudyProgress *p) {
    Ablation *a = user;
    char detail[160];
    snprintf(detail, sizeof detail, "%s, seed %g, budget %.3g: %s %lld/%lld  loss %.4f", p->arm,
             a->plan.seeds.items[p->seed], a->plan.budgets.items[p->budget], p->phase,
             (long long)p->step, (long long)p->total, p->loss);
    rins_progress_update(&a->bar, finished(a), detail);
}

static RinsStatus run_one(Ablation *a, int arm, int seed) {
    const RinsStudyOptions options = {.plan = &a->plan, .out = a->out, .threads = a->threads, .stop = &stop_requested,
                                      .progress = show, .progress_user = a};
    return rins_study_run_arm(&options, arm, seed);
}

static RinsStatus run_in_turn(Ablation *a) {
    for (int seed = 0; seed < (int)a->plan.seeds.n; seed++) /* a whole repetition first: an early look compares all arms */
        for (int arm = 0; arm < (int)a->plan.arms.n; arm++) RINS_TRY(run_one(a, arm, seed));
    return RINS_OK;
}

/* The same program again, for one arm and seed. It ends with this one, however this one ends. */
static RinsStatus start_child(const Ablation *a, int arm, int seed, pid_t *child) {
    char only[32], threads[16], self[] = "/proc/self/exe", command[] = "ablate";
    snprintf(only, sizeof only, "%d:%d", arm, seed);
    snprintf(threads, sizeof threads, "%d", a->threads);
    char **argv = calloc((size_t)a->n_set + 12, sizeof *argv);
    if (!argv) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a command line");
    int n = 0;
    argv[n++] = self, argv[n++] = command, argv[n++] = (char *)(uintptr_t)a->plan_path;
    for (int i = 0; i < a->n_set; i++) argv[n++] = a->set[i];
    argv[n++] = (char *)(uintptr_t)"--out", argv[n++] = (char *)(uintptr_t)a->out;
    argv[n++] = (char *)(uintptr_t)"--only", argv[n++] = only;
    argv[n++] = (char *)(uintptr_t)"--threads", argv[n++] = threads, argv[n++] = (char *)(uintptr_t)"--quiet";
    const pid_t parent = getpid();
    sigset_t stops, before; /* held back until the child would end by one: its inherited handler would lose it */
    sigemptyset(&stops), sigaddset(&stops, SIGINT), sigaddset(&stops, SIGTERM);
    sigprocmask(SIG_BLOCK, &stops, &before);
    *child = fork();
    if (*child == 0) {
        signal(SIGINT, SIG_DFL), signal(SIGTERM, SIG_DFL);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        sigprocmask(SIG_SETMASK, &before, NULL);
        if (getppid() == parent) execv(self, argv);
        _exit(127);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    const RinsStatus status =
        *child < 0 ? RINS_FAIL(RINS_ERR_IO, "cannot start a job: %s", strerror(errno)) : RINS_OK;
    if (*child < 0) *child = 0;
    free(argv);
    return status;
}

/* Waits for a child to end; -1: none is left. A stop is passed on to all of them, once: the second would end
   them before they have saved their state. Looks ten times a second, as a signal just before waitpid would be
   noticed only after it. */
static int wait_for_child(Ablation *a, int *failed) {
    for (;;) {
        const bool stop = stop_requested && !a->passed_on;
        for (int i = 0; stop && i < a->jobs; i++)
            if (a->children[i]) kill(a->children[i], SIGTERM);
        a->passed_on = a->passed_on || stop;
        int code;
        const pid_t pid = waitpid(-1, &code, WNOHANG);
        if (pid < 0 && errno != EINTR) return -1;
        if (pid <= 0) {
            nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
            continue;
        }
        for (int i = 0; i < a->jobs; i++) {
            if (a->children[i] != pid) continue;
            a->children[i] = 0;
            *failed += !(WIFEXITED(code) && WEXITSTATUS(code) == 0);
            return i;
        }
    }
}

/* `jobs` children at a time; a failed one does not stop the others. */
static RinsStatus run_jobs(Ablation *a) {
    const int arms = (int)a->plan.arms.n, total = arms * (int)a->plan.seeds.n;
    int next = 0, failed = 0;
    RinsStatus status = RINS_OK;
    a->children = calloc((size_t)a->jobs, sizeof *a->children);
    if (!a->children) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %d jobs", a->jobs);
    for (int i = 0; i < a->jobs && next < total && status == RINS_OK; i++, next++)
        status = start_child(a, next % arms, next / arms, &a->children[i]);
    for (int i; (i = wait_for_child(a, &failed)) >= 0;) {
        rins_progress_update(&a->bar, finished(a), NULL);
        if (next >= total || stop_requested || status != RINS_OK) continue;
        status = start_child(a, next % arms, next / arms, &a->children[i]);
        next++;
    }
    free(a->children);
    if (stop_requested) return RINS_FAIL(RINS_ERR_INTERRUPTED, "stopped; finished branches are kept");
    RINS_TRY(status);
    return failed ? RINS_FAIL(RINS_ERR_INTERNAL, "%d of %d jobs failed; their messages are above", failed, total) : RINS_OK;
}

static RinsStatus write_reports(const Ablation *a) {
    static const char *const names[] = {"results.csv", "fits.csv", "report.html", "summary.txt", "figures"};
    enum { N_PATHS = sizeof names / sizeof names[0] };
    char *paths[N_PATHS] = {NULL};
    RinsStudyRows rows = {0};
    RinsAtomicFile summary = {0};
    RinsStatus status = RINS_OK;
    int missing;
    RINS_TRY_DONE(rins_study_results_read(&a->plan, a->out, &rows, &missing));
    if (missing) rins_log(RINS_LOG_WARN, "%d of %d branches are not finished: the report shows the others", missing, branches(&a->plan));
    for (int i = 0; i < N_PATHS; i++)
        if (!(paths[i] = rins_path_join(a->out, names[i]))) status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    if (status != RINS_OK) goto done;
    RINS_TRY_DONE(rins_study_results_csv(&a->plan, paths[0], &rows));
    RINS_TRY_DONE(rins_study_fits_csv(&a->plan, paths[1], &rows));
    RINS_TRY_DONE(rins_study_html(&a->plan, paths[2], &rows));
    RINS_TRY_DONE(rins_study_figures(&a->plan, paths[4], &rows));
    RINS_TRY_DONE(rins_atomic_open(&summary, paths[3]));
    RINS_TRY_DONE(rins_study_summary(&a->plan, &rows, summary.stream));
    RINS_TRY_DONE(rins_atomic_commit(&summary));
    RINS_TRY_DONE(rins_study_summary(&a->plan, &rows, stdout));
    printf("\n%s\n", paths[2]);
done:
    rins_atomic_abort(&summary);
    for (int i = 0; i < N_PATHS; i++) free(paths[i]);
    rins_study_rows_free(&rows);
    return status;
}

/* "ARM:SEED", indices into the plan: one job of --jobs. */
static RinsStatus run_only(Ablation *a, const char *only) {
    int arm, seed;
    if (sscanf(only, "%d:%d", &arm, &seed) != 2 || arm < 0 || arm >= (int)a->plan.arms.n || seed < 0 ||
        seed >= (int)a->plan.seeds.n)
        return RINS_FAIL(RINS_ERR_ARG, "--only takes ARM:SEED, indices from 0 into the plan, not '%s'", only);
    return run_one(a, arm, seed);
}

static RinsStatus ablate(Ablation *a, const char *only, bool report_only) {
    RINS_TRY(rins_mkdirs(a->out));
    catch_signals();
    RinsStatus status = RINS_OK;
    for (size_t i = 0; i < a->plan.hard.n && !report_only; i++) /* now, not after the first arm's training */
        if (!rins_path_is_file(a->plan.hard.items[i]))
            return RINS_FAIL(RINS_ERR_IO, "'hard': there is no file '%s'", a->plan.hard.items[i]);
    if (only) return run_only(a, only);
    if (!report_only) {
        rins_progress_start(&a->bar, "ablate", finished(a), branches(&a->plan));
        status = a->jobs > 1 ? run_jobs(a) : run_in_turn(a);
        rins_progress_end(&a->bar, finished(a), "branches");
    }
    if (status == RINS_ERR_INTERRUPTED) return rins_fail_context(status, "the same command goes on from there");
    RINS_TRY(status);
    return write_reports(a);
}

int rins_cmd_ablate(int argc, char **argv) {
    const char *out = NULL, *only = NULL;
    int64_t jobs = 1;
    bool report = false;
    RinsCommon common = {0};
    const RinsFlag flags[] = {
        {"out", RINS_FLAG_STRING, &out, "DIR", "where runs, results and the report go", true},
        {"jobs", RINS_FLAG_INT, &jobs, "N", "arms trained at once, each with --threads threads (default 1)"},
        {"only", RINS_FLAG_STRING, &only, "ARM:SEED", "only this arm and seed (indices from 0), without a report"},
        {"report", RINS_FLAG_BOOL, &report, NULL, "only write the report of what is finished"},
        {NULL},
    };
    const RinsCli cli = {"rins ablate", "PLAN.yaml [key=value ...] --out DIR",
                         "Trains every arm of a plan over seeds and budgets, evaluates them and says who won. key=value overrides\n"
                         "the run config of every arm. Killed and started again, it goes on where it was.",
                         flags, 1, -1, &common};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    Ablation a = {.plan_path = argv[0], .out = out, .set = argv + 1, .n_set = n_args - 1, .threads = (int)common.threads,
                  .jobs = (int)jobs};
    if (jobs < 1 || jobs > 1024)
        return rins_report(RINS_FAIL(RINS_ERR_ARG, "--jobs takes 1 to 1024, not %lld", (long long)jobs));
    RinsStatus status = rins_study_plan_load(&a.plan, argv[0], a.set, a.n_set);
    if (status == RINS_OK) {
        status = ablate(&a, only, report);
        rins_study_plan_free(&a.plan);
    }
    return rins_report(status);
}
