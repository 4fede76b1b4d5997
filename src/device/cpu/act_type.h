/* bf16 and the element access of the reference kernels: an act type tensor read and written as float. */
#ifndef RINS_CPU_ACT_TYPE_H
#define RINS_CPU_ACT_TYPE_H

#include "src/base/tensor.h"

#include <string.h>

static inline float rins_bf16_to_f32(uint16_t x) {
    const uint32_t bits = (uint32_t)x << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* Round to nearest even; NaN stays NaN (quiet). */
static inline uint16_t rins_f32_to_bf16(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

static inline float rins_get(const RinsTensor *t, int64_t r, int64_t c) {
    const int64_t i = r * t->stride + c;
    return t->type == RINS_BF16 ? rins_bf16_to_f32(((const uint16_t *)t->data)[i]) : ((const float *)t->data)[i];
}

static inline void rins_put(const RinsTensor *t, int64_t r, int64_t c, float value) {
    const int64_t i = r * t->stride + c;
    if (t->type == RINS_BF16)
        ((uint16_t *)t->data)[i] = rins_f32_to_bf16(value);
    else
        ((float *)t->data)[i] = value;
}

static inline float *rins_row(const RinsTensor *t, int64_t r) {
    assert(t->type == RINS_F32);
    return (float *)t->data + r * t->stride;
}

#endif
