/* The text tower: token embedding, learned positions, encoder, final LayerNorm, pooling, linear head. */
#ifndef RINS_TEXT_TEXT_TOWER_H
#define RINS_TEXT_TEXT_TOWER_H

#include "src/nn/encoder_config.h"

typedef enum RinsTextPool { RINS_TEXT_POOL_LAST, RINS_TEXT_POOL_FIRST, RINS_TEXT_POOL_MEAN } RinsTextPool;

typedef struct RinsTextConfig {
    RinsEncoderConfig encoder;
    int64_t vocab, length; /* tokens */
    int pool;              /* RinsTextPool */
    bool freeze;
    char *from; /* a model whose text tower to start from, or NULL */
} RinsTextConfig;

extern const RinsField rins_text_fields[];

#endif
