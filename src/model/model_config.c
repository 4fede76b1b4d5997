#include "src/model/model_config.h"

static const char *const act_names[] = {"gelu_tanh", "gelu_erf", NULL};

const RinsField rins_model_fields[] = {
    {"from", RINS_FIELD_STRING, offsetof(RinsModelConfig, from), "null",
     "a run, checkpoint or Hugging Face directory to start from; its sizes then hold", .nullable = true},
    {"embed_dim", RINS_FIELD_INT, offsetof(RinsModelConfig, embed_dim), "null",
     "width of the shared embedding; null: the text width", 1, 65536, true},
    {"act", RINS_FIELD_ENUM, offsetof(RinsModelConfig, act), "gelu_tanh",
     "gelu_tanh, or gelu_erf for open_clip's weights", .names = act_names},
    {"image", RINS_FIELD_STRUCT, offsetof(RinsModelConfig, image), NULL, "image tower", .fields = rins_vit_fields},
    {"text", RINS_FIELD_STRUCT, offsetof(RinsModelConfig, text), NULL, "text tower", .fields = rins_text_fields},
    {NULL}};
