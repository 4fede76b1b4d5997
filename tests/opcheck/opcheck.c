/* opcheck [--bench] [--top] [--device NAME] [--op NAME] [--threads N]: see opcheck.h. Prints TAP; RINS_CPU caps the
   levels. */
#define _GNU_SOURCE
#include "tests/opcheck/opcheck.h"

#include "src/device/cpu/act_type.h"
#include "src/device/cpu/cpu_device.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const OpCheck *const checks[] = {
    &gemm_check,       &layernorm_fwd_check, &layernorm_bwd_check, &attention_fwd_check, &attention_bwd_check,
    &gelu_fwd_check,   &gelu_bwd_check,      &add_check,           &scale_check,         &colsum_check,
    &cast_check,       &copy_check,          &zero_check,          &normalise_check,     &patchify_check,
    &embed_fwd_check,  &embed_bwd_check,     &pool_fwd_check,      &pool_bwd_check,      &l2norm_fwd_check,
    &l2norm_bwd_check, &siglip_check,        &softmax_check,       &sqsum_check,         &adamw_check,
    &gemm_bf16_check,  &gemm_whole_check,    &gemm_long_check,
};

enum { N_CHECKS = sizeof checks / sizeof checks[0] };

static int n_reported, n_failed;

void report(bool ok, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    printf("%s %d - ", ok ? "ok" : "not ok", ++n_reported);
    vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
    fflush(stdout);
    n_failed += !ok;
}

bool selected(const char *name, const char *only) {
    return !only || strstr(name, only);
}

