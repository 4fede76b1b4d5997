/* What the kernel of GEMM is told besides its panels. */
#ifndef RINS_VEC_PRODUCT_H
#define RINS_VEC_PRODUCT_H

#include <stdint.h>

/* What a tile's sums start from: its rows, ld floats apart (0: one row for all). NULL: zero. */
typedef struct Start {
    const float *data;
    int64_t ld;
} Start;

/* What the products to come will read, asked for beside one: lines at `at`, at + step, ..., one every AHEAD_K of k.
   A step above 16 floats leaves some lines to the hardware's own prefetching: where a has few rows. */
typedef struct Ahead {
    const float *at;
    int64_t step; /* floats; 0: nothing is wanted */
} Ahead;

#endif
