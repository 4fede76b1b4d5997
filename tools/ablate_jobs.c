#define _GNU_SOURCE
#include "tools/ablate.h"

#include "eval/lines.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "tools/command.h"
#include "tools/notes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A job's standard error is a pipe to the one that started it. Lines that begin with one of these are for it
   alone, all others for people. */
enum { DOING = 1, FINISHED, STOPPED, FAILED };

enum { POLL_MS = 100 };
static const double report_every_s = 0.5;

typedef struct Job {
    pid_t pid; /* 0: none */
    int fd, arm, seed;
    bool explained; /* it said why it failed or stopped */
    size_t used;
    char line[1280];
    RinsAblationLine doing;
} Job;

typedef struct Jobs {
    RinsAblation *a;
    Job *jobs;
    struct pollfd *polled;
    int next, started, failed;
    RinsStringList said; /* messages shown already: what all jobs complain of is said once */
    char stopped[800];
    bool passed_on; /* a stop, to all jobs */
} Jobs;

/* The same program again, for one arm and seed. It ends with this one, however this one ends. */
static RinsStatus spawn(const RinsAblation *a, Job *job, int write_end) {
    char *only, threads[16], self[] = "/proc/self/exe", command[] = "ablate", mark[] = "--job";
    if (asprintf(&only, "%s:%d", rins_study_arm(&a->plan, job->arm)->name, job->seed) < 0)
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a command line");
    snprintf(threads, sizeof threads, "%d", a->threads);
    char **argv = calloc((size_t)a->n_set + 14, sizeof *argv);
    if (!argv) {
        free(only);
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a command line");
    }
    int n = 0;
    argv[n++] = self, argv[n++] = command, argv[n++] = (char *)(uintptr_t)a->plan_path;
    for (int i = 0; i < a->n_set; i++) argv[n++] = a->set[i];
    argv[n++] = (char *)(uintptr_t) "--out", argv[n++] = (char *)(uintptr_t)a->out;
    argv[n++] = (char *)(uintptr_t) "--only", argv[n++] = only, argv[n++] = mark;
    argv[n++] = (char *)(uintptr_t) "--threads", argv[n++] = threads, argv[n++] = (char *)(uintptr_t) "--quiet";
    const pid_t parent = getpid();
    sigset_t stops, before; /* held back until the child would end by one: its inherited handler would lose it */
    sigemptyset(&stops), sigaddset(&stops, SIGINT), sigaddset(&stops, SIGTERM);
    sigprocmask(SIG_BLOCK, &stops, &before);
    job->pid = fork();
    if (job->pid == 0) {
        signal(SIGINT, SIG_DFL), signal(SIGTERM, SIG_DFL);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        sigprocmask(SIG_SETMASK, &before, NULL);
        if (getppid() == parent && dup2(write_end, STDERR_FILENO) >= 0) execv(self, argv);
        _exit(127);
    }
    const int problem = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    free(argv), free(only);
    if (job->pid > 0) return RINS_OK;
    job->pid = 0;
    return RINS_FAIL(RINS_ERR_IO, "cannot start a job: %s", strerror(problem));
}

static RinsStatus start_job(Jobs *jobs, Job *job, int arm, int seed) {
    const RinsStudyPlan *plan = &jobs->a->plan;
    int ends[2];
    *job = (Job){.arm = arm, .seed = seed, .fd = -1};
    snprintf(job->doing.full, sizeof job->doing.full, "%.60s, seed %.0f: starting", rins_study_arm(plan, arm)->name,
             plan->seeds.items[seed]);
    snprintf(job->doing.brief, sizeof job->doing.brief, "%.32s:%d", rins_study_arm(plan, arm)->name, seed);
    if (pipe2(ends, O_CLOEXEC) != 0) return RINS_FAIL(RINS_ERR_IO, "cannot start a job: %s", strerror(errno));
    const RinsStatus status = spawn(jobs->a, job, ends[1]);
    close(ends[1]);
    if (status == RINS_OK) {
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        job->fd = ends[0];
        jobs->started++;
    } else {
        close(ends[0]);
    }
    return status;
}

