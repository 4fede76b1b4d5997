#include "src/device/cpu/cpu_device.h"
#include "src/device/cpu/vec/vec_act.h"
#include "src/device/cpu/vec/vec_ops.h"

#include <math.h>
#include <omp.h>

/* Mean and 1 / std of a row; the second pass finds it in L1. */
VEC_INLINE void row_moments(const RinsTensor *x, int64_t r, float eps, float *mean, float *inv_std) {
    const int64_t d = x->cols;
    vf sum = {0}, sum2 = {0}, square = {0}, square2 = {0};
    const float *row = (const float *)x->data + r * x->stride;
    int64_t c = 0;
    for (; c + 2 * VW <= d; c += 2 * VW) sum += vf_load(row + c), sum2 += vf_load(row + c + VW);
    for (; c < d; c += VW) sum += d - c >= VW ? vf_load(row + c) : vf_load_n(row + c, d - c);
    *mean = vf_sum(sum + sum2) / (float)d;
    const vf m = vf_set(*mean);
    for (c = 0; c + 2 * VW <= d; c += 2 * VW) {
        const vf a = vf_load(row + c) - m, b = vf_load(row + c + VW) - m;
        square = vf_fma(a, a, square), square2 = vf_fma(b, b, square2);
    }
    for (; c < d; c += VW) {
        const vf a = d - c >= VW ? vf_load(row + c) - m : vf_load_n(row + c, d - c) - m;
        if (d - c >= VW)
            square = vf_fma(a, a, square);
        else
            for (int i = 0; i < d - c; i++) square[i] += a[i] * a[i];
    }
    *inv_std = 1 / sqrtf(vf_sum(square + square2) / (float)d + eps);
}

VEC_INLINE vf load_vector(const float *p, int64_t left) {
    return left >= VW ? vf_load(p) : vf_load_n(p, left);
}

VEC_INLINE void store_vector(float *p, vf v, int64_t left) {
    if (left >= VW)
        vf_store(p, v);
    else
        vf_store_n(p, v, left);
}

/* What a row becomes; PLAIN and LOW in whole vectors, which need no question about each. */
typedef enum Kind { EDGE, PLAIN, LOW } Kind;

VEC_INLINE void forward_row(const Kind kind, const RinsTensor *y, const RinsTensor *x, int64_t r, const float *gamma,
                            const float *beta, float eps) {
    const int64_t d = x->cols;
    float mean, inv_std;
    row_moments(x, r, eps, &mean, &inv_std);
    const float *from = (const float *)x->data + r * x->stride;
    for (int64_t c = 0; c < d; c += VW) {
        const int64_t left = kind == EDGE ? d - c : VW;
        const vf n = (load_vector(from + c, left) - mean) * inv_std;
        const vf value = vf_fma(n, load_vector(gamma + c, left), load_vector(beta + c, left));
        if (kind == PLAIN)
            vf_store((float *)y->data + r * y->stride + c, value);
        else if (kind == LOW)
            vh_store((uint16_t *)y->data + r * y->stride + c, value);
        else
            act_store(y, r, c, value, left);
    }
}

void RINS_VEC(rins_layernorm_fwd)(RinsDevice *dev, RinsTensor y, RinsTensor x, const float *gamma, const float *beta,
                                  float eps) {
    const Kind kind = x.cols % VW ? EDGE : y.type == RINS_F32 ? PLAIN : LOW;
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t r = 0; r < x.rows; r++) {
        const RinsTensor to = y, from = x;
        if (kind == PLAIN)
            forward_row(PLAIN, &to, &from, r, gamma, beta, eps);
        else if (kind == LOW)
            forward_row(LOW, &to, &from, r, gamma, beta, eps);
        else
            forward_row(EDGE, &to, &from, r, gamma, beta, eps);
    }
}

typedef struct Backward {
    RinsTensor dx, dres, dy, x;
    const float *gamma;
    float eps;
    bool parameters;
} Backward;

/* Vectors of a row: whole ones of fp32 where `plain`. */
VEC_INLINE vf row_load(const bool plain, const RinsTensor *t, int64_t r, int64_t c, int64_t left) {
    return plain ? vf_load((const float *)t->data + r * t->stride + c) : act_load(t, r, c, left);
}

/* With n = (x - mean) / std and g = gamma dy:  dx = (g - mean(g) - n mean(g n)) / std + dres.
   `sums` (2, D) gathers dgamma and dbeta. */
