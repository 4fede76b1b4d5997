/* The kernel of GEMM on AMX tiles: 2 x 2 of them hold the sums. b is packed as for vector registers, which is
   as the tiles want it; a in blocks of 16 rows by 16 steps, row by row. Panels are zero from their last step
   to the next multiple of 16. */
#ifndef RINS_VEC_KERNEL_AMX_H
#define RINS_VEC_KERNEL_AMX_H

#include "src/device/cpu/vec/vec_amx.h"
#include "src/device/cpu/vec/vec_pack.h"
#include "src/device/cpu/vec/vec_product.h"

enum {
    PANEL_ROWS = AMX_ROWS, /* of a panel of a */
    MR = 2 * AMX_ROWS,     /* rows of a tile of sums */
    NR = 2 * VW,           /* columns of it, and of a panel of b */
    KC = 192,              /* a panel of b and two of a over KC fit into 48 KiB of L1 */
    SPEED = 8,             /* of multiplying, in terms of packing: the grid of threads weighs them */
    GRAIN = AMX_SLOTS,     /* k is divided at multiples of this */
    AHEAD_K = GRAIN / 4,   /* k from one prefetch to the next */
    BLOCK = AMX_ROWS * VW, /* floats of a block of a */
    A_FLOATS = 256 << 10   /* of a packed at a time: half of a 2 MiB L2 */
};

/* What a thread does before its first product and after its last. */
VEC_INLINE void kernel_begin(void) {
    amx_begin();
}
VEC_INLINE void kernel_end(void) {
    amx_end();
}

/* Steps of k that a panel of `depth` takes up. */
VEC_INLINE int64_t kernel_depth(int64_t depth) {
    return (depth + GRAIN - 1) / GRAIN * GRAIN;
}

/* Packs one panel of a at `to`; `end` is for kernels that pack several. Returns 1, and the sum over k by
 * lane. */
VEC_INLINE int kernel_pack_a(const PackFrom *f, int64_t end, float *to, vf sum[PACK_GROUP]) {
    (void)end;
    const bool plain = panel_plain(f) && f->lane + VW <= (f->along ? f->t.cols : f->t.rows);
    sum[0] = (vf){0};
    for (int64_t j = 0; j < f->depth; j += GRAIN, to += BLOCK) {
        vf row[VW];
        const bool whole = plain && j + GRAIN <= f->depth;
        if (f->along)
            pack_steps(f, j, whole, row);
        else
            pack_square(f, j, whole, row);
        if (f->along && f->sums)
            for (int i = 0; i < VW; i++) sum[0] += panel_sum(row[i]);
        if (f->along) vf_transpose(row);
        for (int i = 0; i < VW; i++) vf_store(to + i * VW, row[i]);
        if (f->along || !f->sums) continue;
        vf_transpose(row);
        for (int i = 0; i < VW; i++) sum[0] += panel_sum(row[i]);
    }
    return 1;
}

/* to (MR, NR), its rows ld floats apart, = start + two panels of a, one after the other . b panel over k */
static void kernel_multiply(int64_t k, const float *a, const float *b, Start start, float *to, int64_t ld,
                            Ahead ahead) {
    const int64_t depth = kernel_depth(k);
    amx_fence();
    if (start.data) {
        const float *below = start.data + AMX_ROWS * start.ld;
        amx_load(0, start.data, start.ld);
        amx_load(1, start.data + VW, start.ld);
        amx_load(2, below, start.ld);
        amx_load(3, below + VW, start.ld);
    } else {
        amx_zero(0);
        amx_zero(1);
        amx_zero(2);
        amx_zero(3);
    }
    for (int64_t j = 0; j < depth; j += GRAIN, a += BLOCK, b += GRAIN * NR) {
        for (int q = 0; q < GRAIN / AHEAD_K; q++, ahead.at += ahead.step) __builtin_prefetch(ahead.at, 0, 2);
        amx_load(6, b, NR);
        amx_load(4, a, VW);
        amx_dot2(0, 4, 6);
        amx_load(7, b + VW, NR);
        amx_dot2(1, 4, 7);
        amx_load(5, a + depth * AMX_ROWS, VW);
        amx_dot2(2, 5, 6);
        amx_dot2(3, 5, 7);
    }
    float *below = to + AMX_ROWS * ld;
    amx_store(0, to, ld);
    amx_store(1, to + VW, ld);
    amx_store(2, below, ld);
    amx_store(3, below + VW, ld);
}

#endif
