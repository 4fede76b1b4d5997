#define _GNU_SOURCE
#include "src/base/file.h"
#include "src/base/list.h"
#include "src/model/hf_config.h"
#include "src/model/hf_processor.h"
#include "src/model/model_dir.h"
#include "src/model/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is written: a name in the file for a parameter here. Several names may share one parameter (unrolling). */
typedef struct Item {
    char name[96];
    int param;
} Item;
typedef struct Items {
    Item *list;
    size_t n;
} Items;

static RinsStatus add_item(Items *items, int param, const char *name) {
    Item *grown = rins_list_grow(items->list, items->n, sizeof *grown);
    if (!grown) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for the list of tensors");
    items->list = grown;
    Item *item = &grown[items->n++];
    item->param = param;
    snprintf(item->name, sizeof item->name, "%s", name);
    return RINS_OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const Item *)a)->name, ((const Item *)b)->name);
}

/* "TOWER.encoder.layers.N.rest": gives N and the rest; false for other names. */
static bool split_layer(const char *name, int *layer, const char **before_end, const char **rest) {
    static const char marker[] = ".encoder.layers.";
    const char *at = strstr(name, marker);
    if (!at) return false;
    char *end;
    *before_end = at + sizeof marker - 1;
    *layer = (int)strtol(*before_end, &end, 10);
    *rest = end;
    return end != *before_end && *end == '.';
}

/* One name per step at which the parameter's block runs; other parameters once, under their own name. */
static RinsStatus add_steps(Items *items, int param, const char *name, const RinsPlan *plan) {
    int layer;
    const char *number, *rest;
    if (plan && strstr(name, ".encoder.adapters.")) return RINS_OK; /* no step of an unrolled plan has one */
    if (!plan || !split_layer(name, &layer, &number, &rest)) return add_item(items, param, name);
    for (int step = 0; step < plan->n_steps; step++) {
        char unrolled[96];
        if (plan->steps[step].block != layer) continue;
        if (snprintf(unrolled, sizeof unrolled, "%.*s%d%s", (int)(number - name), name, step, rest) >=
            (int)sizeof unrolled)
            return RINS_FAIL(RINS_ERR_INTERNAL, "tensor name too long: '%s'", name);
        RINS_TRY(add_item(items, param, unrolled));
    }
    return RINS_OK;
}

static RinsStatus list_items(Items *items, const RinsParams *params, const RinsPlan *image, const RinsPlan *text) {
    for (int i = 0; i < params->n; i++) {
        const RinsParam *param = &params->list[i];
        const RinsPlan *plan = param->tower == RINS_TOWER_IMAGE ? image : param->tower == RINS_TOWER_TEXT ? text : NULL;
        RINS_TRY(add_steps(items, i, param->name, plan));
    }
    qsort(items->list, items->n, sizeof *items->list, by_name); /* independent of what is frozen */
    return RINS_OK;
}

static RinsStatus write_tensors(const char *path, const RinsParams *params, const Items *items) {
    RinsStWriter writer = {0};
    const RinsStMeta meta[] = {{"format", "pt"}};
    int64_t largest = 1;
    RinsStatus status = RINS_OK;
    RinsStTensor *tensors = calloc(items->n + 1, sizeof *tensors);
    for (size_t i = 0; tensors && i < items->n; i++) {
        const RinsParam *param = &params->list[items->list[i].param];
        tensors[i] = (RinsStTensor){.name = items->list[i].name, .type = RINS_ST_F32, .ndim = param->ndim};
        memcpy(tensors[i].shape, param->spec.shape, (size_t)param->ndim * sizeof(int64_t));
        if (param->count > largest) largest = param->count;
    }
    float *host = malloc((size_t)largest * sizeof *host);
    if (!host || !tensors) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory to write '%s'", path);
        goto done;
    }
    RINS_TRY_DONE(rins_st_writer_open(&writer, path, tensors, items->n, meta, 1));
    for (size_t i = 0; i < items->n; i++) {
        const int param = items->list[i].param;
        RINS_TRY_DONE(rins_params_get(params, params->w, param, host));
        rins_st_writer_put(&writer, host, (size_t)params->list[param].count * sizeof *host);
    }
    status = rins_st_writer_commit(&writer);
done:
    rins_st_writer_abort(&writer);
    free(host);
    free(tensors);
    return status;
}

/* Writes malloc'd `text` and a newline as dir/name and frees it. */
static RinsStatus write_text(const char *dir, const char *name, char *text) {
    char *path = rins_path_join(dir, name), *line = NULL;
    RinsStatus status = RINS_ERR_MEMORY;
    const int n = path ? asprintf(&line, "%s\n", text) : -1;
    if (n < 0)
        status = RINS_FAIL(status, "no memory to write '%s'", name);
    else
        status = rins_file_write(path, line, (size_t)n);
    if (n >= 0) free(line);
    free(path);
    free(text);
    return status;
}

