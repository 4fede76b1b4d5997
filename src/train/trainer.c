#include "src/train/trainer.h"

#include "src/base/clock.h"
#include "src/base/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const float MAX_T = 4.6051702f; /* log 100: CLIP's bound on the softmax loss's scale */

static int draw(const RinsTrainer *t, const RinsTowerRounds *rounds, RinsTower tower) {
    return rins_rounds_draw(rounds, (uint64_t)t->config->seed, t->state.step + 1, tower);
}

/* Exact in integers; only a step's difference becomes a double, so that a resumed run adds the same numbers. */
static uint64_t executed(const RinsTrainer *t) {
    const RinsDeviceStats *stats = &rins_model_device(t->model)->stats;
    return stats->gemm_flops + stats->attention_flops;
}

static RinsStatus clamp_t(RinsModel *model) {
    RinsParams *params = rins_model_params(model);
    const int index = rins_params_find(params, "logit_scale");
    float t;
    if (index < 0 || params->list[index].frozen) return RINS_OK;
    RINS_TRY(rins_params_get(params, params->w, index, &t));
    return t > MAX_T ? rins_params_set(params, params->w, index, &MAX_T) : RINS_OK;
}

/* RUN/nonfinite.json: everything needed to look at the batch again. */
static RinsStatus write_nonfinite(const RinsTrainer *t, const RinsBatch *batch, RinsRounds rounds, const char *path) {
    RinsJsonWriter json = {.indent = 2};
    RinsAtomicFile file;
    rins_json_open(&json, NULL, '{');
    rins_json_int(&json, "step", t->state.step + 1);
    rins_json_int(&json, "first_slot", batch->first_slot);
    rins_json_int(&json, "image_rounds", rounds.image);
    rins_json_int(&json, "text_rounds", rounds.text);
    rins_json_open(&json, "samples", '[');
    for (int64_t i = 0; i < batch->n; i++) {
        char *key = NULL;
        if (rins_loader_key(t->loader, batch->sample[i], &key) != RINS_OK) key = NULL;
        rins_json_string(&json, NULL, key);
        free(key);
    }
    rins_json_close(&json);
    rins_json_close(&json);
    RinsStatus status = rins_atomic_open(&file, path);
    if (status == RINS_OK) status = rins_json_flush(&json, file.stream);
    if (status == RINS_OK)
        status = rins_atomic_commit(&file);
    else
        rins_atomic_abort(&file);
    rins_json_writer_free(&json);
    return status;
}

static RinsStatus nonfinite(const RinsTrainer *t, const RinsBatch *batch, RinsRounds rounds) {
    char name[48] = "nonfinite.json", *key = NULL;
    if (rins_comm_rank(t->comm) > 0) snprintf(name, sizeof name, "nonfinite.json.%d", rins_comm_rank(t->comm));
    char *path = rins_path_join(t->run, name);
    const bool written = path && write_nonfinite(t, batch, rounds, path) == RINS_OK;
    if (batch->n > 0 && rins_loader_key(t->loader, batch->sample[0], &key) != RINS_OK) key = NULL;
    const RinsStatus status = RINS_FAIL(
        RINS_ERR_NONFINITE,
        "step %lld: the loss or a gradient is not finite, on samples '%s' and %lld more%s%s; checkpoints are as they "
        "were; lower train.optimizer.lr or leave these samples out",
        (long long)t->state.step + 1, key ? key : "?", (long long)batch->n - 1, written ? " listed in " : "",
        written ? path : "");
    free(key);
    free(path);
    return status;
}

