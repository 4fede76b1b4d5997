#include "src/device/cpu/cpu_device.h"
#include "src/device/cpu/vec/vec_act.h"
#include "src/device/cpu/vec/vec_ops.h"

#include <math.h>
#include <omp.h>

static double sum_of_squares(const float *x, int64_t n) {
    vd sum[4] = {{0}};
    int64_t i = 0;
    for (; i + 2 * VW <= n; i += 2 * VW)
        for (int v = 0; v < 2; v++) {
            const vf value = vf_load(x + i + v * VW);
            const vd low = vd_low(value), high = vd_high(value);
            sum[2 * v] += low * low;
            sum[2 * v + 1] += high * high;
        }
    double rest = 0;
    for (; i < n; i++) rest += (double)x[i] * x[i];
    return vd_sum(sum[0] + sum[1] + (sum[2] + sum[3])) + rest;
}

void RINS_VEC(rins_sqsum_finite)(RinsDevice *dev, double *sum, const float *x, int64_t n) {
    if (!rins_cpu_reserve(dev, sizeof(double))) return;
    int parts = 1;
#pragma omp parallel num_threads(dev->threads)
    {
        int64_t first, count;
        rins_split(n, 16, omp_get_thread_num(), omp_get_num_threads(), &first, &count);
        *(double *)rins_cpu_scratch(dev, omp_get_thread_num()) = sum_of_squares(x + first, count);
#pragma omp master
        parts = omp_get_num_threads();
    }
    for (int i = 0; i < parts; i++) *sum += *(const double *)rins_cpu_scratch(dev, i);
}

typedef struct Factors {
    float clip, b1, one_b1, b2, one_b2, keep, step, inv_bias2, eps;
} Factors;

VEC_INLINE void adamw_vector(const RinsAdamW *s, const Factors *f, int64_t i, int64_t left) {
    const bool whole = left >= VW;
    const vf g = (whole ? vf_load(s->g + i) : vf_load_n(s->g + i, left)) * f->clip;
    const vf m = vf_fma(whole ? vf_load(s->m + i) : vf_load_n(s->m + i, left), vf_set(f->b1), g * f->one_b1);
    const vf v = vf_fma(whole ? vf_load(s->v + i) : vf_load_n(s->v + i, left), vf_set(f->b2), g * g * f->one_b2);
    vf w = (whole ? vf_load(s->w + i) : vf_load_n(s->w + i, left)) * f->keep;
    w -= f->step * m / (vf_sqrt(v * f->inv_bias2) + f->eps);
    if (whole) {
        vf_store(s->m + i, m), vf_store(s->v + i, v), vf_store(s->w + i, w);
        if (s->low) vh_store(s->low + i, w);
        return;
    }
    vf_store_n(s->m + i, m, left), vf_store_n(s->v + i, v, left), vf_store_n(s->w + i, w, left);
    if (s->low) vh_store_n(s->low + i, w, left);
}

void RINS_VEC(rins_adamw)(RinsDevice *dev, const RinsAdamW *s) {
    double clip = 1;
    if (s->sqsum) {
        if (!isfinite(*s->sqsum)) return;
        if (s->clip > 0) clip = fmin(1, s->clip / (sqrt(*s->sqsum) + 1e-6));
    }
    const Factors f = {.clip = (float)clip,
                       .b1 = s->b1,
                       .one_b1 = (float)(1 - (double)s->b1),
                       .b2 = s->b2,
                       .one_b2 = (float)(1 - (double)s->b2),
                       .keep = (float)(1 - (double)s->lr * s->weight_decay),
                       .step = (float)(s->lr / s->bias1),
                       .inv_bias2 = (float)(1 / s->bias2),
                       .eps = s->eps};
#pragma omp parallel num_threads(dev->threads)
    {
        int64_t first, count;
        rins_split(s->n, 16, omp_get_thread_num(), omp_get_num_threads(), &first, &count);
        for (int64_t i = first; i < first + count; i += VW) adamw_vector(s, &f, i, first + count - i);
    }
}
