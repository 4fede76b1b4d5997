#define _GNU_SOURCE
#include "src/study/study_run.h"

#include "src/base/file.h"
#include "src/base/json.h"
#include "src/base/number.h"
#include "src/study/train_eval.h"
#include "src/model/checkpoint_list.h"
#include "src/train/training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LOSS_TAIL = 20 }; /* steps whose mean loss stands for a run's */

/* One phase of one arm and seed, and where it reports. */
typedef struct Phase {
    const RinsStudyOptions *options;
    RinsStudyProgress progress;
    double tail[LOSS_TAIL];
    int64_t seen;
} Phase;

static void on_step(void *user, const RinsTrainProgress *progress) {
    Phase *phase = user;
    phase->tail[phase->seen++ % LOSS_TAIL] = progress->loss;
    phase->progress.step = progress->step;
    phase->progress.total = progress->total;
    phase->progress.loss = progress->loss;
    phase->progress.pairs_per_s = progress->pairs_per_s;
    if (phase->options->progress) phase->options->progress(phase->options->progress_user, &phase->progress);
}

static void report(Phase *phase, const char *name, const RinsStudyEvalProgress *evaluation) {
    RinsStudyProgress *p = &phase->progress;
    p->phase = name;
    p->evaluation = evaluation;
    p->step = evaluation ? evaluation->at : 0, p->total = evaluation ? evaluation->n : 0;
    p->loss = p->pairs_per_s = 0;
    if (phase->options->progress) phase->options->progress(phase->options->progress_user, p);
    p->evaluation = NULL;
}

static void on_evaluation(void *user, const RinsStudyEvalProgress *evaluation) {
    report(user, "evaluation", evaluation);
}

static double tail_loss(const Phase *phase) {
    const int n = phase->seen < LOSS_TAIL ? (int)phase->seen : LOSS_TAIL;
    double sum = 0;
    for (int i = 0; i < n; i++) sum += phase->tail[i];
    return n ? sum / n : NAN;
}

static RinsStatus set_config(RinsRunConfig *config, const char *key, const char *value) {
    char text[4400];
    snprintf(text, sizeof text, "%s=%s", key, value);
    return rins_config_override(rins_run_fields, config, text);
}

static RinsStatus set_steps(RinsRunConfig *config, int64_t steps) {
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)steps);
    RINS_TRY(set_config(config, "train.budget", "{examples: null, steps: null, epochs: null, flops: null}"));
    RINS_TRY(set_config(config, "train.eval.every_steps", "0"));
    RINS_TRY(set_config(config, "train.checkpoint", "{every_steps: 0, keep: 0}"));
    return set_config(config, "train.budget.steps", text);
}

static RinsStatus train(Phase *phase, const RinsRunConfig *config, const char *out) {
    RinsTraining *training = NULL;
    RinsTrainWords words;
    RINS_TRY(rins_train_words_open(&words, config));
    const RinsTrainingOptions options = {.config = config,
                                         .out = out,
                                         .resume = RINS_RESUME_AUTO,
                                         .threads = phase->options->threads,
                                         .templates = &words.templates,
                                         .class_names = &words.class_names,
                                         .no_events = true,
                                         .progress = on_step,
                                         .progress_user = phase,
                                         .stop = phase->options->stop};
    RinsStatus status = rins_training_open(&training, &options);
    if (status == RINS_OK) status = rins_training_run(training);
    rins_training_free(training);
    rins_train_words_free(&words);
    return status;
}

/* A trunk cannot go back to the beginning of another cool-down. */
static RinsStatus check_not_beyond(const char *trunk, int64_t step) {
    RinsCheckpointList list;
    RINS_TRY(rins_checkpoint_list(&list, trunk));
    const int64_t last = list.n ? list.steps[list.n - 1] : 0;
    rins_checkpoint_list_free(&list);
    if (last <= step) return RINS_OK;
    return RINS_FAIL(
        RINS_ERR_MISMATCH,
        "budgets can only be added behind the others: '%s' is at step %lld, this one's cool-down begins at step %lld",
        trunk, (long long)last, (long long)step);
}

