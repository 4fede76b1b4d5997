/* The CPU backend's own state and the tables that its op table is composed of. */
#ifndef RINS_CPU_DEVICE_H
#define RINS_CPU_DEVICE_H

#include "src/device/device.h"

#include <stdbool.h>

typedef struct RinsScratch {
    void *data;
    size_t bytes;
} RinsScratch;

typedef struct RinsCpuDevice {
    RinsOps ops;
    RinsScratch *scratch; /* one per thread, grown rarely, never shrunk */
    RinsScratch shared;   /* one for all threads, likewise */
} RinsCpuDevice;

/* Makes every thread's scratch at least `bytes` (aligned, contents undefined). False, with the sticky error
   set, where there is no memory. Called outside parallel regions; what an earlier op left there is lost. */
bool rins_cpu_reserve(RinsDevice *dev, size_t bytes);

static inline void *rins_cpu_scratch(const RinsDevice *dev, int thread) {
    return ((const RinsCpuDevice *)dev->impl)->scratch[thread].data;
}

/* Space that all threads of one op share, at least `bytes`; NULL, with the sticky error set, where there is
   none. Same rules as rins_cpu_reserve. */
void *rins_cpu_shared(RinsDevice *dev, size_t bytes);

/* Items [*first, *first + *count) of n for part `part` of `parts`, each boundary a multiple of `grain`. */
static inline void rins_split(int64_t n, int64_t grain, int part, int parts, int64_t *first, int64_t *count) {
    const int64_t units = (n + grain - 1) / grain;
    const int64_t from = units * part / parts * grain, to = units * (part + 1) / parts * grain;
    *first = from < n ? from : n;
    *count = (to < n ? to : n) - *first;
}

/* Each puts its kernels into the table over what is there. */
void rins_fill_ref(RinsOps *ops);
void rins_fill_avx2(RinsOps *ops);
void rins_fill_avx512(RinsOps *ops);
void rins_fill_avx512bf16(RinsOps *ops);
void rins_fill_amx(RinsOps *ops);
/* Only where the tests build them: 16 lanes in plain C. */
void rins_fill_emu16(RinsOps *ops);
void rins_fill_emu16bf16(RinsOps *ops);
void rins_fill_emu16amx(RinsOps *ops);

#endif
