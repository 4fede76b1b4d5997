#include "src/device/cpu/act_type.h"
#include "src/device/cpu/cpu_device.h"
#include "src/device/cpu/ref_ops.h"

#include <math.h>
#include <omp.h>

void rins_sqsum_finite_ref(RinsDevice *dev, double *sum, const float *x, int64_t n) {
    if (!rins_cpu_reserve(dev, sizeof(double))) return;
    int parts = 1;
#pragma omp parallel num_threads(dev->threads)
    {
        int64_t first, count;
        double part = 0;
        rins_split(n, 16, omp_get_thread_num(), omp_get_num_threads(), &first, &count);
        for (int64_t i = first; i < first + count; i++) part += (double)x[i] * x[i];
        *(double *)rins_cpu_scratch(dev, omp_get_thread_num()) = part;
#pragma omp master
        parts = omp_get_num_threads();
    }
    for (int i = 0; i < parts; i++) *sum += *(const double *)rins_cpu_scratch(dev, i);
}

void rins_adamw_ref(RinsDevice *dev, const RinsAdamW *s) {
    double clip_scale = 1;
    if (s->sqsum) {
        if (!isfinite(*s->sqsum)) return;
        if (s->clip > 0) clip_scale = fmin(1, s->clip / (sqrt(*s->sqsum) + 1e-6));
    }
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t i = 0; i < s->n; i++) {
        const double g = s->g[i] * clip_scale;
        const double m = (double)s->b1 * s->m[i] + (1 - (double)s->b1) * g;
        const double v = (double)s->b2 * s->v[i] + (1 - (double)s->b2) * g * g;
        double w = s->w[i];
        w -= (double)s->lr * s->weight_decay * w;
        w -= (double)s->lr * (m / s->bias1) / (sqrt(v / s->bias2) + (double)s->eps);
        s->m[i] = (float)m;
        s->v[i] = (float)v;
        s->w[i] = (float)w;
        if (s->low) s->low[i] = rins_f32_to_bf16((float)w);
    }
}
