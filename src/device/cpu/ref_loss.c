/* Both losses of image-text pairs. Each thread owns rows of x, then rows of y: logits are computed twice, and
   no sum is shared. Everything is in double. */
#include "src/device/cpu/act_type.h"
#include "src/device/cpu/cpu_device.h"
#include "src/device/cpu/ref_math.h"
#include "src/device/cpu/ref_ops.h"

#include <omp.h>

typedef struct Sums {
    double loss, dt, db;
} Sums;

static double dot(const float *a, const float *b, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)a[i] * b[i];
    return sum;
}

static void add_row(double *sum, double weight, const float *row, int64_t n) {
    for (int64_t i = 0; i < n; i++) sum[i] += weight * row[i];
}

static void store_row(const RinsTensor *to, int64_t r, const double *sum, double factor) {
    for (int64_t c = 0; c < to->cols; c++) rins_row(to, r)[c] = (float)(factor * sum[c]);
}

/* Sums of all threads in their order, at the start of each thread's scratch. */
static void finish(const RinsDevice *dev, const RinsPairLoss *p, int parts, double loss_factor) {
    Sums all = {0};
    for (int i = 0; i < parts; i++) {
        const Sums *part = rins_cpu_scratch(dev, i);
        all.loss += part->loss;
        all.dt += part->dt;
        all.db += part->db;
    }
    *p->loss = (float)(all.loss * loss_factor);
    if (p->dt) *p->dt = (float)all.dt;
    if (p->db) *p->db = (float)all.db;
}

/* Row i of x against all of y (`swapped`: row i of y against all of x): gradient of that row into `grad`. */
static void siglip_row(const RinsPairLoss *p, bool swapped, int64_t i, Sums *sums, double *grad) {
    const RinsTensor *mine = swapped ? &p->y : &p->x, *others = swapped ? &p->x : &p->y;
    const int64_t n = mine->rows, e = mine->cols;
    const double factor = exp((double)*p->t), bias = *p->b;
    for (int64_t c = 0; c < e; c++) grad[c] = 0;
    for (int64_t j = 0; j < n; j++) {
        const double cosine = dot(rins_row(mine, i), rins_row(others, j), e);
        const double z = i == j ? 1 : -1, logit = factor * cosine + bias;
        const double g = -z * rins_ref_sigmoid(-z * logit) / (double)n;
        sums->loss += rins_ref_softplus(-z * logit);
        sums->dt += g * factor * cosine;
        sums->db += g;
        add_row(grad, g, rins_row(others, j), e);
    }
    const RinsTensor *out = swapped ? &p->dy : &p->dx;
    if (out->data) store_row(out, i, grad, factor);
}

void rins_siglip_ref(RinsDevice *dev, const RinsPairLoss *p) {
    assert(p->x.rows == p->y.rows && p->x.cols == p->y.cols);
    if (!rins_cpu_reserve(dev, sizeof(Sums) + (size_t)p->x.cols * sizeof(double))) return;
    int parts = 1;
#pragma omp parallel num_threads(dev->threads)
    {
        Sums *sums = rins_cpu_scratch(dev, omp_get_thread_num()), unused = {0};
        double *grad = (double *)(sums + 1);
        *sums = (Sums){0};
#pragma omp for schedule(static) nowait
        for (int64_t i = 0; i < p->x.rows; i++) siglip_row(p, false, i, sums, grad);
#pragma omp for schedule(static)
        for (int64_t j = 0; j < p->y.rows; j++)
            if (p->dy.data) siglip_row(p, true, j, &unused, grad);
#pragma omp master
        parts = omp_get_num_threads();
    }
    finish(dev, p, parts, 1 / (double)p->x.rows);
}

/* log sum_j exp(factor mine_i . others_j) */
static double log_sum_exp(const RinsTensor *mine, const RinsTensor *others, int64_t i, double factor) {
    double peak = -INFINITY, total = 0;
    for (int64_t j = 0; j < others->rows; j++) {
        const double logit = factor * dot(rins_row(mine, i), rins_row(others, j), mine->cols);
        if (logit > peak) {
            total *= exp(peak - logit);
            peak = logit;
        }
        total += exp(logit - peak);
    }
    return peak + log(total);
}

/* d loss / d logit_ij = (softmax over row i + softmax over column j - 2 [i = j]) / 2n */
static void softmax_row(const RinsPairLoss *p, bool swapped, int64_t i, const double *lse_mine,
                        const double *lse_others, Sums *sums, double *grad) {
    const RinsTensor *mine = swapped ? &p->y : &p->x, *others = swapped ? &p->x : &p->y;
    const int64_t n = mine->rows, e = mine->cols;
    const double factor = exp((double)*p->t);
    for (int64_t c = 0; c < e; c++) grad[c] = 0;
    for (int64_t j = 0; j < n; j++) {
        const double logit = factor * dot(rins_row(mine, i), rins_row(others, j), e);
        const double target = i == j ? 2 : 0;
        const double g = (exp(logit - lse_mine[i]) + exp(logit - lse_others[j]) - target) / (2 * (double)n);
        if (i == j) sums->loss += lse_mine[i] + lse_others[i] - 2 * logit;
        sums->dt += g * logit;
        add_row(grad, g, rins_row(others, j), e);
    }
    const RinsTensor *out = swapped ? &p->dy : &p->dx;
    if (out->data) store_row(out, i, grad, factor);
}

void rins_softmax_loss_ref(RinsDevice *dev, const RinsPairLoss *p) {
    assert(p->x.rows == p->y.rows && p->x.cols == p->y.cols);
    const int64_t n = p->x.rows, e = p->x.cols;
    if (!rins_cpu_reserve(dev, sizeof(Sums) + (size_t)(e + 2 * n) * sizeof(double))) return;
    double *lse_x = (double *)((Sums *)rins_cpu_scratch(dev, 0) + 1) + e, *lse_y = lse_x + n;
    const double factor = exp((double)*p->t);
    int parts = 1;
#pragma omp parallel num_threads(dev->threads)
    {
        Sums *sums = rins_cpu_scratch(dev, omp_get_thread_num()), unused = {0};
        double *grad = (double *)(sums + 1);
        *sums = (Sums){0};
#pragma omp for schedule(static)
        for (int64_t i = 0; i < n; i++) {
            lse_x[i] = log_sum_exp(&p->x, &p->y, i, factor);
            lse_y[i] = log_sum_exp(&p->y, &p->x, i, factor);
        }
#pragma omp for schedule(static) nowait
        for (int64_t i = 0; i < n; i++) softmax_row(p, false, i, lse_x, lse_y, sums, grad);
#pragma omp for schedule(static)
        for (int64_t j = 0; j < n; j++)
            if (p->dy.data) softmax_row(p, true, j, lse_y, lse_x, &unused, grad);
#pragma omp master
        parts = omp_get_num_threads();
    }
    finish(dev, p, parts, 1 / (2 * (double)n));
}
