#include "src/device/cpu/cpu_device.h"
#include "src/device/cpu/vec/vec_ops.h"

void RINS_VEC(rins_fill)(RinsOps *ops) {
    ops->gemm = RINS_VEC(rins_gemm_blas);
}
