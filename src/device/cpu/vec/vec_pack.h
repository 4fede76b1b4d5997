/* The packed form of GEMM operands: panels of `lanes` rows of op(a), or columns of op(b), laid out k by k, so
   that the kernel reads both in one contiguous stream. bf16 is widened on the way, lanes beyond the matrix
   are zero. */
#ifndef RINS_VEC_PACK_H
#define RINS_VEC_PACK_H

#include "src/device/cpu/vec/vec_act.h"

#include <stdbool.h>

/* Which part of a matrix goes into a vector of lanes. */
typedef struct PackFrom {
    RinsTensor t;
    bool along;   /* lanes lie side by side in a row of t, which then is (k, lanes); else t is (lanes, k) */
    int64_t lane; /* the first */
    int used;     /* lanes wanted, at most VW; the others hold anything */
    int64_t k, depth;
} PackFrom;

VEC_INLINE vf pack_along(const PackFrom *f, float *to, int64_t step, bool plain) {
    const int64_t left = f->t.cols - f->lane;
    vf sum = {0};
    for (int64_t j = 0; j < f->depth; j++) {
        const float *p = (const float *)f->t.data + (f->k + j) * f->t.stride + f->lane;
        if (plain) __builtin_prefetch(p + 8 * f->t.stride);
        const vf v = plain ? vf_load(p) : act_load(&f->t, f->k + j, f->lane, left);
        vf_store(to + j * step, v);
        sum += v;
    }
    return sum;
}

enum { PACK_GROUP = 8 };

/* Whether PACK_GROUP vectors from f->lane on, `lanes` apart, lie within rows of t, and no further than lane
 * `end`. */
VEC_INLINE bool pack_groups(const PackFrom *f, int64_t lanes, int64_t end) {
    const int64_t last = f->lane + (PACK_GROUP - 1) * lanes;
    return f->along && f->t.type == RINS_F32 && last + VW <= f->t.cols && last + lanes <= end;
}

/* PACK_GROUP vectors that lie side by side in rows of t, `lanes` apart: whole cache lines of a row at a time,
   where one vector after the other would come back to every row PACK_GROUP times. Writes `lanes` of the last
   k, not beyond the panel. */
VEC_INLINE void pack_group(const PackFrom *f, float *const to[PACK_GROUP], const int lanes, int64_t step,
                           vf sum[PACK_GROUP]) {
    const float *p = (const float *)f->t.data + f->k * f->t.stride + f->lane;
#pragma GCC unroll 8
    for (int q = 0; q < PACK_GROUP; q++) sum[q] = (vf){0};
    for (int64_t j = 0; j < f->depth; j++, p += f->t.stride) {
        for (int at = 0; at < PACK_GROUP * lanes; at += 16) __builtin_prefetch(p + 8 * f->t.stride + at);
#pragma GCC unroll 8
        for (int q = 0; q < PACK_GROUP; q++) {
            const vf v = vf_load(p + q * lanes);
            if (lanes == VW || j + 1 < f->depth)
                vf_store(to[q] + j * step, v);
            else
                vf_store_n(to[q] + j * step, v, lanes);
            sum[q] += v;
        }
    }
}

VEC_INLINE void pack_square(const PackFrom *f, int64_t j, bool plain, vf row[VW]) {
    const int64_t left = f->t.cols - f->k - j;
#pragma GCC unroll 16
    for (int i = 0; i < VW; i++) {
        if (plain)
            row[i] = vf_load((const float *)f->t.data + (f->lane + (i < f->used ? i : 0)) * f->t.stride +
                             f->k + j);
        else
            row[i] = i < f->used && f->lane + i < f->t.rows ? act_load(&f->t, f->lane + i, f->k + j, left)
                                                            : (vf){0};
    }
    vf_transpose(row);
}

VEC_INLINE vf pack_across(const PackFrom *f, float *to, int64_t step) {
    const bool plain = f->t.type == RINS_F32 && f->lane + f->used <= f->t.rows;
    vf sum = {0}, row[VW];
    int64_t j = 0;
    for (; plain && j + VW <= f->depth; j += VW) {
        pack_square(f, j, true, row);
#pragma GCC unroll 16
        for (int i = 0; i < VW; i++) {
            vf_store(to + (j + i) * step, row[i]);
            sum += row[i];
        }
    }
    for (; j < f->depth; j += VW) {
        pack_square(f, j, false, row);
        for (int i = 0; i < VW && j + i < f->depth; i++) {
            vf_store(to + (j + i) * step, row[i]);
            sum += row[i];
        }
    }
    return sum;
}

/* Lanes to `to`, those of the next k `step` floats on; writes whole vectors, so that a step below VW
   overwrites unused lanes of the k before, and the last goes beyond the panel. Returns the sum over k by
   lane. */
VEC_INLINE vf pack_vector(const PackFrom *f, float *to, int64_t step) {
    if (!f->along) return pack_across(f, to, step);
    if (f->t.type == RINS_F32 && f->t.cols - f->lane >= VW) return pack_along(f, to, step, true);
    if (f->lane >= f->t.cols) {
        for (int64_t j = 0; j < f->depth; j++) vf_store(to + j * step, (vf){0});
        return (vf){0};
    }
    return pack_along(f, to, step, false);
}

#endif