/* Starts the next arm and seed that has something left, where there is one. */
static RinsStatus start_next(Jobs *jobs, Job *job) {
    const RinsStudyPlan *plan = &jobs->a->plan;
    const int arms = (int)plan->arms.n, total = arms * (int)plan->seeds.n;
    while (jobs->next < total) { /* a whole repetition first: an early look compares all arms */
        const int arm = jobs->next % arms, seed = jobs->next / arms;
        jobs->next++;
        if (rins_study_survey_left(&jobs->a->survey, plan, arm, seed)) return start_job(jobs, job, arm, seed);
    }
    return RINS_OK;
}

static bool said_before(Jobs *jobs, const char *text) {
    for (size_t i = 0; i < jobs->said.n; i++)
        if (!strcmp(jobs->said.items[i], text)) return true;
    return rins_strings_add(&jobs->said, text) != RINS_OK;
}

/* "arm 'plain', seed 0: cannot open 'x'" is the same message for every arm. */
static void show_failure(Jobs *jobs, const Job *job, const char *text) {
    char who[400];
    const RinsStudyPlan *plan = &jobs->a->plan;
    const int n = snprintf(who, sizeof who, "arm '%s', seed %.0f: ", rins_study_arm(plan, job->arm)->name,
                           plan->seeds.items[job->seed]);
    const bool own = n < (int)sizeof who && !strncmp(text, who, (size_t)n);
    if (!said_before(jobs, own ? text + n : text)) rins_log(RINS_LOG_ERROR, "%s%s", own ? "" : who, text);
}

/* "FULL\tBRIEF" */
static void take_doing(Job *job, const char *text) {
    const char *brief = strrchr(text, '\t');
    if (!brief) return;
    snprintf(job->doing.full, sizeof job->doing.full, "%.*s", (int)(brief - text), text);
    snprintf(job->doing.brief, sizeof job->doing.brief, "%s", brief + 1);
}

static void take_line(Jobs *jobs, Job *job) {
    const char *text = job->line + 1;
    const size_t used = strlen(jobs->stopped);
    switch (job->line[0]) {
    case 0: break;
    case DOING: take_doing(job, text); break;
    case FINISHED: jobs->a->done++; break;
    case STOPPED:
        snprintf(jobs->stopped + used, sizeof jobs->stopped - used, "%s%s", used ? "; " : "", text);
        job->explained = true;
        break;
    case FAILED:
        show_failure(jobs, job, text);
        job->explained = true;
        break;
    default:
        if (!said_before(jobs, job->line)) rins_notes_line(strncmp(job->line, "rins: ", 6) ? job->line : job->line + 6);
    }
}

