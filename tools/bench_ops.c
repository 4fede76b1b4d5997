/* rins bench gemm and loss: single ops. */
#include "tools/bench.h"

#include "src/base/clock.h"
#include "src/base/rng.h"
#include "src/device/cpu_libraries.h"
#include "src/device/device.h"

#include <stdlib.h>

static int thread_count(const RinsCommon *common) {
    return common->threads ? (int)common->threads : rins_cpu_max_threads();
}

int rins_bench_gemm(int argc, char **argv) {
    const char *json = NULL;
    RinsCommon common = {0};
    const RinsFlag flags[] = {
        {"json", RINS_FLAG_OUT_OR_STDOUT, &json, "F", "also write the figures as JSON (-: standard output)"}, {NULL}};
    const RinsCli cli = {"rins bench gemm",
                         "[--threads N] [--json F]",
                         "OpenBLAS sgemm, M 3136, N 3072, K 768: the best of six runs.",
                         flags,
                         0,
                         0,
                         &common};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    RinsBenchResult result = {.name = "gemm", .threads = thread_count(&common)};
    RinsStatus status = rins_bench_peak(&result);
    if (status == RINS_OK) status = rins_bench_peak(&result);
    result.peak_rss_bytes = rins_bench_peak_rss();
    if (status == RINS_OK) status = rins_bench_report(&result, json);
    return rins_report(status);
}

/* n unit rows of random values, on the device. */
static RinsStatus random_rows(RinsDevice *dev, uint64_t stream, int64_t n, int64_t dim, RinsTensor *rows) {
    float *host = malloc((size_t)(n * dim) * sizeof *host);
    void *data = dev->ops->alloc(dev, (size_t)(n * dim) * sizeof *host);
    float *norm = dev->ops->alloc(dev, (size_t)n * sizeof *norm);
    RinsStatus status = RINS_OK;
    *rows = rins_tensor(data, RINS_F32, n, dim);
    if (!host || !data || !norm) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld embeddings of %lld", (long long)n, (long long)dim);
        goto done;
    }
    RinsRng rng = rins_rng(RINS_RNG_TEST, 0, stream, 0);
    for (int64_t i = 0; i < n * dim; i++) host[i] = (float)rins_rng_uniform(&rng) - 0.5f;
    dev->ops->copy_in(dev, data, host, (size_t)(n * dim) * sizeof *host);
    dev->ops->l2norm_fwd(dev, *rows, norm, *rows);
    status = dev->ops->sync(dev);
done:
    free(host);
    if (norm) dev->ops->free(dev, norm);
    return status;
}

static RinsStatus zero_rows(RinsDevice *dev, int64_t n, int64_t dim, RinsTensor *rows) {
    const size_t bytes = (size_t)(n * dim) * sizeof(float);
    *rows = rins_tensor(dev->ops->alloc(dev, bytes), RINS_F32, n, dim);
    if (!rows->data)
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld gradients of %lld", (long long)n, (long long)dim);
    dev->ops->zero(dev, rows->data, bytes); /* touched: what comes on top is the op's own */
    return RINS_OK;
}

static RinsStatus time_loss(RinsDevice *dev, int64_t steps, RinsProgress *bar, RinsBenchResult *result) {
    RinsPairLoss loss = {0};
    RinsStatus status = RINS_OK;
    double *times = calloc((size_t)steps, sizeof *times);
    float *scalars = dev->ops->alloc(dev, 5 * sizeof *scalars); /* t b loss dt db */
    const float start[2] = {2.302585f, -10};
    if (!times || !scalars) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld steps", (long long)steps);
        goto done;
    }
    dev->ops->copy_in(dev, scalars, start, sizeof start);
    loss.t = scalars, loss.b = scalars + 1, loss.loss = scalars + 2, loss.dt = scalars + 3, loss.db = scalars + 4;
    RINS_TRY_DONE(random_rows(dev, 1, result->batch, result->dim, &loss.x));
    RINS_TRY_DONE(random_rows(dev, 2, result->batch, result->dim, &loss.y));
    RINS_TRY_DONE(zero_rows(dev, result->batch, result->dim, &loss.dx));
    RINS_TRY_DONE(zero_rows(dev, result->batch, result->dim, &loss.dy));
    const int64_t before = rins_bench_peak_rss();
    for (int64_t i = 0; i < steps; i++) {
        const double from = rins_clock();
        dev->ops->siglip_fwd_bwd(dev, &loss);
        RINS_TRY_DONE(dev->ops->sync(dev));
        times[i] = rins_clock() - from;
        rins_progress_update(bar, i + 1, NULL);
    }
    float value;
    dev->ops->copy_out(dev, &value, loss.loss, sizeof value);
    RINS_TRY_DONE(dev->ops->sync(dev));
    result->loss = value;
    result->step_s = rins_bench_median(times, (int)steps);
    result->extra_bytes = rins_bench_peak_rss() - before;
done:
    free(times);
    void *buffers[] = {scalars, loss.x.data, loss.y.data, loss.dx.data, loss.dy.data};
    for (int i = 0; i < 5; i++)
        if (buffers[i]) dev->ops->free(dev, buffers[i]);
    return status;
}

static RinsStatus run_loss(int threads, int64_t steps, RinsBenchResult *result) {
    RinsDevice *dev;
    RINS_TRY(rins_device_open(&dev, "cpu", threads));
    result->threads = dev->threads;
    RinsStatus status = rins_bench_peak(result);
    RinsProgress bar = rins_bench_bar(result, steps);
    if (status == RINS_OK) status = time_loss(dev, steps, &bar, result);
    if (status == RINS_OK) rins_progress_end(&bar, steps, "steps");
    result->peak_rss_bytes = rins_bench_peak_rss();
    if (status == RINS_OK) status = rins_bench_peak(result);
    rins_device_close(dev);
    /* Logits, and the gradients of both sides: three products of n x n x dim. */
    if (status == RINS_OK)
        result->gflops = 6e-9 * (double)result->batch * (double)result->batch * (double)result->dim / result->step_s;
    return status;
}

int rins_bench_loss(int argc, char **argv) {
    const char *json = NULL;
    int64_t batch = 32768, dim = 768, steps = 3;
    RinsCommon common = {0};
    const RinsFlag flags[] = {
        {"batch", RINS_FLAG_INT, &batch, "N", "pairs (32768)", .min = 1, .max = 1 << 24},
        {"dim", RINS_FLAG_INT, &dim, "D", "width of the embeddings (768)", .min = 1, .max = 65536},
        {"steps", RINS_FLAG_INT, &steps, "K", "timed runs (3)", .min = 1, .max = 1000000},
        {"json", RINS_FLAG_OUT_OR_STDOUT, &json, "F", "also write the figures as JSON (-: standard output)"},
        {NULL},
    };
    const RinsCli cli = {"rins bench loss",
                         "[--batch N] [--dim D] [--steps K] [--threads N] [--json F]",
                         "The sigmoid loss over N x N pairs, forward and backward.",
                         flags,
                         0,
                         0,
                         &common};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    RinsBenchResult result = {.name = "loss", .batch = batch, .dim = dim};
    RinsStatus status = run_loss((int)common.threads, steps, &result);
    if (status == RINS_OK) status = rins_bench_report(&result, json);
    return rins_report(status);
}
