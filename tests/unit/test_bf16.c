/* bf16 mixed precision of the whole model, on kernels whose products are done in plain C as VDPBF16PS and as AMX do
   them: gradients and loss curves stay at those of fp32 within what rounding to 8 bits of mantissa explains. */

#include "tests/unit/skip.h"

#include "src/device/cpu/act_type.h"
#include "src/device/cpu/cpu_device.h"
#include "src/train/optimizer.h"
#include "tests/unit/tiny_model.h"

#include <math.h>
#include <stdio.h>

/* bf16 keeps 8 bits: rounding to nearest is off by up to 2^-9 of the value, two neighbours lie up to 2^-7 apart. */
#define BF16_ROUNDING 0x1p-9

enum { VECTORS, TILES, N_KERNELS };
static RinsDevice *fp32, *bf16[N_KERNELS], *reference;
static const char *const kernel_names[N_KERNELS] = {"vectors", "tiles"};

static RinsDevice *open_cpu(int threads, bool low) {
    RinsDevice *dev;
    if (rins_device_open(&dev, "cpu", threads) != RINS_OK) fail_msg("%s", rins_last_error());
    dev->bf16 = low;
    return dev;
}

static void emulate(RinsDevice *dev, int kernel) {
#ifdef RINS_HAVE_EMU16
    void (*const fill[N_KERNELS])(RinsOps *) = {rins_fill_emu16bf16, rins_fill_emu16amx};
    fill[kernel](&((RinsCpuDevice *)dev->impl)->ops);
#endif
    (void)dev, (void)kernel;
}

static int open_devices(void **state) {
    (void)state;
    fp32 = open_cpu(1, false);
    if (fp32->cpu.level < RINS_CPU_AVX2) return 0;
    for (int i = 0; i < N_KERNELS; i++) emulate(bf16[i] = open_cpu(1, true), i);
    reference = open_cpu(1, true);
    rins_fill_ref(&((RinsCpuDevice *)reference->impl)->ops);
    return 0;
}

static int close_devices(void **state) {
    (void)state;
    rins_device_close(fp32);
    for (int i = 0; i < N_KERNELS; i++) rins_device_close(bf16[i]);
    rins_device_close(reference);
    return 0;
}

static void need_emulation(void) {
#ifndef RINS_HAVE_EMU16
    SKIP_FOR("needs a compiler with AVX-512");
#endif
    if (!reference) SKIP_FOR("needs a processor with AVX2");
}

static RinsModel *new_model(RinsDevice *dev, const RinsModelConfig *config, int64_t batch) {
    RinsModel *model;
    RinsModelOptions options = tiny_options(batch);
    options.precision = dev->bf16 ? RINS_PRECISION_BF16 : RINS_PRECISION_FP32;
    if (rins_model_new(&model, dev, config, &options) != RINS_OK) fail_msg("%s", rins_last_error());
    return model;
}

/* Weights that bf16 holds exactly, so that what is compared is the arithmetic. */
static void round_weights(RinsModel *model) {
    RinsParams *params = rins_model_params(model);
    for (int i = 0; i < params->n; i++) {
        float *host = malloc((size_t)params->list[i].count * sizeof *host);
        assert_int_equal(rins_params_get(params, params->w, i, host), RINS_OK);
        for (int64_t j = 0; j < params->list[i].count; j++) host[j] = rins_bf16_to_f32(rins_f32_to_bf16(host[j]));
        assert_int_equal(rins_params_set(params, params->w, i, host), RINS_OK);
        free(host);
    }
    rins_params_cast_low(params);
}

static RinsModel *stepped_model(RinsDevice *dev, const RinsModelConfig *config, const TinyInputs *inputs,
                                RinsStepResult *result) {
    RinsModel *model = new_model(dev, config, inputs->n);
    tiny_weights(model, 5);
    round_weights(model);
    if (rins_model_step(model, inputs->pixels, inputs->ids, inputs->n, (RinsRounds){0, 0}, result) != RINS_OK)
        fail_msg("%s", rins_last_error());
    return model;
}

