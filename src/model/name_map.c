#include "src/model/name_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 160 };

/* clang-format off */
#define IN_LAYOUT(OURS, THEIRS, LAYOUT)   {OURS, THEIRS, LAYOUT, -1, 0, 0}
#define SAME(OURS, THEIRS)                IN_LAYOUT(OURS, THEIRS, RINS_LAYOUT_SAME)
#define PART(OURS, THEIRS, I, N)          {OURS, THEIRS, RINS_LAYOUT_SAME, -1, I, N}
#define THIRD(OURS, THEIRS, LAYOUT, WHICH, I, N) {OURS, THEIRS, LAYOUT, WHICH, I, N}

/* Names of open_clip 3.3's CustomTextCLIP with a timm 1.0 VisionTransformer in `visual.trunk`. */
#define OC_BOTH(OURS, THEIRS) SAME(OURS ".weight", THEIRS ".weight"), SAME(OURS ".bias", THEIRS ".bias")
/* q, k and v of a block, one after the other in theirs; WHAT: weight or bias. */
#define OC_QKV(OURS, THEIRS, WHAT)                                                                                     \
    PART(OURS "self_attn.q_proj." WHAT, THEIRS WHAT, 0, 3), PART(OURS "self_attn.k_proj." WHAT, THEIRS WHAT, 1, 3),    \
    PART(OURS "self_attn.v_proj." WHAT, THEIRS WHAT, 2, 3)
/* In the pooling head theirs has q alone and k and v together, ours all three. */
#define OC_HEAD_QKV(WHAT)                                                                                              \
    THIRD(OC_HEAD_IN WHAT, "visual.trunk.attn_pool.q." WHAT, RINS_LAYOUT_SAME, 0, 0, 0),                               \
    THIRD(OC_HEAD_IN WHAT, "visual.trunk.attn_pool.kv." WHAT, RINS_LAYOUT_SAME, 1, 0, 2),                              \
    THIRD(OC_HEAD_IN WHAT, "visual.trunk.attn_pool.kv." WHAT, RINS_LAYOUT_SAME, 2, 1, 2)
#define OC_HEAD_IN "vision_model.head.attention.in_proj_"
#define OC_BLOCK "vision_model.encoder.layers.%d."
#define OC_TEXT "text_model.encoder.layers.%d."
/* clang-format on */

const RinsNameRow rins_open_clip_names[] = {
    SAME("logit_scale", "logit_scale"),
    SAME("logit_bias", "logit_bias"),
    OC_BOTH("vision_model.embeddings.patch_embedding", "visual.trunk.patch_embed.proj"),
    SAME("vision_model.embeddings.position_embedding.weight", "visual.trunk.pos_embed"),
    OC_BOTH(OC_BLOCK "layer_norm1", "visual.trunk.blocks.%d.norm1"),
    OC_QKV(OC_BLOCK, "visual.trunk.blocks.%d.attn.qkv.", "weight"),
    OC_QKV(OC_BLOCK, "visual.trunk.blocks.%d.attn.qkv.", "bias"),
    OC_BOTH(OC_BLOCK "self_attn.out_proj", "visual.trunk.blocks.%d.attn.proj"),
    OC_BOTH(OC_BLOCK "layer_norm2", "visual.trunk.blocks.%d.norm2"),
    OC_BOTH(OC_BLOCK "mlp.fc1", "visual.trunk.blocks.%d.mlp.fc1"),
    OC_BOTH(OC_BLOCK "mlp.fc2", "visual.trunk.blocks.%d.mlp.fc2"),
    OC_BOTH("vision_model.post_layernorm", "visual.trunk.norm"),
    SAME("vision_model.head.probe", "visual.trunk.attn_pool.latent"),
    OC_HEAD_QKV("weight"),
    OC_HEAD_QKV("bias"),
    OC_BOTH("vision_model.head.attention.out_proj", "visual.trunk.attn_pool.proj"),
    OC_BOTH("vision_model.head.layernorm", "visual.trunk.attn_pool.norm"),
    OC_BOTH("vision_model.head.mlp.fc1", "visual.trunk.attn_pool.mlp.fc1"),
    OC_BOTH("vision_model.head.mlp.fc2", "visual.trunk.attn_pool.mlp.fc2"),
    SAME("text_model.embeddings.token_embedding.weight", "text.token_embedding.weight"),
    SAME("text_model.embeddings.position_embedding.weight", "text.positional_embedding"),
    OC_BOTH(OC_TEXT "layer_norm1", "text.transformer.resblocks.%d.ln_1"),
    OC_QKV(OC_TEXT, "text.transformer.resblocks.%d.attn.in_proj_", "weight"),
    OC_QKV(OC_TEXT, "text.transformer.resblocks.%d.attn.in_proj_", "bias"),
    OC_BOTH(OC_TEXT "self_attn.out_proj", "text.transformer.resblocks.%d.attn.out_proj"),
    OC_BOTH(OC_TEXT "layer_norm2", "text.transformer.resblocks.%d.ln_2"),
    OC_BOTH(OC_TEXT "mlp.fc1", "text.transformer.resblocks.%d.mlp.c_fc"),
    OC_BOTH(OC_TEXT "mlp.fc2", "text.transformer.resblocks.%d.mlp.c_proj"),
    OC_BOTH("text_model.final_layer_norm", "text.ln_final"),
    OC_BOTH("text_model.head", "text.text_projection"),
    {NULL}};

