#include "src/train/training.h"

#include "data/bad_log.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/rng.h"
#include "src/train/budget.h"
#include "src/train/initial_weights.h"
#include "src/train/peers.h"
#include "src/train/train_flops.h"
#include "src/train/validation.h"

#include <stdlib.h>
#include <string.h>

struct RinsTraining {
    RinsTrainingOptions options;
    RinsRunConfig config;
    RinsRunDir dir;
    RinsDevice *dev;
    RinsTrainingData data;
    RinsModel *model;
    RinsOptimizer optimizer;
    RinsMetrics metrics;
    RinsLoader *loader;
    char *bad_path; /* of bad.jsonl; the loader borrows it */
    RinsComm *comm; /* or NULL */
    RinsModelDirInfo info;
    RinsTrainer trainer;
    RinsTrainingPlan plan;
};

/* Validation losses, then what the caller wants. */
static RinsStatus evaluate(void *user, RinsModel *model, int64_t step, RinsMetrics *metrics) {
    RinsTraining *t = user;
    for (int i = 0; i < t->data.n_eval_sources; i++) {
        double loss;
        int64_t pairs;
        char *text, tag[64];
        RINS_TRY(rins_validation_loss(model, &t->data, &t->config, i, &loss, &pairs));
        RinsJsonWriter json = {0};
        rins_json_open(&json, NULL, '{');
        rins_json_string(&json, "task", "loss");
        rins_json_string(&json, "dataset", rins_source_spec(t->data.eval_sources[i]));
        rins_json_int(&json, "n", pairs);
        rins_json_open(&json, "metrics", '{');
        rins_json_float(&json, "loss", loss);
        rins_json_close(&json);
        rins_json_close(&json);
        RINS_TRY(rins_json_take(&json, &text));
        snprintf(tag, sizeof tag, "loss%d", i);
        const RinsStatus status = rins_metrics_eval(metrics, step, tag, text);
        free(text);
        RINS_TRY(status);
    }
    return t->options.eval ? t->options.eval(t->options.eval_user, model, step, metrics) : RINS_OK;
}

static RinsStatus check_share(const RinsTraining *t) {
    if (t->config.train.batch % rins_comm_world(t->comm) == 0) return RINS_OK;
    return RINS_FAIL(RINS_ERR_CONFIG, "train.batch=%lld cannot be shared by %d processes: give a multiple of %d",
                     (long long)t->config.train.batch, rins_comm_world(t->comm), rins_comm_world(t->comm));
}

static RinsStatus open_device(RinsTraining *t) {
    RinsPrecision precision;
    RINS_TRY(rins_device_open(&t->dev, t->options.device ? t->options.device : "cpu", t->options.threads));
    RINS_TRY(rins_precision_choose(t->config.precision, t->dev, &precision));
    t->config.precision = (int)precision;
    return RINS_OK;
}

static RinsStatus open_model(RinsTraining *t) {
    const RinsTrainConfig *train = &t->config.train;
    RinsModelOptions options = {
        .training = true,
        .image = true,
        .text = true,
        .precision = (RinsPrecision)t->config.precision,
        .loss = (RinsLoss)train->loss,
        .batch = train->batch / rins_comm_world(t->comm),
        .comm = t->comm,
        .micro_batch = train->micro_batch,
        .recompute = train->recompute,
    };
    rins_pp_value_range(t->data.pp, options.pixel_scale, options.pixel_offset);
    RINS_TRY(rins_model_new(&t->model, t->dev, &t->config.model, &options));
    const RinsOptimizerOptions adamw = rins_optimizer_options(&train->optimizer);
    return rins_optimizer_make(&t->optimizer, rins_model_params(t->model), &adamw);
}

/* A branch off a constant rate costs its cool-down alone; off another's cool-down it begins where the rate had fallen. */
static void warn_of_cooldown(const RinsTraining *t) {
    const RinsTrainState *trunk = &t->trainer.state;
    const char *const key = "train.schedule.cooldown_fraction";
    const RinsScheduleConfig cools = {.cooldown_fraction = json_number_value(json_object_get(trunk->config, key))};
    if (trunk->total == 0 || trunk->step == trunk->total) return; /* not known; and a finished run is gone on with */
    const int64_t begins = trunk->total - rins_schedule_make(&cools, 1, trunk->total).cooldown;
    if (trunk->step > begins)
        rins_log(
            RINS_LOG_WARN,
            "'%s' lies in the cool-down of its run, which began after step %lld of %lld (%s %g): its learning rate "
            "was falling; a run to branch off has a constant one",
            t->dir.checkpoint, (long long)begins, (long long)trunk->total, key, cools.cooldown_fraction);
}

