/* Token embedding, pooling and l2 normalisation. */
#include "src/device/cpu/act_type.h"
#include "src/device/cpu/cpu_device.h"
#include "src/device/cpu/ref_ops.h"

#include <math.h>
#include <omp.h>

static void report_bad_id(RinsDevice *dev) {
    rins_device_set_error(dev, RINS_ERR_ARG,
                          "a token id lies outside the embedding table: the tokenizer has more "
                          "entries than the model's vocabulary");
}

void rins_embed_fwd_ref(RinsDevice *dev, RinsTensor out, const int32_t *ids, RinsTensor table, RinsTensor pos) {
    assert(out.rows % pos.rows == 0 && out.cols == table.cols && out.cols == pos.cols);
    int bad = 0;
#pragma omp parallel for num_threads(dev->threads) schedule(static) reduction(| : bad)
    for (int64_t r = 0; r < out.rows; r++) {
        if (ids[r] < 0 || ids[r] >= table.rows) {
            bad = 1;
            continue;
        }
        const float *token = rins_row(&table, ids[r]), *place = rins_row(&pos, r % pos.rows);
        float *row = rins_row(&out, r);
        for (int64_t c = 0; c < out.cols; c++) row[c] = token[c] + place[c];
    }
    if (bad) report_bad_id(dev);
}

/* Each thread owns a range of columns of the table: frequent tokens (padding) stay balanced, sums keep their order. */
static int scatter_columns(RinsTensor dtable, RinsTensor dout, const int32_t *ids, bool accumulate, int64_t first,
                           int64_t count) {
    int bad = 0;
    if (!accumulate)
        for (int64_t r = 0; r < dtable.rows; r++)
            memset(rins_row(&dtable, r) + first, 0, (size_t)count * sizeof(float));
    for (int64_t r = 0; r < dout.rows; r++) {
        if (ids[r] < 0 || ids[r] >= dtable.rows) {
            bad = 1;
            continue;
        }
        float *to = rins_row(&dtable, ids[r]) + first;
        const float *from = rins_row(&dout, r) + first;
        for (int64_t c = 0; c < count; c++) to[c] += from[c];
    }
    return bad;
}

static void position_row(RinsTensor dpos, RinsTensor dout, int64_t l, bool accumulate) {
    float *to = rins_row(&dpos, l);
    for (int64_t r = l; r < dout.rows; r += dpos.rows) {
        const float *from = rins_row(&dout, r);
        const bool add = accumulate || r != l;
        for (int64_t c = 0; c < dpos.cols; c++) to[c] = (add ? to[c] : 0) + from[c];
    }
}

void rins_embed_bwd_ref(RinsDevice *dev, RinsTensor dtable, RinsTensor dpos, RinsTensor dout, const int32_t *ids,
                        bool accumulate) {
    assert(dout.rows % dpos.rows == 0 && dout.cols == dtable.cols && dout.cols == dpos.cols);
    int bad = 0;
#pragma omp parallel num_threads(dev->threads) reduction(| : bad)
    {
        int64_t first, count;
        rins_split(dout.cols, 16, omp_get_thread_num(), omp_get_num_threads(), &first, &count);
        if (count > 0) bad = scatter_columns(dtable, dout, ids, accumulate, first, count);
#pragma omp for schedule(static)
        for (int64_t l = 0; l < dpos.rows; l++) position_row(dpos, dout, l, accumulate);
    }
    if (bad) report_bad_id(dev);
}

void rins_pool_fwd_ref(RinsDevice *dev, RinsTensor out, RinsTensor x, int64_t length, int64_t row) {
    assert(x.rows == out.rows * length && x.cols == out.cols && row < length);
    const float inverse = 1.0f / (float)length;
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t b = 0; b < out.rows; b++) {
        float *to = rins_row(&out, b);
        if (row >= 0) {
            memcpy(to, rins_row(&x, b * length + row), (size_t)out.cols * sizeof(float));
            continue;
        }
        for (int64_t c = 0; c < out.cols; c++) to[c] = 0;
        for (int64_t l = 0; l < length; l++)
            for (int64_t c = 0; c < out.cols; c++) to[c] += rins_row(&x, b * length + l)[c];
        for (int64_t c = 0; c < out.cols; c++) to[c] *= inverse;
    }
}

void rins_pool_bwd_ref(RinsDevice *dev, RinsTensor dx, RinsTensor dout, int64_t length, int64_t row) {
    assert(dx.rows == dout.rows * length && dx.cols == dout.cols && row < length);
    const float inverse = 1.0f / (float)length;
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t r = 0; r < dx.rows; r++) {
        const float *from = rins_row(&dout, r / length);
        const float share = row < 0 ? inverse : r % length == row ? 1.0f : 0.0f;
        float *to = rins_row(&dx, r);
        for (int64_t c = 0; c < dx.cols; c++) to[c] = share == 0 ? 0 : share * from[c];
    }
}

void rins_l2norm_fwd_ref(RinsDevice *dev, RinsTensor y, float *inv_norm, RinsTensor x) {
    assert(y.rows == x.rows && y.cols == x.cols);
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t r = 0; r < x.rows; r++) {
        const float *from = rins_row(&x, r);
        double square = 0;
        for (int64_t c = 0; c < x.cols; c++) square += (double)from[c] * from[c];
        const double inverse = 1 / fmax(sqrt(square), 1e-12);
        for (int64_t c = 0; c < x.cols; c++) rins_row(&y, r)[c] = (float)(from[c] * inverse);
        inv_norm[r] = (float)inverse;
    }
}

/* dx = (dy - y (y . dy)) / |x|. Below the floor of 1e-12 the norm is a constant, and y, being tiny, drops out. */
void rins_l2norm_bwd_ref(RinsDevice *dev, RinsTensor dx, RinsTensor dy, RinsTensor y, const float *inv_norm) {
    assert(dx.rows == y.rows && dx.cols == y.cols && dy.rows == y.rows && dy.cols == y.cols);
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t r = 0; r < y.rows; r++) {
        const float *unit = rins_row(&y, r), *grad = rins_row(&dy, r);
        double along = 0;
        for (int64_t c = 0; c < y.cols; c++) along += (double)unit[c] * grad[c];
        for (int64_t c = 0; c < y.cols; c++) rins_row(&dx, r)[c] = (float)((grad[c] - unit[c] * along) * inv_norm[r]);
    }
}
