/* Both losses of image-text pairs in square blocks of logits: one shared buffer of BLOCK x BLOCK floats
   whatever n.

   All threads work on one block at a time. Each computes some of its rows, g = d loss / d logit, and adds g .
   y to its rows of dx; after a barrier each adds g^T . x to some rows of dy. So no sum is shared, and every
   product is a GEMM. */
#include "src/device/cpu/cpu_device.h"
#include "src/device/cpu/vec/vec_math.h"
#include "src/device/cpu/vec/vec_ops.h"

#include <cblas.h>
#include <math.h>
#include <omp.h>

enum {
    BLOCK = 1024, /* 4 MiB of logits */
    PANEL = 64    /* rows whose logits stay in L2 between product and exp */
};

typedef struct Sums {
    double loss, dt, db;
} Sums;

/* What the threads of one call share. */
typedef struct Work {
    const RinsPairLoss *p;
    float *g;     /* (BLOCK, BLOCK) */
    float factor; /* exp(t) */
    float bias;
    double inverse_n;
    float *row_lse, *col_lse; /* softmax: (n) each */
} Work;

static const float *row_of(const RinsTensor *t, int64_t r) {
    return (const float *)t->data + r * t->stride;
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* to (rows, cols; BLOCK) = factor * x[row..] . y[col..]^T */
static void logits(const Work *w, int64_t row, int64_t rows, int64_t col, int64_t cols, float *to) {
    const RinsTensor *x = &w->p->x, *y = &w->p->y;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)rows, (blasint)cols, (blasint)x->cols, w->factor,
                row_of(x, row), (blasint)x->stride, row_of(y, col), (blasint)y->stride, 0, to, BLOCK);
}

/* to[row..] (+)= factor * g (rows, cols; BLOCK) . from[col..], or of g transposed. */
static void spread(const Work *w, bool transposed, int64_t rows, int64_t cols, const float *g, const RinsTensor *from,
                   int64_t col, const RinsTensor *to, int64_t row, bool add) {
    cblas_sgemm(CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, CblasNoTrans, (blasint)rows, (blasint)from->cols,
                (blasint)cols, w->factor, g, BLOCK, row_of(from, col), (blasint)from->stride, add ? 1 : 0,
                (float *)to->data + row * to->stride, (blasint)to->stride);
}

VEC_INLINE void add_double(vd sum[2], vf x) {
    sum[0] += vd_low(x);
    sum[1] += vd_high(x);
}

/* One row of logits without bias, in place to g. Off the diagonal z = -1: loss softplus(l), g = sigmoid(l) /
   n. The diagonal element, at `diagonal` where it lies in this row, is taken out of the vectors and done in
   double. */
static void siglip_row(const Work *w, float *row, int64_t cols, int64_t diagonal, Sums *sums) {
    vd loss[2] = {{0}}, dt[2] = {{0}}, db[2] = {{0}};
    const bool has = diagonal >= 0 && diagonal < cols;
    const double positive = has ? row[diagonal] : 0;
    if (has) row[diagonal] = -200 - w->bias; /* contributes 1e-38 */
    for (int64_t j = 0; j < cols; j += VW) {
        const int64_t left = cols - j;
        vf scaled = left >= VW ? vf_load(row + j) : vf_load_n(row + j, left), sigmoid;
        if (left < VW)
            for (int64_t i = left; i < VW; i++) scaled[i] = -200 - w->bias;
        add_double(loss, vf_softplus(scaled + w->bias, &sigmoid));
        add_double(dt, sigmoid * scaled);
        add_double(db, sigmoid);
        const vf g = sigmoid * (float)w->inverse_n;
        if (left >= VW)
            vf_store(row + j, g);
        else
            vf_store_n(row + j, g, left);
    }
    sums->loss += vd_sum(loss[0] + loss[1]);
    sums->dt += vd_sum(dt[0] + dt[1]);
    sums->db += vd_sum(db[0] + db[1]);
    if (!has) return;
    const double l = positive + (double)w->bias, e = exp(-fabs(l)), g = (l >= 0 ? e : 1) / (1 + e); /* sigmoid(-l) */
    sums->loss += fmax(-l, 0) + log1p(e);
    sums->dt -= g * positive;
    sums->db -= g;
    row[diagonal] = (float)(-g * w->inverse_n);
}

/* g_ij = (softmax over row i + softmax over column j - 2 [i = j]) / 2n; the loss comes
   from the log-sum-exps. */
