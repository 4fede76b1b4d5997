/* The one narrow waist between the model and the hardware: a table of ops over tensor views.

   Rules every backend keeps:
   - Ops are void, may run later than they are called, and never touch host memory (copy_in and copy_out excepted);
     an error is sticky and comes out at sync(). Nothing outside the ops dereferences tensor data.
   - Tensors are RINS_F32 unless an op says "act type": those may be RINS_F32 or RINS_BF16, alike within one call.
     Reductions and accumulation are fp32 or better in every case. Parameter gradients and the residual stream are fp32.
   - "accumulate": the output is added to; otherwise it is overwritten and need not be initialised.
   - Results are a function of the arguments, the thread count and the CPU level only: no atomics, no racing sums.
   - Every slot has a plain C reference in cpu/ref_*.c that is never deleted; opcheck holds each override to it.

   Shape letters: B batch, L tokens, D width, H heads, M = rows of the residual stream (B * L). */
#ifndef RINS_DEVICE_DEVICE_H
#define RINS_DEVICE_DEVICE_H

#include "src/base/cpu.h"
#include "src/base/status.h"
#include "src/base/tensor.h"

#include <stdbool.h>

typedef struct RinsDevice RinsDevice;

typedef enum RinsAct { RINS_ACT_NONE, RINS_ACT_GELU_TANH, RINS_ACT_GELU_ERF } RinsAct;

/* c (M, N)  (+)=  E( op(a) (M, K) . op(b) (K, N) ), where E in this order
     adds bias[n];  writes `pre` and applies act;  multiplies by act'(act_grad);  adds residual.
   `accumulate` goes with no other epilogue than a_row_sum. a and b: act type, alike; c: fp32 or act type.
   The type of a and b is the precision of the products: bf16 where they are bf16, whoever cast them. */
typedef struct RinsGemm {
    RinsTensor a, b, c;
    bool trans_a, trans_b; /* op(x) is x transposed: a is then stored (K, M), b (N, K) */
    bool accumulate;
    const float *bias;   /* (N), NULL: none */
    RinsAct act;         /* of the forward epilogue, and the one that act_grad differentiates */
    RinsTensor pre;      /* (M, N) act type, absent: not wanted. Value before act */
    RinsTensor act_grad; /* (M, N) act type, absent: none. A saved `pre`; act is then not applied to c itself */
    RinsTensor act_out;  /* (M, N) act type, with act_grad only: act(act_grad) is written here too */
    RinsTensor residual; /* (R, N) fp32, M % R == 0, row m adds residual row m % R; may be c itself when R == M */
    float *a_row_sum;    /* (M) (+)= sum over K of op(a): a bias gradient beside its weight gradient (trans_a) */
} RinsGemm;

/* softmax(q k^T * scale) v per batch and head. Head h owns columns [h * head_dim, (h + 1) * head_dim).
   q, out: (B * lq, H * head_dim); k, v: (B * lk, H * head_dim); all act type, any stride.
   No (lq, lk) matrix is ever stored for more than a tile. No mask: neither tower has one.
   Where bf16 operands are multiplied as such, probabilities and their gradients are rounded to bf16 before they are. */
typedef struct RinsAttention {
    RinsTensor q, k, v, out;
    bool q_shared; /* q has lq rows, used by every batch element (the MAP probe) */
    float *lse; /* (B, H, lq) log-sum-exp of scaled scores: written forward, read backward; NULL forward: not saved */
    int64_t batch, heads, head_dim, lq, lk;
    float scale; /* of a model: 1 / sqrt(its head_dim) */
    /* Backward only, act type; dq has B * lq rows even where q is shared. dk and dv may be fp32, and one tensor where
       k and v are one: it gets their sum. */
    RinsTensor dout, dq, dk, dv;
} RinsAttention;

/* Pairwise loss over l2-normalised x, y (n, E), logit_ij = exp(t) x_i . y_j + b.
   siglip:  loss = -1/n sum_ij log sigmoid(z_ij logit_ij), z = +1 where i == j, else -1
   softmax: loss = mean of the two cross-entropies over rows and columns (CLIP)
   Computed in blocks: never an (n, n) buffer. */