/* |g - h| / (|g| + floor) of one tensor. */
static double gradient_distance(RinsModel *a, RinsModel *b, int index, double floor) {
    RinsParams *pa = rins_model_params(a), *pb = rins_model_params(b);
    const int64_t count = pa->list[index].count;
    float *ga = malloc((size_t)count * sizeof *ga), *gb = malloc((size_t)count * sizeof *gb);
    double norm = 0, error = 0;
    assert_int_equal(rins_params_get(pa, pa->g, index, ga), RINS_OK);
    assert_int_equal(rins_params_get(pb, pb->g, index, gb), RINS_OK);
    for (int64_t j = 0; j < count; j++) norm += (double)ga[j] * ga[j], error += pow((double)ga[j] - gb[j], 2);
    free(ga), free(gb);
    return sqrt(error) / (sqrt(norm) + floor);
}

/* Largest error of the loss and of any tensor's gradient. The floor, a tenth of a tensor's mean norm, is for those
   whose gradient is nothing but rounding, as a key bias's. */
static double check_gradients(RinsDevice *a, int kernel, const char *overrides, double limit) {
    RinsModelConfig config = tiny_config(overrides);
    TinyInputs inputs = tiny_inputs(&config, 6, 7);
    RinsStepResult ra, rb;
    RinsModel *x = stepped_model(a, &config, &inputs, &ra), *y = stepped_model(bf16[kernel], &config, &inputs, &rb);
    const RinsParams *params = rins_model_params(x);
    const double floor = 0.1 * sqrt(ra.grad_sqsum / params->n);
    double worst = fabs((double)ra.loss - rb.loss) / ra.loss;
    int at = -1;
    for (int i = 0; i < params->n; i++) {
        if (params->list[i].frozen) continue;
        const double error = gradient_distance(x, y, i, floor);
        if (error > worst) worst = error, at = i;
    }
    print_message("# %s, %-60s worst %.2g (%s), limit %.2g\n", kernel_names[kernel], overrides, worst,
                  at < 0 ? "loss" : params->list[at].name, limit);
    if (!(worst <= limit))
        fail_msg("%s, %s: %s is off by %g", kernel_names[kernel], overrides, at < 0 ? "loss" : params->list[at].name,
                 worst);
    rins_model_free(x);
    rins_model_free(y);
    tiny_inputs_free(&inputs);
    rins_config_free(rins_model_fields, &config);
    return worst;
}

#define BOTH(s) "image.recursion.signature=" s " text.recursion.signature=" s
static const char *const models[] = {"", BOTH("A^2B"), "act=gelu_erf embed_dim=10", "image.pool=gap text.pool=mean",
                                     "image.pool=tok text.pool=first", "image.freeze=true",
                                     /* Enough heads for products in bf16 of the pooled row, hidden rows of 4 KiB. */
                                     "image.heads=6 text.heads=4",
                                     "image.heads=6 text.heads=4 image.depth=1 text.depth=1"
                                     " image.mlp=2048 text.mlp=2048"};
enum { N_MODELS = sizeof models / sizeof models[0], N_OF_REFERENCE = N_MODELS - 2 };

/* A value goes through some 25 roundings a block, forward and backward: 100 in these models. Being independent they add
   up to 10 times one; weights of this size amplify that, up to sixfold. */
static void gradients_stay_at_those_of_fp32(void **state) {
    (void)state;
    need_emulation();
    for (int i = 0; i < N_KERNELS * N_MODELS; i++) {
        const double error = check_gradients(fp32, i / N_MODELS, models[i % N_MODELS], 60 * BF16_ROUNDING);
        assert_true(error > BF16_ROUNDING / 4); /* else these were not bf16 at all */
    }
}

/* Both round the same values; they differ in the order of adding, which seldom moves one to the next bf16. Attention is
   the reference's in both: its kernels for bf16 round probabilities too, and opcheck holds them to it. */
static void gradients_are_those_of_the_reference_kernels(void **state) {
    (void)state;
    need_emulation();
    const RinsOps *from = reference->ops;
    for (int kernel = 0; kernel < N_KERNELS; kernel++) {
        RinsOps *ops = &((RinsCpuDevice *)bf16[kernel]->impl)->ops;
        ops->attention_fwd = from->attention_fwd, ops->attention_bwd = from->attention_bwd;
        for (int i = 0; i < N_OF_REFERENCE; i++) check_gradients(reference, kernel, models[i], BF16_ROUNDING);
        emulate(bf16[kernel], kernel);
    }
}

enum { SEEDS = 3, STEPS = 60, BATCH = 16, PAIRS = 64 };

