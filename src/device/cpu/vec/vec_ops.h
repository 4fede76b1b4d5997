/* The ops of this folder, each declared once per level: rins_gemm_avx2, rins_gemm_avx512, ... */
#ifndef RINS_VEC_OPS_H
#define RINS_VEC_OPS_H

#include "src/device/cpu/vec/vec.h"
#include "src/device/device.h"

void RINS_VEC(rins_gemm_blas)(RinsDevice *dev, const RinsGemm *g);

#endif
