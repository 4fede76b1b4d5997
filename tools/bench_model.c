/* rins bench step and infer: a whole model on random inputs, without data or tokenizer. */
#include "tools/bench.h"

#include "src/base/clock.h"
#include "src/base/rng.h"
#include "src/train/initial_weights.h"
#include "src/train/optimizer.h"
#include "src/train/run_config.h"

#include <stdlib.h>

typedef struct Job {
    const char *config_path, *json, *rounds_text;
    int64_t batch, steps; /* batch 0: the config's */
    int precision;        /* -1: the config's */
    bool training, paced;
    RinsCommon common;
    RinsRunConfig config;
    RinsRounds rounds;
    RinsDevice *dev;
    RinsModel *model;
    RinsOptimizer optimizer;
    uint8_t *pixels;
    int32_t *ids;
    float *embeddings;
} Job;

static RinsStatus random_inputs(Job *job) {
    const RinsModelConfig *model = &job->config.model;
    const size_t n = (size_t)job->batch, image = (size_t)(model->image.size * model->image.size * 3);
    const size_t length = (size_t)model->text.length;
    job->pixels = malloc(n * image);
    job->ids = malloc(n * length * sizeof *job->ids);
    job->embeddings = malloc(n * (size_t)rins_model_embed_dim(job->model) * sizeof *job->embeddings);
    if (!job->pixels || !job->ids || !job->embeddings) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for the inputs");
    RinsRng rng = rins_rng(RINS_RNG_TEST, (uint64_t)job->config.seed, 0, 0);
    for (size_t i = 0; i < n * image; i++) job->pixels[i] = (uint8_t)rins_rng_u32(&rng);
    for (size_t i = 0; i < n * length; i++) job->ids[i] = (int32_t)rins_rng_below(&rng, (uint64_t)model->text.vocab);
    return RINS_OK;
}

static RinsStatus open_job(Job *job, char **overrides, int n_overrides, RinsBenchResult *result) {
    RINS_TRY(rins_parse_rounds(job->rounds_text, &job->rounds));
    RINS_TRY(rins_run_config_load(&job->config, job->config_path, overrides, n_overrides));
    RINS_TRY(rins_origins_adopt(&job->config));
    if (job->batch == 0) job->batch = job->config.train.batch;
    if (job->precision < 0) job->precision = job->config.precision;
    RINS_TRY(rins_device_open(&job->dev, "cpu", (int)job->common.threads));
    RinsPrecision precision;
    RINS_TRY(rins_precision_choose(job->precision, job->dev, &precision));
    result->threads = job->dev->threads;
    result->config = job->config_path;
    result->batch = job->batch;
    result->precision = rins_precision_names[precision];
    RINS_TRY(rins_bench_peak(result));
    const RinsModelOptions options = {
        .training = job->training,
        .image = true,
        .text = job->training,
        .precision = precision,
        .loss = (RinsLoss)job->config.train.loss,
        .batch = job->batch,
        .micro_batch = job->training ? job->config.train.micro_batch : 0,
        .recompute = job->config.train.recompute,
    };
    RINS_TRY(rins_model_new(&job->model, job->dev, &job->config.model, &options));
    RINS_TRY(rins_params_randomise(rins_model_params(job->model), (uint64_t)job->config.seed));
    rins_params_cast_low(rins_model_params(job->model));
    result->parameters = (double)rins_params_count(rins_model_params(job->model), RINS_TOWER_NONE, false);
    return random_inputs(job);
}

static void close_job(Job *job) {
    rins_optimizer_free(&job->optimizer);
    rins_model_free(job->model);
    rins_device_close(job->dev);
    rins_run_config_free(&job->config);
    free(job->pixels);
    free(job->ids);
    free(job->embeddings);
}

static RinsStatus make_optimizer(Job *job) {
    const RinsOptimizerOptions options = rins_optimizer_options(&job->config.train.optimizer);
    return rins_optimizer_make(&job->optimizer, rins_model_params(job->model), &options);
}

/* Forward, backward and AdamW, as the trainer does them. */
static RinsStatus run_once(Job *job, int64_t step, RinsBenchResult *result) {
    if (!job->training)
        return rins_model_encode_image(job->model, job->pixels, job->batch, job->rounds.image, true, job->embeddings);
    RinsStepResult got;
    RINS_TRY(rins_model_step(job->model, job->pixels, job->ids, job->batch, job->rounds, &got));
    rins_optimizer_step(&job->optimizer, step, 1e-5, rins_model_sqsum(job->model));
    RINS_TRY(job->dev->ops->sync(job->dev));
    result->loss = got.loss;
    return RINS_OK;
}

