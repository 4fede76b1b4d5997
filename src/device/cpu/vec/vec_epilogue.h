/* What follows a product, on the tile while it is still in cache. */
#ifndef RINS_VEC_EPILOGUE_H
#define RINS_VEC_EPILOGUE_H

#include "src/device/cpu/vec/vec_act.h"
#include "src/device/cpu/vec/vec_math.h"

VEC_INLINE bool epilogue_wanted(const RinsGemm *g) {
    return g->bias || g->act != RINS_ACT_NONE || g->pre.data || g->act_grad.data || g->residual.data ||
           g->c.type != RINS_F32;
}

VEC_INLINE void epilogue_row(const RinsGemm *g, RinsAct act, int64_t m, int64_t n0, int64_t cols,
                             const float *acc) {
    const int64_t r = g->residual.data ? m % g->residual.rows : 0;
    for (int64_t i = 0; i < cols; i += VW) {
        const int64_t n = n0 + i, left = cols - i;
        vf value = left >= VW ? vf_load(acc + i) : vf_load_n(acc + i, left);
        if (g->bias) value += left >= VW ? vf_load(g->bias + n) : vf_load_n(g->bias + n, left);
        if (g->pre.data) act_store(&g->pre, m, n, value, left);
        if (g->act_grad.data) {
            vf out;
            value *= vf_act_grad(act, act_load(&g->act_grad, m, n, left), &out);
            if (g->act_out.data) act_store(&g->act_out, m, n, out, left);
        } else {
            value = vf_act(act, value);
        }
        if (g->residual.data) value += act_load(&g->residual, r, n, left);
        if (g->accumulate) value += act_load(&g->c, m, n, left);
        act_store(&g->c, m, n, value, left);
    }
}

/* Rows [m0, m0 + rows), columns [n0, n0 + cols) of c from `acc` (rows, cols) with row pitch ld, which may be
 * c. */
static void epilogue_tile(const RinsGemm *g, int64_t m0, int64_t rows, int64_t n0, int64_t cols,
                          const float *acc, int64_t ld) {
    for (int64_t m = 0; m < rows; m++) {
        const float *row = acc + m * ld;
        switch (g->act) {
        case RINS_ACT_NONE:
            epilogue_row(g, RINS_ACT_NONE, m0 + m, n0, cols, row);
            break;
        case RINS_ACT_GELU_TANH:
            epilogue_row(g, RINS_ACT_GELU_TANH, m0 + m, n0, cols, row);
            break;
        case RINS_ACT_GELU_ERF:
            epilogue_row(g, RINS_ACT_GELU_ERF, m0 + m, n0, cols, row);
            break;
        }
    }
}

#endif