/* Loss of every step of a short training, in which the seed draws the weights and the order of the pairs. */
static void train(RinsDevice *dev, uint64_t seed, double loss[STEPS]) {
    static const char sizes[] = "image.width=24 image.mlp=48 image.depth=2 text.width=24 text.mlp=48 text.depth=2";
    RinsModelConfig config = tiny_config(sizes);
    RinsModel *model = new_model(dev, &config, BATCH);
    RinsOptimizer optimizer;
    const RinsOptimizerOptions options = {.b1 = 0.9, .b2 = 0.95, .eps = 1e-8, .weight_decay = 1e-4, .clip = 1};
    TinyInputs all = tiny_inputs(&config, PAIRS, 3), some = tiny_inputs(&config, BATCH, 4);
    const size_t pixels = (size_t)(config.image.size * config.image.size * 3), words = (size_t)config.text.length;
    RinsRng rng = rins_rng(RINS_RNG_TEST, seed, 8, 0);
    assert_int_equal(rins_params_randomise(rins_model_params(model), seed), RINS_OK);
    assert_int_equal(rins_optimizer_make(&optimizer, rins_model_params(model), &options), RINS_OK);
    for (int step = 0; step < STEPS; step++) {
        RinsStepResult result;
        const uint64_t first = rins_rng_below(&rng, PAIRS);
        for (uint64_t i = 0; i < BATCH; i++) { /* 5 has no divisor in common with 64: no pair comes twice */
            const uint64_t pair = (first + 5 * i) % PAIRS;
            memcpy(some.pixels + i * pixels, all.pixels + pair * pixels, pixels);
            memcpy(some.ids + i * words, all.ids + pair * words, words * sizeof *some.ids);
        }
        if (rins_model_step(model, some.pixels, some.ids, BATCH, (RinsRounds){0, 0}, &result) != RINS_OK)
            fail_msg("%s", rins_last_error());
        rins_optimizer_step(&optimizer, step + 1, 2e-3, rins_model_sqsum(model));
        loss[step] = result.loss;
    }
    tiny_inputs_free(&all);
    tiny_inputs_free(&some);
    rins_optimizer_free(&optimizer);
    rins_model_free(model);
    rins_config_free(rins_model_fields, &config);
}

static double mean_distance(const double *a, const double *b) {
    double sum = 0;
    for (int i = 0; i < STEPS; i++) sum += fabs(a[i] - b[i]) / STEPS;
    return sum;
}

static void loss_curve_stays_within_the_noise_of_seeds(void **state) {
    (void)state;
    need_emulation();
    static double full[SEEDS][STEPS], low[SEEDS][STEPS];
    double spread = 1e9, worst = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) train(fp32, seed, full[seed]), train(bf16[VECTORS], seed, low[seed]);
    for (int i = 0; i < SEEDS; i++) {
        spread = fmin(spread, mean_distance(full[i], full[(i + 1) % SEEDS]));
        worst = fmax(worst, mean_distance(full[i], low[i]));
        assert_true(full[i][STEPS - 1] < 0.7 * full[i][0]); /* there is a curve to follow */
    }
    print_message("# loss %.3g to %.3g; bf16 %.2g from fp32, seeds %.2g from each other\n", full[0][0],
                  full[0][STEPS - 1], worst, spread);
    if (!(worst < spread)) fail_msg("bf16 is %g from fp32 on average over a run, seeds %g", worst, spread);
    assert_true(worst > 0);
}

static void two_threads_give_the_same_bytes_again(void **state) {
    (void)state;
    need_emulation();
    static double curves[2][STEPS];
    for (int kernel = 0; kernel < N_KERNELS; kernel++) {
        for (int i = 0; i < 2; i++) {
            RinsDevice *dev = open_cpu(2, true);
            emulate(dev, kernel);
            train(dev, 1, curves[i]);
            rins_device_close(dev);
        }
        assert_memory_equal(curves[0], curves[1], sizeof curves[0]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_stay_at_those_of_fp32),
        cmocka_unit_test(gradients_are_those_of_the_reference_kernels),
        cmocka_unit_test(loss_curve_stays_within_the_noise_of_seeds),
        cmocka_unit_test(two_threads_give_the_same_bytes_again),
    };
    return cmocka_run_group_tests(tests, open_devices, close_devices);
}
