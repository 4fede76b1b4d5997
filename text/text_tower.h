/* The text tower: token embedding, learned positions, encoder, final LayerNorm, pooling, linear head. */
#ifndef RINS_TEXT_TEXT_TOWER_H
#define RINS_TEXT_TEXT_TOWER_H

#include "src/nn/encoder.h"

typedef enum RinsTextPool { RINS_TEXT_POOL_LAST, RINS_TEXT_POOL_FIRST, RINS_TEXT_POOL_MEAN } RinsTextPool;

typedef struct RinsTextConfig {
    RinsEncoderConfig encoder;
    int64_t vocab, length; /* tokens */
    int pool;              /* RinsTextPool */
    bool freeze;
    char *from; /* a model whose text tower to start from, or NULL */
} RinsTextConfig;

extern const RinsField rins_text_fields[];

typedef struct RinsText {
    RinsTextConfig config; /* strings are the caller's */
    RinsEncoderSize size;
    int64_t embed_dim;
    int position, token, head_param; /* parameter indices */
    RinsLinear head;
    RinsNorm norm;
    RinsEncoder encoder;
    struct {
        const int32_t *ids;
        RinsTensor encoded, pooled;
        int64_t batch;
    } saved;
} RinsText;

/* Adds the tower's parameters, in the order in which gradients complete. plan: the one with the most rounds. */
RinsStatus rins_text_add(RinsParams *params, RinsText *text, const RinsTextConfig *config, const RinsPlan *plan,
                         int64_t embed_dim);
void rins_text_free(RinsText *text);

/* ids: device (batch, length), each in [0, vocab) -> embedding (batch, E) fp32, not normalised. save: activations stay
   on the arena for rins_text_bwd; ids must stay too. */
void rins_text_fwd(const RinsPass *pass, RinsText *text, const RinsPlan *plan, const int32_t *ids, RinsTensor embedding,
                   bool save);
/* dembedding (batch, E) is used up. */
void rins_text_bwd(const RinsPass *pass, RinsText *text, const RinsPlan *plan, RinsTensor dembedding);

/* Nominal forward FLOPs of one text. */
double rins_text_flops(const RinsTextConfig *config, const RinsEncoderSize *size, const RinsPlan *plan,
                       int64_t embed_dim);

#endif
