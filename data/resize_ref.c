/* The resize's inner loops in plain C: what the vector versions must equal. */
#include "data/resize_kernels.h"

#include <string.h>

static void pack(const uint8_t *rows, size_t stride, int width, uint8_t *to) {
    for (int pair = 0; pair < (width + 3) / 4 * 2; pair++)
        for (int c = 0; c < 3; c++)
            for (int r = 0; r < RINS_RESIZE_ROWS; r++, to += 2) {
                to[0] = rows[(size_t)r * stride + (size_t)(6 * pair + c)];
                to[1] = rows[(size_t)r * stride + (size_t)(6 * pair + 3 + c)];
            }
}

static int even_part(int32_t packed) {
    return (int16_t)(packed & 0xffff);
}
static int odd_part(int32_t packed) {
    return packed >> 16;
}

static uint8_t weigh(const RinsWeightPair *weights, int count, const uint8_t *at, size_t stride) {
    int32_t sum = 1 << (RINS_WEIGHT_BITS - 1);
    for (int p = 0; p < count; p++, at += stride) {
        const int32_t even = even_part(weights[p].high) * 2048 + even_part(weights[p].low);
        const int32_t odd = odd_part(weights[p].high) * 2048 + odd_part(weights[p].low);
        sum += at[0] * even + at[1] * odd;
    }
    sum >>= RINS_WEIGHT_BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

static void weigh_row(const RinsAxisPlan *plan, int i, const uint8_t *pairs, size_t stride, uint8_t *to, int n) {
    for (int x = 0; x < n; x++)
        to[x] = weigh(plan->pairs + plan->offset[i], plan->count[i], pairs + 2 * (size_t)x, stride);
}

static void columns(const RinsAxisPlan *plan, const uint8_t *packed, uint8_t *to) {
    const size_t stride = 2 * RINS_RESIZE_CHUNK;
    for (int i = 0; i < plan->out; i++, to += RINS_RESIZE_CHUNK)
        weigh_row(plan, i, packed + (size_t)plan->first[i] * stride, stride, to, RINS_RESIZE_CHUNK);
}

static void unpack(const uint8_t *from, int units, uint8_t *to, size_t stride) {
    for (int u = 0; u < units; u++)
        for (int pair = 0; pair < RINS_RESIZE_ROWS / 2; pair++)
            memcpy(to + (size_t)pair * stride + 2 * (size_t)u, from + 16 * (size_t)u + 2 * (size_t)pair, 2);
}

static const RinsResizeKernels reference = {pack, columns, unpack, weigh_row, rins_interleave, rins_separate};

const RinsResizeKernels *rins_resize_kernels(RinsCpuLevel level) {
#ifdef __x86_64__
    if (level >= RINS_CPU_AVX512) return &rins_resize_avx512;
    if (level >= RINS_CPU_AVX2) return &rins_resize_avx2;
#endif
    (void)level;
    return &reference;
}
