#include "src/model/precision.h"

const char *const rins_precision_names[] = {"fp32", "bf16", "auto", NULL};

RinsStatus rins_precision_choose(int wanted, const RinsDevice *dev, RinsPrecision *precision) {
    *precision = wanted == RINS_PRECISION_FP32 || (wanted == RINS_PRECISION_AUTO && !dev->bf16) ? RINS_PRECISION_FP32
                                                                                                : RINS_PRECISION_BF16;
    if (*precision != RINS_PRECISION_BF16 || dev->bf16) return RINS_OK;
    const char *name = dev->cpu.name[0] ? dev->cpu.name : dev->name;
    if (dev->cpu.avx512_bf16)
        return RINS_FAIL(RINS_ERR_UNSUPPORTED,
                         "precision bf16: RINS_CPU keeps %s at %s, below its bf16 arithmetic; unset RINS_CPU, or use "
                         "precision=fp32 or auto",
                         name, rins_cpu_level_name(dev->cpu.level));
    return RINS_FAIL(
        RINS_ERR_UNSUPPORTED,
        "precision bf16: %s has no bf16 arithmetic in hardware (AVX512_BF16), without which it would be slower "
        "than fp32; use precision=fp32 or auto",
        name);
}
