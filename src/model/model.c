#include "src/model/two_tower.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sizes in force take the place of nulls, so that a saved config says what the model is. */
static RinsStatus resolve(RinsModel *model, const RinsModelConfig *config) {
    RINS_TRY(rins_config_copy(rins_model_fields, &model->config, config));
    RinsEncoderConfig *towers[2] = {&model->config.image.encoder, &model->config.text.encoder};
    static const char *const names[2] = {"model.image", "model.text"};
    for (int i = 0; i < 2; i++) {
        RinsEncoderSize size;
        const RinsStatus status = rins_encoder_size(towers[i], &size);
        if (status != RINS_OK) return rins_fail_context(status, "%s", names[i]);
        towers[i]->width = size.width, towers[i]->depth = size.depth;
        towers[i]->mlp = size.mlp, towers[i]->heads = size.heads;
    }
    RINS_TRY(rins_model_config_embed_dim(&model->config, &model->embed_dim));
    model->config.embed_dim = model->embed_dim;
    return RINS_OK;
}

static RinsStatus check_options(const RinsModel *model) {
    const RinsModelOptions *options = &model->options;
    if (options->batch < 1) return RINS_FAIL(RINS_ERR_ARG, "batch must be at least 1");
    if (options->micro_batch < 0) return RINS_FAIL(RINS_ERR_ARG, "micro_batch must be 0 or more");
    if (options->training && !(options->image && options->text))
        return RINS_FAIL(RINS_ERR_ARG, "training needs both towers");
    RinsPrecision precision;
    return rins_precision_choose((int)options->precision, model->dev, &precision);
}

static RinsStatus add_image(RinsModel *model) {
    const RinsPlan *plan;
    RINS_TRY(rins_plan_set_get(&model->image_plans, 0, &plan));
    RINS_TRY(rins_vit_add(&model->params, &model->vit, &model->config.image, plan, model->embed_dim));
    const float *scale = model->options.pixel_scale, *offset = model->options.pixel_offset;
    const bool given = scale[0] != 0 || offset[0] != 0;
    for (int c = 0; c < 3; c++) {
        model->vit.pixel_scale[c] = given ? scale[c] : 2.0f / 255.0f;
        model->vit.pixel_offset[c] = given ? offset[c] : -1.0f;
    }
    return RINS_OK;
}

static RinsStatus add_text(RinsModel *model) {
    const RinsPlan *plan;
    RINS_TRY(rins_plan_set_get(&model->text_plans, 0, &plan));
    return rins_text_add(&model->params, &model->text, &model->config.text, plan, model->embed_dim);
}

/* t from log 10 and b from -10 (-2.71 where the image tower is frozen); CLIP's t from log(1 / 0.07), b fixed at 0. */
static RinsStatus add_logits(RinsModel *model) {
    const bool sigmoid = model->options.loss == RINS_LOSS_SIGMOID;
    RinsParamSpec scale = {.shape = {1}, .init = RINS_INIT_CONST, .init_arg = sigmoid ? log(10.0) : log(1 / 0.07)};
    RinsParamSpec bias = {.shape = {1},
                          .init = RINS_INIT_CONST,
                          .init_arg = !sigmoid                     ? 0
                                      : model->config.image.freeze ? -2.71
                                                                   : -10};
    RINS_TRY(rins_params_add(&model->params, RINS_TOWER_NONE, false, &scale, &model->logit_scale, "logit_scale"));
    return rins_params_add(&model->params, RINS_TOWER_NONE, false, &bias, &model->logit_bias, "logit_bias");
}

/* Trainable towers first, text before image: the order in which gradients complete. */
static RinsStatus add_params(RinsModel *model) {
    rins_params_init(&model->params, model->dev);
    RINS_TRY(add_logits(model));
    for (int frozen = 0; frozen < 2; frozen++) {
        if (model->options.text && model->config.text.freeze == frozen) RINS_TRY(add_text(model));
        if (model->options.image && model->config.image.freeze == frozen) RINS_TRY(add_image(model));
    }
    return rins_params_alloc(&model->params, model->options.training, model->options.precision == RINS_PRECISION_BF16);
}