/* Takes what the job has written; false once it has ended. */
static bool read_job(Jobs *jobs, Job *job) {
    char text[4096];
    ssize_t n;
    while ((n = read(job->fd, text, sizeof text)) > 0)
        for (ssize_t i = 0; i < n; i++) {
            if (text[i] != '\n' && job->used + 1 < sizeof job->line) {
                job->line[job->used++] = text[i];
                continue;
            }
            if (text[i] != '\n') continue;
            job->line[job->used] = 0;
            take_line(jobs, job);
            job->used = 0;
        }
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void end_job(Jobs *jobs, Job *job) {
    int code = 0;
    char why[96];
    close(job->fd);
    while (waitpid(job->pid, &code, 0) < 0 && errno == EINTR) {
    }
    job->pid = 0;
    if (WIFEXITED(code) && WEXITSTATUS(code) == 0) return;
    jobs->failed++;
    if (job->explained) return;
    if (*jobs->a->stop && WIFSIGNALED(code)) return; /* stopped before it had begun */
    if (WIFSIGNALED(code))
        snprintf(why, sizeof why, "its process was ended by signal %d (%s)", WTERMSIG(code), strsignal(WTERMSIG(code)));
    else
        snprintf(why, sizeof why, "its process ended with status %d", WEXITSTATUS(code));
    show_failure(jobs, job, why);
}

static void show_jobs(Jobs *jobs) {
    char text[1000];
    const RinsAblationLine *lines[1024];
    int n = 0;
    for (int i = 0; i < jobs->a->jobs; i++)
        if (jobs->jobs[i].pid) lines[n++] = &jobs->jobs[i].doing;
    rins_ablate_join(lines, n, rins_progress_room(&jobs->a->bar, jobs->a->done), text, sizeof text);
    rins_progress_update(&jobs->a->bar, jobs->a->done, text);
}

/* Waits a moment for what the jobs write. A stop is passed on to all of them, once: the second would end them
   before they have saved their state. */
static void wait_for_jobs(Jobs *jobs) {
    if (*jobs->a->stop && !jobs->passed_on) {
        for (int i = 0; i < jobs->a->jobs; i++)
            if (jobs->jobs[i].pid) kill(jobs->jobs[i].pid, SIGTERM);
        jobs->passed_on = true;
    }
    for (int i = 0; i < jobs->a->jobs; i++)
        jobs->polled[i] = (struct pollfd){.fd = jobs->jobs[i].pid ? jobs->jobs[i].fd : -1, .events = POLLIN};
    poll(jobs->polled, (nfds_t)jobs->a->jobs, POLL_MS);
}

static RinsStatus run(Jobs *jobs) {
    RinsStatus status = RINS_OK;
    for (int i = 0; i < jobs->a->jobs && status == RINS_OK; i++) status = start_next(jobs, &jobs->jobs[i]);
    for (bool busy = true; busy;) {
        wait_for_jobs(jobs);
        busy = false;
        for (int i = 0; i < jobs->a->jobs; i++) {
            Job *job = &jobs->jobs[i];
            if (job->pid && !read_job(jobs, job)) {
                end_job(jobs, job);
                if (status == RINS_OK && !*jobs->a->stop) status = start_next(jobs, job);
            }
            busy = busy || job->pid;
        }
        if (busy) show_jobs(jobs);
    }
    return status;
}

RinsStatus rins_ablate_jobs(RinsAblation *a) {
    Jobs jobs = {.a = a,
                 .jobs = calloc((size_t)a->jobs, sizeof *jobs.jobs),
                 .polled = calloc((size_t)a->jobs, sizeof *jobs.polled)};
    RinsStatus status =
        jobs.jobs && jobs.polled ? run(&jobs) : RINS_FAIL(RINS_ERR_MEMORY, "no memory for %d jobs", a->jobs);
    free(jobs.jobs), free(jobs.polled);
    rins_strings_free(&jobs.said);
    if (*a->stop && status == RINS_OK && (jobs.stopped[0] || a->done < a->survey.branches))
        return RINS_FAIL(RINS_ERR_INTERRUPTED, "%s", jobs.stopped[0] ? jobs.stopped : "finished branches are kept");
    if (status == RINS_OK && jobs.failed)
        status =
            RINS_FAIL(RINS_ERR_INTERNAL, "%d of %d jobs failed; what they say is above", jobs.failed, jobs.started);
    return status;
}

void rins_ablate_job_progress(RinsAblation *a, const RinsStudyProgress *progress) {
    RinsAblationLine line;
    const double now = rins_clock();
    if (!strcmp(progress->phase, "finished")) {
        fprintf(stderr, "%c\n", FINISHED);
        return;
    }
    if (now - a->bar.shown < report_every_s) return;
    a->bar.shown = now;
    rins_ablate_describe(&a->plan, progress, &line);
    fprintf(stderr, "%c%s\t%s\n", DOING, line.full, line.brief);
}

int rins_ablate_job_end(RinsStatus status) {
    if (status == RINS_OK) return RINS_EXIT_OK;
    fprintf(stderr, "%c%s\n", status == RINS_ERR_INTERRUPTED ? STOPPED : FAILED, rins_last_error());
    return RINS_EXIT_FAILED;
}