/* Equal texts among those of all processes: one and the same may be in the shares of two. */
static RinsStatus count_duplicates(const RinsTrainer *t, const RinsBatch *batch, int64_t *duplicates) {
    *duplicates = batch->duplicate_texts;
    if (!t->comm) return RINS_OK;
    const int64_t n = batch->n * rins_comm_world(t->comm);
    uint64_t *hashes = malloc((size_t)n * sizeof *hashes);
    if (!hashes) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to compare %lld texts", (long long)n);
    const RinsStatus status = t->comm->allgather(t->comm, batch->text_hash, hashes, (size_t)batch->n * sizeof *hashes);
    if (status == RINS_OK) *duplicates = rins_count_equal(hashes, n);
    free(hashes);
    return status;
}

/* What the processes read for this step, added up. */
static RinsStatus count_samples(RinsTrainer *t, const RinsBatch *batch, RinsStepMetrics *m) {
    enum { READ, BAD, CAUSES, N = CAUSES + RINS_BAD_N };
    int64_t counts[N] = {batch->read_total - t->own_read, batch->bad_total - t->own_bad};
    memcpy(counts + CAUSES, batch->bad, sizeof batch->bad);
    if (t->comm) RINS_TRY(rins_comm_sum_counts(t->comm, counts, N));
    t->own_read = batch->read_total, t->own_bad = batch->bad_total;
    t->state.read += counts[READ], t->state.bad += counts[BAD];
    memcpy(m->bad, counts + CAUSES, sizeof m->bad);
    if (t->comm) RINS_TRY(rins_loader_check_bad(t->loader, t->state.read, t->state.bad));
    return count_duplicates(t, batch, &m->duplicate_texts);
}

/* Forward, backward, update. The state is not to be saved where it fails. */
static RinsStatus step_once(RinsTrainer *t, const RinsBatch **batch, RinsStepMetrics *m) {
    RinsStepResult result;
    RINS_TRY(rins_loader_next(t->loader, batch));
    const RinsRounds rounds = {draw(t, &t->image, RINS_TOWER_IMAGE), draw(t, &t->text, RINS_TOWER_TEXT)};
    const uint64_t before = executed(t);
    const RinsStatus status =
        rins_model_step(t->model, (*batch)->pixels, (*batch)->ids, (*batch)->n,
                        (RinsRounds){t->image.max > 1 ? rounds.image : 0, t->text.max > 1 ? rounds.text : 0}, &result);
    if (status == RINS_ERR_NONFINITE) return nonfinite(t, *batch, rounds);
    RINS_TRY(status);
    const int64_t step = t->state.step + 1;
    const double lr = rins_schedule_lr(&t->schedule, step);
    rins_optimizer_step(t->optimizer, step, lr, rins_model_sqsum(t->model));
    if (t->config->train.loss == RINS_LOSS_SOFTMAX) RINS_TRY(clamp_t(t->model));
    RinsDevice *dev = rins_model_device(t->model);
    RINS_TRY(dev->ops->sync(dev));

    t->state.step = step;
    t->state.slot += (*batch)->n * rins_comm_world(t->comm);
    t->state.flops = t->flops_per_pair * (double)t->state.slot;
    t->state.flops_executed += (double)(executed(t) - before) * rins_comm_world(t->comm);
    *m = (RinsStepMetrics){
        .step = step,
        .examples = t->state.slot,
        .loss = result.loss,
        .lr = lr,
        .grad_norm = sqrt(result.grad_sqsum),
        .t = result.t,
        .b = result.b,
        .image_rounds = rounds.image,
        .text_rounds = rounds.text,
        .flops = t->state.flops,
        .flops_executed = t->state.flops_executed,
    };
    return count_samples(t, *batch, m);
}

/* every 0: only at the end. */
static bool due(const RinsTrainer *t, int64_t every) {
    return t->state.step == t->schedule.total || (every > 0 && t->state.step % every == 0);
}

/* Only the clock asks for a checkpoint. */
static bool overdue(const RinsTrainer *t) {
    const double minutes = t->config->train.checkpoint.every_minutes;
    return minutes > 0 && rins_clock() - t->saved_s > 60 * minutes;
}