typedef struct RinsPairLoss {
    RinsTensor x, y;
    const float *t, *b; /* device scalars; softmax ignores b */
    float *loss;        /* device scalar, overwritten */
    RinsTensor dx, dy;  /* (n, E) overwritten; absent: forward only */
    float *dt, *db;     /* device scalars, overwritten; softmax writes 0 to db */
} RinsPairLoss;

/* One AdamW step over n contiguous parameters (Loshchilov and Hutter, arXiv 1711.05101, PyTorch's form):
   g' = g * clip_scale;  m = b1 m + (1 - b1) g';  v = b2 v + (1 - b2) g'^2;
   w -= lr * wd * w;     w -= lr * (m / bias1) / (sqrt(v / bias2) + eps)
   clip_scale = min(1, clip / (sqrt(*sqsum) + 1e-6)); clip 0: no clipping.
   Where *sqsum is not finite nothing is written at all. */
typedef struct RinsAdamW {
    float *w, *m, *v;
    const float *g;
    uint16_t *low; /* bf16 copy of w to refresh, or NULL */
    int64_t n;
    float lr, b1, b2, eps, weight_decay, clip;
    double bias1, bias2; /* 1 - b1^step, 1 - b2^step */
    const double *sqsum; /* device scalar: squared norm of all gradients */
} RinsAdamW;

typedef struct RinsOps {
    /* Memory. alloc is aligned to RINS_ALIGN and zeroed; NULL when there is none left (the only op that reports). */
    void *(*alloc)(RinsDevice *dev, size_t bytes);
    void (*free)(RinsDevice *dev, void *data);
    void (*copy_in)(RinsDevice *dev, void *to, const void *host, size_t bytes);
    void (*copy_out)(RinsDevice *dev, void *host, const void *from, size_t bytes);
    void (*copy)(RinsDevice *dev, RinsTensor to, RinsTensor from); /* same rows, cols, type; any strides */
    void (*zero)(RinsDevice *dev, void *data, size_t bytes);
    RinsStatus (*sync)(RinsDevice *dev); /* waits for all, returns and clears the sticky error */

    void (*gemm)(RinsDevice *dev, const RinsGemm *g);

    /* y = (x - mean) / sqrt(var + eps) * gamma + beta per row; y act type, x fp32. */
    void (*layernorm_fwd)(RinsDevice *dev, RinsTensor y, RinsTensor x, const float *gamma, const float *beta,
                          float eps);
    /* dx = dLN(x)^T dy + dres (absent: 0; may be dx itself). dgamma, dbeta (+)=; NULL: not wanted. dy fp32 or bf16.
       Mean and variance are computed again from x. dx absent: only dgamma, dbeta. */
    void (*layernorm_bwd)(RinsDevice *dev, RinsTensor dx, RinsTensor dres, float *dgamma, float *dbeta, bool accumulate,
                          RinsTensor dy, RinsTensor x, const float *gamma, float eps);

    void (*attention_fwd)(RinsDevice *dev, const RinsAttention *a);
    void (*attention_bwd)(RinsDevice *dev, const RinsAttention *a); /* dq, dk, dv overwritten */

    void (*gelu_fwd)(RinsDevice *dev, RinsTensor y, RinsTensor x, RinsAct act);                 /* y, x act type */
    void (*gelu_bwd)(RinsDevice *dev, RinsTensor dx, RinsTensor dy, RinsTensor x, RinsAct act); /* dx = dy act'(x) */
    void (*add)(RinsDevice *dev, RinsTensor y, RinsTensor a, RinsTensor b);     /* y = a + b; may alias; fp32 */
    void (*scale)(RinsDevice *dev, RinsTensor y, RinsTensor x, float s);        /* y = s x; fp32 */
    void (*colsum)(RinsDevice *dev, float *sum, RinsTensor x, bool accumulate); /* sum[c] (+)= sum over rows */
    void (*cast)(RinsDevice *dev, RinsTensor to, RinsTensor from);              /* fp32 <-> bf16, nearest even */

    /* Images arrive as bytes, (B, size, size, 3) interleaved RGB. out = in * scale[c] + offset[c], same layout. */
    void (*normalise_u8)(RinsDevice *dev, RinsTensor out, const uint8_t *in, const float scale[3],
                         const float offset[3]); /* out (B, size * size * 3) act type */
    /* in (B, size * size * 3) -> out (B * P, 3 * patch * patch), P = (size / patch)^2 row by row, columns ordered
       (channel, y, x) as a PyTorch convolution kernel. Pixels beyond the last whole patch are left out. act type. */
    void (*patchify)(RinsDevice *dev, RinsTensor out, RinsTensor in, int64_t size, int64_t patch);

    /* out[b, l] = table[ids[b, l]] + pos[l]; ids (B, L) int32 on the device; out (B * L, D), pos (L, D). */
    void (*embed_fwd)(RinsDevice *dev, RinsTensor out, const int32_t *ids, RinsTensor table, RinsTensor pos);
    /* dtable[ids[b, l]] (+)= dout[b, l], dpos[l] (+)= sum over b. Without accumulate all of dtable is overwritten. */
    void (*embed_bwd)(RinsDevice *dev, RinsTensor dtable, RinsTensor dpos, RinsTensor dout, const int32_t *ids,
                      bool accumulate);
    /* out (B, D) from x (B * L, D): row `row` of each, or the mean over L where row < 0. */
    void (*pool_fwd)(RinsDevice *dev, RinsTensor out, RinsTensor x, int64_t length, int64_t row);
    /* dx (B * L, D) overwritten whole. */
    void (*pool_bwd)(RinsDevice *dev, RinsTensor dx, RinsTensor dout, int64_t length, int64_t row);
    /* y = x / max(|x|, 1e-12) per row; inv_norm (rows) is saved for the backward pass. y may be x, dx may be dy. */
    void (*l2norm_fwd)(RinsDevice *dev, RinsTensor y, float *inv_norm, RinsTensor x);
    void (*l2norm_bwd)(RinsDevice *dev, RinsTensor dx, RinsTensor dy, RinsTensor y, const float *inv_norm);

    void (*siglip_fwd_bwd)(RinsDevice *dev, const RinsPairLoss *loss);
    void (*softmax_loss_fwd_bwd)(RinsDevice *dev, const RinsPairLoss *loss);

    /* *sum += sum of squares of x[0..n), in fp64. Infinite or NaN elements make *sum infinite or NaN. */
    void (*sqsum_finite)(RinsDevice *dev, double *sum, const float *x, int64_t n);
    void (*adamw)(RinsDevice *dev, const RinsAdamW *step);
} RinsOps;

