/* Ops without a sum, and colsum. A matrix that is one contiguous range is split as such, so that one long row
   is work for all threads. */
#include "src/device/cpu/cpu_device.h"
#include "src/device/cpu/vec/vec_math.h"
#include "src/device/cpu/vec/vec_act.h"
#include "src/device/cpu/vec/vec_ops.h"

#include <omp.h>

/* Any view, as rows: contiguous ones become rows of LONG_ROW elements. */
enum { LONG_ROW = 4096 };

static bool contiguous(RinsTensor t) {
    return t.stride == t.cols || t.rows == 1;
}

/* Rows and columns to walk over; element (r, c) of the walk is (r, c) of tensors seen through as_walk. */
typedef struct Walk {
    int64_t rows, cols, last; /* the last row may be shorter */
} Walk;

static Walk walk_over(RinsTensor t, bool flat) {
    const int64_t n = t.rows * t.cols;
    if (!flat) return (Walk){t.rows, t.cols, t.cols};
    const int64_t rows = (n + LONG_ROW - 1) / LONG_ROW;
    return (Walk){rows, LONG_ROW, n - (rows - 1) * LONG_ROW};
}

static RinsTensor as_walk(RinsTensor t, bool flat) {
    if (flat) t.stride = LONG_ROW;
    return t;
}

static inline int64_t walk_cols(Walk w, int64_t r) {
    return r == w.rows - 1 ? w.last : w.cols;
}

VEC_INLINE void gelu_row(RinsAct act, const RinsTensor *y, const RinsTensor *x, int64_t r, int64_t cols) {
    for (int64_t c = 0; c < cols; c += VW) act_store(y, r, c, vf_act(act, act_load(x, r, c, cols - c)), cols - c);
}

void RINS_VEC(rins_gelu_fwd)(RinsDevice *dev, RinsTensor y, RinsTensor x, RinsAct act) {
    const bool flat = contiguous(y) && contiguous(x);
    const Walk w = walk_over(x, flat);
    y = as_walk(y, flat), x = as_walk(x, flat);
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t r = 0; r < w.rows; r++) {
        const int64_t cols = walk_cols(w, r);
        if (act == RINS_ACT_GELU_TANH)
            gelu_row(RINS_ACT_GELU_TANH, &y, &x, r, cols);
        else if (act == RINS_ACT_GELU_ERF)
            gelu_row(RINS_ACT_GELU_ERF, &y, &x, r, cols);
        else
            gelu_row(RINS_ACT_NONE, &y, &x, r, cols);
    }
}

VEC_INLINE void gelu_bwd_row(RinsAct act, const RinsTensor *dx, const RinsTensor *dy, const RinsTensor *x, int64_t r,
                             int64_t cols) {
    for (int64_t c = 0; c < cols; c += VW) {
        vf unused;
        const vf slope = vf_act_grad(act, act_load(x, r, c, cols - c), &unused);
        act_store(dx, r, c, slope * act_load(dy, r, c, cols - c), cols - c);
    }
}

void RINS_VEC(rins_gelu_bwd)(RinsDevice *dev, RinsTensor dx, RinsTensor dy, RinsTensor x, RinsAct act) {
    const bool flat = contiguous(dx) && contiguous(dy) && contiguous(x);
    const Walk w = walk_over(x, flat);
    dx = as_walk(dx, flat), dy = as_walk(dy, flat), x = as_walk(x, flat);
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t r = 0; r < w.rows; r++) {
        const int64_t cols = walk_cols(w, r);
        if (act == RINS_ACT_GELU_TANH)
            gelu_bwd_row(RINS_ACT_GELU_TANH, &dx, &dy, &x, r, cols);
        else if (act == RINS_ACT_GELU_ERF)
            gelu_bwd_row(RINS_ACT_GELU_ERF, &dx, &dy, &x, r, cols);
        else
            gelu_bwd_row(RINS_ACT_NONE, &dx, &dy, &x, r, cols);
    }
}

