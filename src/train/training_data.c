#define _GNU_SOURCE
#include "src/train/training_data.h"

#include "data/source_damage.h"
#include "src/base/file.h"
#include "src/base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static RinsStatus parse_text_pp(const char *text_pp, RinsCleaning *cleaning) {
    for (*cleaning = 0; *cleaning < RINS_CLEAN_NONE; (*cleaning)++) {
        char known[32];
        snprintf(known, sizeof known, "%s|tokenize", rins_cleaning_names[*cleaning]);
        if (!strcmp(text_pp, known)) return RINS_OK;
    }
    if (!strcmp(text_pp, "tokenize")) return RINS_OK; /* RINS_CLEAN_NONE */
    return RINS_FAIL(RINS_ERR_CONFIG,
                     "data.text_pp: '%s' is not one of canonicalize|tokenize, lower|tokenize, "
                     "hf|tokenize and tokenize",
                     text_pp);
}

static RinsStatus open_tokenizer(RinsTrainingData *data, const RinsRunConfig *config, const RinsTokenizerOptions *ids) {
    const RinsTextConfig *text = &config->model.text;
    char *bytes;
    size_t size;
    data->tokenizer_options = (RinsTokenizerOptions){.length = text->length, .pad_id = -1, .eos_id = -1};
    if (ids) data->tokenizer_options.pad_id = ids->pad_id, data->tokenizer_options.eos_id = ids->eos_id;
    RINS_TRY(parse_text_pp(config->data.text_pp, &data->tokenizer_options.cleaning));
    RinsStatus status = rins_file_read(config->data.tokenizer, 0, &bytes, &size);
    if (status != RINS_OK) return rins_fail_context(status, "data.tokenizer");
    data->tokenizer_hash = rins_hash_bytes(bytes, size, RINS_HASH_BASIS);
    free(bytes);
    status = rins_tokenizer_open(&data->tokenizer, config->data.tokenizer, &data->tokenizer_options);
    if (status != RINS_OK) return rins_fail_context(status, "data.tokenizer");
    const int64_t vocab = rins_tokenizer_vocab(data->tokenizer);
    if (vocab > text->vocab)
        return RINS_FAIL(RINS_ERR_MISMATCH,
                         "tokenizer '%s' has %lld pieces, but model.text.vocab is %lld; set it to at least "
                         "%lld",
                         config->data.tokenizer, (long long)vocab, (long long)text->vocab, (long long)vocab);
    return RINS_OK;
}

static RinsStatus open_pp(RinsPp **pp, const char *text, int64_t size, const char *key) {
    RinsStatus status = rins_pp_parse(pp, text);
    if (status == RINS_OK) status = rins_pp_check_size(*pp, text);
    if (status != RINS_OK) return rins_fail_context(status, "%s", key);
    if (rins_pp_size(*pp) == size) return RINS_OK;
    return RINS_FAIL(RINS_ERR_CONFIG,
                     "%s: '%s' gives images of %d pixels, but model.image.size is %lld; change one of them", key, text,
                     rins_pp_size(*pp), (long long)size);
}

/* The model turns bytes into values, and it does so in one way. */
static RinsStatus check_value_ranges(const RinsTrainingData *data, const RinsRunConfig *config) {
    float scale[2][3], offset[2][3];
    rins_pp_value_range(data->pp, scale[0], offset[0]);
    rins_pp_value_range(data->eval_pp, scale[1], offset[1]);
    if (!memcmp(scale[0], scale[1], sizeof scale[0]) && !memcmp(offset[0], offset[1], sizeof offset[0])) return RINS_OK;
    return RINS_FAIL(RINS_ERR_CONFIG,
                     "data.image_pp '%s' and data.eval_image_pp '%s' end in different value ranges; write the "
                     "same in both",
                     config->data.image_pp, data->eval_image_pp);
}

static RinsStatus open_pps(RinsTrainingData *data, const RinsRunConfig *config) {
    const int64_t size = config->model.image.size;
    if (config->data.eval_image_pp)
        data->eval_image_pp = strdup(config->data.eval_image_pp);
    else if (asprintf(&data->eval_image_pp, "decode|resize(%lld)|value_range(-1,1)", (long long)size) < 0)
        data->eval_image_pp = NULL;
    if (!data->eval_image_pp) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for the preprocessing");
    RINS_TRY(open_pp(&data->pp, config->data.image_pp, size, "data.image_pp"));
    RINS_TRY(open_pp(&data->eval_pp, data->eval_image_pp, size, "data.eval_image_pp"));
    return check_value_ranges(data, config);
}

