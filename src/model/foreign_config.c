#define _GNU_SOURCE
#include "src/model/foreign_config.h"

#include "src/base/log.h"
#include "src/model/hf_processor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 1024, MAX_SIZE = 1 << 24 };

typedef struct Source {
    RinsFindTensor *find;
    const void *data;
} Source;

/* Size `axis` (from the end where negative) of a tensor; `stacked` layers are left out of the
   count of axes. */
static RinsStatus get_size(const Source *source, const char *name, int axis, int64_t *size) {
    int part = 0, parts = 0;
    const RinsStTensor *t = rins_name_map_find(source->find, source->data, name, 0, &part, &parts);
    if (!t) return RINS_FAIL(RINS_ERR_MISMATCH, "tensor '%s' is missing", name);
    const int at = axis < 0 ? t->ndim + axis : axis + (parts > 0);
    if (at < 0 || at >= t->ndim || t->shape[at] < 1 || t->shape[at] > MAX_SIZE)
        return RINS_FAIL(RINS_ERR_MISMATCH, "tensor '%.150s' has an unexpected shape", t->name);
    *size = t->shape[at];
    return RINS_OK;
}

static bool has(const Source *source, const char *name) {
    int part = 0, parts = 0;
    return rins_name_map_find(source->find, source->data, name, 0, &part, &parts) != NULL;
}

/* Layers that `pattern` exists for. */
static int64_t count_layers(const Source *source, const char *pattern) {
    int layer = 0, part = 0, parts = 0;
    while (layer < MAX_DEPTH && rins_name_map_find(source->find, source->data, pattern, layer, &part, &parts)) layer++;
    return layer;
}

/* Where the sizes stand: name and axis of each; heads and image size come from elsewhere where NULL. */
typedef struct Places {
    struct {
        const char *name;
        int axis;
    } image_width, patch, positions, image_mlp, image_heads, text_width, vocab, length, text_mlp, text_heads, embed_dim;
    const char *image_layer, *text_layer;
} Places;

static const Places open_clip_places = {
    .image_width = {"visual.trunk.patch_embed.proj.weight", 0},
    .patch = {"visual.trunk.patch_embed.proj.weight", 2},
    .positions = {"visual.trunk.pos_embed", -2},
    .image_mlp = {"visual.trunk.blocks.%d.mlp.fc1.weight", 0},
    .text_width = {"text.token_embedding.weight", 1},
    .vocab = {"text.token_embedding.weight", 0},
    .length = {"text.positional_embedding", 0},
    .text_mlp = {"text.transformer.resblocks.%d.mlp.c_fc.weight", 0},
    .embed_dim = {"text.text_projection.weight", 0},
    .image_layer = "visual.trunk.blocks.%d.norm1.weight",
    .text_layer = "text.transformer.resblocks.%d.ln_1.weight",
};

static const Places big_vision_places = {
    .image_width = {"img/embedding/kernel", 3},
    .patch = {"img/embedding/kernel", 0},
    .positions = {"img/pos_embedding", -2},
    .image_mlp = {"img/Transformer/encoderblock_%d/MlpBlock_0/Dense_0/kernel", -1},
    .image_heads = {"img/Transformer/encoderblock_%d/MultiHeadDotProductAttention_0/query/kernel", -2},
    .text_width = {"txt/Embed_0/embedding", 1},
    .vocab = {"txt/Embed_0/embedding", 0},
    .length = {"txt/pos_embedding", -2},
    .text_mlp = {"txt/Encoder_0/encoderblock_%d/MlpBlock_0/Dense_0/kernel", -1},
    .text_heads = {"txt/Encoder_0/encoderblock_%d/MultiHeadDotProductAttention_0/query/kernel", -2},
    .embed_dim = {"txt/head/kernel", -1},
    .image_layer = "img/Transformer/encoderblock_%d/LayerNorm_0/scale",
    .text_layer = "txt/Encoder_0/encoderblock_%d/LayerNorm_0/scale",
};

