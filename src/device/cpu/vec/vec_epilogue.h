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
    EPI_ADD = 32,   /* to what c holds */
    EPI_LOW = 64,   /* c, and of pre, act_grad and act_out what there is: all bf16 */
    EPI_EDGE = 128, /* columns that are not whole vectors, or fp32 beside bf16 */
};

VEC_INLINE bool epilogue_wanted(const RinsGemm *g) {
    return g->bias || g->act != RINS_ACT_NONE || g->pre.data || g->act_grad.data || g->residual.data ||
           g->c.type != RINS_F32;
}

VEC_INLINE int epilogue_kind(const RinsGemm *g) {
    const RinsTensor *const act[] = {&g->c, &g->pre, &g->act_grad, &g->act_out};
    bool low = false, full = false;
    for (int i = 0; i < 4; i++)
        if (act[i]->data) *(act[i]->type == RINS_BF16 ? &low : &full) = true;
    return (g->bias ? EPI_BIAS : 0) | (g->pre.data ? EPI_PRE : 0) | (g->act_grad.data ? EPI_ACT_GRAD : 0) |
           (g->act_grad.data && g->act_out.data ? EPI_ACT_OUT : 0) | (g->residual.data ? EPI_RESIDUAL : 0) |
           (g->accumulate ? EPI_ADD : 0) | (low ? EPI_LOW : 0) | (low && full ? EPI_EDGE : 0);
}

/* A tile of sums (rows, cols; ld) that belongs at row m, column n of c. */
typedef struct Sums {
    const float *data;
    int64_t ld, m, rows, n, cols;
} Sums;

VEC_INLINE vf epi_load(const RinsTensor *t, int kind, int64_t m, int64_t n, int64_t left) {
    if (kind & EPI_EDGE) return act_load(t, m, n, left);
    if (kind & EPI_LOW) return vh_load((const uint16_t *)t->data + m * t->stride + n);
    return vf_load((const float *)t->data + m * t->stride + n);
}

VEC_INLINE void epi_store(const RinsTensor *t, int kind, int64_t m, int64_t n, vf value, int64_t left) {
    if (kind & EPI_EDGE)
        act_store(t, m, n, value, left);
    else if (kind & EPI_LOW)
        vh_store((uint16_t *)t->data + m * t->stride + n, value);
    else
        vf_store((float *)t->data + m * t->stride + n, value);
}

/* The residual's rows repeat; dividing for every row would take longer than adding it. */
VEC_INLINE int64_t residual_row(const RinsGemm *g, int64_t m) {
    return m < g->residual.rows ? m : m % g->residual.rows;
}

enum { EPI_ROWS = 6 };

/* One vector of `rows` rows from row i of the sums on; rows is a constant. All is loaded before anything is
   stored: in a matrix 4 KiB wide a load that follows a store to another row waits for it, having the same low
   address bits. */
VEC_INLINE void epilogue_block(const RinsGemm *g, const int kind, const RinsAct act, const int rows, const Sums *s,
                               int64_t i, int64_t j) {
    const int64_t m = s->m + i, n = s->n + j, left = kind & EPI_EDGE ? s->cols - j : VW;
    vf value[EPI_ROWS], saved[EPI_ROWS] = {0}, residual[EPI_ROWS] = {0};
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
        const float *from = s->data + (i + r) * s->ld + j;
        value[r] = left >= VW ? vf_load(from) : vf_load_n(from, left);
        if (kind & EPI_ACT_GRAD) saved[r] = epi_load(&g->act_grad, kind, m + r, n, left);
        if (kind & EPI_RESIDUAL) residual[r] = epi_load(&g->residual, kind, residual_row(g, m + r), n, left);
    }
    if (kind & EPI_BIAS) {
        const vf bias = left >= VW ? vf_load(g->bias + n) : vf_load_n(g->bias + n, left);
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) value[r] += bias;
    }
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++)
        if (kind & EPI_PRE) epi_store(&g->pre, kind, m + r, n, value[r], left);
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
        if (kind & EPI_ACT_GRAD)
            value[r] *= vf_act_grad(act, saved[r], &saved[r]);
        else
            value[r] = vf_act(act, value[r]);
        if (kind & EPI_RESIDUAL) value[r] += residual[r];
        if (kind & EPI_ADD) value[r] += epi_load(&g->c, kind, m + r, n, left);
    }
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
        if (kind & EPI_ACT_OUT) epi_store(&g->act_out, kind, m + r, n, saved[r], left);
        epi_store(&g->c, kind, m + r, n, value[r], left);
    }
}

/* kind and act are constants where this is inlined and matters. */
VEC_INLINE void epilogue_rows(const RinsGemm *g, const int kind, const RinsAct act, const Sums s) {
    int64_t i = 0;
    for (; i + EPI_ROWS <= s.rows; i += EPI_ROWS)
        for (int64_t j = 0; j < s.cols; j += VW) epilogue_block(g, kind, act, EPI_ROWS, &s, i, j);
    for (; i < s.rows; i++)
        for (int64_t j = 0; j < s.cols; j += VW) epilogue_block(g, kind, act, 1, &s, i, j);
}

#define EPILOGUE_CASE(constant, act)                                                                                   \
    case (constant): epilogue_rows(g, constant, act, s); return

/* The common kinds have code of their own; a bias comes here only with the columns at the edge, and where k is split. */
static void epilogue_tile(const RinsGemm *g, int kind, Sums s) {
    if (s.cols % VW) kind |= EPI_EDGE;
    const int other = (kind & EPI_LOW ? kind | EPI_EDGE : kind) & ~EPI_LOW;
    if (g->act == RINS_ACT_NONE) {
        switch (kind) {
            EPILOGUE_CASE(0, RINS_ACT_NONE);
            EPILOGUE_CASE(EPI_LOW, RINS_ACT_NONE);
            EPILOGUE_CASE(EPI_ADD, RINS_ACT_NONE);
            EPILOGUE_CASE(EPI_RESIDUAL, RINS_ACT_NONE);
        }
        epilogue_rows(g, other, RINS_ACT_NONE, s);
    } else if (g->act == RINS_ACT_GELU_TANH) {
        switch (kind) {
            EPILOGUE_CASE(0, RINS_ACT_GELU_TANH);
            EPILOGUE_CASE(EPI_PRE, RINS_ACT_GELU_TANH);
            EPILOGUE_CASE(EPI_ACT_GRAD, RINS_ACT_GELU_TANH);
            EPILOGUE_CASE(EPI_ACT_GRAD | EPI_ACT_OUT, RINS_ACT_GELU_TANH);
            EPILOGUE_CASE(EPI_LOW, RINS_ACT_GELU_TANH);
            EPILOGUE_CASE(EPI_LOW | EPI_PRE, RINS_ACT_GELU_TANH);
            EPILOGUE_CASE(EPI_LOW | EPI_ACT_GRAD | EPI_ACT_OUT, RINS_ACT_GELU_TANH);
        }
        epilogue_rows(g, other, RINS_ACT_GELU_TANH, s);
    } else {
        epilogue_rows(g, other, RINS_ACT_GELU_ERF, s);
    }
}

#endif
