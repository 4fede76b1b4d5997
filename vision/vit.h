/* The image tower: patch embedding, learned positions, encoder, final LayerNorm, pooling, optional linear head. */
#ifndef RINS_VISION_VIT_H
#define RINS_VISION_VIT_H

#include "src/nn/encoder_config.h"

typedef enum RinsVitPool { RINS_VIT_POOL_MAP, RINS_VIT_POOL_GAP, RINS_VIT_POOL_TOK } RinsVitPool;

typedef struct RinsVitConfig {
    RinsEncoderConfig encoder;
    int64_t patch, size; /* pixels; the image is size x size */
    int pool;            /* RinsVitPool */
    bool freeze;
    char *from; /* a model whose image tower to start from, or NULL */
} RinsVitConfig;

extern const RinsField rins_vit_fields[];

#endif
