/* What follows a product, on the tile while it is still in cache. */
#ifndef RINS_VEC_EPILOGUE_H
#define RINS_VEC_EPILOGUE_H

#include "src/device/cpu/vec/vec_act.h"
#include "src/device/cpu/vec/vec_math.h"

enum {
    EPI_BIAS = 1,
    EPI_PRE = 2,
    EPI_ACT_GRAD = 4,
    EPI_ACT_OUT = 8,
    EPI_RESIDUAL = 16,
    EPI_ADD = 32,  /* to what c holds */
    EPI_EDGE = 64, /* columns that are not whole vectors, or bf16 */
};

VEC_INLINE bool epilogue_wanted(const RinsGemm *g) {
    return g->bias || g->act != RINS_ACT_NONE || g->pre.data || g->act_grad.data || g->residual.data ||
           g->c.type != RINS_F32;
}

VEC_INLINE int epilogue_kind(const RinsGemm *g) {
    const bool bf16 = g->c.type == RINS_BF16 || (g->pre.data && g->pre.type == RINS_BF16) ||
                      (g->act_grad.data && g->act_grad.type == RINS_BF16) ||
                      (g->act_out.data && g->act_out.type == RINS_BF16);
    return (g->bias ? EPI_BIAS : 0) | (g->pre.data ? EPI_PRE : 0) | (g->act_grad.data ? EPI_ACT_GRAD : 0) |
           (g->act_grad.data && g->act_out.data ? EPI_ACT_OUT : 0) | (g->residual.data ? EPI_RESIDUAL : 0) |
           (g->accumulate ? EPI_ADD : 0) | (bf16 ? EPI_EDGE : 0);
}

/* A tile of sums (rows, cols; ld) that belongs at row m, column n of c. */
typedef struct Sums {
    const float *data;
    int64_t ld, m, rows, n, cols;
} Sums;

VEC_INLINE vf epi_load(const RinsTensor *t, int kind, int64_t m, int64_t n, int64_t left) {
    if (kind & EPI_EDGE) return act_load(t, m, n, left);
    return vf_load((const float *)t->data + m * t->stride + n);
}

VEC_INLINE void epi_store(const RinsTensor *t, int kind, int64_t m, int64_t n, vf value, int64_t left) {
    if (kind & EPI_EDGE)
        act_store(t, m, n, value, left);
    else
        vf_store((float *)t->data + m * t->stride + n, value);
}

/* kind and act are constants where this is inlined and matters. Tensors are copied: stores may alias
 * anything. */
VEC_INLINE void epilogue_rows(const RinsGemm *g, int kind, RinsAct act, Sums s) {
    const RinsTensor c = g->c, pre = g->pre, act_grad = g->act_grad, act_out = g->act_out,
                     residual = g->residual;
    const float *bias = g->bias;
    int64_t r = kind & EPI_RESIDUAL ? s.m % residual.rows : 0;
    for (int64_t i = 0; i < s.rows; i++) {
        const int64_t m = s.m + i;
        for (int64_t j = 0; j < s.cols; j += VW) {
            const int64_t n = s.n + j, left = kind & EPI_EDGE ? s.cols - j : VW;
            const float *from = s.data + i * s.ld + j;
            vf value = left >= VW ? vf_load(from) : vf_load_n(from, left);
            if (kind & EPI_BIAS) value += left >= VW ? vf_load(bias + n) : vf_load_n(bias + n, left);
            if (kind & EPI_PRE) epi_store(&pre, kind, m, n, value, left);
            if (kind & EPI_ACT_GRAD) {
                vf out;
                value *= vf_act_grad(act, epi_load(&act_grad, kind, m, n, left), &out);
                if (kind & EPI_ACT_OUT) epi_store(&act_out, kind, m, n, out, left);
            } else {
                value = vf_act(act, value);
            }
            if (kind & EPI_RESIDUAL) value += epi_load(&residual, kind, r, n, left);
            if (kind & EPI_ADD) value += epi_load(&c, kind, m, n, left);
            epi_store(&c, kind, m, n, value, left);
        }
        if (kind & EPI_RESIDUAL && ++r == residual.rows) r = 0;
    }
}

#define EPILOGUE_CASE(constant, act)                                                                         \
    case (constant):                                                                                         \
        epilogue_rows(g, constant, act, s);                                                                  \
        return

/* The common kinds have code of their own. */
static void epilogue_tile(const RinsGemm *g, int kind, Sums s) {
    if (s.cols % VW) kind |= EPI_EDGE;
    if (g->act == RINS_ACT_NONE) {
        switch (kind) {
            EPILOGUE_CASE(0, RINS_ACT_NONE);
            EPILOGUE_CASE(EPI_ADD, RINS_ACT_NONE);
            EPILOGUE_CASE(EPI_BIAS, RINS_ACT_NONE);
            EPILOGUE_CASE(EPI_BIAS | EPI_RESIDUAL, RINS_ACT_NONE);
        }
        epilogue_rows(g, kind, RINS_ACT_NONE, s);
    } else if (g->act == RINS_ACT_GELU_TANH) {
        switch (kind) {
            EPILOGUE_CASE(EPI_BIAS, RINS_ACT_GELU_TANH);
            EPILOGUE_CASE(EPI_BIAS | EPI_PRE, RINS_ACT_GELU_TANH);
            EPILOGUE_CASE(EPI_ACT_GRAD, RINS_ACT_GELU_TANH);
            EPILOGUE_CASE(EPI_ACT_GRAD | EPI_ACT_OUT, RINS_ACT_GELU_TANH);
        }
        epilogue_rows(g, kind, RINS_ACT_GELU_TANH, s);
    } else {
        epilogue_rows(g, kind, RINS_ACT_GELU_ERF, s);
    }
}

#endif