VEC_INLINE void backward_row(const bool plain, const Backward *shared, int64_t r, float *sums) {
    const Backward w = *shared; /* stores may alias what is shared */
    const int64_t d = w.x.cols, wide = (d + VW - 1) / VW * VW;
    float mean, inv_std;
    row_moments(&w.x, r, w.eps, &mean, &inv_std);
    vf sum_g = {0}, sum_gn = {0};
    for (int64_t c = 0; c < d; c += VW) {
        const int64_t left = plain ? VW : d - c;
        const vf dy = row_load(plain, &w.dy, r, c, left), n = (row_load(plain, &w.x, r, c, left) - mean) * inv_std;
        const vf g = dy * load_vector(w.gamma + c, left);
        sum_g += g;
        sum_gn = vf_fma(g, n, sum_gn);
        if (!w.parameters) continue;
        vf_store(sums + c, vf_fma(dy, n, vf_load(sums + c))); /* whole vectors; lanes beyond d get dy = 0 */
        vf_store(sums + wide + c, dy + vf_load(sums + wide + c));
    }
    if (!w.dx.data) return;
    const float mean_g = vf_sum(sum_g) / (float)d, mean_gn = vf_sum(sum_gn) / (float)d;
    for (int64_t c = 0; c < d; c += VW) {
        const int64_t left = plain ? VW : d - c;
        const vf n = (row_load(plain, &w.x, r, c, left) - mean) * inv_std;
        const vf g = row_load(plain, &w.dy, r, c, left) * load_vector(w.gamma + c, left);
        vf dx = (g - mean_g - n * mean_gn) * inv_std;
        if (w.dres.data) dx += row_load(plain, &w.dres, r, c, left);
        if (plain)
            vf_store((float *)w.dx.data + r * w.dx.stride + c, dx);
        else
            act_store(&w.dx, r, c, dx, left);
    }
}

/* Parameter gradients are summed over FEW rows in fp32, then added to the thread's sum: the error grows with
   the square root of the rows' number, not with the number. */
enum { FEW = 64 };

static void backward_rows(const Backward *w, int64_t first, int64_t count, float *few, float *total) {
    const int64_t wide = 2 * ((w->x.cols + VW - 1) / VW * VW);
    const bool plain = w->dy.type == RINS_F32 && (!w->dx.data || w->dx.type == RINS_F32) &&
                       (!w->dres.data || w->dres.type == RINS_F32) && w->x.cols % VW == 0;
    memset(few, 0, (size_t)wide * sizeof *few);
    memset(total, 0, (size_t)wide * sizeof *total);
    for (int64_t i = 0; i < count; i++) {
        if (plain)
            backward_row(true, w, first + i, few);
        else
            backward_row(false, w, first + i, few);
        if (!w->parameters || (i % FEW != FEW - 1 && i != count - 1)) continue;
        for (int64_t c = 0; c < wide; c += VW) {
            vf_store(total + c, vf_load(total + c) + vf_load(few + c));
            vf_store(few + c, (vf){0});
        }
    }
}

/* Columns [first, first + count) of all threads' sums, in their order. */
static void add_parts(const RinsDevice *dev, int parts, float *out, int64_t offset, int64_t first, int64_t count,
                      bool accumulate) {
    if (!out) return;
    for (int64_t c = first; c < first + count; c++) {
        float sum = accumulate ? out[c] : 0;
        for (int p = 0; p < parts; p++) sum += ((const float *)rins_cpu_scratch(dev, p))[offset + c];
        out[c] = sum;
    }
}

void RINS_VEC(rins_layernorm_bwd)(RinsDevice *dev, RinsTensor dx, RinsTensor dres, float *dgamma, float *dbeta,
                                  bool accumulate, RinsTensor dy, RinsTensor x, const float *gamma, float eps) {
    const int64_t width = (x.cols + VW - 1) / VW * VW;
    const Backward w = {dx, dres, dy, x, gamma, eps, dgamma || dbeta};
    if (!rins_cpu_reserve(dev, 4 * (size_t)width * sizeof(float))) return;
#pragma omp parallel num_threads(dev->threads)
    {
        const int thread = omp_get_thread_num(), team = omp_get_num_threads();
        float *total = rins_cpu_scratch(dev, thread);
        int64_t first, count;
        rins_split(x.rows, 1, thread, team, &first, &count);
        backward_rows(&w, first, count, total + 2 * width, total);
        if (w.parameters) {
#pragma omp barrier
            rins_split(x.cols, 16, thread, team, &first, &count);
            add_parts(dev, team, dgamma, 0, first, count, accumulate);
            add_parts(dev, team, dbeta, width, first, count, accumulate);
        }
    }
}