/* clang-format off */
/* Names of big_vision's vit.py, text_transformer.py and two_towers.py (commit 0b73d7b). */
#define BV_DENSE(OURS, THEIRS)                                                                                         \
    IN_LAYOUT(OURS ".weight", THEIRS "/kernel", RINS_LAYOUT_TRANSPOSE), SAME(OURS ".bias", THEIRS "/bias")
#define BV_NORM(OURS, THEIRS) SAME(OURS ".weight", THEIRS "/scale"), SAME(OURS ".bias", THEIRS "/bias")
#define BV_BLOCK(OURS, THEIRS)                                                                                         \
    BV_NORM(OURS "layer_norm1", THEIRS "/LayerNorm_0"), BV_NORM(OURS "layer_norm2", THEIRS "/LayerNorm_1"),            \
    BV_DENSE(OURS "self_attn.q_proj", THEIRS "/MultiHeadDotProductAttention_0/query"),                                 \
    BV_DENSE(OURS "self_attn.k_proj", THEIRS "/MultiHeadDotProductAttention_0/key"),                                   \
    BV_DENSE(OURS "self_attn.v_proj", THEIRS "/MultiHeadDotProductAttention_0/value"),                                 \
    BV_DENSE(OURS "self_attn.out_proj", THEIRS "/MultiHeadDotProductAttention_0/out"),                                 \
    BV_DENSE(OURS "mlp.fc1", THEIRS "/MlpBlock_0/Dense_0"), BV_DENSE(OURS "mlp.fc2", THEIRS "/MlpBlock_0/Dense_1")
#define BV_MAP "img/MAPHead_0/MultiHeadDotProductAttention_0/"
#define BV_THIRD(NAME, WHICH)                                                                                          \
    THIRD("vision_model.head.attention.in_proj_weight", BV_MAP NAME "/kernel", RINS_LAYOUT_TRANSPOSE, WHICH, 0, 0),    \
    THIRD("vision_model.head.attention.in_proj_bias", BV_MAP NAME "/bias", RINS_LAYOUT_SAME, WHICH, 0, 0)
/* clang-format on */

