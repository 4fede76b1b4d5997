/* One small vector type for kernels that are written once and compiled per CPU level: VW floats, 8 with AVX2
   and 16 with AVX-512 (or 16 lanes of plain C where RINS_VEC_EMULATE is defined: the wide code paths on any
   machine). Arithmetic is by operators (GCC vector extensions); here is what those cannot say. Only files in
   this folder, which are compiled with the flags of their level, include it. */
#ifndef RINS_VEC_H
#define RINS_VEC_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#if defined(RINS_VEC_EMULATE)
enum { VW = 16 };
#define RINS_VEC_FP32(name) name##_emu16
#define RINS_VEC_BF16_NAME(name) name##_emu16bf16
#define RINS_VEC_AMX_NAME(name) name##_emu16amx
#elif defined(__AVX512F__)
enum { VW = 16 };
#define RINS_VEC_FP32(name) name##_avx512
#define RINS_VEC_BF16_NAME(name) name##_avx512bf16
#define RINS_VEC_AMX_NAME(name) name##_amx
#else
enum { VW = 8 };
#define RINS_VEC_FP32(name) name##_avx2
#endif

/* RINS_VEC(name) is the symbol of this build. Where RINS_VEC_BF16 is defined it is one of bf16 products, over
   which RINS_VEC_FP32(name) is the build beneath; where RINS_VEC_AMX is too, those are done on tiles. */
#if defined(RINS_VEC_AMX)
#define RINS_VEC RINS_VEC_AMX_NAME
#elif defined(RINS_VEC_BF16)
#define RINS_VEC RINS_VEC_BF16_NAME
#else
#define RINS_VEC RINS_VEC_FP32
#endif

typedef float vf __attribute__((vector_size(VW * 4)));    /* VW floats */
typedef int32_t vi __attribute__((vector_size(VW * 4)));  /* VW ints; also comparison masks, 0 or -1 */
typedef double vd __attribute__((vector_size(VW * 4)));   /* VW / 2 doubles */
typedef uint16_t vh __attribute__((vector_size(VW * 2))); /* VW bf16 */
typedef float vf_any __attribute__((vector_size(VW * 4), aligned(4), may_alias)); /* vf at any address */
typedef uint16_t vh_any __attribute__((vector_size(VW * 2), aligned(2), may_alias));
typedef float vf_half __attribute__((vector_size(VW * 2)));

#define VEC_INLINE static inline __attribute__((always_inline))

VEC_INLINE vf vf_set(float x) {
    return x - (vf){0};
}
VEC_INLINE vi vi_set(int32_t x) {
    return x - (vi){0};
}
VEC_INLINE vf vf_load(const float *p) {
    return *(const vf_any *)p;
}
VEC_INLINE void vf_store(float *p, vf v) {
    *(vf_any *)p = v;
}
/* mask ? a : b, by lanes */
VEC_INLINE vf vf_select(vi mask, vf a, vf b) {
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
}
VEC_INLINE vf vf_abs(vf x) {
    return (vf)((vi)x & vi_set(0x7fffffff));
}