static double read_clock(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double now(void) {
    return read_clock(CLOCK_MONOTONIC);
}
static double cpu_now(void) {
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static void fail_out(const char *what) {
    fprintf(stderr, "opcheck: %s\n", what);
    exit(1);
}

/* SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). */
static double uniform(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-52 - 1;
}

static Buffer *new_buffer(Run *run, size_t elements, size_t size) {
    if (run->n == MAX_BUFFERS) fail_out("too many buffers in a case");
    Buffer *b = &run->buffers[run->n++];
    *b = (Buffer){.elements = elements, .bytes = elements * size, .type = RINS_F32};
    b->host = malloc(b->bytes + 1);
    b->device = run->ops->alloc(run->dev, b->bytes);
    if (!b->host || !b->device) fail_out("out of memory");
    return b;
}

static void upload(Run *run, Buffer *b) {
    run->ops->copy_in(run->dev, b->device, b->host, b->bytes);
}

RinsTensor make(Run *run, RinsType type, int64_t rows, int64_t cols, int64_t pad, double size) {
    const int64_t stride = cols + pad;
    Buffer *b = new_buffer(run, (size_t)(rows * stride), rins_type_size(type));
    b->type = type;
    uint64_t state = run->seed++ * 0x1234567u;
    for (size_t i = 0; i < b->elements; i++) {
        const double any = uniform(&state) * size, draw = run->whole ? rint(any) : any;
        const float value = (float)(run->positive ? fabs(draw) : draw);
        if (type == RINS_BF16)
            ((uint16_t *)b->host)[i] = rins_f32_to_bf16(value);
        else
            ((float *)b->host)[i] = value;
    }
    upload(run, b);
    return (RinsTensor){b->device, type, rows, cols, stride};
}

RinsTensor make_out(Run *run, RinsType type, int64_t rows, int64_t cols, int64_t pad) {
    const RinsTensor t = make(run, type, rows, cols, pad, 1);
    run->buffers[run->n - 1].output = true;
    run->bf16 |= type == RINS_BF16;
    return t;
}

float *make_vector(Run *run, int64_t n, double size) {
    return make(run, RINS_F32, 1, n, 0, size).data;
}
float *make_vector_out(Run *run, int64_t n) {
    return make_out(run, RINS_F32, 1, n, 0).data;
}

void *make_copy(Run *run, const void *host, size_t bytes) {
    Buffer *b = new_buffer(run, bytes, 1);
    memcpy(b->host, host, bytes);
    upload(run, b);
    return b->device;
}

float *make_value(Run *run, float value) {
    return make_copy(run, &value, sizeof value);
}

double *make_double_out(Run *run, double value) {
    Buffer *b = new_buffer(run, 1, sizeof value);
    memcpy(b->host, &value, sizeof value);
    b->f64 = b->output = true;
    upload(run, b);
    return b->device;
}

void also_output(Run *run, const void *device) {
    for (int i = 0; i < run->n; i++)
        if (run->buffers[i].device == device) run->buffers[i].output = true;
}

void begin(Run *run) {
    run->calls = 0;
    run->seconds = run->cpu_seconds = INFINITY;
}

bool more(Run *run) {
    const double t = now();
    static double first;
    if (run->calls == 0) {
        first = t;
    } else {
        if (run->ops->sync(run->dev) != RINS_OK) fail_out(rins_last_error());
        const double took = now() - run->started, cpu_took = cpu_now() - run->cpu_started;
        if (took < run->seconds) run->seconds = took;
        if (cpu_took < run->cpu_seconds) run->cpu_seconds = cpu_took;
        if (!run->bench || now() - first > run->min_seconds) return false;
    }
    run->calls++;
    run->cpu_started = cpu_now();
    run->started = now();
    return true;
}

static void download(Run *run) {
    for (int i = 0; i < run->n; i++)
        run->ops->copy_out(run->dev, run->buffers[i].host, run->buffers[i].device, run->buffers[i].bytes);
    if (run->ops->sync(run->dev) != RINS_OK) fail_out(rins_last_error());
}

static void release(Run *run) {
    for (int i = 0; i < run->n; i++) {
        run->ops->free(run->dev, run->buffers[i].device);
        free(run->buffers[i].host);
    }
    run->n = 0;
}

static double element(const Buffer *b, size_t i) {
    if (b->f64) return ((const double *)b->host)[i];
    if (b->type == RINS_BF16) return rins_bf16_to_f32(((const uint16_t *)b->host)[i]);
    return ((const float *)b->host)[i];
}

/* Largest |x - ref| / (|ref| + rms(ref)) over the outputs; infinite where one is not finite and
   the other is. */
static double compare(const Run *ref, const Run *run) {
    double worst = 0;
    for (int k = 0; k < ref->n; k++) {
        const Buffer *r = &ref->buffers[k], *x = &run->buffers[k];
        if (!r->output) continue;
        double square = 0;
        for (size_t i = 0; i < r->elements; i++) square += element(r, i) * element(r, i);
        const double rms = sqrt(square / (double)(r->elements ? r->elements : 1)) + 1e-30;
        for (size_t i = 0; i < r->elements; i++) {
            const double error = fabs(element(x, i) - element(r, i)) / (fabs(element(r, i)) + rms);
            if (!(error <= worst)) worst = isnan(error) ? INFINITY : error;
        }
    }
    return worst;
}

/* Scratch space as an op finds it is full of NaN; where ASan watches, it is no larger than the op asks for. */
static void spoil_scratch(RinsDevice *dev) {
    RinsCpuDevice *cpu = dev->impl;
    for (int i = 0; i <= dev->threads; i++) {
        RinsScratch *s = i < dev->threads ? &cpu->scratch[i] : &cpu->shared;
#ifdef __SANITIZE_ADDRESS__
        free(s->data);
        *s = (RinsScratch){0};
#else
        if (s->data) memset(s->data, 0xff, s->bytes);
#endif
    }
}

static bool run_one(const OpCheck *check, Run *run, RinsDevice *dev, bool bench, double min_seconds, int index) {
    if (!bench && !strcmp(dev->name, "cpu")) spoil_scratch(dev);
    *run = (Run){
        .dev = dev, .ops = dev->ops, .bench = bench, .min_seconds = min_seconds, .seed = (uint64_t)index * 64 + 1};
    if (check->run(run, index)) return true;
    release(run);
    return false;
}

/* All cases of one op; in a test one line for all. */
static void run_tests(const OpCheck *check, RinsDevice *ref, RinsDevice *dev, const char *level) {
    double worst = 0, work = 0, seconds = 0, ref_seconds = 0;
    int cases = 0, worst_case = -1;
    bool flops = false;
    for (int index = 0;; index++) {
        Run a, b;
        if (!run_one(check, &a, ref, false, 0, index)) break;
        run_one(check, &b, dev, false, 0, index);
        download(&a);
        download(&b);
        double error = compare(&a, &b);
        if (a.bf16) error *= check->limit / fmax(check->limit, 0x1p-7 * fmax(check->steps, 1));
        if (!(error <= worst)) worst = error, worst_case = index;
        flops = a.flops > 0;
        work += flops ? a.flops : a.bytes;
        seconds += b.seconds;
        ref_seconds += a.seconds;
        cases++;
        release(&a);
        release(&b);
    }
    report(worst <= check->limit,
           "%-14s %-9s %4d cases, max error %8.2e (case %d, limit %.0e), %7.2f %s, %5.1fx reference", check->name,
           level, cases, worst, worst_case, check->limit, work / seconds * 1e-9, flops ? "GFLOP/s" : "GB/s",
           ref_seconds / seconds);
}

/* Bench shapes: one line each. The reference runs once where it is not too slow. */
static void run_bench(const OpCheck *check, RinsDevice *ref, RinsDevice *dev, const char *level) {
    for (int index = 0;; index++) {
        Run a, b;
        if (!run_one(check, &b, dev, true, 0.4, index)) break;
        const double work = b.flops > 0 ? b.flops : b.bytes;
        printf("%-14s %-7s shape %2d  %9.3f ms %8.2f %-7s (%6.2f per core by processor time)", check->name, level,
               index, b.seconds * 1e3, work / b.seconds * 1e-9, b.flops > 0 ? "GFLOP/s" : "GB/s",
               work / b.cpu_seconds * 1e-9);
        const bool compared = work < 4e9 && b.calls > 0;
        release(&b);
        if (compared) {
            run_one(check, &a, ref, true, 0, index);
            printf("  %6.1fx reference", a.seconds / b.seconds);
            release(&a);
        }
        putchar('\n');
        fflush(stdout);
    }
}

static RinsDevice *open_level(const char *name, const char *level, int threads) {
    RinsDevice *dev;
    if (level) setenv("RINS_CPU", level, 1);
    if (rins_device_open(&dev, name, threads) != RINS_OK) fail_out(rins_last_error());
    return dev;
}

static void run_level(RinsDevice *ref, RinsDevice *dev, const char *level, bool bench, const char *only) {
    for (int i = 0; i < N_CHECKS; i++) {
        if (!selected(checks[i]->name, only)) continue;
        if (bench)
            run_bench(checks[i], ref, dev, level);
        else
            run_tests(checks[i], ref, dev, level);
    }
    if (bench) return;
    check_gradients(dev, level, only);
    check_accuracy(dev, level, only);
    check_extremes(dev, level, only);
}

#ifdef RINS_HAVE_EMU16
static void run_emulated(RinsDevice *ref, const char *level, void (*fill)(RinsOps *ops), int threads,
                         const char *only) {
    RinsDevice *dev = open_level("cpu", "avx2", threads);
    fill(&((RinsCpuDevice *)dev->impl)->ops);
    run_level(ref, dev, level, false, only);
    rins_device_close(dev);
}

/* Only the ops that levels with bf16 products have of their own, unless one is named. */
static void run_emulated_bf16(RinsDevice *ref, const char *level, void (*fill)(RinsOps *ops), int threads,
                              const char *only) {
    static const char *const own[] = {"gemm_", "attention", "layernorm_fwd", "cast"};
    for (int i = 0; i < (only ? 1 : 4); i++) run_emulated(ref, level, fill, threads, only ? only : own[i]);
}
#endif

int main(int argc, char **argv) {
    const char *device = "cpu", *only = NULL;
    bool bench = false, top = false; /* top: the highest level alone, as --bench does */
    int threads = 0;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--bench"))
            bench = true;
        else if (!strcmp(argv[i], "--top"))
            top = true;
        else if (!strcmp(argv[i], "--device") && i + 1 < argc)
            device = argv[++i];
        else if (!strcmp(argv[i], "--op") && i + 1 < argc)
            only = argv[++i];
        else if (!strcmp(argv[i], "--threads") && i + 1 < argc)
            threads = atoi(argv[++i]);
        else
            return fprintf(stderr, "usage: opcheck [--bench] [--top] [--device NAME] [--op NAME] [--threads N]\n"), 2;
    }
    RinsCpu cpu;
    if (rins_cpu_detect(&cpu) != RINS_OK) fail_out(rins_last_error());
    RinsDevice *ref = open_level("cpu", "ref", threads);
    if (strcmp(device, "cpu") != 0) {
        setenv("RINS_CPU", rins_cpu_level_name(cpu.level), 1);
        RinsDevice *dev = open_level(device, NULL, threads);
        run_level(ref, dev, device, bench, only);
        rins_device_close(dev);
    } else {
        const RinsCpuLevel first = bench || top ? cpu.level : RINS_CPU_REF;
        for (RinsCpuLevel level = first; level <= cpu.level; level++) {
            RinsDevice *dev = open_level("cpu", rins_cpu_level_name(level), threads);
            run_level(ref, dev, rins_cpu_level_name(level), bench, only);
            rins_device_close(dev);
        }
#ifdef RINS_HAVE_EMU16
        /* The code paths of wider processors, on a machine without them. */
        const bool emulate = !bench && !top;
        if (emulate && cpu.level == RINS_CPU_AVX2) run_emulated(ref, "emu16", rins_fill_emu16, threads, only);
        if (emulate && cpu.level >= RINS_CPU_AVX2 && cpu.level < RINS_CPU_AVX512BF16)
            run_emulated_bf16(ref, "emu16bf16", rins_fill_emu16bf16, threads, only);
        if (emulate && cpu.level >= RINS_CPU_AVX2 && cpu.level < RINS_CPU_AMX)
            run_emulated_bf16(ref, "emu16amx", rins_fill_emu16amx, threads, only);
#endif
    }
    rins_device_close(ref);
    if (bench) return 0;
    printf("1..%d\n# %d passed, %d failed\n", n_reported, n_reported - n_failed, n_failed);
    return n_failed != 0;
}