/* Takes the trunk on to `step`, where a checkpoint then stands. */
static RinsStatus run_trunk(Phase *phase, const RinsRunConfig *base, const char *trunk, int64_t step) {
    char *checkpoint = rins_checkpoint_path(trunk, step);
    if (!checkpoint) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    const bool there = rins_path_is_dir(checkpoint);
    free(checkpoint);
    if (there) return RINS_OK;
    RINS_TRY(check_not_beyond(trunk, step));
    RinsRunConfig config = {0};
    phase->progress.phase = "trunk";
    RinsStatus status = rins_config_copy(rins_run_fields, &config, base);
    if (status == RINS_OK) status = set_steps(&config, step);
    if (status == RINS_OK) status = train(phase, &config, trunk);
    rins_run_config_free(&config);
    return status;
}

static RinsStatus run_cooldown(Phase *phase, const RinsRunConfig *base, const char *trunk, int64_t from, int64_t steps,
                               const char *out) {
    RinsRunConfig config = {0};
    char fraction[32], *checkpoint = rins_checkpoint_path(trunk, from);
    RinsStatus status = checkpoint ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    phase->progress.phase = "cool-down";
    snprintf(fraction, sizeof fraction, "%.12g", (double)(steps - from) / (double)steps);
    if (status == RINS_OK) status = rins_config_copy(rins_run_fields, &config, base);
    if (status == RINS_OK) status = set_steps(&config, steps);
    if (status == RINS_OK) status = set_config(&config, "train.schedule.cooldown_fraction", fraction);
    if (status == RINS_OK) {
        free(config.train.branch);
        config.train.branch = checkpoint;
        checkpoint = NULL;
        status = train(phase, &config, out);
    }
    free(checkpoint);
    rins_run_config_free(&config);
    return status;
}

/* Mean training loss of the last steps and how many they are, from the run's own record: it is there after a restart
   too. */
