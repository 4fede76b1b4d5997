#include "src/device/cpu/act_type.h"
#include "src/device/cpu/cpu_device.h"
#include "src/device/cpu/ref_ops.h"

#include <math.h>
#include <omp.h>

static void row_moments(const float *x, int64_t d, double eps, double *mean, double *inv_std) {
    double sum = 0, square = 0;
    for (int64_t c = 0; c < d; c++) sum += x[c];
    *mean = sum / (double)d;
    for (int64_t c = 0; c < d; c++) square += (x[c] - *mean) * (x[c] - *mean);
    *inv_std = 1 / sqrt(square / (double)d + eps);
}

void rins_layernorm_fwd_ref(RinsDevice *dev, RinsTensor y, RinsTensor x, const float *gamma, const float *beta,
                            float eps) {
    assert(y.rows == x.rows && y.cols == x.cols);
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t r = 0; r < x.rows; r++) {
        const float *row = rins_row(&x, r);
        double mean, inv_std;
        row_moments(row, x.cols, eps, &mean, &inv_std);
        for (int64_t c = 0; c < x.cols; c++)
            rins_put(&y, r, c, (float)((row[c] - mean) * inv_std * gamma[c] + beta[c]));
    }
}

/* With n = (x - mean) / std and g = gamma dy:  dx = (g - mean(g) - n mean(g n)) / std + dres. */
static void backward_row(RinsTensor dx, RinsTensor dres, RinsTensor dy, const float *x, const float *gamma, int64_t r,
                         double mean, double inv_std) {
    const int64_t d = dy.cols;
    double sum_g = 0, sum_gn = 0;
    for (int64_t c = 0; c < d; c++) {
        const double g = (double)gamma[c] * rins_get(&dy, r, c);
        sum_g += g;
        sum_gn += g * (x[c] - mean) * inv_std;
    }
    for (int64_t c = 0; c < d; c++) {
        const double n = (x[c] - mean) * inv_std, g = (double)gamma[c] * rins_get(&dy, r, c);
        const double value = (g - sum_g / (double)d - n * sum_gn / (double)d) * inv_std;
        rins_put(&dx, r, c, (float)(value + (dres.data ? rins_get(&dres, r, c) : 0)));
    }
}

/* One thread's rows: dx, and its part of dgamma and dbeta as double (2, D) at `partial`. */
static void backward_rows(RinsTensor dx, RinsTensor dres, RinsTensor dy, RinsTensor x, const float *gamma, float eps,
                          int64_t first, int64_t count, double *partial) {
    const int64_t d = x.cols;
    for (int64_t c = 0; c < 2 * d; c++) partial[c] = 0;
    for (int64_t r = first; r < first + count; r++) {
        const float *row = rins_row(&x, r);
        double mean, inv_std;
        row_moments(row, d, eps, &mean, &inv_std);
        for (int64_t c = 0; c < d; c++) {
            const double g = rins_get(&dy, r, c);
            partial[c] += g * (row[c] - mean) * inv_std;
            partial[d + c] += g;
        }
        if (dx.data) backward_row(dx, dres, dy, row, gamma, r, mean, inv_std);
    }
}

static void add_partials(const RinsDevice *dev, int parts, float *out, int64_t offset, int64_t d, bool accumulate) {
    if (!out) return;
    for (int64_t c = 0; c < d; c++) {
        double sum = accumulate ? out[c] : 0;
        for (int p = 0; p < parts; p++) sum += ((const double *)rins_cpu_scratch(dev, p))[offset + c];
        out[c] = (float)sum;
    }
}

void rins_layernorm_bwd_ref(RinsDevice *dev, RinsTensor dx, RinsTensor dres, float *dgamma, float *dbeta,
                            bool accumulate, RinsTensor dy, RinsTensor x, const float *gamma, float eps) {
    assert(dy.rows == x.rows && dy.cols == x.cols);
    if (!rins_cpu_reserve(dev, 2 * (size_t)x.cols * sizeof(double))) return;
    int parts = 1;
#pragma omp parallel num_threads(dev->threads)
    {
        int64_t first, count;
        rins_split(x.rows, 1, omp_get_thread_num(), omp_get_num_threads(), &first, &count);
        backward_rows(dx, dres, dy, x, gamma, eps, first, count, rins_cpu_scratch(dev, omp_get_thread_num()));
#pragma omp master
        parts = omp_get_num_threads();
    }
    add_partials(dev, parts, dgamma, 0, x.cols, accumulate);
    add_partials(dev, parts, dbeta, x.cols, x.cols, accumulate);
}
