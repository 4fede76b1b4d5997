#define _GNU_SOURCE
#include "src/device/cpu/cpu_device.h"

#include "src/base/arena.h"
#include "src/device/backend.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A block is preceded by one cache line that holds its size. */
enum { HEADER = RINS_ALIGN };

/* From here on memory comes from the kernel: zeroed as it is touched, in huge pages where there are some. */
enum { MAPPED_BYTES = 4 << 20, HUGE_PAGE = 2 << 20 };

static bool is_mapped(size_t bytes) {
#ifdef __SANITIZE_ADDRESS__
    (void)bytes;
    return false; /* the heap has the red zones */
#else
    return bytes >= MAPPED_BYTES;
#endif
}

static void *cpu_alloc(RinsDevice *dev, size_t bytes) {
    if (bytes > SIZE_MAX - 2 * HEADER) return NULL;
    const size_t whole = (HEADER + bytes + RINS_ALIGN - 1) / RINS_ALIGN * RINS_ALIGN;
    char *base;
    if (is_mapped(bytes)) {
        base = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (base == MAP_FAILED) return NULL;
        (void)madvise(base, whole, MADV_HUGEPAGE); /* only a hint */
    } else {
        base = aligned_alloc(RINS_ALIGN, whole);
        if (!base) return NULL;
        memset(base, 0, whole);
    }
    memcpy(base, &bytes, sizeof bytes);
    rins_device_count_alloc(dev, bytes);
    return base + HEADER;
}

static void cpu_free(RinsDevice *dev, void *data) {
    if (!data) return;
    char *base = (char *)data - HEADER;
    size_t bytes;
    memcpy(&bytes, base, sizeof bytes);
    dev->stats.bytes -= bytes;
    if (is_mapped(bytes))
        munmap(base, (HEADER + bytes + RINS_ALIGN - 1) / RINS_ALIGN * RINS_ALIGN);
    else
        free(base);
}

static void cpu_copy_in(RinsDevice *dev, void *to, const void *host, size_t bytes) {
    (void)dev;
    if (bytes) memcpy(to, host, bytes);
}

static void cpu_copy_out(RinsDevice *dev, void *host, const void *from, size_t bytes) {
    (void)dev;
    if (bytes) memcpy(host, from, bytes);
}

static RinsStatus cpu_sync(RinsDevice *dev) {
    return rins_device_take_error(dev);
}

static bool grow(RinsDevice *dev, RinsScratch *scratch, size_t bytes) {
    if (scratch->bytes >= bytes) return true;
    const size_t unit = bytes >= HUGE_PAGE ? HUGE_PAGE : RINS_ALIGN;
    bytes = (bytes + unit - 1) / unit * unit;
    free(scratch->data);
    scratch->data = aligned_alloc(unit, bytes);
    if (scratch->data && unit == HUGE_PAGE) (void)madvise(scratch->data, bytes, MADV_HUGEPAGE); /* only a hint */
    scratch->bytes = scratch->data ? bytes : 0;
    if (!scratch->data) rins_device_set_error(dev, RINS_ERR_MEMORY, "out of memory for the scratch space of an op");
    return scratch->data;
}

bool rins_cpu_reserve(RinsDevice *dev, size_t bytes) {
    RinsCpuDevice *cpu = dev->impl;
    for (int i = 0; i < dev->threads; i++)
        if (!grow(dev, &cpu->scratch[i], bytes)) return false;
    return true;
}

void *rins_cpu_shared(RinsDevice *dev, size_t bytes) {
    RinsCpuDevice *cpu = dev->impl;
    return grow(dev, &cpu->shared, bytes ? bytes : 1) ? cpu->shared.data : NULL;
}

RinsStatus rins_cpu_open(RinsDevice *dev, int threads) {
    RINS_TRY(rins_cpu_detect(&dev->cpu));
    dev->threads = threads ? threads : omp_get_max_threads();
    RinsCpuDevice *cpu = calloc(1, sizeof *cpu);
    RinsScratch *scratch = calloc((size_t)dev->threads, sizeof *scratch);
    if (!cpu || !scratch) {
        free(cpu);
        free(scratch);
        return RINS_FAIL(RINS_ERR_MEMORY, "out of memory opening the CPU device");
    }
    cpu->scratch = scratch;
    rins_fill_ref(&cpu->ops);
    if (dev->cpu.level == RINS_CPU_AVX2) rins_fill_avx2(&cpu->ops);
    if (dev->cpu.level == RINS_CPU_AVX512) rins_fill_avx512(&cpu->ops);
    if (dev->cpu.level == RINS_CPU_AVX512BF16) rins_fill_avx512bf16(&cpu->ops);
    if (dev->cpu.level == RINS_CPU_AMX) rins_fill_amx(&cpu->ops);
    dev->bf16 = rins_cpu_bf16(&dev->cpu);
    cpu->ops.alloc = cpu_alloc;
    cpu->ops.free = cpu_free;
    cpu->ops.copy_in = cpu_copy_in;
    cpu->ops.copy_out = cpu_copy_out;
    cpu->ops.sync = cpu_sync;
    dev->impl = cpu;
    dev->ops = &cpu->ops;
    return RINS_OK;
}

void rins_cpu_close(RinsDevice *dev) {
    RinsCpuDevice *cpu = dev->impl;
    for (int i = 0; i < dev->threads; i++) free(cpu->scratch[i].data);
    free(cpu->scratch);
    free(cpu->shared.data);
    free(cpu);
}
