/* The image tower: patch embedding, learned positions, encoder, final LayerNorm, pooling, optional linear head. */
#ifndef RINS_VISION_VIT_H
#define RINS_VISION_VIT_H

#include "src/nn/encoder.h"
#include "src/nn/map_head.h"

typedef enum RinsVitPool { RINS_VIT_POOL_MAP, RINS_VIT_POOL_GAP, RINS_VIT_POOL_TOK } RinsVitPool;

typedef struct RinsVitConfig {
    RinsEncoderConfig encoder;
    int64_t patch, size; /* pixels; the image is size x size */
    int64_t force_size;  /* the size that a model to start from gets, its positions resampled; null: its own */
    int pool;            /* RinsVitPool */
    bool freeze;
    char *from; /* a model whose image tower to start from, or NULL */
} RinsVitConfig;

extern const RinsField rins_vit_fields[];

typedef struct RinsVit {
    RinsVitConfig config; /* strings are the caller's */
    RinsEncoderSize size;
    int64_t patches, length; /* tokens without and with the class token */
    int64_t embed_dim;
    float pixel_scale[3], pixel_offset[3];
    RinsLinear patch_embed, head;
    int patch_param, position, cls, head_param; /* parameter indices, -1: absent */
    RinsNorm norm;
    RinsEncoder encoder;
    RinsMapHead map;
    struct {
        const uint8_t *pixels;
        RinsTensor encoded, pooled;
        int64_t batch;
    } saved;
} RinsVit;

/* Adds the tower's parameters, in the order in which gradients complete. plan: the one with the most rounds of
   training. The linear head is there only where embed_dim differs from the width. */
RinsStatus rins_vit_add(RinsParams *params, RinsVit *vit, const RinsVitConfig *config, const RinsPlan *plan,
                        int64_t embed_dim);
void rins_vit_free(RinsVit *vit);

/* pixels: device (batch, size, size, 3) bytes -> embedding (batch, E) fp32, not normalised. save: activations stay on
   the arena for rins_vit_bwd; pixels must stay too. */
void rins_vit_fwd(const RinsPass *pass, RinsVit *vit, const RinsPlan *plan, const uint8_t *pixels, RinsTensor embedding,
                  bool save);

/* dembedding (batch, E) is used up. */
void rins_vit_bwd(const RinsPass *pass, RinsVit *vit, const RinsPlan *plan, RinsTensor dembedding);

/* Nominal forward FLOPs of one image: every row of every step of the plan, 2 per multiply-add. */
double rins_vit_flops(const RinsVitConfig *config, const RinsEncoderSize *size, const RinsPlan *plan,
                      int64_t embed_dim);

#endif
