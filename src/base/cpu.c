#include "src/base/cpu.h"

#include <cpuid.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void read_brand(char name[64]) {
    unsigned regs[12];
    memset(name, 0, 64);
    if (__get_cpuid_max(0x80000000u, NULL) < 0x80000004u) return;
    for (unsigned i = 0; i < 3; i++)
        __get_cpuid(0x80000002u + i, &regs[4 * i], &regs[4 * i + 1], &regs[4 * i + 2], &regs[4 * i + 3]);
    memcpy(name, regs, sizeof regs);
    for (size_t n = strlen(name); n > 0 && name[n - 1] == ' '; n--) name[n - 1] = 0;
}

/* Linux saves the tiles (8 KiB a thread) only of processes that ask: Documentation/arch/x86/xstate.rst. */
static bool amx_granted(void) {
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

static void read_features(RinsCpu *cpu) {
    /* The builtins check XGETBV too: a feature the operating system does not save is not there. */
    __builtin_cpu_init();
    cpu->avx2_fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    cpu->avx512 = cpu->avx2_fma && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    unsigned a, b, c, d;
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d)) cpu->avx512_bf16 = cpu->avx512 && (a >> 5 & 1);
    enum { AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24 };
    if (cpu->avx512_bf16 && __get_cpuid_count(7, 0, &a, &b, &c, &d))
        cpu->amx_bf16 = d & AMX_BF16 && d & AMX_TILE && amx_granted();
}

RinsStatus rins_cpu_detect(RinsCpu *cpu) {
    memset(cpu, 0, sizeof *cpu);
    read_brand(cpu->name);
    read_features(cpu);
    cpu->level = cpu->amx_bf16      ? RINS_CPU_AMX
                 : cpu->avx512_bf16 ? RINS_CPU_AVX512BF16
                 : cpu->avx512      ? RINS_CPU_AVX512
                 : cpu->avx2_fma    ? RINS_CPU_AVX2
                                    : RINS_CPU_REF;
    const char *cap = getenv("RINS_CPU");
    if (!cap || !*cap || !strcmp(cap, "native")) return RINS_OK;
    for (RinsCpuLevel level = RINS_CPU_REF; level <= RINS_CPU_AMX; level++) {
        if (strcmp(cap, rins_cpu_level_name(level)) != 0) continue;
        if (level < cpu->level) cpu->level = level;
        return RINS_OK;
    }
    return RINS_FAIL(RINS_ERR_CONFIG, "RINS_CPU=%s: expected ref, avx2, avx512, avx512bf16, amx or native", cap);
}

const char *rins_cpu_level_name(RinsCpuLevel level) {
    static const char *const names[] = {"ref", "avx2", "avx512", "avx512bf16", "amx"};
    return names[level];
}
