/* rins bench gemm|step|infer|loss|data */
#define _GNU_SOURCE
#include "tools/bench.h"

#include "src/base/cpu.h"
#include "src/base/log.h"
#include "src/device/cpu_libraries.h"
#include "src/device/peak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const RinsCommand actions[] = {
    {"gemm", "sgemm's peak, the yardstick of the others", rins_bench_gemm},
    {"step", "training steps on random pairs", rins_bench_step},
    {"infer", "embedding random images", rins_bench_infer},
    {"loss", "the pairwise loss, forward and backward", rins_bench_loss},
    {"data", "decoding and preprocessing images", rins_bench_data},
    {NULL, NULL, NULL},
};

int64_t rins_bench_peak_rss(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (int64_t)usage.ru_maxrss * 1024;
}

int64_t rins_bench_rss(void) {
    long long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%lld %lld", &pages, &resident) != 2) resident = 0;
    if (file) fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double rins_bench_median(double *values, int n) {
    qsort(values, (size_t)n, sizeof *values, compare);
    return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

enum { SGEMM_RUNS = 3 };

RinsStatus rins_bench_peak(RinsBenchResult *result) {
    double gflops[SGEMM_RUNS];
    RINS_TRY(rins_gemm_rates(result->threads, SGEMM_RUNS, gflops));
    for (int i = 0; i < SGEMM_RUNS; i++)
        if (gflops[i] > result->peak_gflops) result->peak_gflops = gflops[i];
    return RINS_OK;
}

RinsStatus rins_bench_between(RinsBenchResult *result) {
    if (result->n_sgemm + SGEMM_RUNS > (int)(sizeof result->sgemm / sizeof result->sgemm[0])) return RINS_OK;
    RINS_TRY(rins_gemm_rates(result->threads, SGEMM_RUNS, result->sgemm + result->n_sgemm));
    result->n_sgemm += SGEMM_RUNS;
    return RINS_OK;
}

RinsProgress rins_bench_bar(const RinsBenchResult *result, int64_t steps) {
    RinsProgress bar;
    rins_log(RINS_LOG_INFO, "bench %s: %lld steps of batch %lld, %d threads", result->name, (long long)steps,
             (long long)result->batch, result->threads);
    rins_progress_start(&bar, result->name, 0, steps);
    rins_progress_update(&bar, 0, NULL);
    return bar;
}

static void print_text(RinsBenchResult *r) {
    const double median = r->n_sgemm ? rins_bench_median(r->sgemm, r->n_sgemm) : 0;
    char bytes[32];
    printf("%s", r->name);
    if (r->config) printf(" of %s", r->config);
    if (r->batch) printf(", batch %lld", (long long)r->batch);
    if (r->precision) printf(", %s", r->precision);
    printf(", %d threads\n", r->threads);
    if (r->rate_name) printf("  %-18s %.4g\n", r->rate_name, r->rate);
    if (r->step_s > 0) printf("  %-18s %.4g s (median)\n", "step", r->step_s);
    if (r->gflops > 0) printf("  %-18s %.4g GFLOP/s\n", "nominal", r->gflops);
    if (r->peak_gflops > 0) printf("  %-18s %.4g GFLOP/s\n", "sgemm peak", r->peak_gflops);
    if (r->gflops > 0 && r->peak_gflops > 0) printf("  %-18s %.3f\n", "fraction of peak", r->gflops / r->peak_gflops);
    if (median > 0) printf("  %-18s %.4g GFLOP/s (median between the steps)\n", "sgemm", median);
    if (median > 0) printf("  %-18s %.3f\n", "fraction of sgemm", r->gflops / median);
    if (r->samples) printf("  %-18s %lld, of them %lld bad\n", "samples", (long long)r->samples, (long long)r->bad);
    if (r->dim) printf("  %-18s %s\n", "beyond the data", rins_format_bytes((double)r->extra_bytes, bytes));
    printf("  %-18s %s\n", "peak memory", rins_format_bytes((double)r->peak_rss_bytes, bytes));
}

static RinsStatus write_json(RinsBenchResult *r, const char *path) {
    RinsCpu cpu;
    RinsJsonWriter json = {.indent = 2};
    RINS_TRY(rins_cpu_detect(&cpu));
    rins_json_open(&json, NULL, '{');
    rins_json_string(&json, "bench", r->name);
    if (r->config) rins_json_string(&json, "config", r->config);
    if (r->precision) rins_json_string(&json, "precision", r->precision);
    if (r->batch) rins_json_int(&json, "batch", r->batch);
    if (r->dim) rins_json_int(&json, "dim", r->dim);
    if (r->parameters > 0) rins_json_int(&json, "parameters", (int64_t)r->parameters);
    if (r->rate_name) rins_json_float(&json, r->rate_name, r->rate);
    if (r->step_s > 0) rins_json_float(&json, "step_s", r->step_s);
    if (r->loss > 0) rins_json_float(&json, "loss", r->loss);
    if (r->samples) {
        rins_json_int(&json, "samples", r->samples);
        rins_json_int(&json, "bad", r->bad);
    }
    rins_json_int(&json, "peak_rss_bytes", r->peak_rss_bytes);
    if (r->dim) rins_json_int(&json, "extra_bytes", r->extra_bytes);
    if (r->gflops > 0) rins_json_float(&json, "gflops", r->gflops);
    if (r->peak_gflops > 0) rins_json_float(&json, "gemm_peak_gflops", r->peak_gflops);
    if (r->gflops > 0 && r->peak_gflops > 0) rins_json_float(&json, "fraction_of_peak", r->gflops / r->peak_gflops);
    if (r->n_sgemm) {
        const double median = rins_bench_median(r->sgemm, r->n_sgemm);
        rins_json_float(&json, "gemm_median_gflops", median);
        rins_json_float(&json, "fraction_of_gemm_median", r->gflops / median);
    }
    rins_json_string(&json, "cpu", cpu.name);
    rins_json_string(&json, "cpu_level", rins_cpu_level_name(cpu.level));
    rins_json_string(&json, "blas_core", rins_blas_core());
    rins_json_int(&json, "threads", r->threads);
    rins_json_close(&json);
    return rins_write_json(path, &json);
}

RinsStatus rins_bench_report(RinsBenchResult *result, const char *json) {
    if (!json || strcmp(json, "-") != 0) print_text(result);
    return json ? write_json(result, json) : RINS_OK;
}

int rins_cmd_bench(int argc, char **argv) {
    static const RinsCommandSet set = {"rins bench", "action", actions, NULL};
    return rins_run_command(&set, argc, argv);
}
