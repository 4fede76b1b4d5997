/* What one slot of a packed panel holds, 4 bytes wide in either form: one fp32 value of one k, or, in the
   build for bf16 products, the bf16 values of two consecutive k, the first in the low half. Past the last k
   there is zero. A step of k is the k of one slot. */
#ifndef RINS_VEC_PANEL_H
#define RINS_VEC_PANEL_H

#include "src/device/cpu/vec/vec_act.h"

#include <stdbool.h>

/* Which part of a matrix goes into a vector of lanes. */
typedef struct PackFrom {
    RinsTensor t;
    bool along;       /* lanes lie side by side in a row of t, which then is (k, lanes); else t is (lanes, k) */
    int64_t lane;     /* the first */
    int used;         /* lanes wanted, at most VW; the others hold anything */
    bool sums;        /* over k are wanted too */
    int64_t k, depth; /* in steps */
} PackFrom;

#ifdef RINS_VEC_BF16

enum { STEP_K = 2 };
typedef uint16_t PanelElement;

/* Whether every slot comes whole and unconverted from t. */
VEC_INLINE bool panel_plain(const PackFrom *f) {
    return (f->k + f->depth) * STEP_K <= (f->along ? f->t.rows : f->t.cols);
}

/* Slots of one step: from two rows, p and the one after it. */
VEC_INLINE vf panel_along(const uint16_t *p, int64_t stride) {
    vh low;
    memcpy(&low, p, sizeof low);
    return (vf)(__builtin_convertvector(low, vi) | (vi)vh_load(p + stride));
}

VEC_INLINE void panel_prefetch(const uint16_t *p, int64_t stride) {
    __builtin_prefetch(p + 16 * stride);
    __builtin_prefetch(p + 17 * stride);
}

/* Where some lanes or the second row may be missing. */
VEC_INLINE vf panel_along_edge(const PackFrom *f, int64_t step) {
    const int64_t k = (f->k + step) * STEP_K, left = f->t.cols - f->lane;
    const vi low = ((vi)act_load(&f->t, k, f->lane, left) >> 16) & vi_set(0xffff);
    return k + 1 < f->t.rows ? (vf)(low | (vi)act_load(&f->t, k + 1, f->lane, left)) : (vf)low;
}

/* VW slots of one lane, which lie in t as they are wanted. */
VEC_INLINE vf panel_across(const uint16_t *p) {
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}

VEC_INLINE vf panel_across_edge(const PackFrom *f, int64_t lane, int64_t step) {
    const int64_t k = (f->k + step) * STEP_K;
    return vh_pairs_n((const uint16_t *)f->t.data + lane * f->t.stride + k, f->t.cols - k);
}

/* Sum over the k of each slot. */
VEC_INLINE vf panel_sum(vf slots) {
    return (vf)((vi)slots << 16) + (vf)((vi)slots & vi_set((int32_t)0xffff0000u));
}

VEC_INLINE vi panel_left(const float *slot) {
    int32_t bits;
    memcpy(&bits, slot, sizeof bits);
    return vi_set(bits);
}

/* sum += products over the k of a step */
VEC_INLINE vf panel_product(vi left, vf right, vf sum) {
    return vf_dot2(left, (vi)right, sum);
}

#else

enum { STEP_K = 1 };
typedef float PanelElement;

VEC_INLINE bool panel_plain(const PackFrom *f) {
    return f->t.type == RINS_F32;
}

VEC_INLINE vf panel_along(const float *p, int64_t stride) {
    (void)stride;
    return vf_load(p);
}

VEC_INLINE void panel_prefetch(const float *p, int64_t stride) {
    __builtin_prefetch(p + 8 * stride);
}

/* bf16 is widened on the way. */
VEC_INLINE vf panel_along_edge(const PackFrom *f, int64_t step) {
    return act_load(&f->t, f->k + step, f->lane, f->t.cols - f->lane);
}

VEC_INLINE vf panel_across(const float *p) {
    return vf_load(p);
}

VEC_INLINE vf panel_across_edge(const PackFrom *f, int64_t lane, int64_t step) {
    return act_load(&f->t, lane, f->k + step, f->t.cols - f->k - step);
}

VEC_INLINE vf panel_sum(vf slots) {
    return slots;
}

VEC_INLINE vf panel_left(const float *slot) {
    return vf_set(*slot);
}

VEC_INLINE vf panel_product(vf left, vf right, vf sum) {
    return vf_fma(left, right, sum);
}

#endif
#endif