const RinsNameRow rins_big_vision_names[] = {
    SAME("logit_scale", "t"),
    SAME("logit_bias", "b"),
    IN_LAYOUT("vision_model.embeddings.patch_embedding.weight", "img/embedding/kernel", RINS_LAYOUT_CONV),
    SAME("vision_model.embeddings.patch_embedding.bias", "img/embedding/bias"),
    SAME("vision_model.embeddings.position_embedding.weight", "img/pos_embedding"),
    BV_BLOCK("vision_model.encoder.layers.%d.", "img/Transformer/encoderblock_%d"),
    BV_NORM("vision_model.post_layernorm", "img/Transformer/encoder_norm"),
    SAME("vision_model.head.probe", "img/MAPHead_0/probe"),
    BV_THIRD("query", 0),
    BV_THIRD("key", 1),
    BV_THIRD("value", 2),
    BV_DENSE("vision_model.head.attention.out_proj", "img/MAPHead_0/MultiHeadDotProductAttention_0/out"),
    BV_NORM("vision_model.head.layernorm", "img/MAPHead_0/LayerNorm_0"),
    BV_DENSE("vision_model.head.mlp.fc1", "img/MAPHead_0/MlpBlock_0/Dense_0"),
    BV_DENSE("vision_model.head.mlp.fc2", "img/MAPHead_0/MlpBlock_0/Dense_1"),
    BV_DENSE("vision_model.embed_head", "img/head"),
    SAME("text_model.embeddings.token_embedding.weight", "txt/Embed_0/embedding"),
    SAME("text_model.embeddings.position_embedding.weight", "txt/pos_embedding"),
    /* text_transformer.py, load(): some checkpoints added positions twice in training */
    IN_LAYOUT("text_model.embeddings.position_embedding.weight", "txt/Encoder_0/pos_embedding", RINS_LAYOUT_ADD),
    BV_BLOCK("text_model.encoder.layers.%d.", "txt/Encoder_0/encoderblock_%d"),
    BV_NORM("text_model.final_layer_norm", "txt/Encoder_0/encoder_norm"),
    BV_DENSE("text_model.head", "txt/head"),
    {NULL}};

/* Whether `name` is `pattern` with a whole number in place of %d, which is *layer then. */
static bool matches(const char *pattern, const char *name, int *layer) {
    const char *hole = strstr(pattern, "%d");
    *layer = -1;
    if (!hole) return !strcmp(pattern, name);
    const size_t before = (size_t)(hole - pattern);
    if (strncmp(pattern, name, before) != 0) return false;
    char *end;
    *layer = (int)strtol(name + before, &end, 10);
    return end != name + before && !strcmp(end, hole + 2);
}

/* Writes pattern with `layer` for %d, or without "_%d" where layer is -1. */
static void fill(char name[MAX_NAME], const char *prefix, const char *pattern, int layer) {
    const char *hole = strstr(pattern, "%d");
    if (!hole)
        snprintf(name, MAX_NAME, "%s%s", prefix, pattern);
    else if (layer >= 0)
        snprintf(name, MAX_NAME, "%s%.*s%d%s", prefix, (int)(hole - pattern), pattern, layer, hole + 2);
    else
        snprintf(name, MAX_NAME, "%s%.*s%s", prefix, (int)(hole - pattern) - 1, pattern, hole + 2);
}

const RinsStTensor *rins_name_map_find(RinsFindTensor *find, const void *source, const char *pattern, int layer,
                                       int *part, int *parts) {
    static const char *const prefixes[] = {"", "params/"};
    const bool may_stack = strstr(pattern, "encoderblock_%d") != NULL;
    char name[MAX_NAME];
    for (int i = 0; i < 2; i++) {
        fill(name, prefixes[i], pattern, layer < 0 ? 0 : layer);
        const RinsStTensor *tensor = find(source, name);
        if (tensor) return tensor;
        if (!may_stack) continue;
        fill(name, prefixes[i], pattern, -1);
        tensor = find(source, name);
        if (!tensor || tensor->ndim < 1) continue;
        *part = layer < 0 ? 0 : layer;
        *parts = (int)tensor->shape[0];
        return *part < *parts ? tensor : NULL;
    }
    return NULL;
}

/* Whether joining neighbouring dimensions of `shape` gives (rows, cols); ones count for nothing. */
static bool joins_to(const int64_t *shape, int ndim, int64_t rows, int64_t cols) {
    int64_t product = 1;
    int i = 0;
    while (i < ndim && product < rows) product *= shape[i++];
    if (product != rows) return false;
    for (product = 1; i < ndim; i++) product *= shape[i];
    return product == cols;
}

/* to (M, N) row by row from `from` (N, M). */
static void transpose(float *to, const float *from, int64_t rows, int64_t cols) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < cols; c++) to[r * cols + c] = from[c * rows + r];
}

