#include "src/device/cpu/attention_head.h"
#include "src/device/cpu/act_type.h"
#include "src/device/cpu/cpu_device.h"
#include "src/device/cpu/ref_ops.h"

#include <math.h>
#include <omp.h>

static double dot(const RinsTensor *a, int64_t i, const RinsTensor *b, int64_t j) {
    double sum = 0;
    for (int64_t c = 0; c < a->cols; c++) sum += (double)rins_get(a, i, c) * rins_get(b, j, c);
    return sum;
}

/* sum[c] = sum_j weight[j] t[j, c] */
static void weighted_rows(const RinsTensor *t, const double *weight, double *sum) {
    for (int64_t c = 0; c < t->cols; c++) sum[c] = 0;
    for (int64_t j = 0; j < t->rows; j++)
        for (int64_t c = 0; c < t->cols; c++) sum[c] += weight[j] * rins_get(t, j, c);
}

static void forward_row(const RinsHead *h, int64_t i, double scale, double *p, double *sum) {
    const int64_t lk = h->k.rows;
    double peak = -INFINITY, total = 0;
    for (int64_t j = 0; j < lk; j++) {
        p[j] = dot(&h->q, i, &h->k, j) * scale;
        peak = fmax(peak, p[j]);
    }
    for (int64_t j = 0; j < lk; j++) total += p[j] = exp(p[j] - peak);
    for (int64_t j = 0; j < lk; j++) p[j] /= total;
    weighted_rows(&h->v, p, sum);
    for (int64_t c = 0; c < h->v.cols; c++) rins_put(&h->out, i, c, (float)sum[c]);
    if (h->lse) h->lse[i] = (float)(peak + log(total));
}

void rins_attention_fwd_ref(RinsDevice *dev, const RinsAttention *a) {
    rins_count_attention(dev, a, false);
    if (!rins_cpu_reserve(dev, (size_t)(a->lk + a->head_dim) * sizeof(double))) return;
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t n = 0; n < a->batch * a->heads * a->lq; n++) {
        double *p = rins_cpu_scratch(dev, omp_get_thread_num());
        const RinsHead h = rins_head_view(a, n / a->lq);
        forward_row(&h, n % a->lq, a->scale, p, p + a->lk);
    }
}

/* With P = softmax, dP = dout v^T and delta = dout . out:  dS = P (dP - delta);
   dq = scale dS k, dk = scale dS^T q, dv = P^T dout. dk and dv grow row by row in double
   (lk, head_dim) each. */
static void backward_head(const RinsHead *h, bool one_dkv, double scale, double *ds, double *sum, double *dk,
                          double *dv) {
    const int64_t lq = h->q.rows, lk = h->k.rows, hd = h->q.cols;
    for (int64_t e = 0; e < lk * hd; e++) dk[e] = dv[e] = 0;
    for (int64_t i = 0; i < lq; i++) {
        const double delta = dot(&h->dout, i, &h->out, i);
        for (int64_t j = 0; j < lk; j++) {
            const double p = exp(dot(&h->q, i, &h->k, j) * scale - h->lse[i]);
            ds[j] = p * (dot(&h->dout, i, &h->v, j) - delta) * scale;
            for (int64_t c = 0; c < hd; c++) {
                dv[j * hd + c] += p * rins_get(&h->dout, i, c);
                dk[j * hd + c] += ds[j] * rins_get(&h->q, i, c);
            }
        }
        weighted_rows(&h->k, ds, sum);
        for (int64_t c = 0; c < hd; c++) rins_put(&h->dq, i, c, (float)sum[c]);
    }
    for (int64_t j = 0; j < lk; j++)
        for (int64_t c = 0; c < hd; c++) {
            const double of_k = dk[j * hd + c], of_v = dv[j * hd + c];
            rins_put(&h->dk, j, c, (float)of_k);
            rins_put(&h->dv, j, c, (float)(one_dkv ? of_k + of_v : of_v));
        }
}

void rins_attention_bwd_ref(RinsDevice *dev, const RinsAttention *a) {
    const int64_t lk = a->lk, hd = a->head_dim;
    rins_count_attention(dev, a, true);
    if (!rins_cpu_reserve(dev, (size_t)(lk + hd + 2 * lk * hd) * sizeof(double))) return;
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t n = 0; n < a->batch * a->heads; n++) {
        double *ds = rins_cpu_scratch(dev, omp_get_thread_num());
        const RinsHead h = rins_head_view(a, n);
        backward_head(&h, rins_attention_one_dkv(a), a->scale, ds, ds + lk, ds + lk + hd, ds + lk + hd + lk * hd);
    }
}
