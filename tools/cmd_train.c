/* rins train CONFIG.yaml [key=value ...] --out RUN */
#define _GNU_SOURCE
#include "tools/command.h"
#include "tools/common.h"
#include "tools/flags.h"
#include "tools/mpi_comm.h"
#include "tools/notes.h"
#include "tools/progress.h"

#include "src/base/log.h"
#include "src/study/train_eval.h"
#include "src/model/checkpoint_list.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t stop_requested;

static void request_stop(int number) {
    (void)number;
    stop_requested = 1;
}

/* The first Ctrl-C asks, a second one ends the program as usual. */
static void catch_signals(void) {
    struct sigaction action = {.sa_handler = request_stop, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL); /* what batch systems send ahead of a time limit, and mpirun hands on */
}

typedef struct Bar {
    RinsProgress progress;
    double mean_loss; /* smoothed, for the eye */
} Bar;

static void show_step(void *user, const RinsTrainProgress *step) {
    Bar *bar = user;
    char detail[96];
    bar->mean_loss = bar->mean_loss > 0 ? 0.95 * bar->mean_loss + 0.05 * step->loss : step->loss;
    snprintf(detail, sizeof detail, "loss %.4f  lr %.2e  %.4g pairs/s%s", bar->mean_loss, step->lr, step->pairs_per_s,
             stop_requested ? "  stopping" : "");
    rins_progress_update(&bar->progress, step->step, detail);
}

static void show_plan(const RinsTrainingPlan *plan, const char *out) {
    char a[32], b[32], c[32], d[32];
    rins_log(RINS_LOG_INFO, "model: %s parameters (image %s, text %s), %s of them trained",
             rins_format_si((double)plan->parameters, a), rins_format_si((double)plan->image_parameters, b),
             rins_format_si((double)plan->text_parameters, c), rins_format_si((double)plan->trained, d));
    rins_log(RINS_LOG_INFO, "memory: %s planned, of it %s activations; %s, %d threads",
             rins_format_bytes((double)plan->model_bytes, a), rins_format_bytes((double)plan->activation_bytes, b),
             rins_precision_names[plan->precision], plan->threads);
    const double pairs = (double)plan->total_steps * (double)plan->batch;
    rins_log(RINS_LOG_INFO, "budget: %lld steps of %lld pairs (%.3g epochs of %lld), %sFLOPs a pair, %sFLOPs in all",
             (long long)plan->total_steps, (long long)plan->batch, pairs / (double)plan->samples,
             (long long)plan->samples, rins_format_si(plan->flops_per_pair, a),
             rins_format_si(plan->flops_per_pair * pairs, b));
    if (plan->warmup_steps > plan->total_steps)
        rins_log(RINS_LOG_WARN,
                 "the warm-up of %lld steps does not end within the %lld of the budget: the learning rate stays below "
                 "train.optimizer.lr; lower train.schedule.warmup_steps",
                 (long long)plan->warmup_steps, (long long)plan->total_steps);
    if (plan->batch > plan->samples)
        rins_log(RINS_LOG_WARN,
                 "train.batch=%lld is more than the %lld samples: pairs stand in a batch more than once, as negatives "
                 "of themselves",
                 (long long)plan->batch, (long long)plan->samples);
    if (!plan->checkpoint)
        rins_log(RINS_LOG_INFO, "run: %s, from the start", out);
    else
        rins_log(RINS_LOG_INFO, "run: %s, %s %s (step %lld)", out, plan->branch ? "branching off" : "going on from",
                 plan->checkpoint, (long long)plan->first_step);
}

/* The first of the processes that train together speaks for all. */
static void announce(const RinsMpi *mpi) {
    if (mpi->comm.rank == 0 && mpi->comm.world > 1)
        rins_log(RINS_LOG_INFO, "processes: %d, each with its share of every batch", mpi->comm.world);
}

static int report(RinsMpi *mpi, RinsStatus status) {
    if (status == RINS_OK || rins_mpi_speaks(mpi, rins_last_error())) return rins_report(status);
    return rins_exit_code(status);
}

/* "auto", "never" or a directory. */
static RinsResume parse_resume(const char *text) {
    if (!strcmp(text, "auto")) return RINS_RESUME_AUTO;
    return strcmp(text, "never") ? RINS_RESUME_FROM : RINS_RESUME_NEVER;
}

