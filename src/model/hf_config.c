#include "src/model/hf_config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The whole numbers of SiglipVisionConfig and SiglipTextConfig: name, default there, range, place here. */
typedef struct Size {
    const char *name;
    int64_t preset, max;
    size_t offset;
} Size;

static const Size vision_sizes[] = {{"hidden_size", 768, 65536, offsetof(RinsVitConfig, encoder.width)},
                                    {"intermediate_size", 3072, 262144, offsetof(RinsVitConfig, encoder.mlp)},
                                    {"num_hidden_layers", 12, 1024, offsetof(RinsVitConfig, encoder.depth)},
                                    {"num_attention_heads", 12, 1024, offsetof(RinsVitConfig, encoder.heads)},
                                    {"image_size", 224, 16384, offsetof(RinsVitConfig, size)},
                                    {"patch_size", 16, 4096, offsetof(RinsVitConfig, patch)},
                                    {NULL}};

static const Size text_sizes[] = {{"hidden_size", 768, 65536, offsetof(RinsTextConfig, encoder.width)},
                                  {"intermediate_size", 3072, 262144, offsetof(RinsTextConfig, encoder.mlp)},
                                  {"num_hidden_layers", 12, 1024, offsetof(RinsTextConfig, encoder.depth)},
                                  {"num_attention_heads", 12, 1024, offsetof(RinsTextConfig, encoder.heads)},
                                  {"vocab_size", 32000, 1 << 24, offsetof(RinsTextConfig, vocab)},
                                  {"max_position_embeddings", 64, 65536, offsetof(RinsTextConfig, length)},
                                  {NULL}};

/* transformers' names for the two activations (activations.py, ACT2FN); the first of each is
   the one written. */
static const struct {
    const char *name;
    RinsGelu act;
} acts[] = {{"gelu_pytorch_tanh", RINS_GELU_TANH}, {"gelu", RINS_GELU_ERF},
            {"gelu_new", RINS_GELU_TANH},          {"gelu_fast", RINS_GELU_TANH},
            {"gelu_python_tanh", RINS_GELU_TANH},  {"gelu_python", RINS_GELU_ERF}};

static const char *written_act(int act) {
    size_t i = 0;
    while ((int)acts[i].act != act) i++;
    return acts[i].name;
}

static const double LAYER_NORM_EPS = 1e-6;

static RinsStatus read_size(const char *part, const json_t *object, const Size *size, void *config) {
    const json_t *value = json_object_get(object, size->name);
    int64_t *to = (int64_t *)((char *)config + size->offset);
    if (json_is_array(value) && json_array_size(value) == 2) { /* [height, width] */
        if (!json_equal(json_array_get(value, 0), json_array_get(value, 1)))
            return RINS_FAIL(RINS_ERR_UNSUPPORTED, "%s.%s is not square", part, size->name);
        value = json_array_get(value, 0);
    }
    *to = value ? (int64_t)json_integer_value(value) : size->preset;
    if ((value && !json_is_integer(value)) || *to < 1 || *to > size->max)
        return RINS_FAIL(RINS_ERR_FORMAT, "%s.%s must be a whole number from 1 to %lld", part, size->name,
                         (long long)size->max);
    return RINS_OK;
}

static RinsStatus read_act(const char *part, const json_t *object, int *act) {
    const json_t *value = json_object_get(object, "hidden_act");
    const char *name = value ? json_string_value(value) : acts[0].name;
    for (size_t i = 0; name && i < sizeof acts / sizeof acts[0]; i++)
        if (!strcmp(name, acts[i].name)) {
            *act = acts[i].act;
            return RINS_OK;
        }
    return RINS_FAIL(RINS_ERR_UNSUPPORTED, "%s.hidden_act '%.40s' is not supported (gelu_pytorch_tanh and gelu are)",
                     part, name ? name : "(not a string)");
}

/* What both towers have: sizes, activation, and the constants that are fixed here. */
static RinsStatus read_tower(const char *part, const json_t *root, const Size *sizes, void *config, int *act) {
    const json_t *object = json_object_get(root, part);
    if (object && !json_is_object(object) && !json_is_null(object))
        return RINS_FAIL(RINS_ERR_FORMAT, "%s is not an object", part);
    for (; sizes->name; sizes++) RINS_TRY(read_size(part, object, sizes, config));
    const json_t *eps = json_object_get(object, "layer_norm_eps");
    if (eps && !(fabs(json_number_value(eps) - LAYER_NORM_EPS) < 1e-12))
        return RINS_FAIL(RINS_ERR_UNSUPPORTED, "%s.layer_norm_eps must be 1e-06", part);
    return read_act(part, object, act);
}

