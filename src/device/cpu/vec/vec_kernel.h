/* The kernel of GEMM: the product of two packed panels in vector registers, and how it wants a packed. */
#ifndef RINS_VEC_KERNEL_H
#define RINS_VEC_KERNEL_H

#include "src/device/cpu/vec/vec_pack.h"
#include "src/device/cpu/vec/vec_product.h"

enum {
    PANEL_ROWS = VW == 8 ? 6 : 14, /* of a panel of a */
    MR = PANEL_ROWS,               /* rows of a tile: 12 of AVX2's 16 registers hold sums, 28 of AVX-512's 32 */
    NR = 2 * VW,                   /* columns of a tile, and of a panel of b */
    KC = 256,                      /* a panel of b and one of a over KC: 22 KiB of L1, AVX-512: 46 KiB */
    SPEED = 1,                     /* of multiplying, in terms of packing: the grid of threads weighs them */
    GRAIN = 8,                     /* k is divided at multiples of this */
    AHEAD_K = VW == 8 ? 8 : 2,     /* k from one prefetch to the next */
    A_FLOATS = 80 << 10            /* of a packed at a time: most of a 512 KiB L2 */
};

/* What a thread does before its first product and after its last. */
VEC_INLINE void kernel_begin(void) {}
VEC_INLINE void kernel_end(void) {}

/* Steps of k that a panel of `depth` takes up. */
VEC_INLINE int64_t kernel_depth(int64_t depth) {
    return depth;
}

/* Packs one panel of a at `to`, or PACK_GROUP panels where that many end by lane `end`. Returns how many, and
   of each the sum over k by lane. */
VEC_INLINE int kernel_pack_a(const PackFrom *f, int64_t end, float *to, vf sum[PACK_GROUP]) {
    if (!pack_groups(f, PANEL_ROWS, end)) {
        sum[0] = pack_vector(f, to, PANEL_ROWS);
        return 1;
    }
    float *panel[PACK_GROUP];
    for (int q = 0; q < PACK_GROUP; q++) panel[q] = to + q * PANEL_ROWS * f->depth;
    pack_group(f, panel, PANEL_ROWS, PANEL_ROWS, sum);
    return PACK_GROUP;
}

VEC_INLINE void kernel_steps(const int steps, const float *a, const float *b, vf sum[MR][2]) {
#pragma GCC unroll 8
    for (int j = 0; j < steps; j++, a += MR, b += NR) {
        const vf right[2] = {vf_load(b), vf_load(b + VW)};
#pragma GCC unroll 14
        for (int i = 0; i < MR; i++) {
            const __auto_type left = panel_left(a + i);
#pragma GCC unroll 2
            for (int v = 0; v < 2; v++) sum[i][v] = panel_product(left, right[v], sum[i][v]);
        }
    }
}

/* to (MR, NR), its rows ld floats apart, = start + a panel . b panel over k */
static void kernel_multiply(int64_t k, const float *a, const float *b, Start start, float *to, int64_t ld,
                            Ahead ahead) {
    vf sum[MR][2];
#pragma GCC unroll 14
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 2
        for (int v = 0; v < 2; v++) sum[i][v] = start.data ? vf_load(start.data + i * start.ld + v * VW) : (vf){0};
    for (; k >= AHEAD_K; k -= AHEAD_K, a += AHEAD_K * MR, b += AHEAD_K * NR, ahead.at += ahead.step) {
        __builtin_prefetch(ahead.at, 0, 2);
        kernel_steps(AHEAD_K, a, b, sum);
    }
    for (; k > 0; k--, a += MR, b += NR) kernel_steps(1, a, b, sum);
#pragma GCC unroll 14
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 2
        for (int v = 0; v < 2; v++) vf_store(to + i * ld + v * VW, sum[i][v]);
}

#endif