/* to (out, channel, y, x) from (y, x, channel, out). */
static void unconv(float *to, const float *from, const int64_t shape[4]) {
    const int64_t out = shape[0], channels = shape[1], side = shape[2];
    for (int64_t o = 0; o < out; o++)
        for (int64_t c = 0; c < channels; c++)
            for (int64_t p = 0; p < side * side; p++) *to++ = from[(p * channels + c) * out + o];
}

static RinsStatus mismatch(const RinsStTensor *t, const char *ours) {
    char shape[128];
    rins_st_shape_text(t->shape, t->ndim, shape, sizeof shape);
    return RINS_FAIL(RINS_ERR_MISMATCH, "tensor '%.150s' of shape %s does not fit '%s'", t->name, shape, ours);
}

/* `t` is the part wanted already; rows, cols: the shape of the piece of ours that it fills. */
static RinsStatus convert(const RinsStTensor *t, RinsLayout layout, const RinsParam *param, int64_t rows, int64_t cols,
                          float *to) {
    const int64_t *s = param->spec.shape;
    bool fits;
    switch (layout) {
    case RINS_LAYOUT_CONV:
        fits = t->ndim == 4 && t->shape[0] == s[2] && t->shape[1] == s[3] && t->shape[2] == s[1] && t->shape[3] == s[0];
        break;
    case RINS_LAYOUT_TRANSPOSE: fits = joins_to(t->shape, t->ndim, cols, rows); break;
    default: fits = joins_to(t->shape, t->ndim, rows, cols);
    }
    if (!fits || t->count != rows * cols) return mismatch(t, param->name);
    float *values = malloc((size_t)t->count * sizeof *values);
    if (!values) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for '%.150s'", t->name);
    const RinsStatus status = rins_st_to_f32(t, values);
    if (status == RINS_OK) {
        if (layout == RINS_LAYOUT_TRANSPOSE)
            transpose(to, values, rows, cols);
        else if (layout == RINS_LAYOUT_CONV)
            unconv(to, values, s);
        else if (layout == RINS_LAYOUT_SAME)
            memcpy(to, values, (size_t)t->count * sizeof *values);
        else
            for (int64_t i = 0; i < t->count; i++) to[i] += values[i];
    }
    free(values);
    return status;
}

/* Part `part` of `parts` equal ones along the first dimension; parts 0: all of it. */
static bool take_part(RinsStTensor *t, int part, int parts) {
    if (parts == 0) return true;
    if (t->ndim < 1 || parts < 1 || t->shape[0] % parts != 0) return false;
    t->shape[0] /= parts;
    t->count /= parts;
    t->bytes /= (size_t)parts;
    t->data += (size_t)part * t->bytes;
    return true;
}

static RinsStatus read_row(const RinsNameRow *row, int layer, RinsFindTensor *find, const void *source,
                           const RinsParam *param, float *host) {
    int part = row->part, parts = row->parts;
    const RinsStTensor *found = rins_name_map_find(find, source, row->theirs, layer, &part, &parts);
    if (!found && row->layout == RINS_LAYOUT_ADD) return RINS_OK;
    if (!found) {
        char name[MAX_NAME];
        fill(name, "", row->theirs, layer < 0 ? 0 : layer);
        return RINS_FAIL(RINS_ERR_MISMATCH, "tensor '%s' (for '%s') is missing", name, param->name);
    }
    RinsStTensor t = *found;
    if (!take_part(&t, part, parts)) return mismatch(found, param->name);
    const int64_t rows = param->spec.shape[0] / (row->third < 0 ? 1 : 3), cols = param->count / param->spec.shape[0];
    return convert(&t, row->layout, param, rows, cols, host + (row->third < 0 ? 0 : row->third) * rows * cols);
}

RinsStatus rins_name_map_read(const RinsNameRow *names, RinsFindTensor *find, const void *source,
                              const RinsParam *param, float *host) {
    int layer, found = 0;
    for (; names->ours; names++) {
        if (!matches(names->ours, param->name, &layer)) continue;
        RINS_TRY(read_row(names, layer, find, source, param, host));
        found++;
    }
    return found ? RINS_OK
                 : RINS_FAIL(RINS_ERR_MISMATCH, "'%s' has no counterpart in this kind of checkpoint", param->name);
}
