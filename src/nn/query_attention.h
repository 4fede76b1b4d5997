/* Attention of one query row a sequence, or of one for all (the MAP probe), to all rows x_j (D) of that sequence,
   whose keys and values are never projected. With W_k and W_v (head_dim, D) of a head,

       score_j = q . (W_k x_j + b_k) = (W_k^T q) . x_j + a constant, which softmax takes away
       out     = sum_j p_j (W_v x_j + b_v) = W_v (sum_j p_j x_j) + b_v

   so keys and values of every head are x itself, and its query is W_k^T q: linear layers see a row a sequence and
   head where they would see every token. Nothing depends on b_k: its gradient is exactly 0. */
#ifndef RINS_NN_QUERY_ATTENTION_H
#define RINS_NN_QUERY_ATTENTION_H

#include "src/nn/linear.h"

typedef struct RinsQueryAttention {
    RinsLinear qkv; /* (3D, D) */
    int64_t heads, batch;
    bool shared; /* one query for every sequence */
} RinsQueryAttention;

/* What backward needs; R is the batch, or 1 where the query is shared. Act type. */
typedef struct RinsQuerySaved {
    RinsTensor q;      /* (R, D) */
    RinsTensor folded; /* (R, H D): W_k^T q, head by head */
    RinsTensor pooled; /* (B, H D): sum_j p_j x_j, head by head */
    float *lse;        /* (B, H) */
} RinsQuerySaved;

/* Pushes what `saved` names onto the arena; lse only for backward. */
void rins_query_push(const RinsPass *pass, const RinsQueryAttention *layer, RinsQuerySaved *saved, bool backward);

/* out (B, D) from the rows that query, from (R, D), and all rows, x (B L, D): act type. */
void rins_query_attention_fwd(const RinsPass *pass, const RinsQueryAttention *layer, RinsTensor out, RinsTensor from,
                              RinsTensor x, const RinsQuerySaved *saved);

/* dx (B L, D) fp32 is overwritten; dfrom (R, D) fp32 then too, or with add_from added to: it may be rows of dx.
   dout (B, D) act type. accumulate: the parameters' gradients are added to. */
void rins_query_attention_bwd(const RinsPass *pass, const RinsQueryAttention *layer, RinsTensor dx, RinsTensor dfrom,
                              bool add_from, RinsTensor dout, RinsTensor from, RinsTensor x,
                              const RinsQuerySaved *saved, bool accumulate);

#endif