static void softmax_row(const Work *w, float *row, int64_t i, int64_t col, int64_t cols, Sums *sums) {
    vd dt[2] = {{0}};
    const int64_t diagonal = i - col;
    for (int64_t j = 0; j < cols; j += VW) {
        const int64_t left = cols - j;
        const bool whole = left >= VW;
        const vf l = whole ? vf_load(row + j) : vf_load_n(row + j, left);
        const vf lse = whole ? vf_load(w->col_lse + col + j) : vf_load_n(w->col_lse + col + j, left);
        vf g = vf_exp(l - w->row_lse[i]) + vf_exp(l - lse);
        if (diagonal >= j && diagonal < j + VW) {
            g[diagonal - j] -= 2;
            sums->loss += (double)w->row_lse[i] + w->col_lse[i] - 2 * (double)row[diagonal];
        }
        add_double(dt, g * l); /* beyond `left` l is 0 */
        g *= (float)(0.5 * w->inverse_n);
        if (whole)
            vf_store(row + j, g);
        else
            vf_store_n(row + j, g, left);
    }
    sums->dt += 0.5 * vd_sum(dt[0] + dt[1]);
}

/* This thread's part of one block; all threads call it together. */
static void do_block(const Work *w, int64_t i0, int64_t rows, int64_t j0, int64_t cols, bool softmax, Sums *sums) {
    const RinsPairLoss *p = w->p;
    const int thread = omp_get_thread_num(), team = omp_get_num_threads();
    int64_t first, count;
    rins_split(rows, 8, thread, team, &first, &count);
    for (int64_t at = first; at < first + count; at += PANEL) {
        const int64_t some = least(PANEL, first + count - at);
        float *g = w->g + at * BLOCK;
        logits(w, i0 + at, some, j0, cols, g);
        for (int64_t r = 0; r < some; r++)
            if (softmax)
                softmax_row(w, g + r * BLOCK, i0 + at + r, j0, cols, sums);
            else
                siglip_row(w, g + r * BLOCK, cols, i0 + at + r - j0, sums);
    }
    if (p->dx.data && count > 0)
        spread(w, false, count, cols, w->g + first * BLOCK, &p->y, j0, &p->dx, i0 + first, j0 > 0);
    if (p->dy.data) {
#pragma omp barrier
        rins_split(cols, 8, thread, team, &first, &count);
        if (count > 0) spread(w, true, count, rows, w->g + first, &p->x, i0, &p->dy, j0 + first, i0 > 0);
    }
    /* The next block has other rows, so another thread's part of g begins where this one's still is. */
#pragma omp barrier
}

static void all_blocks(const Work *w, bool softmax, Sums *sums) {
    const int64_t n = w->p->x.rows;
    for (int64_t i = 0; i < n; i += BLOCK)
        for (int64_t j = 0; j < n; j += BLOCK)
            do_block(w, i, least(BLOCK, n - i), j, least(BLOCK, n - j), softmax, sums);
}

static void store_sums(const RinsDevice *dev, const Work *w, int parts, double loss_factor) {
    Sums all = {0};
    for (int i = 0; i < parts; i++) {
        const Sums *part = rins_cpu_scratch(dev, i);
        all.loss += part->loss;
        all.dt += part->dt;
        all.db += part->db;
    }
    *w->p->loss = (float)(all.loss * w->inverse_n * loss_factor);
    if (w->p->dt) *w->p->dt = (float)(all.dt * w->inverse_n);
    if (w->p->db) *w->p->db = (float)(all.db * w->inverse_n);
}

/* A team of one is no parallel region to OpenBLAS: it would start threads of its own. */
static int quiet_blas(const RinsDevice *dev) {
    const int usual = omp_get_max_threads();
    if (dev->threads == 1) omp_set_num_threads(1);
    return usual;
}

void RINS_VEC(rins_siglip)(RinsDevice *dev, const RinsPairLoss *p) {
    Work w = {.p = p, .factor = (float)exp((double)*p->t), .bias = *p->b, .inverse_n = 1 / (double)p->x.rows};
    w.g = rins_cpu_shared(dev, sizeof(float) * BLOCK * (size_t)least(BLOCK, p->x.rows));
    if (!w.g || !rins_cpu_reserve(dev, sizeof(Sums))) return;
    const int usual = quiet_blas(dev);
    int parts = 1;
#pragma omp parallel num_threads(dev->threads)
    {
        Sums *sums = rins_cpu_scratch(dev, omp_get_thread_num());
        *sums = (Sums){0};
        all_blocks(&w, false, sums);
#pragma omp master
        parts = omp_get_num_threads();
    }
    omp_set_num_threads(usual);
    store_sums(dev, &w, parts, 1);
}

/* Log-sum-exps, first pass. Running peak and sum of a set of logits. */
static void join(float *peak, float *sum, float other_peak, float other_sum) {
    if (other_peak > *peak) {
        *sum = *sum * expf(*peak - other_peak) + other_sum;
        *peak = other_peak;
    } else {
        *sum += other_sum * expf(other_peak - *peak); /* NaN stays: comparisons with it are false */
    }
}

