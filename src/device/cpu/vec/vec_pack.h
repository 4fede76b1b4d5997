/* The packed form of GEMM operands: panels of `lanes` rows of op(a), or columns of op(b), laid out step by
   step of k, so that the kernel reads both in one contiguous stream. Lanes beyond the matrix are zero. */
#ifndef RINS_VEC_PACK_H
#define RINS_VEC_PACK_H

#include "src/device/cpu/vec/vec_panel.h"

VEC_INLINE vf pack_along(const PackFrom *f, float *to, int64_t step, bool plain) {
    vf sum = {0};
    for (int64_t j = 0; j < f->depth; j++) {
        const PanelElement *p = (const PanelElement *)f->t.data + (f->k + j) * STEP_K * f->t.stride + f->lane;
        if (plain) panel_prefetch(p, f->t.stride);
        const vf v = plain ? panel_along(p, f->t.stride) : panel_along_edge(f, j);
        vf_store(to + j * step, v);
        sum += panel_sum(v);
    }
    return sum;
}

enum { PACK_GROUP = 8 };

/* Whether PACK_GROUP vectors from f->lane on, `lanes` apart, lie within rows of t, and no further than lane
 * `end`. */
VEC_INLINE bool pack_groups(const PackFrom *f, int64_t lanes, int64_t end) {
    const int64_t last = f->lane + (PACK_GROUP - 1) * lanes;
    return f->along && panel_plain(f) && last + VW <= f->t.cols && last + lanes <= end;
}

/* PACK_GROUP vectors that lie side by side in rows of t, `lanes` apart: whole cache lines of a row at a time,
   where one vector after the other would come back to every row PACK_GROUP times. Writes `lanes` of the last
   k, not beyond the panel. */
VEC_INLINE void pack_group(const PackFrom *f, float *const to[PACK_GROUP], const int lanes, int64_t step,
                           vf sum[PACK_GROUP]) {
    const int64_t next = STEP_K * f->t.stride;
    const PanelElement *p = (const PanelElement *)f->t.data + f->k * next + f->lane;
#pragma GCC unroll 8
    for (int q = 0; q < PACK_GROUP; q++) sum[q] = (vf){0};
    for (int64_t j = 0; j < f->depth; j++, p += next) {
        for (int at = 0; at < PACK_GROUP * lanes; at += 64 / (int)sizeof *p) panel_prefetch(p + at, f->t.stride);
#pragma GCC unroll 8
        for (int q = 0; q < PACK_GROUP; q++) {
            const vf v = panel_along(p + q * lanes, f->t.stride);
            if (lanes == VW || j + 1 < f->depth)
                vf_store(to[q] + j * step, v);
            else
                vf_store_n(to[q] + j * step, v, lanes);
            sum[q] += panel_sum(v);
        }
    }
}

/* VW lanes of VW slots each, from step j on. */
VEC_INLINE void pack_square(const PackFrom *f, int64_t j, bool plain, vf row[VW]) {
#pragma GCC unroll 16
    for (int i = 0; i < VW; i++) {
        if (plain)
            row[i] = panel_across((const PanelElement *)f->t.data + (f->lane + (i < f->used ? i : 0)) * f->t.stride +
                                  (f->k + j) * STEP_K);
        else
            row[i] = i < f->used && f->lane + i < f->t.rows ? panel_across_edge(f, f->lane + i, j) : (vf){0};
    }
}

/* VW steps of VW lanes each, from step j on. */
VEC_INLINE void pack_steps(const PackFrom *f, int64_t j, bool plain, vf row[VW]) {
    const PanelElement *p = (const PanelElement *)f->t.data + (f->k + j) * STEP_K * f->t.stride + f->lane;
#pragma GCC unroll 16
    for (int i = 0; i < VW; i++, p += STEP_K * f->t.stride) {
        if (plain)
            row[i] = panel_along(p, f->t.stride);
        else
            row[i] = j + i < f->depth && f->lane < f->t.cols ? panel_along_edge(f, j + i) : (vf){0};
    }
}

VEC_INLINE vf pack_across(const PackFrom *f, float *to, int64_t step) {
    const bool plain = panel_plain(f) && f->lane + f->used <= f->t.rows;
    vf sum = {0}, row[VW];
    int64_t j = 0;
    for (; plain && j + VW <= f->depth; j += VW) {
        pack_square(f, j, true, row);
        vf_transpose(row);
#pragma GCC unroll 16
        for (int i = 0; i < VW; i++) {
            vf_store(to + (j + i) * step, row[i]);
            sum += panel_sum(row[i]);
        }
    }
    for (; j < f->depth; j += VW) {
        pack_square(f, j, false, row);
        vf_transpose(row);
        for (int i = 0; i < VW && j + i < f->depth; i++) {
            vf_store(to + (j + i) * step, row[i]);
            sum += panel_sum(row[i]);
        }
    }
    return sum;
}

/* Lanes to `to`, those of the next step of k `step` floats on; writes whole vectors, so that a step below VW
   overwrites unused lanes of the one before, and the last goes beyond the panel. Returns the sum over k by
   lane. */
VEC_INLINE vf pack_vector(const PackFrom *f, float *to, int64_t step) {
    if (!f->along) return pack_across(f, to, step);
    if (panel_plain(f) && f->t.cols - f->lane >= VW) return pack_along(f, to, step, true);
    if (f->lane >= f->t.cols) {
        for (int64_t j = 0; j < f->depth; j++) vf_store(to + j * step, (vf){0});
        return (vf){0};
    }
    return pack_along(f, to, step, false);
}

#endif
