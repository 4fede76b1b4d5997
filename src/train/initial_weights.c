#include "src/train/initial_weights.h"

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
    to->size = from->size;
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
    return RINS_OK;
}

RinsStatus rins_origins_open(RinsOrigins *origins, RinsRunConfig *config, const char *checkpoint) {
    RinsModelConfig *model = &config->model;
    *origins = (RinsOrigins){0};
    RinsStatus status = open_one(&origins->model, model->from, checkpoint, "model.from");
    if (status == RINS_OK) status = open_one(&origins->image, model->image.from, checkpoint, "model.image.from");
    if (status == RINS_OK) status = open_one(&origins->text, model->text.from, checkpoint, "model.text.from");
    if (status == RINS_OK) status = adopt(origins, model);
    if (status != RINS_OK) rins_origins_close(origins);
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
