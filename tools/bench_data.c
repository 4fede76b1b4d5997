/* rins bench data: how fast samples are read, decoded and preprocessed. */
#include "tools/bench.h"

#include "src/base/clock.h"
#include "data/parallel.h"
#include "data/pp.h"
#include "data/source.h"
#include "src/device/cpu_libraries.h"

#include <stdlib.h>

typedef struct Worker {
    RinsSample sample;
    uint8_t *pixels;
    float *values; /* pixels in the range that the model takes */
    int64_t bad;
} Worker;

typedef struct Job {
    RinsSource *source;
    RinsPp *pp;
    Worker *workers;
    int threads;
    int64_t count;
    size_t n; /* bytes of one picture */
    float scale[3], offset[3];
} Job;

/* What the device does to a batch in training, here on the worker's core so that it is part of the figure. */
static void normalise(const Job *job, const uint8_t *from, float *to) {
    enum { RUN = 48 }; /* whole pixels and whole vectors */
    float scale[RUN], offset[RUN];
    for (int i = 0; i < RUN; i++) scale[i] = job->scale[i % 3], offset[i] = job->offset[i % 3];
    size_t i = 0;
    for (; i + RUN <= job->n; i += RUN)
        for (int k = 0; k < RUN; k++) to[i + (size_t)k] = (float)from[i + (size_t)k] * scale[k] + offset[k];
    for (; i < job->n; i++) to[i] = (float)from[i] * job->scale[i % 3] + job->offset[i % 3];
}

static RinsStatus prepare_one(void *user, int64_t i, int at) {
    Job *job = user;
    Worker *worker = &job->workers[at];
    RinsBadCause cause;
    RinsStatus status = rins_source_read_parts(job->source, i % job->count, RINS_SAMPLE_IMAGE, &worker->sample, &cause);
    if (status == RINS_OK)
        status = rins_pp_apply(job->pp, worker->sample.image, worker->sample.image_size, (RinsPpKey){0, 0, (uint64_t)i},
                               worker->pixels, NULL, &cause);
    if (status != RINS_OK && cause == RINS_BAD_NONE) return status;
    worker->bad += status != RINS_OK;
    if (status == RINS_OK) normalise(job, worker->pixels, worker->values);
    return RINS_OK;
}

static RinsStatus open_job(Job *job, const char *data, const char *pp) {
    RINS_TRY(rins_source_open(&job->source, data));
    RINS_TRY(rins_pp_parse(&job->pp, pp));
    RINS_TRY(rins_pp_check_size(job->pp, pp));
    const size_t side = (size_t)rins_pp_size(job->pp);
    job->count = rins_source_count(job->source);
    job->n = side * side * 3;
    rins_pp_value_range(job->pp, job->scale, job->offset);
    job->workers = calloc((size_t)job->threads, sizeof *job->workers);
    if (!job->workers) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %d threads", job->threads);
    for (int i = 0; i < job->threads; i++)
        if (!(job->workers[i].pixels = malloc(job->n)) || !(job->workers[i].values = malloc(job->n * sizeof(float))))
            return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %d threads", job->threads);
    return RINS_OK;
}

static void close_job(Job *job) {
    for (int i = 0; job->workers && i < job->threads; i++) {
        rins_sample_free(&job->workers[i].sample);
        free(job->workers[i].pixels);
        free(job->workers[i].values);
    }
    free(job->workers);
    rins_pp_free(job->pp);
    rins_source_free(job->source);
}

static RinsStatus measure(Job *job, int64_t samples, RinsBenchResult *result) {
    const int64_t warm = job->threads < samples ? job->threads : samples;
    RINS_TRY(rins_parallel(warm, job->threads, prepare_one, job));
    for (int i = 0; i < job->threads; i++) job->workers[i].bad = 0;
    const double from = rins_clock();
    RINS_TRY(rins_parallel(samples, job->threads, prepare_one, job));
    const double spent = rins_clock() - from;
    result->samples = samples;
    for (int i = 0; i < job->threads; i++) result->bad += job->workers[i].bad;
    result->rate_name = "images_per_s";
    result->rate = (double)(samples - result->bad) / spent;
    result->peak_rss_bytes = rins_bench_peak_rss();
    return RINS_OK;
}

int rins_bench_data(int argc, char **argv) {
    const char *data = NULL, *json = NULL, *pp = "decode|resize(224)|value_range(-1,1)";
    int64_t samples = 0;
    RinsCommon common = {0};
    const RinsFlag flags[] = {
        {"data", RINS_FLAG_STRING, &data, "D", "folder:DIR, wds:PATTERN, table:FILE or karpathy:FILE.json", true},
        {"pp", RINS_FLAG_STRING, &pp, "PP", "preprocessing (decode|resize(224)|value_range(-1,1))"},
        {"samples", RINS_FLAG_INT, &samples, "K", "samples to prepare (each once, at least 512)", .min = 1,
         .max = INFINITY},
        {"json", RINS_FLAG_OUT_OR_STDOUT, &json, "F", "also write the figures as JSON (-: standard output)"},
        {NULL},
    };
    const RinsCli cli = {"rins bench data",
                         "--data D [--pp PP] [--samples K] [--threads N] [--json F]",
                         "Reads, decodes, preprocesses and normalises images.",
                         flags,
                         0,
                         0,
                         &common};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    Job job = {.threads = common.threads ? (int)common.threads : rins_cpu_max_threads()};
    RinsBenchResult result = {.name = "data", .config = data, .threads = job.threads};
    RinsStatus status = open_job(&job, data, pp);
    if (status == RINS_OK && samples == 0) samples = job.count > 512 ? job.count : 512;
    if (status == RINS_OK) status = measure(&job, samples, &result);
    if (status == RINS_OK) status = rins_bench_report(&result, json);
    const int exit_code = rins_report(status);
    close_job(&job);
    return exit_code;
}