/* A shard without a sample is taken for as many bad samples as the others hold on average. */
static RinsStatus check_shards(const RinsSource *source, double max_bad_fraction) {
    int64_t shards, without;
    rins_source_shards(source, &shards, &without);
    if (max_bad_fraction <= 0 || (double)without <= max_bad_fraction * (double)shards) return RINS_OK;
    return RINS_FAIL(RINS_ERR_LIMIT,
                     "'%s': %lld of %lld shards hold no sample, more than data.max_bad_fraction = %g allows; fetch "
                     "them again or leave them out, `rins data check` names them",
                     rins_source_spec(source), (long long)without, (long long)shards, max_bad_fraction);
}

static RinsStatus open_sources(RinsTrainingData *data, const RinsDataConfig *config) {
    const size_t n = config->train.n;
    bool weighted = false;
    data->sources = calloc(n ? n : 1, sizeof *data->sources);
    data->weights = calloc(n ? n : 1, sizeof *data->weights);
    if (!data->sources || !data->weights) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %zu sources", n);
    for (size_t i = 0; i < n; i++) {
        const struct RinsSourceEntry *entry = &config->train.items[i];
        const RinsStatus status = rins_source_open(&data->sources[i], entry->source);
        if (status != RINS_OK) return rins_fail_context(status, "data.train");
        data->n_sources++;
        RINS_TRY(check_shards(data->sources[i], config->max_bad_fraction));
        data->samples += rins_source_count(data->sources[i]);
        data->weights[i] = entry->weight;
        weighted |= entry->weight != 1;
    }
    if (weighted) return RINS_OK;
    free(data->weights);
    data->weights = NULL;
    return RINS_OK;
}

static RinsStatus open_eval_sources(RinsTrainingData *data, const RinsRunConfig *config) {
    const RinsStringList *list = &config->train.eval.loss;
    data->eval_sources = calloc(list->n ? list->n : 1, sizeof *data->eval_sources);
    if (!data->eval_sources) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %zu sources", list->n);
    for (size_t i = 0; i < list->n; i++) {
        const RinsStatus status = rins_source_open(&data->eval_sources[i], list->items[i]);
        if (status != RINS_OK) return rins_fail_context(status, "train.eval.loss");
        data->n_eval_sources++;
        if (!config->data.caption_templates && !strcmp(rins_source_kind(data->eval_sources[i]), "folder"))
            return RINS_FAIL(RINS_ERR_CONFIG,
                             "train.eval.loss: '%s' has no captions: give data.caption_templates, or a "
                             "caption table",
                             list->items[i]);
    }
    return RINS_OK;
}

RinsStatus rins_training_data_open(RinsTrainingData *data, const RinsRunConfig *config,
                                   const RinsTokenizerOptions *ids) {
    *data = (RinsTrainingData){0};
    RinsStatus status = RINS_OK;
    RINS_TRY_DONE(open_pps(data, config));
    RINS_TRY_DONE(open_tokenizer(data, config, ids));
    RINS_TRY_DONE(open_sources(data, &config->data));
    status = open_eval_sources(data, config);
done:
    if (status != RINS_OK) rins_training_data_close(data);
    return status;
}

void rins_training_data_close(RinsTrainingData *data) {
    for (int i = 0; i < data->n_sources; i++) rins_source_free(data->sources[i]);
    for (int i = 0; i < data->n_eval_sources; i++) rins_source_free(data->eval_sources[i]);
    free(data->sources);
    free(data->eval_sources);
    free(data->weights);
    free(data->eval_image_pp);
    rins_pp_free(data->pp);
    rins_pp_free(data->eval_pp);
    rins_tokenizer_free(data->tokenizer);
    *data = (RinsTrainingData){0};
}

static RinsStatus tokenize(void *user, const char *text, int32_t *ids) {
    return rins_tokenizer_encode(user, text, ids);
}

RinsLoaderOptions rins_training_loader_options(const RinsTrainingData *data, const RinsRunConfig *config) {
    const RinsStringList none = {0}, *templates = data->templates ? data->templates : &none;
    const RinsStringList *names = data->class_names ? data->class_names : &none;
    return (RinsLoaderOptions){
        .templates = (const char *const *)templates->items,
        .n_templates = (int)templates->n,
        .class_names = (const char *const *)names->items,
        .n_class_names = (int)names->n,
        .sources = data->sources,
        .weights = data->weights,
        .n_sources = data->n_sources,
        .pp = data->pp,
        .tokenize = tokenize,
        .tokenize_user = data->tokenizer,
        .length = config->model.text.length,
        .batch = config->train.batch,
        .world = 1,
        .seed = (uint64_t)config->seed,
        .shuffle = config->data.shuffle,
        .cache = config->data.cache,
        .workers = (int)config->data.workers,
        .max_bad_fraction = config->data.max_bad_fraction,
    };
}
