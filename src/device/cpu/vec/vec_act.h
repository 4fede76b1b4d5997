/* Act type tensors by vectors: up to VW columns of one row, of which `left` exist. */
#ifndef RINS_VEC_ACT_H
#define RINS_VEC_ACT_H

#include "src/base/tensor.h"
#include "src/device/cpu/vec/vec.h"

VEC_INLINE vf act_load(const RinsTensor *t, int64_t r, int64_t c, int64_t left) {
    const int64_t at = r * t->stride + c;
    if (t->type == RINS_BF16) {
        const uint16_t *p = (const uint16_t *)t->data + at;
        return left >= VW ? vh_load(p) : vh_load_n(p, left);
    }
    const float *p = (const float *)t->data + at;
    return left >= VW ? vf_load(p) : vf_load_n(p, left);
}

VEC_INLINE void act_store(const RinsTensor *t, int64_t r, int64_t c, vf value, int64_t left) {
    const int64_t at = r * t->stride + c;
    if (t->type == RINS_BF16) {
        uint16_t *p = (uint16_t *)t->data + at;
        if (left >= VW)
            vh_store(p, value);
        else
            vh_store_n(p, value, left);
        return;
    }
    float *p = (float *)t->data + at;
    if (left >= VW)
        vf_store(p, value);
    else
        vf_store_n(p, value, left);
}

#endif