static RinsStatus copy_tokenizer(const char *dir, const char *from) {
    char *data = NULL, *path = rins_path_join(dir, "spiece.model");
    size_t size;
    RinsStatus status =
        path ? rins_file_read(from, 0, &data, &size) : RINS_FAIL(RINS_ERR_MEMORY, "no memory to copy '%s'", from);
    if (status == RINS_OK) status = rins_file_write(path, data, size);
    free(data);
    free(path);
    return status;
}

static RinsStatus write_config_files(const char *dir, const RinsModelConfig *config, const RinsModelDirInfo *info) {
    char *text;
    const int64_t eos = info->tokenizer.eos_id, pad = info->tokenizer.pad_id;
    RINS_TRY(rins_hf_config_text(config, (RinsHfIds){.pad = pad < 0 ? eos : pad, .eos = eos}, &text));
    RINS_TRY(write_text(dir, "config.json", text));
    if (info->image_pp) {
        RINS_TRY(rins_hf_preprocessor_text(info->image_pp, config->image.size, &text));
        RINS_TRY(write_text(dir, "preprocessor_config.json", text));
    }
    RinsTokenizerOptions tokenizer = info->tokenizer;
    tokenizer.length = config->text.length;
    RINS_TRY(rins_hf_tokenizer_text(&tokenizer, &text));
    RINS_TRY(write_text(dir, "tokenizer_config.json", text));
    return info->tokenizer_path ? copy_tokenizer(dir, info->tokenizer_path) : RINS_OK;
}

static RinsStatus save(const char *dir, RinsModel *model, const RinsModelConfig *config, const RinsPlan *image,
                       const RinsPlan *text, const RinsModelDirInfo *info) {
    Items items = {0};
    char *path = rins_path_join(dir, "model.safetensors");
    RinsStatus status = path ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory to write '%s'", dir);
    if (status == RINS_OK) status = list_items(&items, rins_model_params(model), image, text);
    if (status == RINS_OK) status = write_tensors(path, rins_model_params(model), &items);
    if (status == RINS_OK) status = write_config_files(dir, config, info);
    free(items.list);
    free(path);
    return status;
}

RinsStatus rins_model_dir_save(const char *path, RinsModel *model, const RinsModelDirInfo *info) {
    return save(path, model, rins_model_config(model), NULL, NULL, info);
}

static bool has_adapter_steps(const RinsPlan *plan) {
    for (int i = 0; i < plan->n_steps; i++)
        if (plan->steps[i].adapter >= 0) return true;
    return false; /* those of early exits are at work only where rounds are cut */
}

/* A tower whose depth is the number of steps of the recursive one. */
static RinsStatus unroll(RinsEncoderConfig *encoder, const char *name, RinsPlan *plan) {
    RINS_TRY(rins_encoder_plan(encoder, 0, NULL, plan));
    if (has_adapter_steps(plan))
        return RINS_FAIL(
            RINS_ERR_UNSUPPORTED,
            "the %s tower has adapters between its rounds, which no plain tower can hold: it cannot be unrolled", name);
    encoder->depth = plan->n_steps;
    free(encoder->recursion.signature);
    encoder->recursion.signature = strdup("A");
    encoder->recursion.drop = 0;
    encoder->recursion.adapter = RINS_ADAPTER_NONE;
    return encoder->recursion.signature ? RINS_OK
                                        : RINS_FAIL(RINS_ERR_MEMORY, "no memory to unroll the %s tower", name);
}

typedef struct Unrolled {
    RinsModelConfig config;
    RinsPlan image, text; /* of the recursive towers */
} Unrolled;

static void free_unrolled(Unrolled *unrolled) {
    rins_plan_free(&unrolled->image);
    rins_plan_free(&unrolled->text);
    rins_config_free(rins_model_fields, &unrolled->config);
}

static RinsStatus make_unrolled(Unrolled *unrolled, const RinsModelConfig *config) {
    bool fits;
    const char *why;
    *unrolled = (Unrolled){0};
    RINS_TRY(rins_config_copy(rins_model_fields, &unrolled->config, config));
    RINS_TRY(unroll(&unrolled->config.image.encoder, "image", &unrolled->image));
    RINS_TRY(unroll(&unrolled->config.text.encoder, "text", &unrolled->text));
    RINS_TRY(rins_hf_config_fits(&unrolled->config, &fits, &why));
    return fits ? RINS_OK
                : RINS_FAIL(RINS_ERR_UNSUPPORTED,
                            "transformers' SiglipModel cannot hold this model: %s; without unrolling rins' own "
                            "programs read it",
                            why);
}

RinsStatus rins_model_config_unrolls(const RinsModelConfig *config) {
    Unrolled unrolled;
    const RinsStatus status = make_unrolled(&unrolled, config);
    free_unrolled(&unrolled);
    return status;
}

RinsStatus rins_model_dir_save_unrolled(const char *path, RinsModel *model, const RinsModelDirInfo *info) {
    Unrolled unrolled;
    RinsStatus status = make_unrolled(&unrolled, rins_model_config(model));
    if (status == RINS_OK) status = save(path, model, &unrolled.config, &unrolled.image, &unrolled.text, info);
    free_unrolled(&unrolled);
    return status;
}