static RinsStatus read_siglip(RinsModelConfig *config, const json_t *root) {
    int text_act;
    RINS_TRY(read_tower("vision_config", root, vision_sizes, &config->image, &config->act));
    RINS_TRY(read_tower("text_config", root, text_sizes, &config->text, &text_act));
    if (text_act != config->act)
        return RINS_FAIL(RINS_ERR_UNSUPPORTED, "vision_config.hidden_act and text_config.hidden_act differ");
    const json_t *vision = json_object_get(root, "vision_config"), *text = json_object_get(root, "text_config");
    const json_t *channels = json_object_get(vision, "num_channels");
    if (channels && json_integer_value(channels) != 3)
        return RINS_FAIL(RINS_ERR_UNSUPPORTED, "vision_config.num_channels must be 3");
    if (json_is_false(json_object_get(vision, "vision_use_head")))
        return RINS_FAIL(RINS_ERR_UNSUPPORTED, "vision_config.vision_use_head is false: the model has no pooling head");
    const json_t *projection = json_object_get(text, "projection_size");
    const int64_t text_dim = json_is_integer(projection) ? json_integer_value(projection) : config->text.encoder.width;
    config->embed_dim = config->image.encoder.width;
    if (text_dim != config->embed_dim)
        return RINS_FAIL(RINS_ERR_FORMAT, "text_config.projection_size %lld is not vision_config.hidden_size %lld",
                         (long long)text_dim, (long long)config->embed_dim);
    return RINS_OK;
}

