#include "src/model/weights.h"

#include "src/base/json.h"
#include "src/base/list.h"
#include "src/base/log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_INDEX = 64 << 20 };

static RinsStatus add_file(RinsWeights *weights, const char *dir, const char *name) {
    RinsSafetensors *grown = rins_list_grow(weights->files, weights->n, sizeof *grown);
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

static RinsStatus open_hf(RinsWeights *weights, const char *dir) {
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
    return status;
}

RinsStatus rins_weights_open(RinsWeights *weights, const char *path, RinsModelFormat format, bool headers_only) {
    *weights = (RinsWeights){0};
    RinsStatus status;
    if (format == RINS_MODEL_BIG_VISION) {
        weights->names = rins_big_vision_names;
        status = rins_npz_open(&weights->npz, path, headers_only);
    } else if (format == RINS_MODEL_OPEN_CLIP) {
        weights->names = rins_open_clip_names;
        status = add_file(weights, path, "open_clip_model.safetensors");
    } else {
        status = open_hf(weights, path);
    }
    if (status != RINS_OK) rins_weights_close(weights);
    return status;
}

void rins_weights_close(RinsWeights *weights) {
    for (size_t i = 0; i < weights->n; i++) rins_safetensors_close(&weights->files[i]);
    free(weights->files);
    rins_npz_close(&weights->npz);
    *weights = (RinsWeights){0};
}

const RinsStTensor *rins_weights_find(const void *source, const char *name) {
    const RinsWeights *weights = source;
    for (size_t i = 0; i < weights->n; i++) {
        const RinsStTensor *tensor = rins_safetensors_find(&weights->files[i], name);
        if (tensor) return tensor;
    }
    return rins_npz_find(&weights->npz, name);
}

/* Side of the square grid that `n` positions make, 0 where they make none. */
static int64_t grid_side(int64_t n) {
    const int64_t side = (int64_t)lround(sqrt((double)n));
    return side * side == n ? side : 0;
}

/* to (m, m, D) from `from` (n, n, D): linear along both sides, corners on corners, as
   scipy.ndimage.zoom(order=1), which big_vision's resample_posemb uses. */
void rins_resample_positions(const float *from, int64_t n, float *to, int64_t m, int64_t width) {
    const double step = m > 1 ? (double)(n - 1) / (double)(m - 1) : 0;
    for (int64_t y = 0; y < m; y++)
        for (int64_t x = 0; x < m; x++) {
            const double fy = (double)y * step, fx = (double)x * step;
            const int64_t y0 = (int64_t)fy, x0 = (int64_t)fx, y1 = y0 + (y0 + 1 < n), x1 = x0 + (x0 + 1 < n);
            const double wy = fy - (double)y0, wx = fx - (double)x0;
            const float *a = from + (y0 * n + x0) * width, *b = from + (y0 * n + x1) * width;
            const float *c = from + (y1 * n + x0) * width, *d = from + (y1 * n + x1) * width;
            for (int64_t k = 0; k < width; k++)
                *to++ = (float)((1 - wy) * ((1 - wx) * (double)a[k] + wx * (double)b[k]) +
                                wy * ((1 - wx) * (double)c[k] + wx * (double)d[k]));
        }
}

static const char image_positions[] = "vision_model.embeddings.position_embedding.weight";

/* The tensor of the same name and shape. */
static RinsStatus find_same(const RinsWeights *weights, const RinsParam *param, const RinsStTensor **found) {
    const RinsStTensor *tensor = rins_weights_find(weights, param->name);
    *found = tensor;
    if (!tensor) return RINS_FAIL(RINS_ERR_MISMATCH, "tensor '%s' is missing", param->name);
    if (tensor->ndim == param->ndim && !memcmp(tensor->shape, param->spec.shape, (size_t)param->ndim * sizeof(int64_t)))
        return RINS_OK;
    char has[128], wants[128];
    rins_st_shape_text(tensor->shape, tensor->ndim, has, sizeof has);
    rins_st_shape_text(param->spec.shape, param->ndim, wants, sizeof wants);
    return RINS_FAIL(RINS_ERR_MISMATCH, "tensor '%s' has shape %s where the model has %s", param->name, has, wants);
}

static RinsStatus read_values(const RinsWeights *weights, const RinsParam *param, float *host) {
    const RinsStTensor *tensor;
    if (weights->names) return rins_name_map_read(weights->names, rins_weights_find, weights, param, host);
    RINS_TRY(find_same(weights, param, &tensor));
    return rins_st_to_f32(tensor, host);
}

/* Positions in the file: their number where they make another grid than the model's, else 0. */
static int64_t other_grid(const RinsWeights *weights, const RinsParam *param) {
    int part = 0, parts = 0;
    const char *name = image_positions;
    for (const RinsNameRow *row = weights->names; row && row->ours; row++)
        if (!strcmp(row->ours, image_positions)) name = row->theirs;
    const RinsStTensor *t = rins_name_map_find(rins_weights_find, weights, name, -1, &part, &parts);
    if (!t || t->ndim < 2 || strcmp(param->name, image_positions) != 0) return 0;
    const int64_t n = t->shape[t->ndim - 2], width = t->shape[t->ndim - 1];
    const bool other = n != param->spec.shape[0] && width == param->spec.shape[1] && t->count == n * width;
    return other && grid_side(n) && grid_side(param->spec.shape[0]) ? n : 0;
}

static RinsStatus load_resampled(const RinsWeights *weights, const RinsParam *param, int64_t n, float *host) {
    RinsParam theirs = *param;
    theirs.spec.shape[0] = n;
    theirs.count = n * param->spec.shape[1];
    float *grid = malloc((size_t)theirs.count * sizeof *grid);
    if (!grid) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to resample positions");
    const RinsStatus status = read_values(weights, &theirs, grid);
    const int64_t from = grid_side(n), to = grid_side(param->spec.shape[0]);
    if (status == RINS_OK) {
        rins_resample_positions(grid, from, host, to, param->spec.shape[1]);
        rins_log(RINS_LOG_INFO, "image positions resampled from %lldx%lld to %lldx%lld", (long long)from,
                 (long long)from, (long long)to, (long long)to);
    }
    free(grid);
    return status;
}

RinsStatus rins_weights_load(const RinsWeights *weights, RinsParams *params, int index) {
    const RinsParam *param = &params->list[index];
    const int64_t other = other_grid(weights, param);
    const RinsStTensor *tensor = NULL;
    if (!weights->names && !other) RINS_TRY(find_same(weights, param, &tensor));
    if (tensor && tensor->type == RINS_ST_F32 &&
        (uintptr_t)tensor->data % sizeof(float) == 0) /* no copy of large tables */
        return rins_params_set(params, params->w, index, (const float *)(const void *)tensor->data);
    float *host = malloc((size_t)param->count * sizeof *host);
    if (!host) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to load '%s'", param->name);
    RinsStatus status = other ? load_resampled(weights, param, other, host) : read_values(weights, param, host);
    if (status == RINS_OK) status = rins_params_set(params, params->w, index, host);
    free(host);
    return status;
}
