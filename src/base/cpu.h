/* What the processor offers, and how much of it is used. */
#ifndef RINS_BASE_CPU_H
#define RINS_BASE_CPU_H

#include "src/base/status.h"

#include <stdbool.h>

/* Levels of override kernels; each includes the ones before. */
typedef enum RinsCpuLevel {
    RINS_CPU_REF,
    RINS_CPU_AVX2,
    RINS_CPU_AVX512,
    RINS_CPU_AVX512BF16,
    RINS_CPU_AMX
} RinsCpuLevel;

typedef struct RinsCpu {
    char name[64];                                /* brand string */
    bool avx2_fma, avx512, avx512_bf16, amx_bf16; /* in hardware; AMX: and granted by the system */
    RinsCpuLevel level;                           /* min of hardware and RINS_CPU */
} RinsCpu;

/* Reads CPUID, the operating system's register state and RINS_CPU (ref|avx2|avx512|avx512bf16|amx|native;
   unset is native). Asks Linux for the use of AMX, for the whole process, where nothing forbids it.
   RINS_ERR_CONFIG where RINS_CPU has another value. */
RinsStatus rins_cpu_detect(RinsCpu *cpu);

/* Whether bf16 matrix products are used: what precision "auto" goes by. */
static inline bool rins_cpu_bf16(const RinsCpu *cpu) {
    return cpu->level >= RINS_CPU_AVX512BF16;
}

const char *rins_cpu_level_name(RinsCpuLevel level);

#endif