static RinsStatus read_loss(const char *run, double *loss, int64_t *steps) {
    char *path = rins_path_join(run, "metrics.jsonl"), *data = NULL, *at;
    size_t size;
    Phase tail = {0};
    if (!path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    const RinsStatus status = rins_file_read(path, 0, &data, &size);
    free(path);
    if (status != RINS_OK) return status;
    for (char *line = data; (at = strchr(line, '\n')) != NULL; line = at + 1) {
        const char *value = strstr(line, "\"loss\": ");
        double number;
        if (value && value < at && rins_parse_double(value + 8, strcspn(value + 8, ",}"), &number))
            tail.tail[tail.seen++ % LOSS_TAIL] = number;
    }
    free(data);
    *loss = tail_loss(&tail);
    *steps = tail.seen < LOSS_TAIL ? tail.seen : LOSS_TAIL;
    return RINS_OK;
}

static RinsStatus measure(Phase *phase, const char *run, const char *result, RinsStudyRow row) {
    const RinsStudyPlan *plan = phase->options->plan;
    RinsStudyRows rows = {0};
    RinsModelFlops flops;
    RinsRunConfig config = {0};
    double loss = NAN;
    int64_t averaged = 0;
    RinsStatus status = read_loss(run, &loss, &averaged);
    if (status == RINS_OK) status = rins_study_config(plan, row.arm, row.seed, &config);
    if (status == RINS_OK) status = rins_model_flops(&config.model, (RinsRounds){0, 0}, &flops);
    if (status == RINS_OK) {
        RinsStudyRow first = row;
        first.image_flops = flops.image_forward, first.text_flops = flops.text_forward, first.value = loss,
        first.n = averaged;
        snprintf(first.metric, sizeof first.metric, "loss");
        status = rins_study_rows_add(&rows, &first);
    }
    if (status == RINS_OK)
        status = rins_study_eval(plan, run, phase->options->threads, &row, on_evaluation, phase, &rows);
    if (status == RINS_OK) status = rins_study_result_write(plan, result, &rows);
    rins_run_config_free(&config);
    rins_study_rows_free(&rows);
    return status;
}

/* Trunk and cool-down, where they are not done. `known`: what is there was trained with these keys. */
static RinsStatus train_branch(Phase *phase, const RinsRunConfig *base, const char *folder, const char *branch,
                               int64_t steps, int64_t from, bool known) {
    char *trunk;
    bool trained;
    RINS_TRY(rins_study_is_trained(branch, steps, &trained));
    if (trained && known) return RINS_OK;
    if (!(trunk = rins_path_join(folder, "trunk"))) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    RinsStatus status = run_trunk(phase, base, trunk, from);
    if (status == RINS_OK) status = run_cooldown(phase, base, trunk, from, steps, branch);
    free(trunk);
    return status;
}

static RinsStatus run_budget(Phase *phase, const RinsRunConfig *base, const char *folder, bool known,
                             RinsStudyRow row) {
    const RinsStudyOptions *options = phase->options;
    char *branch = NULL, *result = rins_study_result_path(options->plan, options->out, row.arm, row.seed, row.budget);
    RinsStudyRows there = {0};
    int64_t steps, from;
    double per_pair;
    bool current;
    RinsStatus status = RINS_OK;
    if (!result || asprintf(&branch, "%s/b%d", folder, row.budget) < 0) {
        branch = NULL;
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
        goto done;
    }
    RINS_TRY_DONE(rins_study_result_read(options->plan, result, row, &there, &current));
    if (current) goto done;
    if (options->stop && *options->stop) {
        status = RINS_ERR_INTERRUPTED;
        goto done;
    }
    RINS_TRY_DONE(rins_study_steps(options->plan, base, row.budget, &steps, &from, &per_pair));
    row.examples = (double)(steps * base->train.batch);
    row.flops = row.examples * per_pair;
    RINS_TRY_DONE(train_branch(phase, base, folder, branch, steps, from, known));
    RINS_TRY_DONE(measure(phase, branch, result, row));
    report(phase, "finished", NULL);
done:
    rins_study_rows_free(&there);
    free(branch), free(result);
    return status;
}

/* Who and where, before what went wrong. */
static RinsStatus explain(const Phase *phase, RinsStatus status, int arm) {
    const RinsStudyPlan *plan = phase->options->plan;
    const RinsStudyProgress *p = &phase->progress;
    const double seed = plan->seeds.items[p->seed];
    if (status == RINS_ERR_INTERRUPTED && p->step > 0)
        return RINS_FAIL(status, "arm '%s', seed %.0f, after step %lld of %lld (saved)", p->arm, seed,
                         (long long)p->step, (long long)p->total);
    if (status == RINS_ERR_INTERRUPTED)
        return RINS_FAIL(status, "arm '%s', seed %.0f, before budget %g", p->arm, seed, plan->budgets.items[p->budget]);
    if (status == RINS_ERR_MISMATCH && !strstr(rins_last_error(), "anew, remove"))
        rins_study_advise(status, plan, phase->options->out, arm);
    return rins_fail_context(status, "arm '%s', seed %.0f", p->arm, seed);
}

RinsStatus rins_study_run_arm(const RinsStudyOptions *options, int arm, int seed) {
    const RinsStudyPlan *plan = options->plan;
    RinsRunConfig config = {0};
    char *folder = rins_study_folder(plan, options->out, arm, seed), *results = rins_path_join(options->out, "results");
    Phase phase = {.options = options, .progress = {.arm = rins_study_arm(plan, arm)->name, .seed = seed}};
    RinsStatus status = RINS_OK;
    bool known;
    if (!results || !folder) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
        goto done;
    }
    RINS_TRY_DONE(rins_mkdirs(results));
    RINS_TRY_DONE(rins_mkdirs(folder));
    status = rins_study_claim(plan, options->out, arm, seed, &known);
    if (status == RINS_OK) status = rins_study_config(plan, arm, seed, &config);
    for (int b = 0; b < (int)plan->budgets.n && status == RINS_OK; b++) {
        phase.progress.budget = b;
        phase.progress.step = 0;
        status = run_budget(&phase, &config, folder, known, (RinsStudyRow){.arm = arm, .seed = seed, .budget = b});
    }
    if (status != RINS_OK) status = explain(&phase, status, arm);
done:
    rins_run_config_free(&config);
    free(folder), free(results);
    return status;
}
