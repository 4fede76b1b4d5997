#include "src/device/cpu/act_type.h"
#include "src/device/cpu/cpu_device.h"
#include "src/device/cpu/ref_math.h"
#include "src/device/cpu/ref_ops.h"

#include <omp.h>

void rins_copy_ref(RinsDevice *dev, RinsTensor to, RinsTensor from) {
    assert(to.rows == from.rows && to.cols == from.cols && to.type == from.type);
    const size_t size = rins_type_size(to.type), bytes = (size_t)to.cols * size;
    const size_t to_pitch = (size_t)to.stride * size, from_pitch = (size_t)from.stride * size;
    if (!bytes) return;
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t r = 0; r < to.rows; r++)
        memcpy((char *)to.data + (size_t)r * to_pitch, (const char *)from.data + (size_t)r * from_pitch, bytes);
}

void rins_zero_ref(RinsDevice *dev, void *data, size_t bytes) {
    if (!bytes) return;
#pragma omp parallel num_threads(dev->threads)
    {
        int64_t first, count;
        rins_split((int64_t)bytes, 4096, omp_get_thread_num(), omp_get_num_threads(), &first, &count);
        if (count > 0) memset((char *)data + first, 0, (size_t)count);
    }
}

void rins_gelu_fwd_ref(RinsDevice *dev, RinsTensor y, RinsTensor x, RinsAct act) {
    assert(y.rows == x.rows && y.cols == x.cols);
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t r = 0; r < x.rows; r++)
        for (int64_t c = 0; c < x.cols; c++) rins_put(&y, r, c, (float)rins_ref_act(act, rins_get(&x, r, c)));
}

void rins_gelu_bwd_ref(RinsDevice *dev, RinsTensor dx, RinsTensor dy, RinsTensor x, RinsAct act) {
    assert(dx.rows == x.rows && dx.cols == x.cols && dy.rows == x.rows && dy.cols == x.cols);
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t r = 0; r < x.rows; r++)
        for (int64_t c = 0; c < x.cols; c++)
            rins_put(&dx, r, c, (float)(rins_get(&dy, r, c) * rins_ref_act_grad(act, rins_get(&x, r, c))));
}

void rins_add_ref(RinsDevice *dev, RinsTensor y, RinsTensor a, RinsTensor b) {
    assert(y.rows == a.rows && y.cols == a.cols && y.rows == b.rows && y.cols == b.cols);
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t r = 0; r < y.rows; r++)
        for (int64_t c = 0; c < y.cols; c++) rins_row(&y, r)[c] = rins_row(&a, r)[c] + rins_row(&b, r)[c];
}

void rins_scale_ref(RinsDevice *dev, RinsTensor y, RinsTensor x, float s) {
    assert(y.rows == x.rows && y.cols == x.cols);
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t r = 0; r < y.rows; r++)
        for (int64_t c = 0; c < y.cols; c++) rins_row(&y, r)[c] = s * rins_row(&x, r)[c];
}

/* Each thread owns a range of columns, so nothing is added twice or out of order. */
void rins_colsum_ref(RinsDevice *dev, float *sum, RinsTensor x, bool accumulate) {
    if (!rins_cpu_reserve(dev, (size_t)x.cols * sizeof(double))) return;
#pragma omp parallel num_threads(dev->threads)
    {
        int64_t first, count;
        double *acc = rins_cpu_scratch(dev, omp_get_thread_num());
        rins_split(x.cols, 16, omp_get_thread_num(), omp_get_num_threads(), &first, &count);
        for (int64_t c = 0; c < count; c++) acc[c] = accumulate ? sum[first + c] : 0;
        for (int64_t r = 0; r < x.rows; r++)
            for (int64_t c = 0; c < count; c++) acc[c] += rins_get(&x, r, first + c);
        for (int64_t c = 0; c < count; c++) sum[first + c] = (float)acc[c];
    }
}

void rins_cast_ref(RinsDevice *dev, RinsTensor to, RinsTensor from) {
    assert(to.rows == from.rows && to.cols == from.cols);
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t r = 0; r < to.rows; r++)
        for (int64_t c = 0; c < to.cols; c++) rins_put(&to, r, c, rins_get(&from, r, c));
}
