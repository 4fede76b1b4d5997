/* What attention does between its products, row by row in fp32. Probabilities go where the next product reads
   them, as fp32 or bf16; they may overwrite the scores where they are fp32. */
#ifndef RINS_VEC_ATTENTION_ROWS_H
#define RINS_VEC_ATTENTION_ROWS_H

#include "src/device/cpu/vec/vec_act.h"
#include "src/device/cpu/vec/vec_math.h"

#include <math.h>

/* The next part of a thread's scratch space, aligned to a cache line. One list of parts both divides the space and,
   where there is none yet, counts what is needed. */
typedef struct Carve {
    float *base; /* NULL: count */
    int64_t used;
} Carve;

static inline float *carve(Carve *c, int64_t floats) {
    float *here = c->base ? c->base + c->used : NULL;
    c->used += (floats + 15) / 16 * 16;
    return here;
}

/* Where one row goes, whole vectors of it. */
typedef struct SoftmaxRow {
    void *data;
    RinsType type;
} SoftmaxRow;

VEC_INLINE void softmax_store(SoftmaxRow row, int64_t j, vf value) {
    if (row.type == RINS_BF16)
        vh_store((uint16_t *)row.data + j, value);
    else
        vf_store((float *)row.data + j, value);
}

/* Columns [from, to) of a row become 0. */
VEC_INLINE void softmax_clear(SoftmaxRow row, int64_t from, int64_t to) {
    const size_t size = row.type == RINS_BF16 ? sizeof(uint16_t) : sizeof(float);
    memset((char *)row.data + (size_t)from * size, 0, (size_t)(to - from) * size);
}

/* p = exp(scale (s - max s)), whose sum is returned; its columns from lk to `width`, whole vectors, become 0.
   Changes s beyond lk. *peak = scale max s. */
VEC_INLINE float softmax_row(float *s, int64_t lk, int64_t width, float scale, SoftmaxRow p, float *peak) {
    for (int64_t j = lk; j < width; j++) s[j] = -INFINITY;
    vf most = vf_load(s), sum = {0};
    for (int64_t j = VW; j < width; j += VW) most = vf_max(most, vf_load(s + j));
    const float top = vf_peak(most);
    for (int64_t j = 0; j < width; j += VW) {
        const vf e = vf_exp(scale * (vf_load(s + j) - top));
        softmax_store(p, j, e);
        sum += e;
    }
    softmax_clear(p, lk, width);
    *peak = scale * top;
    return vf_sum(sum);
}

/* p = exp(scale s - lse), ds = p (dp - delta); of each, columns from lk to `width`, whole vectors, become 0. */
VEC_INLINE void softmax_backward_row(const float *s, const float *dp, int64_t lk, int64_t width, float scale, float lse,
                                     float delta, SoftmaxRow p, SoftmaxRow ds) {
    for (int64_t j = 0; j < width; j += VW) {
        const vf prob = vf_exp(scale * vf_load(s + j) - lse);
        softmax_store(p, j, prob);
        softmax_store(ds, j, prob * (vf_load(dp + j) - delta));
    }
    softmax_clear(p, lk, width);
    softmax_clear(ds, lk, width);
}

/* delta_i = dout_i . out_i */
VEC_INLINE void attention_delta(RinsTensor out, RinsTensor dout, float *delta) {
    for (int64_t i = 0; i < out.rows; i++) {
        vf sum = {0};
        for (int64_t c = 0; c < out.cols; c += VW)
            sum = vf_fma(act_load(&dout, i, c, out.cols - c), act_load(&out, i, c, out.cols - c), sum);
        delta[i] = vf_sum(sum);
    }
}

/* t = factor * from, rows ld floats apart; factor by row where `by_row` is given. */
VEC_INLINE void attention_store(RinsTensor t, float factor, const float *by_row, const float *from, int64_t ld) {
    for (int64_t r = 0; r < t.rows; r++) {
        const vf f = vf_set(by_row ? factor * by_row[r] : factor);
        for (int64_t c = 0; c < t.cols; c += VW) act_store(&t, r, c, f * vf_load(from + r * ld + c), t.cols - c);
    }
}

#endif