/* A `spare` checkpoint is one beside those to keep, until the next is there. */
static RinsStatus save(RinsTrainer *t, bool spare) {
    const int64_t keep = t->config->train.checkpoint.keep;
    if (rins_comm_rank(t->comm) > 0) return RINS_OK;
    RINS_TRY(rins_metrics_sync(t->metrics)); /* a complete checkpoint has its records on the disk */
    RINS_TRY(rins_checkpoint_save(t->run, t->model, t->info, &t->state, t->spare, keep > 0 ? keep + spare : 0));
    t->spare = spare ? t->state.step : 0;
    t->saved_s = rins_clock();
    return RINS_OK;
}

static RinsStatus record(RinsTrainer *t, const RinsStepMetrics *m, const RinsBatch *batch, double elapsed) {
    const RinsStepTiming timing = {
        .step_s = elapsed,
        .data_wait_s = batch->wait_s,
        .pairs_per_s = (double)(batch->n * rins_comm_world(t->comm)) / fmax(elapsed, 1e-9),
    };
    if (rins_comm_rank(t->comm) == 0) RINS_TRY(rins_metrics_step(t->metrics, m, &timing));
    const RinsTrainProgress progress = {.step = m->step,
                                        .total = t->schedule.total,
                                        .loss = m->loss,
                                        .lr = m->lr,
                                        .pairs_per_s = timing.pairs_per_s,
                                        .data_wait_s = timing.data_wait_s};
    if (t->progress) t->progress(t->progress_user, &progress);
    return RINS_OK;
}

/* By rank 0, for all. Before a checkpoint of the same step, which then has its evaluation on the disk: resuming repeats
   neither. One that fails, here or on rank 0, costs the run no step: the step is saved. */
static RinsStatus evaluate(RinsTrainer *t) {
    RinsStatus status = RINS_OK;
    if (t->eval && rins_comm_rank(t->comm) == 0) status = t->eval(t->eval_user, t->model, t->state.step, t->metrics);
    bool failed = status != RINS_OK;
    char *said = failed ? strdup(rins_last_error()) : NULL;
    if (t->comm) RINS_TRY_DONE(rins_comm_any(t->comm, &failed));
    if (!failed) return RINS_OK;
    const RinsStatus evaluated = status != RINS_OK ? status : RINS_ERR_IO;
    RINS_TRY_DONE(save(t, false));
    status = RINS_FAIL(evaluated, "step %lld is saved, but its evaluation failed ('rins eval' repeats it): %s",
                       (long long)t->state.step, said ? said : "on rank 0");
done:
    free(said);
    return status;
}

RinsStatus rins_trainer_run(RinsTrainer *t) {
    t->own_read = t->state.read, t->own_bad = t->state.bad; /* where the loader began to count */
    t->saved_s = rins_clock();
    if (t->unsaved && t->state.step == t->schedule.total) { /* a branch without a step: a run all the same */
        RINS_TRY(evaluate(t));
        return save(t, false);
    }
    while (t->state.step < t->schedule.total) {
        const RinsBatch *batch;
        RinsStepMetrics metrics;
        const double start = rins_clock();
        RINS_TRY(step_once(t, &batch, &metrics));
        RINS_TRY(record(t, &metrics, batch, rins_clock() - start));
        if (due(t, t->config->train.eval.every_steps)) RINS_TRY(evaluate(t));
        bool stop = t->stop && *t->stop;
        if (t->comm) RINS_TRY(rins_comm_any(t->comm, &stop));
        const bool asked = stop || due(t, t->config->train.checkpoint.every_steps);
        if (asked || overdue(t)) RINS_TRY(save(t, !asked));
        if (stop && t->state.step < t->schedule.total)
            return RINS_FAIL(RINS_ERR_INTERRUPTED, "stopped after step %lld of %lld, which is saved",
                             (long long)t->state.step, (long long)t->schedule.total);
    }
    return RINS_OK;
}