/* Our fields go through the table that reads config.yaml too: JSON is YAML. */
static RinsStatus read_rins(RinsModelConfig *config, const json_t *root) {
    const json_t *fields = json_object_get(root, "rins");
    if (!json_is_object(fields)) return RINS_FAIL(RINS_ERR_FORMAT, "model_type is rins, but there is no object 'rins'");
    char *text = json_dumps(fields, JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (!text) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for the model's fields");
    const RinsStatus status = rins_config_parse(rins_model_fields, config, text, "rins");
    free(text);
    return status;
}

static RinsStatus read_root(RinsModelConfig *config, const json_t *root) {
    const char *type = json_string_value(json_object_get(root, "model_type"));
    if (!type) return RINS_FAIL(RINS_ERR_FORMAT, "there is no model_type: not the config.json of a model");
    RINS_TRY(rins_config_defaults(rins_model_fields, config));
    if (!strcmp(type, "rins")) {
        RINS_TRY(read_rins(config, root));
    } else if (!strcmp(type, "siglip")) {
        RINS_TRY(read_siglip(config, root));
    } else if (!strcmp(type, "siglip2")) {
        return RINS_FAIL(RINS_ERR_UNSUPPORTED, "model_type siglip2 is the variable-resolution (NaFlex) model; "
                                               "SigLIP 2 at a fixed resolution has model_type siglip");
    } else {
        return RINS_FAIL(RINS_ERR_UNSUPPORTED, "model_type '%.60s' is not supported (siglip and rins are)", type);
    }
    RinsEncoderSize size;
    RINS_TRY(rins_encoder_size(&config->image.encoder, &size));
    RINS_TRY(rins_encoder_size(&config->text.encoder, &size));
    if (config->image.patch > config->image.size)
        return RINS_FAIL(RINS_ERR_FORMAT, "patches of %lld pixels do not fit images of %lld",
                         (long long)config->image.patch, (long long)config->image.size);
    return RINS_OK;
}

RinsStatus rins_hf_config_read(RinsModelConfig *config, const json_t *root) {
    *config = (RinsModelConfig){0};
    const RinsStatus status = read_root(config, root);
    if (status != RINS_OK) rins_config_free(rins_model_fields, config);
    return status;
}

static RinsStatus is_plain(const RinsEncoderConfig *config, bool *plain) {
    RinsPlan plan;
    RINS_TRY(rins_encoder_plan(config, 0, NULL, &plan));
    *plain = plan.n_steps == plan.n_blocks && plan.n_adapters == 0;
    for (int i = 0; *plain && i < plan.n_steps; i++) *plain = plan.steps[i].block == i;
    rins_plan_free(&plan);
    return RINS_OK;
}

RinsStatus rins_hf_config_fits(const RinsModelConfig *config, bool *fits, const char **why) {
    const char *reason = NULL;
    bool image, text;
    int64_t embed_dim;
    RinsEncoderSize size;
    RINS_TRY(is_plain(&config->image.encoder, &image));
    RINS_TRY(is_plain(&config->text.encoder, &text));
    RINS_TRY(rins_model_config_embed_dim(config, &embed_dim));
    RINS_TRY(rins_encoder_size(&config->image.encoder, &size));
    if (embed_dim != size.width) reason = "embed_dim differs from the image tower's width";
    if (!image) reason = "the image tower is recursive";
    if (!text) reason = "the text tower is recursive";
    const bool map = config->image.pool == RINS_VIT_POOL_MAP, last = config->text.pool == RINS_TEXT_POOL_LAST;
    if (!map) reason = "image.pool is not map";
    if (!last) reason = map ? "text.pool is not last" : "image.pool is not map and text.pool is not last";
    if (why) *why = reason;
    *fits = reason == NULL;
    return RINS_OK;
}

static json_t *tower_object(const Size *sizes, const void *config, const RinsEncoderSize *size, int act,
                            const char *type) {
    json_t *object = json_object();
    const int64_t encoder[] = {size->width, size->mlp, size->depth, size->heads}; /* the first four of both tables */
    for (int i = 0; sizes[i].name; i++) {
        const int64_t value = i < 4 ? encoder[i] : *(const int64_t *)((const char *)config + sizes[i].offset);
        json_object_set_new(object, sizes[i].name, json_integer(value));
    }
    json_object_set_new(object, "hidden_act", json_string(written_act(act)));
    json_object_set_new(object, "layer_norm_eps", json_real(LAYER_NORM_EPS));
    json_object_set_new(object, "attention_dropout", json_real(0));
    json_object_set_new(object, "model_type", json_string(type));
    return object;
}

static RinsStatus siglip_object(const RinsModelConfig *config, RinsHfIds ids, json_t **root) {
    RinsEncoderSize image, text;
    RINS_TRY(rins_encoder_size(&config->image.encoder, &image));
    RINS_TRY(rins_encoder_size(&config->text.encoder, &text));
    json_t *t = tower_object(text_sizes, &config->text, &text, config->act, "siglip_text_model");
    json_t *v = tower_object(vision_sizes, &config->image, &image, config->act, "siglip_vision_model");
    json_object_set_new(t, "projection_size", json_integer(image.width));
    json_object_set_new(t, "bos_token_id", json_null());
    json_object_set_new(t, "eos_token_id", ids.eos < 0 ? json_null() : json_integer(ids.eos));
    json_object_set_new(t, "pad_token_id", ids.pad < 0 ? json_null() : json_integer(ids.pad));
    json_object_set_new(v, "num_channels", json_integer(3));
    json_object_set_new(v, "vision_use_head", json_true());
    *root = json_pack("{s:[s], s:s, s:f, s:o, s:o}", "architectures", "SiglipModel", "model_type", "siglip",
                      "initializer_factor", 1.0, "text_config", t, "vision_config", v);
    return RINS_OK;
}

static RinsStatus rins_object(const RinsModelConfig *config, json_t **root) {
    RinsModelConfig copy = {0};
    char *text = NULL;
    json_t *fields;
    RinsStatus status = rins_config_copy(rins_model_fields, &copy, config);
    if (status != RINS_OK) goto done;
    char **paths[] = {&copy.from, &copy.image.from, &copy.text.from};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        free(*paths[i]);
        *paths[i] = NULL;
    }
    copy.image.freeze = copy.text.freeze = false;
    RINS_TRY_DONE(rins_config_json(rins_model_fields, &copy, &text));
    RINS_TRY_DONE(rins_json_parse(text, strlen(text), "rins", &fields));
    *root = json_pack("{s:[s], s:s, s:o}", "architectures", "RinsModel", "model_type", "rins", "rins", fields);
done:
    free(text);
    rins_config_free(rins_model_fields, &copy);
    return status;
}

RinsStatus rins_hf_config_text(const RinsModelConfig *config, RinsHfIds ids, char **text) {
    bool fits;
    json_t *root = NULL;
    RINS_TRY(rins_hf_config_fits(config, &fits, NULL));
    RINS_TRY(fits ? siglip_object(config, ids, &root) : rins_object(config, &root));
    *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(root);
    return *text ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory for config.json");
}
