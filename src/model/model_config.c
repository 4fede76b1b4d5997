#include "src/model/model_config.h"

const char *const rins_gelu_names[] = {"gelu_tanh", "gelu_erf", NULL};

const RinsField rins_model_fields[] = {
    {"from", RINS_FIELD_STRING, offsetof(RinsModelConfig, from), "null",
     "a run, checkpoint or Hugging Face directory to start from; its sizes then hold", .nullable = true},
    {"embed_dim", RINS_FIELD_INT, offsetof(RinsModelConfig, embed_dim), "null",
     "width of the shared embedding; null: the text width", 1, 65536, true},
    {"act", RINS_FIELD_ENUM, offsetof(RinsModelConfig, act), "gelu_tanh",
     "gelu_tanh, or gelu_erf for open_clip's weights", .names = rins_gelu_names},
    {"image", RINS_FIELD_STRUCT, offsetof(RinsModelConfig, image), NULL, "image tower", .fields = rins_vit_fields},
    {"text", RINS_FIELD_STRUCT, offsetof(RinsModelConfig, text), NULL, "text tower", .fields = rins_text_fields},
    {NULL}};

RinsStatus rins_model_config_embed_dim(const RinsModelConfig *config, int64_t *embed_dim) {
    RinsEncoderSize size;
    RINS_TRY(rins_encoder_size(&config->text.encoder, &size));
    *embed_dim = config->embed_dim == RINS_INT_NULL ? size.width : config->embed_dim;
    return RINS_OK;
}
