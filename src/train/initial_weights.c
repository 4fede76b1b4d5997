#include "src/train/initial_weights.h"

#include "src/base/log.h"
#include "src/model/hf_config.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static RinsStatus adopt_encoder(RinsEncoderConfig *to, const RinsEncoderConfig *from) {
    to->variant = from->variant;
    to->width = from->width;
    to->depth = from->depth;
    to->mlp = from->mlp;
    to->heads = from->heads;
    if (strcmp(to->recursion.signature, "A") != 0) return RINS_OK;
    char *signature = strdup(from->recursion.signature);
    if (!signature) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a signature");
    free(to->recursion.signature);
    to->recursion.signature = signature;
    to->recursion.adapter = from->recursion.adapter;
    return RINS_OK;
}

static RinsStatus adopt_image(RinsVitConfig *to, const RinsVitConfig *from) {
    to->patch = from->patch;
    to->size = to->force_size == RINS_INT_NULL ? from->size : to->force_size;
    to->pool = from->pool;
    return adopt_encoder(&to->encoder, &from->encoder);
}

static RinsStatus adopt_text(RinsTextConfig *to, const RinsTextConfig *from) {
    to->vocab = from->vocab;
    to->length = from->length;
    to->pool = from->pool;
    return adopt_encoder(&to->encoder, &from->encoder);
}

static RinsStatus open_one(RinsModelDir **dir, const char *path, const char *checkpoint, const char *key) {
    if (!path) return RINS_OK;
    const RinsStatus status = rins_model_dir_open(dir, checkpoint ? checkpoint : path);
    return status == RINS_OK ? status : rins_fail_context(status, "%s", key);
}

/* One tower of a model joins another one's: they share the activation, and meet in one space. An image tower as wide as
 * that space needs no head, and leaves its own behind. */
static RinsStatus check_tower(const RinsModelDir *dir, RinsTower tower, const char *key, const RinsModelConfig *model) {
    int64_t own, shared;
    RinsEncoderSize size;
    if (!dir) return RINS_OK;
    RINS_TRY(rins_model_config_embed_dim(&dir->config, &own));
    RINS_TRY(rins_model_config_embed_dim(model, &shared));
    RINS_TRY(rins_encoder_size(&dir->config.image.encoder, &size));
    if (dir->config.act != model->act)
        return RINS_FAIL(RINS_ERR_MISMATCH,
                         "%s: '%s' was trained with model.act %s, the other tower with %s; both have one", key,
                         dir->path, rins_gelu_names[dir->config.act], rins_gelu_names[model->act]);
    if (own == shared || (tower == RINS_TOWER_IMAGE && shared == size.width)) return RINS_OK;
    return RINS_FAIL(RINS_ERR_MISMATCH,
                     "%s: '%s' embeds in %lld dimensions, the run in %lld: set model.embed_dim to %lld, or leave the "
                     "tower to start afresh",
                     key, dir->path, (long long)own, (long long)shared, (long long)own);
}

static RinsStatus adopt(const RinsOrigins *origins, RinsModelConfig *model) {
    const RinsModelDir *any = origins->model ? origins->model : origins->image ? origins->image : origins->text;
    if (!any) return RINS_OK;
    model->act = any->config.act;
    if (model->embed_dim == RINS_INT_NULL) model->embed_dim = any->config.embed_dim;
    if (origins->model) {
        model->embed_dim = any->config.embed_dim;
        RINS_TRY(adopt_image(&model->image, &any->config.image));
        RINS_TRY(adopt_text(&model->text, &any->config.text));
    }
    if (origins->image) RINS_TRY(adopt_image(&model->image, &origins->image->config.image));
    if (origins->text) RINS_TRY(adopt_text(&model->text, &origins->text->config.text));
    RINS_TRY(check_tower(origins->image, RINS_TOWER_IMAGE, "model.image.from", model));
    return check_tower(origins->text, RINS_TOWER_TEXT, "model.text.from", model);
}

