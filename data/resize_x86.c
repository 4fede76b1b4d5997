/* The resize's inner loops for AVX2, and with RINS_RESIZE_512 for AVX-512: compiled once per level. */
#ifdef __x86_64__
#include "data/resize_kernels.h"

#include <immintrin.h>
#include <string.h>

enum { PARTS = 3 }; /* vectors of sums at a time: with more, their registers spill */

#ifdef RINS_RESIZE_512
typedef __m512i Vec;
static inline Vec load_pairs(const uint8_t *at) {
    return _mm512_cvtepu8_epi16(_mm256_loadu_si256((const void *)at));
}
static inline Vec spread(int32_t x) {
    return _mm512_set1_epi32(x);
}
static inline Vec add(Vec a, Vec b) {
    return _mm512_add_epi32(a, b);
}
static inline Vec multiply(Vec a, Vec b) {
    return _mm512_madd_epi16(a, b);
}
static inline Vec finish(Vec high, Vec low) {
    return _mm512_srai_epi32(add(_mm512_slli_epi32(high, RINS_WEIGHT_LOW_BITS), low), RINS_WEIGHT_BITS);
}
static inline void store(const Vec sums[PARTS], uint8_t *to) {
    for (int i = 0; i < PARTS; i++)
        _mm_storeu_si128((void *)(to + 16 * i),
                         _mm512_cvtusepi32_epi8(_mm512_max_epi32(sums[i], _mm512_setzero_si512())));
}
#define KERNELS rins_resize_avx512
#else
typedef __m256i Vec;
static inline Vec load_pairs(const uint8_t *at) {
    return _mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)at));
}
static inline Vec spread(int32_t x) {
    return _mm256_set1_epi32(x);
}
static inline Vec add(Vec a, Vec b) {
    return _mm256_add_epi32(a, b);
}
static inline Vec multiply(Vec a, Vec b) {
    return _mm256_madd_epi16(a, b);
}
static inline Vec finish(Vec high, Vec low) {
    return _mm256_srai_epi32(add(_mm256_slli_epi32(high, RINS_WEIGHT_LOW_BITS), low), RINS_WEIGHT_BITS);
}
static inline void store(const Vec sums[PARTS], uint8_t *to) {
    /* packs work within 128-bit lanes: the permutation puts their groups of four back in order */
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const __m256i a = _mm256_packs_epi32(sums[0], sums[1]), b = _mm256_packs_epi32(sums[2], sums[2]);
    const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(a, b), order);
    _mm_storeu_si128((void *)to, _mm256_castsi256_si128(bytes));
    _mm_storel_epi64((void *)(to + 16), _mm256_extracti128_si256(bytes, 1));
}
#define KERNELS rins_resize_avx2
#endif

enum { VEC_SUMS = sizeof(Vec) / 4, GROUP = PARTS * VEC_SUMS }; /* 24 or 48 outputs */
_Static_assert(RINS_RESIZE_CHUNK % GROUP == 0, "a chunk is whole groups");

static inline void weigh_group(const RinsWeightPair *weights, int count, const uint8_t *at, size_t stride,
                               uint8_t *to) {
    Vec high[PARTS], low[PARTS], sums[PARTS];
#pragma GCC unroll 3
    for (int i = 0; i < PARTS; i++) high[i] = spread(0), low[i] = spread(1 << (RINS_WEIGHT_BITS - 1));
    for (int p = 0; p < count; p++, at += stride) {
        const Vec by_high = spread(weights[p].high), by_low = spread(weights[p].low);
#pragma GCC unroll 3
        for (int i = 0; i < PARTS; i++) {
            const Vec v = load_pairs(at + 2 * VEC_SUMS * i);
            high[i] = add(high[i], multiply(v, by_high));
            low[i] = add(low[i], multiply(v, by_low));
        }
    }
#pragma GCC unroll 3
    for (int i = 0; i < PARTS; i++) sums[i] = finish(high[i], low[i]);
    store(sums, to);
}

