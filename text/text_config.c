#include "text/text_tower.h"

static const char *const pool_names[] = {"last", "first", "mean", NULL};

const RinsField rins_text_fields[] = {
    RINS_ENCODER_FIELDS(RinsTextConfig),
    {"vocab", RINS_FIELD_INT, offsetof(RinsTextConfig, vocab), "32000", "token embeddings", 1, 16777216},
    {"length", RINS_FIELD_INT, offsetof(RinsTextConfig, length), "64", "tokens per text", 1, 65536},
    {"pool", RINS_FIELD_ENUM, offsetof(RinsTextConfig, pool), "last",
     "token that stands for the text: last, first or mean", .names = pool_names},
    {"freeze", RINS_FIELD_BOOL, offsetof(RinsTextConfig, freeze), "false", "keep the tower's weights as they are"},
    {"from", RINS_FIELD_STRING, offsetof(RinsTextConfig, from), "null", "a model whose text tower to start from",
     .nullable = true},
    {NULL}};