static RinsStatus read_sizes(RinsModelConfig *config, const Places *p, const Source *source) {
    RinsEncoderConfig *image = &config->image.encoder, *text = &config->text.encoder;
    int64_t positions;
    RINS_TRY(rins_config_defaults(rins_model_fields, config));
    RINS_TRY(get_size(source, p->image_width.name, p->image_width.axis, &image->width));
    RINS_TRY(get_size(source, p->patch.name, p->patch.axis, &config->image.patch));
    RINS_TRY(get_size(source, p->positions.name, p->positions.axis, &positions));
    RINS_TRY(get_size(source, p->image_mlp.name, p->image_mlp.axis, &image->mlp));
    if (p->image_heads.name) RINS_TRY(get_size(source, p->image_heads.name, p->image_heads.axis, &image->heads));
    RINS_TRY(get_size(source, p->text_width.name, p->text_width.axis, &text->width));
    RINS_TRY(get_size(source, p->vocab.name, p->vocab.axis, &config->text.vocab));
    RINS_TRY(get_size(source, p->length.name, p->length.axis, &config->text.length));
    RINS_TRY(get_size(source, p->text_mlp.name, p->text_mlp.axis, &text->mlp));
    if (p->text_heads.name) RINS_TRY(get_size(source, p->text_heads.name, p->text_heads.axis, &text->heads));
    RINS_TRY(get_size(source, p->embed_dim.name, p->embed_dim.axis, &config->embed_dim));
    image->depth = count_layers(source, p->image_layer);
    text->depth = count_layers(source, p->text_layer);
    const int64_t side = (int64_t)lround(sqrt((double)positions));
    if (side * side != positions)
        return RINS_FAIL(RINS_ERR_UNSUPPORTED, "%lld image positions make no square", (long long)positions);
    config->image.size = side * config->image.patch;
    return RINS_OK;
}

/* timm's siglip models: heads of 64, but 16 of them in so400m and giantopt. */
static int64_t timm_heads(int64_t width) {
    if (width == 1152 || width == 1536) return 16;
    return width < 64 ? 1 : width / 64;
}

