#include "src/model/weights.h"

#include "src/base/json.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_INDEX = 64 << 20 };

static RinsStatus add_file(RinsWeights *weights, const char *dir, const char *name) {
    RinsSafetensors *grown = realloc(weights->files, (weights->n + 1) * sizeof *grown);
    char *path = rins_path_join(dir, name);
    if (grown) weights->files = grown;
    RinsStatus status = RINS_ERR_MEMORY;
    if (!grown || !path)
        status = RINS_FAIL(status, "no memory to open '%s'", name);
    else
        status = rins_safetensors_open(&weights->files[weights->n], path);
    if (status == RINS_OK) weights->n++;
    free(path);
    return status;
}

/* {"weight_map": {tensor: shard}}; each shard is opened once, in order of first appearance. */
static RinsStatus add_shards(RinsWeights *weights, const char *dir, const json_t *index) {
    json_t *map = json_object_get(index, "weight_map"), *value;
    const char *name;
    if (!json_is_object(map)) return RINS_FAIL(RINS_ERR_FORMAT, "there is no weight_map");
    json_t *seen = json_object();
    RinsStatus status = RINS_OK;
    json_object_foreach(map, name, value) {
        const char *shard = json_string_value(value);
        if (!shard || !*shard || strchr(shard, '/')) {
            status = RINS_FAIL(RINS_ERR_FORMAT, "the shard of '%.200s' is no plain file name", name);
            break;
        }
        if (json_object_get(seen, shard)) continue;
        json_object_set_new(seen, shard, json_true());
        if ((status = add_file(weights, dir, shard)) != RINS_OK) break;
    }
    json_decref(seen);
    return status;
}

static RinsStatus open_index(RinsWeights *weights, const char *dir, const char *path) {
    json_t *index;
    RINS_TRY(rins_json_read(path, MAX_INDEX, &index));
    RinsStatus status = add_shards(weights, dir, index);
    json_decref(index);
    return status == RINS_OK ? status : rins_fail_context(status, "'%s'", path);
}

RinsStatus rins_weights_open(RinsWeights *weights, const char *dir) {
    *weights = (RinsWeights){0};
    char *single = rins_path_join(dir, "model.safetensors"),
         *index = rins_path_join(dir, "model.safetensors.index.json");
    RinsStatus status = RINS_ERR_MEMORY;
    if (!single || !index)
        status = RINS_FAIL(status, "no memory to open '%s'", dir);
    else if (rins_path_is_file(single))
        status = add_file(weights, dir, "model.safetensors");
    else if (rins_path_is_file(index))
        status = open_index(weights, dir, index);
    else
        status = RINS_FAIL(RINS_ERR_IO,
                           "'%s' has neither model.safetensors nor model.safetensors.index.json "
                           "(other formats must be saved as safetensors first)",
                           dir);
    free(single);
    free(index);
    if (status != RINS_OK) rins_weights_close(weights);
    return status;
}

void rins_weights_close(RinsWeights *weights) {
    for (size_t i = 0; i < weights->n; i++) rins_safetensors_close(&weights->files[i]);
    free(weights->files);
    *weights = (RinsWeights){0};
}

const RinsStTensor *rins_weights_find(const RinsWeights *weights, const char *name) {
    for (size_t i = 0; i < weights->n; i++) {
        const RinsStTensor *tensor = rins_safetensors_find(&weights->files[i], name);
        if (tensor) return tensor;
    }
    return NULL;
}

static RinsStatus check_shape(const RinsStTensor *tensor, const RinsParam *param) {
    if (tensor->ndim == param->ndim &&
        !memcmp(tensor->shape, param->spec.shape, (size_t)param->ndim * sizeof(int64_t)))
        return RINS_OK;
    char has[128], wants[128];
    rins_st_shape_text(tensor->shape, tensor->ndim, has, sizeof has);
    rins_st_shape_text(param->spec.shape, param->ndim, wants, sizeof wants);
    return RINS_FAIL(RINS_ERR_MISMATCH, "tensor '%s' has shape %s where the model has %s", param->name, has,
                     wants);
}

RinsStatus rins_weights_load(const RinsWeights *weights, RinsParams *params, int index) {
    const RinsParam *param = &params->list[index];
    const RinsStTensor *tensor = rins_weights_find(weights, param->name);
    if (!tensor) return RINS_FAIL(RINS_ERR_MISMATCH, "tensor '%s' is missing", param->name);
    RINS_TRY(check_shape(tensor, param));
    if (tensor->type == RINS_ST_F32 &&
        (uintptr_t)tensor->data % sizeof(float) == 0) /* large tables are not copied twice */
        return rins_params_set(params, params->w, index, (const float *)(const void *)tensor->data);
    float *host = malloc((size_t)param->count * sizeof *host);
    if (!host) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to load '%s'", param->name);
    RinsStatus status = rins_st_to_f32(tensor, host);
    if (status == RINS_OK) status = rins_params_set(params, params->w, index, host);
    free(host);
    return status;
}
