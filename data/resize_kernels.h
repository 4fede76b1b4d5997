/* The inner loops of the resize. Both passes are the same weighted sum over interleaved pairs of samples,
   rounded as Pillow rounds. Across, blocks of 16 rows are turned on their side and back:

   rows (16, width, 3)  -- pack --> (width/2, 3, 16) pairs of neighbouring columns -- columns --> (out_width,
   3, 16)
                        -- unpack --> 8 rows of (out_width, 3) pairs of neighbouring rows

   Down, pairs of neighbouring rows (from unpack, or interleaved when down goes first) are summed to one row.
   Every level gives the same bytes. */
#ifndef RINS_DATA_RESIZE_KERNELS_H
#define RINS_DATA_RESIZE_KERNELS_H

#include "data/resize_plan.h"
#include "src/base/cpu.h"

#include <stddef.h>

enum {
    RINS_RESIZE_ROWS = 16,                    /* rows of a block */
    RINS_RESIZE_CHUNK = 3 * RINS_RESIZE_ROWS, /* bytes that one weighted sum makes at a time */
    RINS_RESIZE_SLACK = 64                    /* readable bytes past the end of every input row */
};

typedef struct RinsResizeKernels {
    /* rows: 16 rows, `stride` bytes apart, RGB. to: ((width + 3) / 4) * 2 * 96 bytes, aligned to 32. */
    void (*pack)(const uint8_t *rows, size_t stride, int width, uint8_t *to);
    /* to (plan->out, 48) from `packed`, pairs 96 bytes apart. */
    void (*columns)(const RinsAxisPlan *plan, const uint8_t *packed, uint8_t *to);
    /* units of 16 bytes (units is a multiple of 16) to 8 pair rows, `stride` bytes apart,
       of `units` pairs. */
    void (*unpack)(const uint8_t *from, int units, uint8_t *to, size_t stride);
    /* Output row i of n bytes from pair rows `stride` bytes apart, the first of which is the plan's pair
       plan->first[i]; pair rows have room for n rounded up to a multiple of 48. */
    void (*row)(const RinsAxisPlan *plan, int i, const uint8_t *pairs, size_t stride, uint8_t *to, int n);
    /* Two rows of n bytes to one row of n pairs, and back. */
    void (*interleave)(const uint8_t *a, const uint8_t *b, int n, uint8_t *pairs);
    void (*separate)(const uint8_t *pairs, int n, uint8_t *a, uint8_t *b);
} RinsResizeKernels;

/* Compiled once per level; the compiler makes shuffles of them. */
static inline void rins_interleave(const uint8_t *restrict a, const uint8_t *restrict b, int n,
                                   uint8_t *restrict pairs) {
    for (int i = 0; i < n; i++) pairs[2 * i] = a[i], pairs[2 * i + 1] = b[i];
}

static inline void rins_separate(const uint8_t *restrict pairs, int n, uint8_t *restrict a, uint8_t *restrict b) {
    for (int i = 0; i < n; i++) a[i] = pairs[2 * i], b[i] = pairs[2 * i + 1];
}

#ifdef __x86_64__
extern const RinsResizeKernels rins_resize_avx2, rins_resize_avx512;
#endif

const RinsResizeKernels *rins_resize_kernels(RinsCpuLevel level);

#endif