static RinsStatus alloc(RinsModel *model, void *where, size_t bytes) {
    void *data = model->dev->ops->alloc(model->dev, bytes);
    if (!data) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %zu bytes on %s", bytes, model->dev->name);
    memcpy(where, &data, sizeof data);
    return RINS_OK;
}

static RinsStatus alloc_buffers(RinsModel *model) {
    const RinsModelOptions *options = &model->options;
    const size_t rows = (size_t)(options->batch * rins_comm_world(model->options.comm)), chunk = (size_t)model->chunk;
    const size_t embedding = rows * (size_t)model->embed_dim * sizeof(float);
    const size_t side = (size_t)model->config.image.size, length = (size_t)model->config.text.length;
    RINS_TRY(alloc(model, &model->loss, sizeof(float)));
    RINS_TRY(alloc(model, &model->sqsum, sizeof(double)));
    if (options->image) {
        RINS_TRY(alloc(model, &model->pixels, chunk * side * side * 3));
        RINS_TRY(alloc(model, &model->x, embedding));
        RINS_TRY(alloc(model, &model->x_norm, rows * sizeof(float)));
    }
    if (options->text) {
        RINS_TRY(alloc(model, &model->ids, chunk * length * sizeof(int32_t)));
        RINS_TRY(alloc(model, &model->y, embedding));
        RINS_TRY(alloc(model, &model->y_norm, rows * sizeof(float)));
    }
    if (!options->training) return RINS_OK;
    RINS_TRY(alloc(model, &model->dx, embedding));
    return alloc(model, &model->dy, embedding);
}

/* The model's own work with nothing kept: what evaluations do. */
static RinsStatus embed_dry(RinsModel *model, RinsRounds rounds) {
    if (model->options.image) RINS_TRY(rins_two_tower_image(model, model->pixels, model->chunk, rounds.image, true));
    return model->options.text ? rins_two_tower_text(model, model->ids, model->chunk, rounds.text, true) : RINS_OK;
}

/* Runs the model's own work on the dry device with an endless arena, whose peak is then the plan. Inputs are never
   read. */
static RinsStatus run_dry(RinsModel *model, RinsRounds rounds, int64_t n, RinsDeviceStats *stats, size_t *peak) {
    RinsDevice *dry = NULL, *real = model->dev;
    RINS_TRY(rins_device_open(&dry, "dry", 1));
    const RinsArena arena = model->arena;
    RinsStatus status = RINS_OK;
    model->dev = dry;
    model->alone = true;
    rins_arena_init(&model->arena, NULL, 0);
    if (model->options.training) status = rins_two_tower_step(model, model->pixels, model->ids, n, rounds);
    *stats = dry->stats;
    if (status == RINS_OK) status = embed_dry(model, rounds);
    if (model->arena.overflow) status = RINS_FAIL(RINS_ERR_MEMORY, "a model and batch of these sizes fit no memory");
    if (model->arena.peak > *peak) *peak = model->arena.peak;
    model->dev = real;
    model->alone = false;
    model->arena = arena;
    rins_device_close(dry);
    return status;
}

/* For every number of rounds: as trained, and one round, which may need an exit's adapter besides. */
static RinsStatus plan_arena(RinsModel *model) {
    size_t size = 0;
    char *base = NULL;
    for (int image = 0; image < 2; image++)
        for (int text = 0; text < 2; text++) {
            RinsDeviceStats unused;
            RINS_TRY(run_dry(model, (RinsRounds){image, text}, model->options.batch, &unused, &size));
        }
    RINS_TRY(alloc(model, &base, size));
    rins_arena_init(&model->arena, base, size);
    return RINS_OK;
}

static RinsStatus build(RinsModel *model, const RinsModelConfig *config) {
    RINS_TRY(resolve(model, config));
    RINS_TRY(check_options(model));
    const RinsModelOptions *options = &model->options;
    model->chunk =
        options->micro_batch && options->micro_batch < options->batch ? options->micro_batch : options->batch;
    RINS_TRY(rins_plan_set_init(&model->image_plans, &model->config.image.encoder.recursion,
                                model->config.image.encoder.depth));
    RINS_TRY(rins_plan_set_init(&model->text_plans, &model->config.text.encoder.recursion,
                                model->config.text.encoder.depth));
    RINS_TRY(add_params(model));
    RINS_TRY(alloc_buffers(model));
    return plan_arena(model);
}

