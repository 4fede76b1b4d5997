/* What the products to come will read, asked for beside one: lines at `at`, at + step, ..., one every AHEAD_K of k.
   A step above 16 floats leaves some lines to the hardware's own prefetching: where a has few rows. */
#ifndef RINS_VEC_AHEAD_H
#define RINS_VEC_AHEAD_H

#include <stdint.h>

typedef struct Ahead {
    const float *at;
    int64_t step; /* floats; 0: nothing is wanted */
} Ahead;

#endif