static int train(const RinsRunConfig *config, const RinsTrainWords *words, const char *out, const char *resume,
                 int threads, RinsMpi *mpi, bool *failed) {
    const bool first = mpi->comm.rank == 0;
    Bar bar = {.mean_loss = 0};
    RinsTrainEval eval = {0};
    const RinsTrainingOptions options = {
        .config = config,
        .out = out,
        .resume = parse_resume(resume),
        .from = resume,
        .threads = threads,
        .templates = &words->templates,
        .class_names = &words->class_names,
        .eval = rins_train_eval,
        .eval_user = &eval,
        .comm = &mpi->comm,
        .progress = show_step,
        .progress_user = &bar,
        .stop = &stop_requested,
    };
    RinsTraining *training;
    RinsStatus status = rins_training_open(&training, &options);
    *failed = status != RINS_OK;
    if (*failed) return report(mpi, status);
    eval.training = training;
    const RinsTrainingPlan *plan = rins_training_plan(training);
    show_plan(plan, out);
    catch_signals();
    rins_progress_start(&bar.progress, "train", plan->first_step, plan->total_steps);
    status = rins_training_run(training);
    const int64_t done = rins_training_step(training);
    rins_progress_end(&bar.progress, done, "steps");
    if (rins_training_bad(training))
        rins_log(RINS_LOG_INFO,
                 "data: %lld of %lld samples read were bad, and others took their places: '%s/bad.jsonl'",
                 (long long)rins_training_bad(training), (long long)rins_training_read(training), out);
    rins_training_free(training);
    *failed =
        status != RINS_OK && status != RINS_ERR_INTERRUPTED; /* the one is the end of this process, the other of all */
    if (status == RINS_ERR_INTERRUPTED) {
        if (first)
            fprintf(stderr, "rins: %s; the same command with --resume auto goes on from there\n", rins_last_error());
        return RINS_EXIT_FAILED;
    }
    if (status != RINS_OK) return report(mpi, status);
    char *path = first ? rins_checkpoint_path(out, done) : NULL;
    if (path) puts(path);
    free(path);
    return RINS_EXIT_OK;
}

int rins_cmd_train(int argc, char **argv) {
    const char *out = NULL, *resume = "auto";
    RinsCommon common = {0};
    const RinsFlag flags[] = {
        {"out", RINS_FLAG_OUT_DIR, &out, "RUN", "run directory: config, metrics, checkpoints", true},
        {"resume", RINS_FLAG_STRING, &resume, "auto|never|DIR",
         "auto: from RUN's newest checkpoint, afresh where there is none (default). DIR: a run or checkpoint; another "
         "run's "
         "is branched off, moments and place in the data included"},
        {NULL},
    };
    const RinsCli cli = {"rins train",
                         "CONFIG.yaml [key=value ...] --out RUN",
                         "Trains image and text towers on pairs. Keys of the config are overridden as a.b.c=value. "
                         "Processes that mpirun starts share every batch. Ctrl-C "
                         "finishes the step and saves.\nPrints the last checkpoint's path.",
                         flags,
                         1,
                         -1,
                         &common};
    int n_args, code;
    RinsRunConfig config = {0};
    RinsTrainWords words = {0};
    RinsMpi mpi;
    RinsStatus status = rins_mpi_open(&mpi);
    if (mpi.comm.rank > 0) rins_notes_hush();
    const RinsStatus read = rins_cli_read(&cli, argc, argv, &n_args, &code);
    if (read == RINS_OK && code != RINS_CLI_GO_ON) { /* --help, which needs no others */
        rins_mpi_close(&mpi, 0);
        return code;
    }
    if (read != RINS_OK) status = read;
    if (status == RINS_OK) announce(&mpi);
    if (status == RINS_OK) status = rins_run_config_load(&config, argv[0], argv + 1, n_args - 1);
    if (status == RINS_OK) status = rins_train_words_open(&words, &config);
    if (status == RINS_OK) status = rins_train_eval_check(&config);
    bool failed = status != RINS_OK;
    const int exit_code =
        failed ? report(&mpi, status) : train(&config, &words, out, resume, (int)common.threads, &mpi, &failed);
    rins_train_words_free(&words);
    rins_run_config_free(&config);
    rins_mpi_close(&mpi, failed ? exit_code : 0);
    return exit_code;
}
