/* Antialiased resampling of one axis as weighted sums of neighbouring samples: Pillow's weights
   to the bit. */
#ifndef RINS_DATA_RESIZE_PLAN_H
#define RINS_DATA_RESIZE_PLAN_H

#include "data/image.h"

enum { RINS_WEIGHT_BITS = 22, RINS_WEIGHT_LOW_BITS = 11 };

/* Weights of two neighbouring samples. w = high * 2^11 + low, low in [-1024, 1023], so that 16-bit multiplies
   give the exact 32-bit sum. Each member holds the even sample's part in its low half and the odd sample's in
   its high half. */
typedef struct RinsWeightPair {
    int32_t high, low;
} RinsWeightPair;

/* Output i = (sum over pairs p of samples 2p, 2p + 1 times weights + 2^21) >> 22, clipped to a byte;
   p runs over [first[i], first[i] + count[i]), its weights start at pairs[offset[i]]. */
typedef struct RinsAxisPlan {
    int in, out;                        /* samples */
    int begin, end;                     /* samples that matter: [begin, end) */
    int *first, *count, *offset, *last; /* (out); last: one past the last sample that output i needs */
    RinsWeightPair *pairs;
} RinsAxisPlan;

/* Samples [box0, box1) of `in`, rounded to single precision as Pillow does, to `out` samples. Indices in the
   plan count from `begin`. RINS_ERR_ARG where the box is empty or leaves the picture. */
RinsStatus rins_axis_plan(RinsAxisPlan *plan, int in, double box0, double box1, int out, RinsResizeMethod method);
void rins_axis_plan_free(RinsAxisPlan *plan);

#endif
