/* The one pre-LN transformer block of both towers:

       mid = x   + out_proj(attention(qkv(LN1(x))))
       y   = mid + fc2(act(fc1(LN2(mid))))

   It can work for one query row of every sequence (the pooled token in a tower's last step), which attends to all
   rows (query_attention.h); everything else is computed for that row only. Shapes: x (B * L, D); y (B * Lq, D). */
#ifndef RINS_NN_BLOCK_H
#define RINS_NN_BLOCK_H

#include "src/nn/encoder_config.h"
#include "src/nn/mlp.h"
#include "src/nn/query_attention.h"

typedef struct RinsBlock {
    RinsNorm norm1;
    RinsLinear qkv, out; /* qkv (3D, D): q, k and v are separate in the table and adjacent in memory */
    RinsMlp mlp;
    int64_t width, heads;
    int first_param, last_param; /* range in the parameter table */
} RinsBlock;

/* PREFIX is such as "vision_model.encoder.layers.3". */
RinsStatus rins_block_add(RinsParams *params, RinsTower tower, bool frozen, const RinsEncoderSize *size,
                          RinsBlock *block, const char *prefix);

typedef struct RinsSeq {
    int64_t batch, length;
    int64_t query; /* -1: all rows; else only this row of every sequence */
} RinsSeq;

static inline int64_t rins_seq_rows(RinsSeq seq) {
    return seq.query < 0 ? seq.batch * seq.length : seq.batch;
}

/* What the backward pass needs of the forward pass; LayerNorm and GELU outputs are computed again from it. */
typedef struct RinsBlockSaved {
    RinsTensor x;         /* (B L, D) fp32, borrowed: the step's input */
    RinsTensor qkv;       /* (B L, 3D) act type, where all rows query */
    RinsQuerySaved query; /* where one does */
    RinsTensor attention; /* (B Lq, D) act type */
    float *lse;           /* (B, H, L), where all rows query */
    RinsTensor mid;       /* (B Lq, D) fp32 */
    RinsTensor pre;       /* (B Lq, F) act type: fc1's pre-activation */
} RinsBlockSaved;

/* Pushes what `saved` names onto the arena; saved NULL: nothing stays there. y is the caller's; absent: only what is
   saved is wanted (recomputation). */
void rins_block_fwd(const RinsPass *pass, const RinsBlock *block, RinsSeq seq, RinsTensor y, RinsTensor x,
                    RinsBlockSaved *saved);

/* dy (B Lq, D) is used up; dx (B L, D) is overwritten and may be dy itself where all rows query.
   accumulate: the block's gradients hold earlier visits. */
void rins_block_bwd(const RinsPass *pass, const RinsBlock *block, RinsSeq seq, RinsTensor dx, RinsTensor dy,
                    const RinsBlockSaved *saved, bool accumulate);

#endif
