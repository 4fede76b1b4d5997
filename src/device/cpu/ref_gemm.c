#include "src/device/cpu/act_type.h"
#include "src/device/cpu/cpu_device.h"
#include "src/device/cpu/ref_math.h"
#include "src/device/cpu/ref_ops.h"

#include <omp.h>

/* Row m of op(a) . op(b) in double; b is walked in the order in which it lies in memory. */
static void product_row(const RinsGemm *g, int64_t m, int64_t k_dim, double *acc) {
    const int64_t n_dim = g->c.cols;
    for (int64_t n = 0; n < n_dim; n++) acc[n] = 0;
    if (g->trans_b) {
        for (int64_t n = 0; n < n_dim; n++)
            for (int64_t k = 0; k < k_dim; k++) {
                const float a = g->trans_a ? rins_get(&g->a, k, m) : rins_get(&g->a, m, k);
                acc[n] += (double)a * rins_get(&g->b, n, k);
            }
        return;
    }
    for (int64_t k = 0; k < k_dim; k++) {
        const double a = g->trans_a ? rins_get(&g->a, k, m) : rins_get(&g->a, m, k);
        for (int64_t n = 0; n < n_dim; n++) acc[n] += a * rins_get(&g->b, k, n);
    }
}

static void epilogue_row(const RinsGemm *g, int64_t m, const double *acc) {
    for (int64_t n = 0; n < g->c.cols; n++) {
        double value = acc[n];
        if (g->bias) value += g->bias[n];
        if (g->pre.data) rins_put(&g->pre, m, n, (float)value);
        if (g->act_grad.data) {
            const double saved = rins_get(&g->act_grad, m, n);
            value *= rins_ref_act_grad(g->act, saved);
            if (g->act_out.data) rins_put(&g->act_out, m, n, (float)rins_ref_act(g->act, saved));
        } else {
            value = rins_ref_act(g->act, value);
        }
        if (g->residual.data) value += rins_get(&g->residual, m % g->residual.rows, n);
        if (g->accumulate) value += rins_get(&g->c, m, n);
        rins_put(&g->c, m, n, (float)value);
    }
}

static void row_sum(const RinsGemm *g, int64_t m, int64_t k_dim) {
    double sum = g->accumulate ? g->a_row_sum[m] : 0;
    for (int64_t k = 0; k < k_dim; k++) sum += g->trans_a ? rins_get(&g->a, k, m) : rins_get(&g->a, m, k);
    g->a_row_sum[m] = (float)sum;
}

void rins_gemm_ref(RinsDevice *dev, const RinsGemm *g) {
    const int64_t k_dim = g->trans_a ? g->a.rows : g->a.cols;
    assert((g->trans_a ? g->a.cols : g->a.rows) == g->c.rows);
    assert((g->trans_b ? g->b.cols : g->b.rows) == k_dim);
    assert((g->trans_b ? g->b.rows : g->b.cols) == g->c.cols);
    rins_count_gemm(dev, g);
    if (!rins_cpu_reserve(dev, (size_t)g->c.cols * sizeof(double))) return;
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t m = 0; m < g->c.rows; m++) {
        double *acc = rins_cpu_scratch(dev, omp_get_thread_num());
        product_row(g, m, k_dim, acc);
        epilogue_row(g, m, acc);
        if (g->a_row_sum) row_sum(g, m, k_dim);
    }
}