/* Work done since the device was opened, counted where it is done (2 FLOPs a multiply-add). */
typedef struct RinsDeviceStats {
    uint64_t gemm_flops;        /* 2 M N K of every gemm() */
    uint64_t attention_flops;   /* 4 B H lq lk head_dim forward, 10 backward (scores once more) */
    uint64_t bytes, peak_bytes; /* live and largest sum of alloc() */
} RinsDeviceStats;

struct RinsDevice {
    const RinsOps *ops;
    char name[64]; /* "cpu", "dry" */
    int threads;   /* CPU: OpenMP threads used by every op */
    bool bf16;     /* gemm and attention multiply bf16 operands as such, with fp32 sums, rather than widen them first */
    RinsCpu cpu;
    RinsDeviceStats stats;
    RinsStatus error; /* sticky, first one wins; its text is in error_text */
    char error_text[256];
    void *impl;    /* backend's own state */
    void *profile; /* op timers, with RINS_PROFILE=1; else NULL */
};

/* Opens "cpu" or "dry"; RINS_ERR_ARG for any other name. threads 0: all the process may use. The caller closes it.
   "dry" runs nothing: it counts FLOPs and bytes, so that a model run on it yields its exact plan. */
RinsStatus rins_device_open(RinsDevice **dev, const char *name, int threads);
void rins_device_close(RinsDevice *dev);

/* For backends: remembers the first error. */
void rins_device_set_error(RinsDevice *dev, RinsStatus status, const char *text);

static inline void rins_count_gemm(RinsDevice *dev, const RinsGemm *g) {
    const int64_t k = g->trans_a ? g->a.rows : g->a.cols;
    dev->stats.gemm_flops += 2ull * (uint64_t)g->c.rows * (uint64_t)g->c.cols * (uint64_t)k;
}

static inline void rins_count_attention(RinsDevice *dev, const RinsAttention *a, bool backward) {
    dev->stats.attention_flops +=
        (backward ? 10ull : 4ull) * (uint64_t)(a->batch * a->heads) * (uint64_t)(a->lq * a->lk) * (uint64_t)a->head_dim;
}

#endif