static void row_statistics(const float *row, int64_t cols, float *peak, float *sum) {
    vf top = vf_set(-3e38f), total = {0};
    int64_t j = 0;
    for (; j + VW <= cols; j += VW) top = vf_max(top, vf_load(row + j));
    float high = vf_peak(top);
    for (int64_t i = j; i < cols; i++) high = row[i] > high ? row[i] : high;
    for (j = 0; j + VW <= cols; j += VW) total += vf_exp(vf_load(row + j) - high);
    float rest = vf_sum(total);
    for (; j < cols; j++) rest += expf(row[j] - high);
    join(peak, sum, high, rest);
}

/* Adds PANEL rows at most to the running peak and sum of each column. */
static void column_statistics(const float *g, int64_t rows, int64_t cols, float *peak, float *sum) {
    for (int64_t j = 0; j < cols; j += VW) {
        const int64_t left = cols - j;
        const bool whole = left >= VW;
        const vf old = whole ? vf_load(peak + j) : vf_load_n(peak + j, left);
        vf top = old, total = whole ? vf_load(sum + j) : vf_load_n(sum + j, left);
        for (int64_t r = 0; r < rows; r++)
            top = vf_max(top, whole ? vf_load(g + r * BLOCK + j) : vf_load_n(g + r * BLOCK + j, left));
        total *= vf_exp(old - top);
        for (int64_t r = 0; r < rows; r++)
            total += vf_exp((whole ? vf_load(g + r * BLOCK + j) : vf_load_n(g + r * BLOCK + j, left)) - top);
        if (whole)
            vf_store(peak + j, top), vf_store(sum + j, total);
        else
            vf_store_n(peak + j, top, left), vf_store_n(sum + j, total, left);
    }
}

/* Scratch of a thread: Sums, then column peaks and sums (n each). */
static float *column_scratch(const RinsDevice *dev, int thread) {
    return (float *)((Sums *)rins_cpu_scratch(dev, thread) + 1);
}

static void gather_statistics(const RinsDevice *dev, const Work *w) {
    const int thread = omp_get_thread_num(), team = omp_get_num_threads();
    const int64_t n = w->p->x.rows;
    float *peak = column_scratch(dev, thread), *sum = peak + n;
    for (int64_t j = 0; j < n; j++) peak[j] = -3e38f, sum[j] = 0;
    int64_t first, count;
    rins_split(n, 8, thread, team, &first, &count);
    float *g = w->g + (int64_t)thread * PANEL * BLOCK;
    for (int64_t i = first; i < first + count; i += PANEL) {
        const int64_t rows = least(PANEL, first + count - i);
        float top[PANEL], total[PANEL];
        for (int64_t r = 0; r < rows; r++) top[r] = -3e38f, total[r] = 0;
        for (int64_t j = 0; j < n; j += BLOCK) {
            const int64_t cols = least(BLOCK, n - j);
            logits(w, i, rows, j, cols, g);
            for (int64_t r = 0; r < rows; r++) row_statistics(g + r * BLOCK, cols, &top[r], &total[r]);
            column_statistics(g, rows, cols, peak + j, sum + j);
        }
        for (int64_t r = 0; r < rows; r++) w->row_lse[i + r] = top[r] + logf(total[r]);
    }
#pragma omp barrier
    rins_split(n, 16, thread, team, &first, &count);
    for (int64_t j = first; j < first + count; j++) {
        float top = -3e38f, total = 0;
        for (int t = 0; t < team; t++) join(&top, &total, column_scratch(dev, t)[j], column_scratch(dev, t)[n + j]);
        w->col_lse[j] = top + logf(total);
    }
#pragma omp barrier
}

void RINS_VEC(rins_softmax_loss)(RinsDevice *dev, const RinsPairLoss *p) {
    const int64_t n = p->x.rows;
    Work w = {.p = p, .factor = (float)exp((double)*p->t), .inverse_n = 1 / (double)n};
    const size_t block_rows = (size_t)(n < BLOCK ? n : BLOCK), panels = (size_t)dev->threads * PANEL;
    const size_t rows = block_rows > panels ? block_rows : panels;
    w.g = rins_cpu_shared(dev, sizeof(float) * (BLOCK * rows + 2 * (size_t)n));
    if (!w.g || !rins_cpu_reserve(dev, sizeof(Sums) + 2 * (size_t)n * sizeof(float))) return;
    w.row_lse = w.g + BLOCK * rows;
    w.col_lse = w.row_lse + n;
    const int usual = quiet_blas(dev);
    int parts = 1;
#pragma omp parallel num_threads(dev->threads)
    {
        Sums *sums = rins_cpu_scratch(dev, omp_get_thread_num());
        *sums = (Sums){0};
        gather_statistics(dev, &w);
        all_blocks(&w, true, sums);
#pragma omp master
        parts = omp_get_num_threads();
    }
    omp_set_num_threads(usual);
    store_sums(dev, &w, parts, 0.5);
}
