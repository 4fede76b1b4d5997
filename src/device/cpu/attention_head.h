/* One (batch, head) of an attention: views of its rows and columns. The reference and the vector kernels both walk
   these. */
#ifndef RINS_CPU_ATTENTION_HEAD_H
#define RINS_CPU_ATTENTION_HEAD_H

#include "src/device/device.h"

typedef struct RinsHead {
    RinsTensor q, k, v, out, dout, dq, dk, dv;
    float *lse; /* (lq), may be NULL forward */
} RinsHead;

/* Whether values are the keys, and whether both gradients add up in one tensor. */
static inline bool rins_attention_one_kv(const RinsAttention *a) {
    return a->k.data == a->v.data;
}

static inline bool rins_attention_one_dkv(const RinsAttention *a) {
    return a->dk.data == a->dv.data;
}

static inline RinsTensor rins_head_part(RinsTensor t, int64_t row, int64_t rows, int64_t col, int64_t cols) {
    return t.data ? rins_cols_view(rins_rows_view(t, row, rows), col, cols) : t;
}

/* index counts heads within batch elements: b * H + h. Absent tensors stay absent. */
static inline RinsHead rins_head_view(const RinsAttention *a, int64_t index) {
    const int64_t b = index / a->heads, col = index % a->heads * a->head_dim, hd = a->head_dim;
    const int64_t lq = a->lq, lk = a->lk;
    return (RinsHead){
        .q = rins_head_part(a->q, a->q_shared ? 0 : b * lq, lq, col, hd),
        .k = rins_head_part(a->k, b * lk, lk, col, hd),
        .v = rins_head_part(a->v, b * lk, lk, col, hd),
        .out = rins_head_part(a->out, b * lq, lq, col, hd),
        .dout = rins_head_part(a->dout, b * lq, lq, col, hd),
        .dq = rins_head_part(a->dq, b * lq, lq, col, hd),
        .dk = rins_head_part(a->dk, b * lk, lk, col, hd),
        .dv = rins_head_part(a->dv, b * lk, lk, col, hd),
        .lse = a->lse ? a->lse + index * lq : NULL,
    };
}

#endif