static RinsStatus read_start(RinsTraining *t, const RinsTrainState *now) {
    RinsTrainState *state = &t->trainer.state;
    char *path = rins_path_join(t->dir.checkpoint, "train_state.json");
    if (!path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to read '%s'", t->dir.checkpoint);
    RinsStatus status = rins_train_state_read(state, path);
    free(path);
    if (status == RINS_OK) status = rins_train_state_check(state, now, t->dir.branch);
    if (status == RINS_OK && t->dir.branch) warn_of_cooldown(t);
    if (status == RINS_OK) status = rins_checkpoint_load(t->dir.checkpoint, t->model);
    if (status != RINS_OK) return rins_fail_context(status, "cannot go on from '%s'", t->dir.checkpoint);
    json_decref(state->config); /* checkpoints of this run describe this run */
    state->config = json_incref(now->config);
    return RINS_OK;
}

static uint64_t hash_texts(const RinsStringList *list, uint64_t hash) {
    for (size_t i = 0; list && i < list->n; i++)
        hash = rins_hash_bytes(list->items[i], strlen(list->items[i]) + 1, hash);
    return hash;
}

/* The softmax loss has b fixed at 0. What a sigmoid model or trunk brought goes, with its moments, which would move
   b on. */
static RinsStatus drop_bias(RinsTraining *t) {
    RinsParams *params = rins_model_params(t->model);
    const int index = rins_params_find(params, "logit_bias");
    float b, zero = 0;
    if (t->config.train.loss != RINS_LOSS_SOFTMAX || index < 0) return RINS_OK;
    RINS_TRY(rins_params_get(params, params->w, index, &b));
    if (b == 0) return RINS_OK;
    rins_log(RINS_LOG_WARN,
             "train.loss=softmax has no bias: logit_bias, %g in what the run starts from, is 0 from here on",
             (double)b);
    RINS_TRY(rins_params_set(params, params->w, index, &zero));
    RINS_TRY(rins_params_set(params, params->m, index, &zero));
    return rins_params_set(params, params->v, index, &zero);
}

/* Weights, moments and place: from the checkpoint, or afresh. */
static RinsStatus set_start(RinsTraining *t, const RinsOrigins *origins) {
    RinsTrainState now = {.samples = t->data.samples};
    const RinsTextHashes hashes = {t->data.tokenizer_hash,
                                   hash_texts(t->data.class_names, hash_texts(t->data.templates, RINS_HASH_BASIS))};
    RinsStatus status = rins_train_state_describe(&now, &t->config, &hashes);
    if (status == RINS_OK && t->dir.checkpoint)
        status = read_start(t, &now);
    else if (status == RINS_OK) {
        status = rins_initial_weights(origins, &t->config, t->model);
        t->trainer.state = now;
        now.config = NULL;
    }
    rins_train_state_free(&now);
    if (status == RINS_OK) status = drop_bias(t);
    if (status == RINS_OK) rins_params_cast_low(rins_model_params(t->model));
    return status;
}

/* What of the schedule gives this step another rate where the run ends elsewhere. */
static const char *hangs_on_end(const RinsSchedule *was, const RinsSchedule *now, int64_t step) {
    if (was->warmup != now->warmup && (step <= was->warmup || step <= now->warmup)) return "warmup_fraction";
    return now->name == RINS_SCHEDULE_COSINE ? "cosine" : "cooldown_fraction";
}

/* A run that goes on with another end must be the run that had this end from the start. A branch need not. */
static RinsStatus check_end(const RinsTraining *t, const RinsSchedule *now) {
    const RinsTrainConfig *train = &t->config.train;
    const RinsTrainState *state = &t->trainer.state;
    if (state->total == 0 || state->total == now->total || t->dir.branch) return RINS_OK;
    const RinsSchedule was = rins_schedule_make(&train->schedule, train->optimizer.lr, state->total);
    const int64_t step = rins_schedule_parts(&was, now, state->step);
    if (step == 0) return RINS_OK;
    return RINS_FAIL(
        RINS_ERR_MISMATCH,
        "train.budget was %lld steps, is %lld, which would have given step %lld the learning rate %.4g instead of %.4g, "
        "since the train.schedule's %s hangs on the end; put that back, or branch off: another --out with "
        "train.branch=%s",
        (long long)state->total, (long long)now->total, (long long)step, rins_schedule_lr(now, step),
        rins_schedule_lr(&was, step), hangs_on_end(&was, now, step), t->dir.checkpoint);
}

static RinsStatus set_budget(RinsTraining *t) {
    const RinsTrainConfig *train = &t->config.train;
    int64_t total;
    RINS_TRY(rins_expected_flops(&t->config.model, &t->trainer.flops_per_pair));
    RINS_TRY(rins_budget_steps(&train->budget, train->batch, t->data.samples, t->trainer.flops_per_pair, &total));
    if (t->trainer.state.step > total)
        return RINS_FAIL(RINS_ERR_CONFIG, "train.budget ends at step %lld, but '%s' is beyond it at step %lld",
                         (long long)total, t->dir.checkpoint, (long long)t->trainer.state.step);
    t->trainer.schedule = rins_schedule_make(&train->schedule, train->optimizer.lr, total);
    RINS_TRY(check_end(t, &t->trainer.schedule));
    t->trainer.state.total = total;
    RINS_TRY(rins_tower_rounds(&t->config.model.image.encoder, &t->trainer.image));
    return rins_tower_rounds(&t->config.model.text.encoder, &t->trainer.text);
}

static RinsStatus save_config(const RinsTraining *t) {
    RinsAtomicFile file = {0};
    char *path = rins_path_join(t->dir.path, "config.yaml");
    if (!path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to write config.yaml");
    RinsStatus status = rins_atomic_open(&file, path);
    if (status == RINS_OK) status = rins_config_write(rins_run_fields, &t->config, file.stream);
    if (status == RINS_OK)
        status = rins_atomic_commit(&file);
    else
        rins_atomic_abort(&file);
    free(path);
    return status;
}

/* What more processes than now have noted is rank 0's to keep, before any rank begins to write. */
static RinsStatus gather_bad(RinsTraining *t) {
    t->bad_path = rins_path_join(t->dir.path, "bad.jsonl");
    RinsStatus status = t->bad_path ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory to open the data");
    if (status == RINS_OK && rins_comm_rank(t->comm) == 0)
        status = rins_bad_log_gather(t->bad_path, t->trainer.state.slot);
    bool failed = status != RINS_OK;
    if (t->comm) RINS_TRY(rins_comm_any(t->comm, &failed));
    return failed && status == RINS_OK ? RINS_FAIL(RINS_ERR_IO, "another rank could not write '%s'", t->bad_path)
                                       : status;
}

static RinsStatus open_loader(RinsTraining *t) {
    RinsLoaderOptions options = rins_training_loader_options(&t->data, &t->config);
    options.rank = rins_comm_rank(t->comm);
    options.world = rins_comm_world(t->comm);
    options.batch /= rins_comm_world(t->comm);
    options.first_slot = t->trainer.state.slot;
    options.read_before = t->trainer.state.read;
    options.bad_before = t->trainer.state.bad;
    options.bad_path = t->bad_path;
    return rins_loader_open(&t->loader, &options);
}

static RinsStatus hash_weights(RinsModel *model, uint64_t *hash) {
    RinsParams *params = rins_model_params(model);
    *hash = RINS_HASH_BASIS;
    for (int i = 0; i < params->n; i++) {
        const size_t bytes = (size_t)params->list[i].count * sizeof(float);
        float *host = malloc(bytes);
        RinsStatus status = host ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory to compare weights");
        if (status == RINS_OK) status = rins_params_get(params, params->w, i, host);
        if (status == RINS_OK) *hash = rins_hash_bytes(host, bytes, *hash);
        free(host);
        RINS_TRY(status);
    }
    return RINS_OK;
}

/* All processes must do the same steps on the same data, from the same weights. */
static RinsStatus check_alike(RinsTraining *t) {
    const RinsTrainState *state = &t->trainer.state;
    uint64_t weights;
    RINS_TRY(hash_weights(t->model, &weights));
    char *config = json_dumps(state->config, JSON_COMPACT | JSON_SORT_KEYS);
    if (!config) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to compare the processes");
    const RinsPeerFact facts[] = {
        {"config", (int64_t)rins_hash_bytes(config, strlen(config), RINS_HASH_BASIS)},
        {"number of samples", state->samples},
        {"starting step", state->step},
        {"train.budget", t->trainer.schedule.total},
        {"precision", t->config.precision},
        {"file of starting weights", (int64_t)weights},
        {"CPU level (RINS_CPU caps it)", t->dev->cpu.level},
    };
    free(config);
    return rins_peers_alike(t->comm, facts, sizeof facts / sizeof facts[0]);
}

static void make_plan(RinsTraining *t) {
    const RinsParams *params = rins_model_params(t->model);
    t->plan = (RinsTrainingPlan){
        .parameters = rins_params_count(params, RINS_TOWER_NONE, false),
        .image_parameters = rins_params_count(params, RINS_TOWER_IMAGE, false),
        .text_parameters = rins_params_count(params, RINS_TOWER_TEXT, false),
        .trained = rins_params_count(params, RINS_TOWER_NONE, true),
        .activation_bytes = rins_model_arena_bytes(t->model),
        .model_bytes = rins_model_bytes(t->model),
        .flops_per_pair = t->trainer.flops_per_pair,
        .samples = t->data.samples,
        .warmup_steps = t->trainer.schedule.warmup,
        .batch = t->config.train.batch,
        .first_step = t->trainer.state.step,
        .total_steps = t->trainer.schedule.total,
        .checkpoint = t->dir.checkpoint,
        .branch = t->dir.branch,
        .precision = (RinsPrecision)t->config.precision,
        .threads = t->dev->threads,
    };
}

static void connect_trainer(RinsTraining *t) {
    t->info = (RinsModelDirInfo){.tokenizer_path = t->config.data.tokenizer,
                                 .tokenizer = t->data.tokenizer_options,
                                 .image_pp = t->data.eval_image_pp};
    RinsTrainer *trainer = &t->trainer;
    trainer->config = &t->config;
    trainer->run = t->dir.path;
    trainer->model = t->model;
    trainer->loader = t->loader;
    trainer->optimizer = &t->optimizer;
    trainer->metrics = &t->metrics;
    trainer->comm = t->comm;
    trainer->info = &t->info;
    trainer->eval = evaluate;
    trainer->eval_user = t;
    trainer->progress = t->options.progress;
    trainer->progress_user = t->options.progress_user;
    trainer->stop = t->options.stop;
    trainer->unsaved = t->dir.branch;
}

static RinsStatus open_all(RinsTraining *t) {
    const RinsTrainingOptions *o = &t->options;
    RinsOrigins origins = {0};
    RinsStatus status = RINS_OK;
    RINS_TRY_DONE(rins_run_config_check_training(&t->config));
    RINS_TRY_DONE(check_share(t));
    RINS_TRY_DONE(rins_run_dir_open(&t->dir, o->out, o->resume, o->from, t->config.train.branch, t->comm));
    RINS_TRY_DONE(open_device(t));
    RINS_TRY_DONE(rins_origins_open(&origins, &t->config, t->dir.checkpoint));
    const RinsModelDir *words = origins.text ? origins.text : origins.model;
    RINS_TRY_DONE(rins_training_data_open(&t->data, &t->config, words ? &words->tokenizer : NULL));
    t->data.templates = o->templates;
    t->data.class_names = o->class_names;
    RINS_TRY_DONE(open_model(t));
    RINS_TRY_DONE(set_start(t, &origins));
    RINS_TRY_DONE(set_budget(t));
    if (t->comm) RINS_TRY_DONE(check_alike(t));
    RINS_TRY_DONE(gather_bad(t));
    RINS_TRY_DONE(open_loader(t));
    if (rins_comm_rank(t->comm) == 0) RINS_TRY_DONE(save_config(t));
    if (rins_comm_rank(t->comm) == 0)
        RINS_TRY_DONE(rins_metrics_open(&t->metrics, t->dir.path, t->trainer.state.step, !o->no_events));
    connect_trainer(t);
    make_plan(t);
done:
    rins_origins_close(&origins);
    return status;
}

RinsStatus rins_training_open(RinsTraining **training, const RinsTrainingOptions *options) {
    RinsTraining *t = calloc(1, sizeof *t);
    *training = NULL;
    if (!t) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a training run");
    t->options = *options;
    t->options.config = NULL;
    t->dir.lock = -1;
    t->comm = options->comm && options->comm->world > 1 ? options->comm : NULL;
    RinsStatus status = rins_config_copy(rins_run_fields, &t->config, options->config);
    if (status == RINS_OK) status = open_all(t);
    if (status == RINS_OK)
        *training = t;
    else
        rins_training_free(t);
    return status;
}

const RinsTrainingPlan *rins_training_plan(const RinsTraining *t) {
    return &t->plan;
}
const RinsRunConfig *rins_training_config(const RinsTraining *t) {
    return &t->config;
}
const RinsTrainingData *rins_training_data(const RinsTraining *t) {
    return &t->data;
}
int64_t rins_training_step(const RinsTraining *t) {
    return t->trainer.state.step;
}

int64_t rins_training_read(const RinsTraining *t) {
    return t->trainer.state.read;
}
int64_t rins_training_bad(const RinsTraining *t) {
    return t->trainer.state.bad;
}

RinsStatus rins_training_run(RinsTraining *t) {
    return rins_trainer_run(&t->trainer);
}

void rins_training_free(RinsTraining *t) {
    if (!t) return;
    rins_loader_free(t->loader);
    free(t->bad_path);
    rins_metrics_close(&t->metrics);
    rins_optimizer_free(&t->optimizer);
    rins_model_free(t->model);
    rins_training_data_close(&t->data);
    rins_device_close(t->dev);
    rins_train_state_free(&t->trainer.state);
    rins_run_dir_close(&t->dir);
    rins_config_free(rins_run_fields, &t->config);
    free(t);
}
