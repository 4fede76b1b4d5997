/* The eight tile registers of AMX, each of 16 rows of 64 bytes: their instructions or, where RINS_VEC_EMULATE
   is defined, the same in C. `tile` is a literal from 0 to 7; a stride is in floats. */
#ifndef RINS_VEC_AMX_H
#define RINS_VEC_AMX_H

#include "src/device/cpu/vec/vec.h"

enum { AMX_ROWS = 16, AMX_SLOTS = 16 };

#if defined(RINS_VEC_EMULATE)

static _Thread_local vi amx_tiles[8][AMX_ROWS];

VEC_INLINE void amx_begin(void) {
    memset(amx_tiles, 0xff, sizeof amx_tiles); /* NaN, until loaded */
}
VEC_INLINE void amx_end(void) {}
VEC_INLINE void amx_fence(void) {}
VEC_INLINE void amx_zero(int tile) {
    memset(amx_tiles[tile], 0, sizeof amx_tiles[tile]);
}
VEC_INLINE void amx_load(int tile, const float *p, int64_t stride) {
    for (int r = 0; r < AMX_ROWS; r++) memcpy(&amx_tiles[tile][r], p + r * stride, sizeof(vi));
}
VEC_INLINE void amx_store(int tile, float *p, int64_t stride) {
    for (int r = 0; r < AMX_ROWS; r++) memcpy(p + r * stride, &amx_tiles[tile][r], sizeof(vi));
}
/* sum (rows, 16) += a (rows, 16 pairs) . b (16 pairs, 16): the low and the high halves of the pairs are added
   up on their own, from zero, then both to the sum; denormals, read or made, are zero (TDPBF16PS, Intel's
   Software Developer's Manual, volume 2). */
VEC_INLINE void amx_dot2(int sum, int a, int b) {
    const vi high = vi_set((int32_t)0xffff0000u);
    for (int r = 0; r < AMX_ROWS; r++) {
        vf low_sum = {0}, high_sum = {0};
        for (int j = 0; j < AMX_SLOTS; j++) {
            const vi left = vi_set(amx_tiles[a][r][j]), right = amx_tiles[b][j];
            low_sum = vf_flush(low_sum + vf_flush((vf)(left << 16)) * vf_flush((vf)(right << 16)));
            high_sum = vf_flush(high_sum + vf_flush((vf)(left & high)) * vf_flush((vf)(right & high)));
        }
        const vf both = vf_flush(low_sum + high_sum);
        amx_tiles[sum][r] = (vi)vf_flush(vf_flush((vf)amx_tiles[sum][r]) + both);
    }
}

#else

typedef struct AmxConfig {
    uint8_t palette, start_row, reserved[14];
    uint16_t bytes[16]; /* of a row */
    uint8_t rows[16];
} AmxConfig;

/* A thread's tiles are usable, and all 16 x 64, between these two. */
VEC_INLINE void amx_begin(void) {
    static const AmxConfig config __attribute__((aligned(64))) = {
        .palette = 1,
        .bytes = {64, 64, 64, 64, 64, 64, 64, 64},
        .rows = {16, 16, 16, 16, 16, 16, 16, 16},
    };
    _tile_loadconfig(&config);
}
VEC_INLINE void amx_end(void) {
    _tile_release();
}
/* GCC 12 does not say of a tile load that it reads memory: what was stored before must not be
   moved after it. */
VEC_INLINE void amx_fence(void) {
    __asm__ volatile("" ::: "memory");
}
#define amx_zero(tile) _tile_zero(tile)
#define amx_load(tile, p, stride) _tile_loadd(tile, p, (stride) * (int64_t)sizeof(float))
#define amx_store(tile, p, stride) _tile_stored(tile, p, (stride) * (int64_t)sizeof(float))
#define amx_dot2(sum, a, b) _tile_dpbf16ps(sum, a, b)

#endif
#endif