void RINS_VEC(rins_add)(RinsDevice *dev, RinsTensor y, RinsTensor a, RinsTensor b) {
    const bool flat = contiguous(y) && contiguous(a) && contiguous(b);
    const Walk w = walk_over(y, flat);
    y = as_walk(y, flat), a = as_walk(a, flat), b = as_walk(b, flat);
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t r = 0; r < w.rows; r++) {
        const int64_t cols = walk_cols(w, r);
        for (int64_t c = 0; c < cols; c += VW)
            act_store(&y, r, c, act_load(&a, r, c, cols - c) + act_load(&b, r, c, cols - c), cols - c);
    }
}

void RINS_VEC(rins_scale)(RinsDevice *dev, RinsTensor y, RinsTensor x, float s) {
    const bool flat = contiguous(y) && contiguous(x);
    const Walk w = walk_over(y, flat);
    y = as_walk(y, flat), x = as_walk(x, flat);
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t r = 0; r < w.rows; r++) {
        const int64_t cols = walk_cols(w, r);
        for (int64_t c = 0; c < cols; c += VW) act_store(&y, r, c, s * act_load(&x, r, c, cols - c), cols - c);
    }
}

VEC_INLINE void cast_row(const RinsTensor *to, const RinsTensor *from, int64_t r, int64_t cols) {
    int64_t c = 0;
    if (to->type == RINS_BF16 && from->type == RINS_F32) {
        uint16_t *low = (uint16_t *)to->data + r * to->stride;
        const float *full = (const float *)from->data + r * from->stride;
        for (; c + VW <= cols; c += VW) vh_store(low + c, vf_load(full + c));
    }
    for (; c < cols; c += VW) act_store(to, r, c, act_load(from, r, c, cols - c), cols - c);
}

void RINS_VEC(rins_cast)(RinsDevice *dev, RinsTensor to, RinsTensor from) {
    const bool flat = contiguous(to) && contiguous(from);
    const Walk w = walk_over(to, flat);
    to = as_walk(to, flat), from = as_walk(from, flat);
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t r = 0; r < w.rows; r++) cast_row(&to, &from, r, walk_cols(w, r));
}

/* Sums over blocks of rows in fp32, then over the blocks: the error stays that of short sums. */
enum { SUM_ROWS = 128 };

static void sum_rows(const RinsTensor *x, int64_t first, int64_t count, float *block, float *total) {
    const int64_t width = (x->cols + VW - 1) / VW * VW;
    memset(total, 0, (size_t)width * sizeof *total);
    for (int64_t from = first; from < first + count; from += SUM_ROWS) {
        const int64_t to = from + SUM_ROWS < first + count ? from + SUM_ROWS : first + count;
        memset(block, 0, (size_t)width * sizeof *block);
        for (int64_t r = from; r < to; r++)
            for (int64_t c = 0; c < x->cols; c += VW)
                vf_store(block + c, vf_load(block + c) + act_load(x, r, c, x->cols - c));
        for (int64_t c = 0; c < width; c += VW) vf_store(total + c, vf_load(total + c) + vf_load(block + c));
    }
}

void RINS_VEC(rins_colsum)(RinsDevice *dev, float *sum, RinsTensor x, bool accumulate) {
    const int64_t width = (x.cols + VW - 1) / VW * VW;
    if (!rins_cpu_reserve(dev, 2 * (size_t)width * sizeof(float))) return;
#pragma omp parallel num_threads(dev->threads)
    {
        const int thread = omp_get_thread_num(), team = omp_get_num_threads();
        float *total = rins_cpu_scratch(dev, thread);
        int64_t first, count;
        rins_split(x.rows, 1, thread, team, &first, &count);
        sum_rows(&x, first, count, total + width, total);
#pragma omp barrier
        rins_split(x.cols, 16, thread, team, &first, &count);
        for (int64_t c = first; c < first + count; c++) {
            float value = accumulate ? sum[c] : 0;
            for (int p = 0; p < team; p++) value += ((const float *)rins_cpu_scratch(dev, p))[c];
            sum[c] = value;
        }
    }
}
