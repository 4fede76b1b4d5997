/* Whole panels of b, for the kernel that this build multiplies with (vec_kernel.h, or vec_kernel_amx.h). */
#ifndef RINS_VEC_PANELS_H
#define RINS_VEC_PANELS_H

#ifdef RINS_VEC_AMX
#include "src/device/cpu/vec/vec_kernel_amx.h"
#else
#include "src/device/cpu/vec/vec_kernel.h"
#endif

VEC_INLINE int64_t round_up(int64_t n, int64_t unit) {
    return (n + unit - 1) / unit * unit;
}

/* What the kernel reads beyond a panel's last step is zero. */
VEC_INLINE void pack_b_tail(int64_t depth, float *to) {
    memset(to + depth * NR, 0, (size_t)((kernel_depth(depth) - depth) * NR) * sizeof *to);
}

/* NR lanes from f->lane on, but for the tail. */
VEC_INLINE void pack_b_panel(const PackFrom *f, float *to) {
    PackFrom half = *f;
    for (int v = 0; v < 2; v++, half.lane += VW) (void)pack_vector(&half, to + v * VW, NR);
}

#endif
