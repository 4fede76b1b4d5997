#include "vision/vit.h"

static const char *const pool_names[] = {"map", "gap", "tok", NULL};

const RinsField rins_vit_fields[] = {
    RINS_ENCODER_FIELDS(RinsVitConfig),
    {"patch", RINS_FIELD_INT, offsetof(RinsVitConfig, patch), "16", "side of a patch, in pixels", 1, 4096},
    {"size", RINS_FIELD_INT, offsetof(RinsVitConfig, size), "224", "side of the square image, in pixels", 1, 16384},
    {"force_size", RINS_FIELD_INT, offsetof(RinsVitConfig, force_size), "null",
     "with from or model.from: train at this size, the positions resampled", 1, 16384, true},
    {"pool", RINS_FIELD_ENUM, offsetof(RinsVitConfig, pool), "map",
     "map (attention pooling), gap (mean of all tokens) or tok (a class token)", .names = pool_names},
    {"freeze", RINS_FIELD_BOOL, offsetof(RinsVitConfig, freeze), "false", "keep the tower's weights as they are"},
    {"from", RINS_FIELD_STRING, offsetof(RinsVitConfig, from), "null", "a model whose image tower to start from",
     .nullable = true},
    {NULL}};
