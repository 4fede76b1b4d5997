/* A stack of blocks walked by a recursion plan. Parameters are indexed by block, activations by step. */
#ifndef RINS_NN_ENCODER_H
#define RINS_NN_ENCODER_H

#include "src/nn/block.h"

typedef struct RinsEncoder {
    RinsBlock *blocks;    /* (n_blocks) */
    RinsLinear *adapters; /* (n_adapters) x + W x + b, W = b = 0 at init */
    int *adapter_param;   /* first parameter of each adapter */
    int n_blocks, n_adapters;
    int64_t width;
    struct RinsStepSaved {
        RinsBlockSaved block;
        RinsTensor adapted; /* the block's output where an adapter follows it */
    } * saved;              /* (max_steps) */
    int max_steps;
} RinsEncoder;

/* Adds the blocks, last first (the order in which gradients complete), and the adapters before them.
   plan: the one with the most rounds that training will run. PREFIX such as "vision_model.encoder". */
RinsStatus rins_encoder_add(RinsParams *params, RinsTower tower, bool frozen, const RinsEncoderSize *size,
                            const RinsPlan *plan, RinsEncoder *encoder, const char *prefix);
void rins_encoder_free(RinsEncoder *encoder);

/* x (B L, D) fp32 on the arena, left as it is; y (B Lq, D), the caller's, where seq.query asks the last step for one
   row. save: keep what the backward pass needs on the arena (at most max_steps steps). */
void rins_encoder_fwd(const RinsPass *pass, RinsEncoder *encoder, const RinsPlan *plan, RinsSeq seq, RinsTensor y,
                      RinsTensor x, bool save);

/* dy (B Lq, D) is used up, dx (B L, D) overwritten; they may be the same where all rows query. */
void rins_encoder_bwd(const RinsPass *pass, RinsEncoder *encoder, const RinsPlan *plan, RinsSeq seq, RinsTensor dx,
                      RinsTensor dy);

/* Nominal forward FLOPs of one sequence of `length` tokens: every row of every step, 2 per multiply-add. */
double rins_encoder_flops(const RinsEncoderSize *size, const RinsPlan *plan, double length);

#endif