/* 48 outputs. */
static inline void weigh(const RinsWeightPair *weights, int count, const uint8_t *at, size_t stride, uint8_t *to) {
    for (int x = 0; x < RINS_RESIZE_CHUNK; x += GROUP) weigh_group(weights, count, at + 2 * x, stride, to + x);
}

static void columns(const RinsAxisPlan *plan, const uint8_t *packed, uint8_t *to) {
    const size_t stride = 2 * RINS_RESIZE_CHUNK;
    for (int i = 0; i < plan->out; i++, to += RINS_RESIZE_CHUNK)
        weigh(plan->pairs + plan->offset[i], plan->count[i], packed + (size_t)plan->first[i] * stride, stride, to);
}

static void row(const RinsAxisPlan *plan, int i, const uint8_t *pairs, size_t stride, uint8_t *to, int n) {
    const RinsWeightPair *weights = plan->pairs + plan->offset[i];
    int x = 0;
    for (; x + RINS_RESIZE_CHUNK <= n; x += RINS_RESIZE_CHUNK)
        weigh(weights, plan->count[i], pairs + 2 * (size_t)x, stride, to + x);
    if (x == n) return;
    uint8_t tail[RINS_RESIZE_CHUNK];
    weigh(weights, plan->count[i], pairs + 2 * (size_t)x, stride, tail);
    memcpy(to + x, tail, (size_t)(n - x));
}

/* 8x8 transposition of 16-bit units, in both lanes. */
static inline void transpose(__m256i v[8]) {
    __m256i a[8], b[8];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        a[2 * i] = _mm256_unpacklo_epi16(v[2 * i], v[2 * i + 1]);
        a[2 * i + 1] = _mm256_unpackhi_epi16(v[2 * i], v[2 * i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        b[4 * i] = _mm256_unpacklo_epi32(a[4 * i], a[4 * i + 2]);
        b[4 * i + 1] = _mm256_unpackhi_epi32(a[4 * i], a[4 * i + 2]);
        b[4 * i + 2] = _mm256_unpacklo_epi32(a[4 * i + 1], a[4 * i + 3]);
        b[4 * i + 3] = _mm256_unpackhi_epi32(a[4 * i + 1], a[4 * i + 3]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        v[2 * i] = _mm256_unpacklo_epi64(b[i], b[i + 4]);
        v[2 * i + 1] = _mm256_unpackhi_epi64(b[i], b[i + 4]);
    }
}

static inline __m256i load_two(const uint8_t *low, const uint8_t *high) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const void *)low)),
                                   _mm_loadu_si128((const void *)high), 1);
}

/* Four pixels (12 bytes) of 16 rows at a time: row r in the low lane, r + 8 in the high one. */
static void pack(const uint8_t *rows, size_t stride, int width, uint8_t *to) {
    const __m256i pairs =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11, -1, -1, -1, -1));
    for (int x = 0; x < width; x += 4, rows += 12, to += 192) {
        __m256i v[8];
#pragma GCC unroll 8
        for (size_t r = 0; r < 8; r++)
            v[r] = _mm256_shuffle_epi8(load_two(rows + r * stride, rows + (r + 8) * stride), pairs);
        transpose(v);
#pragma GCC unroll 6
        for (int u = 0; u < 6; u++) _mm256_storeu_si256((void *)(to + 32 * u), v[u]);
    }
}

static void unpack(const uint8_t *from, int units, uint8_t *to, size_t stride) {
    for (int u = 0; u < units; u += 16, from += 256, to += 32) {
        __m256i v[8];
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) v[i] = load_two(from + 16 * i, from + 16 * (i + 8));
        transpose(v);
#pragma GCC unroll 8
        for (size_t i = 0; i < 8; i++) _mm256_storeu_si256((void *)(to + i * stride), v[i]);
    }
}

const RinsResizeKernels KERNELS = {pack, columns, unpack, row, rins_interleave, rins_separate};
#else
typedef int rins_resize_x86_unused;
#endif