RinsStatus rins_model_new(RinsModel **out, RinsDevice *dev, const RinsModelConfig *config,
                          const RinsModelOptions *options) {
    *out = NULL;
    RinsModel *model = calloc(1, sizeof *model);
    if (!model) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a model");
    model->dev = dev;
    model->options = *options;
    const RinsStatus status = build(model, config);
    if (status == RINS_OK)
        *out = model;
    else
        rins_model_free(model);
    return status;
}

void rins_model_free(RinsModel *model) {
    if (!model) return;
    void *buffers[] = {model->pixels, model->ids,    model->x,    model->y,     model->dx,        model->dy,
                       model->x_norm, model->y_norm, model->loss, model->sqsum, model->arena.base};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        if (buffers[i]) model->dev->ops->free(model->dev, buffers[i]);
    rins_vit_free(&model->vit);
    rins_text_free(&model->text);
    rins_plan_set_free(&model->image_plans);
    rins_plan_set_free(&model->text_plans);
    rins_params_free(&model->params);
    rins_config_free(rins_model_fields, &model->config);
    free(model);
}

RinsParams *rins_model_params(RinsModel *model) {
    return &model->params;
}
const RinsModelConfig *rins_model_config(const RinsModel *model) {
    return &model->config;
}
const RinsModelOptions *rins_model_options(const RinsModel *model) {
    return &model->options;
}
int64_t rins_model_embed_dim(const RinsModel *model) {
    return model->embed_dim;
}
RinsDevice *rins_model_device(RinsModel *model) {
    return model->dev;
}
size_t rins_model_arena_bytes(const RinsModel *model) {
    return model->arena.size;
}
size_t rins_model_arena_peak(const RinsModel *model) {
    return model->arena.peak;
}
const double *rins_model_sqsum(const RinsModel *model) {
    return model->sqsum;
}

size_t rins_model_bytes(const RinsModel *model) {
    const RinsModelOptions *options = &model->options;
    const size_t embeddings =
        (size_t)(options->batch * rins_comm_world(model->options.comm)) * (size_t)model->embed_dim * sizeof(float);
    const size_t side = (size_t)model->config.image.size;
    const size_t inputs = (size_t)model->chunk *
                          (options->image * side * side * 3 + options->text * (size_t)model->config.text.length * 4);
    return rins_params_bytes(&model->params) + model->arena.size + inputs +
           embeddings * (size_t)(options->image + options->text + 2 * options->training);
}

RinsStatus rins_model_encode_image(RinsModel *model, const uint8_t *pixels, int64_t n, int rounds, bool normalise,
                                   float *out) {
    const size_t each = (size_t)(model->config.image.size * model->config.image.size * 3);
    if (!model->options.image) return RINS_FAIL(RINS_ERR_ARG, "this model was opened without its image tower");
    for (int64_t i = 0; i < n; i += model->chunk) {
        const int64_t rows = n - i < model->chunk ? n - i : model->chunk;
        RINS_TRY(rins_two_tower_image(model, pixels + (size_t)i * each, rows, rounds, normalise));
        model->dev->ops->copy_out(model->dev, out + i * model->embed_dim, model->x,
                                  (size_t)(rows * model->embed_dim) * sizeof *out);
        RINS_TRY(model->dev->ops->sync(model->dev));
    }
    return RINS_OK;
}

static RinsStatus check_ids(const RinsModel *model, const int32_t *ids, int64_t n) {
    const int64_t length = model->config.text.length, vocab = model->config.text.vocab;
    for (int64_t i = 0; i < n * length; i++)
        if (ids[i] < 0 || ids[i] >= vocab)
            return RINS_FAIL(RINS_ERR_MISMATCH, "token id %d of text %lld is outside the model's vocabulary of %lld",
                             ids[i], (long long)(i / length), (long long)vocab);
    return RINS_OK;
}