/* Whether another step is wanted: with --paced, whether another line came. */
static bool await_turn(const Job *job) {
    if (!job->paced) return true;
    int c;
    while ((c = getchar()) != EOF && c != '\n') continue;
    return c != EOF;
}

static void tell_step(const Job *job, double seconds) {
    if (!job->paced) return;
    printf("{\"step_s\": %.9g}\n", seconds);
    fflush(stdout);
}

static RinsStatus measure(Job *job, RinsBenchResult *result) {
    RinsModelFlops flops;
    int64_t done = 0;
    double *times = calloc((size_t)job->steps, sizeof *times);
    if (!times) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld steps", (long long)job->steps);
    RinsStatus status = rins_model_flops(&job->config.model, job->rounds, &flops);
    if (status == RINS_OK && job->training) status = make_optimizer(job);
    RinsProgress bar = rins_bench_bar(result, job->steps);
    for (int64_t i = -1; i < job->steps && status == RINS_OK; i++) { /* the first one warms up */
        if (i >= 0 && !await_turn(job)) break;
        const double from = rins_clock();
        status = run_once(job, i + 2, result);
        if (i >= 0) times[done++] = rins_clock() - from;
        /* Steps free nothing, so what is resident after one is its peak; sgemm's own matrices come on top later. */
        const int64_t resident = i < 0 ? rins_bench_peak_rss() : rins_bench_rss();
        if (resident > result->peak_rss_bytes) result->peak_rss_bytes = resident;
        if (status == RINS_OK) status = rins_bench_between(result);
        if (status == RINS_OK && i >= 0) tell_step(job, times[i]);
        rins_progress_update(&bar, i + 1, NULL);
    }
    if (status == RINS_OK && done == 0)
        status = RINS_FAIL(RINS_ERR_ARG, "--paced: standard input ended before a line asked for a step");
    if (status == RINS_OK) rins_progress_end(&bar, done, "steps");
    if (status == RINS_OK) status = rins_bench_peak(result);
    if (status == RINS_OK) {
        const double each = job->training ? 3 * (flops.image_forward + flops.text_forward) : flops.image_forward;
        result->step_s = rins_bench_median(times, (int)done);
        result->rate = (double)job->batch / result->step_s;
        result->rate_name = job->training ? "pairs_per_s" : "images_per_s";
        result->gflops = 1e-9 * each * result->rate;
    }
    free(times);
    return status;
}

static int run(Job *job, const char *name, const char *about, int argc, char **argv) {
    char cli_name[64];
    snprintf(cli_name, sizeof cli_name, "rins bench %s", name);
    const RinsFlag flags[] = {
        {"config", RINS_FLAG_STRING, &job->config_path, "C", "the model, as for training", true},
        {"batch", RINS_FLAG_INT, &job->batch, "N", "instead of the config's train.batch", .min = 1, .max = 1 << 24},
        {"precision", RINS_FLAG_CHOICE, &job->precision, "P", "instead of the config's", .names = rins_precision_names},
        {"steps", RINS_FLAG_INT, &job->steps, "K", "timed steps, after one to warm up (5)", .min = 1, .max = 1000000},
        {"paced", RINS_FLAG_BOOL, &job->paced, NULL,
         "wait for a line on standard input before each step, at most K; print its seconds after as JSON"},
        {"rounds", RINS_FLAG_STRING, &job->rounds_text, "image=R,text=R", "rounds instead of the signature's own"},
        {"json", RINS_FLAG_OUT_OR_STDOUT, &job->json, "F", "also write the figures as JSON (-: standard output)"},
        {NULL},
    };
    const RinsCli cli = {
        cli_name,    "--config C [--batch N] [--precision P] [--steps K] [key=value ...]", about, flags, 0, -1,
        &job->common};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    RinsBenchResult result = {.name = name};
    RinsStatus status = open_job(job, argv, n_args, &result);
    if (status == RINS_OK) status = measure(job, &result);
    if (status == RINS_OK) status = rins_bench_report(&result, job->json);
    const int exit_code = rins_report(status);
    close_job(job);
    return exit_code;
}

int rins_bench_step(int argc, char **argv) {
    Job job = {.steps = 5, .precision = -1, .training = true};
    return run(&job, "step", "Training steps (forward, backward, AdamW) on random pairs.", argc, argv);
}

int rins_bench_infer(int argc, char **argv) {
    Job job = {.steps = 5, .precision = -1};
    return run(&job, "infer", "Embeds random images.", argc, argv);
}