#if defined(RINS_VEC_EMULATE)
#define VEC_LANES for (int i_ = 0; i_ < VW; i_++)
VEC_INLINE vf vf_load_n(const float *p, int64_t n) {
    vf v = {0};
    VEC_LANES if (i_ < n) v[i_] = p[i_];
    return v;
}
VEC_INLINE void vf_store_n(float *p, vf v, int64_t n) {
    VEC_LANES if (i_ < n) p[i_] = v[i_];
}
VEC_INLINE vf vf_fma(vf a, vf b, vf c) {
    VEC_LANES c[i_] = __builtin_fmaf(a[i_], b[i_], c[i_]);
    return c;
}
VEC_INLINE vf vf_max(vf a, vf b) {
    return vf_select(a > b, a, b);
}
VEC_INLINE vf vf_min(vf a, vf b) {
    return vf_select(a < b, a, b);
}
VEC_INLINE vf vf_round(vf x) {
    VEC_LANES x[i_] = __builtin_rintf(x[i_]);
    return x;
}
VEC_INLINE vf vf_sqrt(vf x) {
    VEC_LANES x[i_] = __builtin_sqrtf(x[i_]);
    return x;
}
VEC_INLINE vf vh_to_vf(vh h) {
    return (vf)(__builtin_convertvector(h, vi) << 16);
}
#elif defined(__AVX512F__)
VEC_INLINE __mmask16 vec_mask(int64_t n) {
    return (__mmask16)(n >= 16 ? 0xffffu : (1u << n) - 1);
}
VEC_INLINE vf vf_load_n(const float *p, int64_t n) {
    return (vf)_mm512_maskz_loadu_ps(vec_mask(n), p);
}
VEC_INLINE void vf_store_n(float *p, vf v, int64_t n) {
    _mm512_mask_storeu_ps(p, vec_mask(n), (__m512)v);
}
VEC_INLINE vf vf_fma(vf a, vf b, vf c) {
    return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
VEC_INLINE vf vf_max(vf a, vf b) {
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
}
VEC_INLINE vf vf_min(vf a, vf b) {
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
}
VEC_INLINE vf vf_round(vf x) {
    return (vf)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
VEC_INLINE vf vf_sqrt(vf x) {
    return (vf)_mm512_sqrt_ps((__m512)x);
}
VEC_INLINE vf vh_to_vf(vh h) {
    return (vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)h), 16);
}
#else
VEC_INLINE __m256i vec_mask(int64_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(n < 8 ? n : 8)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
VEC_INLINE vf vf_load_n(const float *p, int64_t n) {
    return (vf)_mm256_maskload_ps(p, vec_mask(n));
}
VEC_INLINE void vf_store_n(float *p, vf v, int64_t n) {
    _mm256_maskstore_ps(p, vec_mask(n), (__m256)v);
}
VEC_INLINE vf vf_fma(vf a, vf b, vf c) {
    return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
VEC_INLINE vf vf_max(vf a, vf b) {
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
}
VEC_INLINE vf vf_min(vf a, vf b) {
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
}
VEC_INLINE vf vf_round(vf x) {
    return (vf)_mm256_round_ps((__m256)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
VEC_INLINE vf vf_sqrt(vf x) {
    return (vf)_mm256_sqrt_ps((__m256)x);
}
VEC_INLINE vf vh_to_vf(vh h) {
    return (vf)_mm256_slli_epi32(_mm256_cvtepu16_epi32((__m128i)h), 16);
}
#endif

/* vf_max and vf_min give their second operand where one is NaN. */

#ifdef RINS_VEC_BF16
#if defined(RINS_VEC_EMULATE)
/* Denormals become zero. */
VEC_INLINE vf vf_flush(vf x) {
    const vi tiny = (((vi)x & vi_set(0x7f800000)) - 1) >> 31; /* -1 where the exponent is 0 */
    return (vf)((vi)x & (~tiny | vi_set(INT32_MIN)));
}
#endif
/* sum + a . b, where a and b hold pairs of bf16: per lane one fused multiply-add of the high halves, then one
   of the low halves; denormals, read or made, are zero (VDPBF16PS, Intel's Software Developer's Manual,
   volume 2). */
#if defined(RINS_VEC_EMULATE)
/* A product of two bf16 has 16 bits, so that it is exact in fp32 and the sum is rounded once, as if fused. */
VEC_INLINE vf vf_dot2(vi a, vi b, vf sum) {
    const vi high = vi_set((int32_t)0xffff0000u);
    sum = vf_flush(vf_flush(sum) + vf_flush((vf)(a & high)) * vf_flush((vf)(b & high)));
    return vf_flush(sum + vf_flush((vf)(a << 16)) * vf_flush((vf)(b << 16)));
}
#else
VEC_INLINE vf vf_dot2(vi a, vi b, vf sum) {
    return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
}
#endif
#endif

VEC_INLINE vi vf_to_vi(vf x) {
    return __builtin_convertvector(x, vi);
} /* of integral values */

/* Pairwise: upper half on lower half, until one lane is left. */
typedef float vf_four __attribute__((vector_size(16)));
VEC_INLINE vf_four vf_fold(vf x) {
#if defined(__AVX512F__) || defined(RINS_VEC_EMULATE)
    typedef float eight __attribute__((vector_size(32)));
    const eight e = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +
                    __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
    return __builtin_shufflevector(e, e, 0, 1, 2, 3) + __builtin_shufflevector(e, e, 4, 5, 6, 7);
#else
    return __builtin_shufflevector(x, x, 0, 1, 2, 3) + __builtin_shufflevector(x, x, 4, 5, 6, 7);
#endif
}
VEC_INLINE float vf_sum(vf x) {
    const vf_four four = vf_fold(x), two = four + __builtin_shufflevector(four, four, 2, 3, 2, 3);
    return two[0] + two[1];
}
VEC_INLINE float vf_peak(vf x) {
    float lane[VW];
    vf_store(lane, x);
    for (int half = VW / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) lane[i] = lane[i] > lane[i + half] ? lane[i] : lane[i + half];
    return lane[0];
}

VEC_INLINE vd vd_low(vf x) {
    vf_half h;
    memcpy(&h, &x, sizeof h);
    return __builtin_convertvector(h, vd);
}
VEC_INLINE vd vd_high(vf x) {
    vf_half h;
    memcpy(&h, (const char *)&x + sizeof h, sizeof h);
    return __builtin_convertvector(h, vd);
}
VEC_INLINE double vd_sum(vd x) {
    double sum = 0;
    for (int i = 0; i < VW / 2; i++) sum += x[i];
    return sum;
}

/* Nearest even; NaN stays a quiet NaN. In builds for bf16 products denormals become zero (VCVTNEPS2BF16, Intel's
   Software Developer's Manual, volume 2). */
#if defined(RINS_VEC_BF16) && !defined(RINS_VEC_EMULATE)
VEC_INLINE vh vf_to_vh(vf x) {
    return (vh)_mm512_cvtneps_pbh((__m512)x);
}
#else
VEC_INLINE vh vf_to_vh(vf x) {
#ifdef RINS_VEC_BF16
    x = vf_flush(x);
#endif
    const vi bits = (vi)x;
    const vi even = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    const vi nan = (bits >> 16) | 0x40;
    const vi is_nan = x != x;
    return __builtin_convertvector((is_nan & nan) | (~is_nan & even), vh);
}
#endif
VEC_INLINE vf vh_load(const uint16_t *p) {
    return vh_to_vf(*(const vh_any *)p);
}
VEC_INLINE void vh_store(uint16_t *p, vf v) {
    *(vh_any *)p = vf_to_vh(v);
}
#if defined(__AVX512BW__) && !defined(RINS_VEC_EMULATE)
VEC_INLINE vf vh_load_n(const uint16_t *p, int64_t n) {
    return vh_to_vf((vh)_mm256_maskz_loadu_epi16(vec_mask(n), p));
}
VEC_INLINE void vh_store_n(uint16_t *p, vf v, int64_t n) {
    _mm256_mask_storeu_epi16(p, vec_mask(n), (__m256i)vf_to_vh(v));
}
/* 2 VW bf16 as they lie, zero from the nth on */
VEC_INLINE vf vh_pairs_n(const uint16_t *p, int64_t n) {
    return (vf)_mm512_maskz_loadu_epi16((__mmask32)(n >= 32 ? 0xffffffffu : (1u << n) - 1), p);
}
#else
VEC_INLINE vf vh_load_n(const uint16_t *p, int64_t n) {
    vh h = {0};
    memcpy(&h, p, (size_t)(n < VW ? n : VW) * sizeof *p);
    return vh_to_vf(h);
}
VEC_INLINE void vh_store_n(uint16_t *p, vf v, int64_t n) {
    const vh h = vf_to_vh(v);
    memcpy(p, &h, (size_t)(n < VW ? n : VW) * sizeof *p);
}
VEC_INLINE vf vh_pairs_n(const uint16_t *p, int64_t n) {
    vf v = {0};
    memcpy(&v, p, (size_t)(n < 2 * VW ? n : 2 * VW) * sizeof *p);
    return v;
}
#endif

/* Transposes VW x VW in place: halves of row pairs trade places, ever smaller. */
#if defined(__AVX512F__) || defined(RINS_VEC_EMULATE)
#define VEC_LANE_LIST(f)                                                                                               \
    { f(0), f(1), f(2), f(3), f(4), f(5), f(6), f(7), f(8), f(9), f(10), f(11), f(12), f(13), f(14), f(15) }
#else
#define VEC_LANE_LIST(f)                                                                                               \
    { f(0), f(1), f(2), f(3), f(4), f(5), f(6), f(7) }
#endif
#define VEC_SWAP(half)                                                                                                 \
    do {                                                                                                               \
        const vi low_ = VEC_LANE_LIST(VEC_LOW##half), high_ = VEC_LANE_LIST(VEC_HIGH##half);                           \
        for (int i_ = 0; i_ < VW; i_++) {                                                                              \
            if (i_ & half) continue;                                                                                   \
            const vf a_ = row[i_], b_ = row[i_ + half];                                                                \
            row[i_] = __builtin_shuffle(a_, b_, low_);                                                                 \
            row[i_ + half] = __builtin_shuffle(a_, b_, high_);                                                         \
        }                                                                                                              \
    } while (0)
#define VEC_LOW1(lane) ((lane)&1 ? VW + (lane)-1 : (lane))
#define VEC_HIGH1(lane) ((lane)&1 ? VW + (lane) : (lane) + 1)
#define VEC_LOW2(lane) ((lane)&2 ? VW + (lane)-2 : (lane))
#define VEC_HIGH2(lane) ((lane)&2 ? VW + (lane) : (lane) + 2)
#define VEC_LOW4(lane) ((lane)&4 ? VW + (lane)-4 : (lane))
#define VEC_HIGH4(lane) ((lane)&4 ? VW + (lane) : (lane) + 4)
#define VEC_LOW8(lane) ((lane)&8 ? VW + (lane)-8 : (lane))
#define VEC_HIGH8(lane) ((lane)&8 ? VW + (lane) : (lane) + 8)
VEC_INLINE void vf_transpose(vf row[VW]) {
#if defined(__AVX512F__) || defined(RINS_VEC_EMULATE)
    VEC_SWAP(8);
#endif
    VEC_SWAP(4);
    VEC_SWAP(2);
    VEC_SWAP(1);
}

#endif