RinsStatus rins_model_encode_text(RinsModel *model, const int32_t *ids, int64_t n, int rounds, bool normalise,
                                  float *out) {
    if (!model->options.text) return RINS_FAIL(RINS_ERR_ARG, "this model was opened without its text tower");
    RINS_TRY(check_ids(model, ids, n));
    for (int64_t i = 0; i < n; i += model->chunk) {
        const int64_t rows = n - i < model->chunk ? n - i : model->chunk;
        RINS_TRY(rins_two_tower_text(model, ids + i * model->config.text.length, rows, rounds, normalise));
        model->dev->ops->copy_out(model->dev, out + i * model->embed_dim, model->y,
                                  (size_t)(rows * model->embed_dim) * sizeof *out);
        RINS_TRY(model->dev->ops->sync(model->dev));
    }
    return RINS_OK;
}

static RinsStatus check_pairs(const RinsModel *model, const int32_t *ids, int64_t n, int64_t most) {
    if (n < 1 || n > most)
        return RINS_FAIL(RINS_ERR_ARG, "%lld pairs given to a model made for batches of %lld", (long long)n,
                         (long long)most);
    return check_ids(model, ids, n);
}

static void read_scalar(RinsModel *model, void *host, const void *from, size_t bytes) {
    model->dev->ops->copy_out(model->dev, host, from, bytes);
}

RinsStatus rins_model_step(RinsModel *model, const uint8_t *pixels, const int32_t *ids, int64_t n, RinsRounds rounds,
                           RinsStepResult *result) {
    if (!model->options.training) return RINS_FAIL(RINS_ERR_ARG, "this model was not made for training");
    RINS_TRY(check_pairs(model, ids, n, model->options.batch));
    RINS_TRY(rins_two_tower_step(model, pixels, ids, n, rounds));
    const RinsParam *list = model->params.list;
    read_scalar(model, &result->loss, model->loss, sizeof(float));
    read_scalar(model, &result->t, model->params.w + list[model->logit_scale].offset, sizeof(float));
    read_scalar(model, &result->b, model->params.w + list[model->logit_bias].offset, sizeof(float));
    read_scalar(model, &result->grad_sqsum, model->sqsum, sizeof(double));
    RINS_TRY(model->dev->ops->sync(model->dev));
    if (!isfinite(result->loss)) return RINS_FAIL(RINS_ERR_NONFINITE, "the loss is %g", (double)result->loss);
    if (!isfinite(result->grad_sqsum))
        return RINS_FAIL(RINS_ERR_NONFINITE, "the gradient is not finite (loss %g)", (double)result->loss);
    return RINS_OK;
}

RinsStatus rins_model_loss(RinsModel *model, const uint8_t *pixels, const int32_t *ids, int64_t n, RinsRounds rounds,
                           float *loss) {
    if (!(model->options.image && model->options.text)) return RINS_FAIL(RINS_ERR_ARG, "a loss needs both towers");
    RINS_TRY(check_pairs(model, ids, n, model->options.batch * rins_comm_world(model->options.comm)));
    RINS_TRY(rins_two_tower_loss(model, pixels, ids, n, rounds));
    read_scalar(model, loss, model->loss, sizeof(float));
    return model->dev->ops->sync(model->dev);
}

RinsStatus rins_model_step_stats(RinsModel *model, RinsRounds rounds, int64_t n, RinsDeviceStats *stats) {
    if (!model->options.training) return RINS_FAIL(RINS_ERR_ARG, "this model was not made for training");
    size_t peak = 0;
    return run_dry(model, rounds, n, stats, &peak);
}

RinsStatus rins_model_flops(const RinsModelConfig *config, RinsRounds rounds, RinsModelFlops *flops) {
    RinsEncoderSize image_size, text_size;
    RinsPlan image = {0}, text = {0};
    int64_t embed_dim;
    RinsStatus status = RINS_OK;
    RINS_TRY_DONE(rins_model_config_embed_dim(config, &embed_dim));
    RINS_TRY_DONE(rins_encoder_plan(&config->image.encoder, rounds.image, &image_size, &image));
    RINS_TRY_DONE(rins_encoder_plan(&config->text.encoder, rounds.text, &text_size, &text));
    flops->image_forward = rins_vit_flops(&config->image, &image_size, &image, embed_dim);
    flops->text_forward = rins_text_flops(&config->text, &text_size, &text, embed_dim);
done:
    rins_plan_free(&text);
    rins_plan_free(&image);
    return status;
}
