/* Multihead attention pooling: one learned probe attends to all tokens, then LayerNorm + MLP with a residual.
   As SiglipMultiheadAttentionPoolingHead and big_vision's MAPHead. */
#ifndef RINS_NN_MAP_HEAD_H
#define RINS_NN_MAP_HEAD_H

#include "src/nn/encoder_config.h"
#include "src/nn/mlp.h"
#include "src/nn/query_attention.h"

typedef struct RinsMapHead {
    int probe; /* parameter (1, 1, D) */
    RinsLinear qkv, out;
    RinsMlp mlp;
    int64_t width, heads;
    int first_param, last_param;
    struct {
        RinsTensor x, attention, mid, pre;
        RinsQuerySaved query;
    } saved;
} RinsMapHead;

RinsStatus rins_map_head_add(RinsParams *params, RinsTower tower, bool frozen, const RinsEncoderSize *size,
                             RinsMapHead *head, const char *prefix);

/* x (B L, D) act type -> y (B, D) fp32. save: what backward needs stays on the arena, x is borrowed. */
void rins_map_head_fwd(const RinsPass *pass, RinsMapHead *head, int64_t batch, RinsTensor y, RinsTensor x, bool save);

/* dy (B, D) is used up; dx (B L, D) fp32 overwritten. */
void rins_map_head_bwd(const RinsPass *pass, RinsMapHead *head, int64_t batch, RinsTensor dx, RinsTensor dy);

#endif