static int64_t integer_of(const json_t *object, const char *key, int64_t otherwise) {
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static RinsStatus read_open_clip_cfg(RinsModelConfig *config, const json_t *model) {
    const json_t *vision = json_object_get(model, "vision_cfg"), *text = json_object_get(model, "text_cfg");
    const char *pool = json_string_value(json_object_get(text, "pool_type"));
    const char *act = json_string_value(json_object_get(json_object_get(text, "act_kwargs"), "approximate"));
    if (!json_is_true(json_object_get(text, "no_causal_mask")) || !pool || strcmp(pool, "last") != 0)
        return RINS_FAIL(RINS_ERR_UNSUPPORTED,
                         "only open_clip's SigLIP models are supported: text without causal mask, pool_type last");
    const int64_t size = integer_of(vision, "image_size", config->image.size);
    if (size / config->image.patch != config->image.size / config->image.patch || size < config->image.patch)
        return RINS_FAIL(RINS_ERR_MISMATCH, "vision_cfg.image_size %lld does not go with %lld pixels of positions",
                         (long long)size, (long long)config->image.size);
    config->image.size = size;
    config->image.encoder.heads = timm_heads(config->image.encoder.width);
    config->text.encoder.heads = integer_of(text, "heads", 8); /* CLIPTextCfg's default */
    config->act = act && !strcmp(act, "tanh") ? RINS_GELU_TANH : RINS_GELU_ERF;
    if (config->act ==
        RINS_GELU_TANH) /* trained with tanh throughout; open_clip approximates its image tower with timm's erf */
        rins_log(RINS_LOG_INFO,
                 "the image tower runs with tanh GELU, as it was trained; open_clip runs it with erf GELU");
    return RINS_OK;
}

/* preprocess_cfg in the words of preprocessor_config.json. */
static RinsStatus open_clip_pp(char **image_pp, const json_t *preprocess, int64_t size) {
    const char *filter = json_string_value(json_object_get(preprocess, "interpolation"));
    const char *mode = json_string_value(json_object_get(preprocess, "resize_mode"));
    json_t *root =
        json_pack("{s:I, s:i}", "size", (json_int_t)size, "resample", filter && !strcmp(filter, "bilinear") ? 2 : 3);
    if (!mode || strcmp(mode, "squash") != 0) {
        json_object_set_new(root, "size", json_pack("{s:I}", "shortest_edge", (json_int_t)size));
        json_object_set_new(root, "do_center_crop", json_true());
        json_object_set_new(root, "crop_size", json_integer(size));
    }
    json_t *mean = json_object_get(preprocess, "mean"), *std = json_object_get(preprocess, "std");
    if (mean) json_object_set(root, "image_mean", mean);
    if (std) json_object_set(root, "image_std", std);
    const RinsStatus status = rins_hf_preprocessor_read(root, size, image_pp);
    json_decref(root);
    return status;
}

static RinsStatus finish(RinsModelConfig *config, RinsStatus status) {
    RinsEncoderSize size;
    if (status == RINS_OK) status = rins_encoder_size(&config->image.encoder, &size);
    if (status == RINS_OK) status = rins_encoder_size(&config->text.encoder, &size);
    if (status != RINS_OK) rins_config_free(rins_model_fields, config);
    return status;
}

RinsStatus rins_open_clip_config(RinsModelConfig *config, char **image_pp, const json_t *root, RinsFindTensor *find,
                                 const void *data) {
    const Source source = {find, data};
    *config = (RinsModelConfig){0};
    *image_pp = NULL;
    RinsStatus status = RINS_OK;
    if (!has(&source, "visual.trunk.attn_pool.latent") || has(&source, "visual.head.proj.weight"))
        status = RINS_FAIL(RINS_ERR_UNSUPPORTED,
                           "only open_clip's SigLIP models are supported: a timm tower with attention pooling");
    if (status == RINS_OK) status = read_sizes(config, &open_clip_places, &source);
    if (status == RINS_OK) status = read_open_clip_cfg(config, json_object_get(root, "model_cfg"));
    if (status == RINS_OK) status = open_clip_pp(image_pp, json_object_get(root, "preprocess_cfg"), config->image.size);
    return finish(config, status);
}

RinsStatus rins_big_vision_config(RinsModelConfig *config, char **image_pp, RinsFindTensor *find, const void *data) {
    const Source source = {find, data};
    *config = (RinsModelConfig){0};
    *image_pp = NULL;
    RinsStatus status = read_sizes(config, &big_vision_places, &source);
    if (status == RINS_OK) {
        config->image.pool = has(&source, "img/MAPHead_0/probe") ? RINS_VIT_POOL_MAP
                             : has(&source, "img/cls")           ? RINS_VIT_POOL_TOK
                                                                 : RINS_VIT_POOL_GAP;
        if (config->image.pool == RINS_VIT_POOL_TOK)
            status = RINS_FAIL(RINS_ERR_UNSUPPORTED, "big_vision models with a class token are not supported");
        else if (asprintf(image_pp, "decode|resize(%lld,method=bilinear,antialias=false)|value_range(-1,1)",
                          (long long)config->image.size) < 0)
            status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for the preprocessing string"), *image_pp = NULL;
    }
    return finish(config, status);
}

RinsTokenizerOptions rins_foreign_tokenizer(const RinsModelConfig *config, bool open_clip) {
    const bool gemma = config->text.vocab == RINS_GEMMA_VOCAB;
    const RinsCleaning cleaning = gemma && !open_clip ? RINS_CLEAN_LOWER : RINS_CLEAN_CANONICALIZE;
    return (RinsTokenizerOptions){cleaning, config->text.length, gemma ? RINS_GEMMA_PAD : -1,
                                  gemma ? RINS_GEMMA_EOS : -1};
}