/* Keys whose value gives way to the model's. */
static const struct {
    const char *name;
    size_t at;
} held_keys[] = {
#define KEY(name)                                                                                                      \
    { "model." #name, offsetof(RinsModelConfig, name) }
#define TOWER_KEY(tower, name)                                                                                         \
    { "model." #tower "." #name, offsetof(RinsModelConfig, tower.encoder.name) }
    KEY(embed_dim),          KEY(image.patch),       KEY(image.size),         TOWER_KEY(image, width),
    TOWER_KEY(image, depth), TOWER_KEY(image, mlp),  TOWER_KEY(image, heads), KEY(text.vocab),
    KEY(text.length),        TOWER_KEY(text, width), TOWER_KEY(text, depth),  TOWER_KEY(text, mlp),
    TOWER_KEY(text, heads),
#undef TOWER_KEY
#undef KEY
};

static int64_t held_value(const RinsModelConfig *config, size_t key) {
    return *(const int64_t *)((const char *)config + held_keys[key].at);
}

/* What the config says otherwise than the models to start from, which hold. */
static void note_held(const RinsModelConfig *was, const RinsModelConfig *is) {
    char list[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < sizeof held_keys / sizeof held_keys[0]; i++) {
        const int64_t before = held_value(was, i), after = held_value(is, i);
        if (before == RINS_INT_NULL || before == after || used >= sizeof list) continue;
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s %lld instead of %lld", used ? ", " : "",
                                 held_keys[i].name, (long long)after, (long long)before);
    }
    if (was->image.pool != is->image.pool || was->text.pool != is->text.pool || was->act != is->act)
        rins_log(RINS_LOG_INFO, "pooling and activation are those of the model to start from, not the config's");
    if (used) rins_log(RINS_LOG_INFO, "sizes of the model to start from hold: %s", list);
}

static RinsStatus open_origins(RinsOrigins *origins, RinsRunConfig *config, const char *checkpoint, bool note) {
    RinsModelConfig *model = &config->model;
    *origins = (RinsOrigins){0};
    RinsStatus status = open_one(&origins->model, model->from, checkpoint, "model.from");
    if (status == RINS_OK) status = open_one(&origins->image, model->image.from, checkpoint, "model.image.from");
    if (status == RINS_OK) status = open_one(&origins->text, model->text.from, checkpoint, "model.text.from");
    RinsModelConfig was = *model; /* for its numbers */
    if (was.image.force_size != RINS_INT_NULL) was.image.size = was.image.force_size;
    if (status == RINS_OK && was.image.force_size != RINS_INT_NULL && !origins->model && !origins->image)
        status =
            RINS_FAIL(RINS_ERR_CONFIG,
                      "model.image.force_size goes with model.from or model.image.from; else give model.image.size");
    if (status == RINS_OK) status = adopt(origins, model);
    if (status == RINS_OK && note) note_held(&was, model);
    if (status != RINS_OK) rins_origins_close(origins);
    return status;
}

RinsStatus rins_origins_open(RinsOrigins *origins, RinsRunConfig *config, const char *checkpoint) {
    return open_origins(origins, config, checkpoint, !checkpoint);
}

RinsStatus rins_origins_adopt(RinsRunConfig *config) {
    RinsOrigins origins;
    const RinsStatus status = open_origins(&origins, config, NULL, false);
    rins_origins_close(&origins);
    return status;
}

void rins_origins_close(RinsOrigins *origins) {
    rins_model_dir_free(origins->model);
    rins_model_dir_free(origins->image);
    rins_model_dir_free(origins->text);
    *origins = (RinsOrigins){0};
}

RinsStatus rins_initial_weights(const RinsOrigins *origins, const RinsRunConfig *config, RinsModel *model) {
    RINS_TRY(rins_params_randomise(rins_model_params(model), (uint64_t)config->seed));
    if (origins->model) RINS_TRY(rins_model_dir_load(origins->model, model));
    if (origins->image) RINS_TRY(rins_model_dir_load_tower(origins->image, model, RINS_TOWER_IMAGE));
    if (origins->text) RINS_TRY(rins_model_dir_load_tower(origins->text, model, RINS_TOWER_TEXT));
    return RINS_OK;
}
