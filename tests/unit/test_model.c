/* The whole two-tower model: exact gradients for every kind of plan, planned memory, counted work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tiny_model.h"

#include <math.h>
#include <stdio.h>

static RinsDevice *cpu;

static int open_cpu(void **state) {
    (void)state;
    return rins_device_open(&cpu, "cpu", 1);
}

static int close_cpu(void **state) {
    (void)state;
    rins_device_close(cpu);
    return 0;
}

static RinsModel *new_model(const RinsModelConfig *config, RinsModelOptions options, uint64_t seed) {
    RinsModel *model;
    if (rins_model_new(&model, cpu, config, &options) != RINS_OK) fail_msg("%s", rins_last_error());
    tiny_weights(model, seed);
    return model;
}

static float step_loss(RinsModel *model, const TinyInputs *inputs, RinsRounds rounds) {
    RinsStepResult result;
    if (rins_model_step(model, inputs->pixels, inputs->ids, inputs->n, rounds, &result) != RINS_OK)
        fail_msg("%s", rins_last_error());
    return result.loss;
}

static double loss_at(RinsModel *model, const TinyInputs *inputs, RinsRounds rounds, int index, const float *weights,
                      const double *direction, double step) {
    RinsParams *params = rins_model_params(model);
    const int64_t count = params->list[index].count;
    float *moved = malloc((size_t)count * sizeof *moved), loss;
    for (int64_t i = 0; i < count; i++) moved[i] = (float)(weights[i] + step * direction[i]);
    assert_int_equal(rins_params_set(params, params->w, index, moved), RINS_OK);
    if (rins_model_loss(model, inputs->pixels, inputs->ids, inputs->n, rounds, &loss) != RINS_OK)
        fail_msg("%s", rins_last_error());
    free(moved);
    return loss;
}

/* Derivative along g/|g| + a random unit vector: the first gives signal, the second looks where g might be wrong. */
static double direction_error(RinsModel *model, const TinyInputs *inputs, RinsRounds rounds, int index, double *scale) {
    RinsParams *params = rins_model_params(model);
    const int64_t count = params->list[index].count;
    float *g = malloc((size_t)count * sizeof *g), *w = malloc((size_t)count * sizeof *w);
    double *d = malloc((size_t)count * sizeof *d), norm = 0, random_norm = 0, expected = 0;
    assert_int_equal(rins_params_get(params, params->g, index, g), RINS_OK);
    assert_int_equal(rins_params_get(params, params->w, index, w), RINS_OK);
    RinsRng rng = rins_rng(RINS_RNG_TEST, 9, (uint64_t)index, 0);
    for (int64_t i = 0; i < count; i++)
        d[i] = rins_rng_normal(&rng), random_norm += d[i] * d[i], norm += (double)g[i] * g[i];
    for (int64_t i = 0; i < count; i++) {
        d[i] = d[i] / sqrt(random_norm) + (norm > 0 ? g[i] / sqrt(norm) : 0);
        expected += d[i] * g[i];
    }
    const double h = 1e-2;
    const double near =
        (loss_at(model, inputs, rounds, index, w, d, h) - loss_at(model, inputs, rounds, index, w, d, -h)) / (2 * h);
    const double far =
        (loss_at(model, inputs, rounds, index, w, d, 2 * h) - loss_at(model, inputs, rounds, index, w, d, -2 * h)) /
        (4 * h);
    assert_int_equal(rins_params_set(params, params->w, index, w), RINS_OK);
    free(g), free(w), free(d);
    *scale = fabs(expected);
    return fabs((4 * near - far) / 3 - expected); /* Richardson: fourth order */
}

static void check_gradients(const char *overrides, RinsRounds rounds, RinsLoss loss) {
    const RinsModelConfig config = tiny_config(overrides);
    RinsModelOptions options = tiny_options(3);
    options.loss = loss;
    RinsModel *model = new_model(&config, options, 5);
    const TinyInputs inputs = tiny_inputs(&config, 3, 7);
    step_loss(model, &inputs, rounds);
    const RinsParams *params = rins_model_params(model);
    double worst = 0;
    for (int i = 0; i < params->n; i++) {
        if (params->list[i].frozen) continue;
        double scale;
        const double error = direction_error(model, &inputs, rounds, i, &scale);
        const double relative = error / (scale + 2e-2);
        if (relative > 2e-3)
            fail_msg("%s: %s: error %.3g at derivative %.3g", overrides, params->list[i].name, error, scale);
        if (relative > worst) worst = relative;
    }
    print_message("# %-70s worst relative error %.2g over %d tensors\n", overrides, worst, params->n);
    TinyInputs used = inputs;
    tiny_inputs_free(&used);
    rins_model_free(model);
    RinsModelConfig freed = config;
    rins_config_free(rins_model_fields, &freed);
}

#define BOTH(s) "image.recursion.signature=" s " text.recursion.signature=" s
static const RinsRounds as_trained = {0, 0};

static void gradients_plain(void **state) {
    (void)state;
    check_gradients("", as_trained, RINS_LOSS_SIGMOID);
    check_gradients(BOTH("AB"), as_trained, RINS_LOSS_SIGMOID);
    check_gradients("act=gelu_erf", as_trained, RINS_LOSS_SIGMOID);
    check_gradients("", as_trained, RINS_LOSS_SOFTMAX);
}

static void gradients_recursive(void **state) {
    (void)state;
    check_gradients(BOTH("A^2B"), as_trained, RINS_LOSS_SIGMOID);
    check_gradients(BOTH("(AB)^2"), as_trained, RINS_LOSS_SIGMOID);
    check_gradients(BOTH("AB^3"), as_trained, RINS_LOSS_SIGMOID);
    check_gradients(BOTH("((A^2B)^2CD)"), as_trained, RINS_LOSS_SIGMOID);
    check_gradients(BOTH("A:1^3B:3"), (RinsRounds){2, 1}, RINS_LOSS_SIGMOID);
}

static void gradients_with_adapters(void **state) {
    (void)state;
    check_gradients(BOTH("A^3B") " image.recursion.adapter=round text.recursion.adapter=round", as_trained,
                    RINS_LOSS_SIGMOID);
    check_gradients(BOTH("A^3B") " image.recursion.adapter=exit text.recursion.adapter=exit", (RinsRounds){2, 1},
                    RINS_LOSS_SIGMOID);
    check_gradients(BOTH("A^2") " image.recursion.adapter=exit text.recursion.adapter=exit", (RinsRounds){1, 1},
                    RINS_LOSS_SIGMOID);
}

static void gradients_of_every_pooling(void **state) {
    (void)state;
    check_gradients("image.pool=gap text.pool=mean", as_trained, RINS_LOSS_SIGMOID);
    check_gradients("image.pool=tok text.pool=first", as_trained, RINS_LOSS_SIGMOID);
    check_gradients("embed_dim=10", as_trained, RINS_LOSS_SIGMOID);
    check_gradients("image.heads=1 text.heads=1", as_trained, RINS_LOSS_SIGMOID);
    check_gradients("image.heads=6 text.heads=4", as_trained, RINS_LOSS_SIGMOID);
    /* Hidden rows of whole 4 KiB, which lie apart. */
    check_gradients("image.mlp=1024 text.mlp=1024 image.depth=1 text.depth=1", as_trained, RINS_LOSS_SIGMOID);
    check_gradients("image.freeze=true", as_trained, RINS_LOSS_SIGMOID);
    check_gradients("text.freeze=true", as_trained, RINS_LOSS_SIGMOID);
}

/* Gradients of two models with the same table, compared at `tolerance` relative to each tensor's largest element. */
static void assert_same_gradients(RinsModel *a, RinsModel *b, double tolerance) {
    RinsParams *pa = rins_model_params(a), *pb = rins_model_params(b);
    assert_int_equal(pa->n, pb->n);
    double worst = 0;
    for (int i = 0; i < pa->n; i++) {
        const int64_t count = pa->list[i].count;
        float *ga = malloc((size_t)count * sizeof *ga), *gb = malloc((size_t)count * sizeof *gb);
        double largest = 5e-2, error = 0; /* the floor: a key bias has no gradient but rounding */
        rins_params_get(pa, pa->g, i, ga);
        rins_params_get(pb, pb->g, i, gb);
        for (int64_t j = 0; j < count; j++) {
            largest = fmax(largest, fabs((double)ga[j]));
            error = fmax(error, fabs((double)ga[j] - gb[j]));
        }
        if (!(error <= tolerance * largest))
            fail_msg("%s: gradients differ by %g of %g", pa->list[i].name, error, largest);
        worst = fmax(worst, error / largest);
        free(ga), free(gb);
    }
    print_message("# gradients within %.2g of each tensor's largest\n", worst);
}

static void check_micro_batches(const char *overrides, int64_t pairs, int64_t micro_batch) {
    RinsModelConfig config = tiny_config(overrides);
    RinsModelOptions options = tiny_options(pairs);
    RinsModel *whole = new_model(&config, options, 1);
    options.micro_batch = micro_batch;
    RinsModel *micro = new_model(&config, options, 1);
    TinyInputs inputs = tiny_inputs(&config, pairs, 2);
    RinsStepResult a, b;
    assert_int_equal(rins_model_step(whole, inputs.pixels, inputs.ids, pairs, as_trained, &a), RINS_OK);
    assert_int_equal(rins_model_step(micro, inputs.pixels, inputs.ids, pairs, as_trained, &b), RINS_OK);
    assert_float_equal(a.loss, b.loss, 1e-6);
    assert_float_equal(a.grad_sqsum / b.grad_sqsum, 1, 1e-5);
    assert_same_gradients(whole, micro, 1e-5);
    assert_true(rins_model_arena_bytes(micro) < rins_model_arena_bytes(whole));
    tiny_inputs_free(&inputs);
    rins_model_free(whole);
    rins_model_free(micro);
    rins_config_free(rins_model_fields, &config);
}

static void micro_batches_give_the_whole_batch_gradient(void **state) {
    (void)state;
    check_micro_batches(BOTH("A^2B"), 7, 3); /* the last micro-batch has one pair */
    check_micro_batches(BOTH("A"), 4096, 64);
}

static void recomputation_changes_memory_only(void **state) {
    (void)state;
    RinsModelConfig config = tiny_config(BOTH("A^3B") " image.recursion.adapter=round text.recursion.adapter=round");
    RinsModelOptions options = tiny_options(4);
    RinsModel *kept = new_model(&config, options, 1);
    options.recompute = true;
    RinsModel *again = new_model(&config, options, 1);
    TinyInputs inputs = tiny_inputs(&config, 4, 2);
    assert_true(step_loss(kept, &inputs, as_trained) == step_loss(again, &inputs, as_trained));
    assert_same_gradients(kept, again, 0);
    assert_true(rins_model_arena_bytes(again) < rins_model_arena_bytes(kept));
    tiny_inputs_free(&inputs);
    rins_model_free(kept);
    rins_model_free(again);
    rins_config_free(rins_model_fields, &config);
}

/* sqsum is the squared norm of what stands in the gradient buffer, with unused adapters and frozen towers as well. */
static void gradient_norm_counts_every_gradient_once(void **state) {
    (void)state;
    static const char *const models[] = {BOTH("A^2B"), "image.freeze=true", "embed_dim=10 image.pool=tok",
                                         BOTH("A^3B") " image.recursion.adapter=exit text.recursion.adapter=exit"};
    for (size_t m = 0; m < sizeof models / sizeof models[0]; m++) {
        RinsModelConfig config = tiny_config(models[m]);
        RinsModel *model = new_model(&config, tiny_options(3), 1);
        TinyInputs inputs = tiny_inputs(&config, 3, 2);
        RinsParams *params = rins_model_params(model);
        RinsStepResult result;
        double sum = 0;
        step_loss(model, &inputs, as_trained);
        assert_int_equal(rins_model_step(model, inputs.pixels, inputs.ids, 3, as_trained, &result), RINS_OK);
        for (int i = 0; i < params->n; i++) {
            if (params->list[i].frozen) continue;
            float *g = malloc((size_t)params->list[i].count * sizeof *g);
            rins_params_get(params, params->g, i, g);
            for (int64_t j = 0; j < params->list[i].count; j++) sum += (double)g[j] * g[j];
            free(g);
        }
        if (fabs(sum / result.grad_sqsum - 1) > 1e-6)
            fail_msg("%s: %.9g is not %.9g", models[m], result.grad_sqsum, sum);
        tiny_inputs_free(&inputs);
        rins_model_free(model);
        rins_config_free(rins_model_fields, &config);
    }
}

static void memory_used_equals_memory_planned(void **state) {
    (void)state;
    static const char *const models[] = {"", BOTH("A^3B"), "image.pool=tok text.pool=mean embed_dim=10"};
    for (size_t m = 0; m < sizeof models / sizeof models[0]; m++) {
        RinsModelConfig config = tiny_config(models[m]);
        RinsModelOptions options = tiny_options(6);
        options.micro_batch = m == 1 ? 2 : 0;
        RinsModel *model = new_model(&config, options, 1);
        TinyInputs inputs = tiny_inputs(&config, 6, 2);
        step_loss(model, &inputs, as_trained);
        assert_int_equal(rins_model_arena_peak(model), rins_model_arena_bytes(model));
        tiny_inputs_free(&inputs);
        rins_model_free(model);
        rins_config_free(rins_model_fields, &config);
    }
}

/* Early exits add an adapter to the memory of a full run, more rounds than trained a second buffer between steps. */
static void any_rounds_fit_an_inference_plan(void **state) {
    (void)state;
    static const struct {
        const char *overrides;
        int most;
    } models[] = {{BOTH("A^3B") " image.recursion.adapter=exit text.recursion.adapter=exit", 3},
                  {BOTH("A^3B") " image.recursion.adapter=round text.recursion.adapter=round", 3},
                  {BOTH("A^2") " image.depth=1 text.depth=1", 4},
                  {BOTH("A^1") " image.depth=1 text.depth=1 text.pool=mean", 3}};
    for (size_t m = 0; m < sizeof models / sizeof models[0]; m++) {
        RinsModelConfig config = tiny_config(models[m].overrides);
        RinsModelOptions options = tiny_options(3);
        options.training = false;
        for (int rounds = 1; rounds <= models[m].most; rounds++) {
            RinsModel *model = new_model(&config, options, 1);
            TinyInputs inputs = tiny_inputs(&config, 3, 2);
            float out[3 * 12];
            if (rins_model_encode_image(model, inputs.pixels, 3, rounds, true, out) != RINS_OK ||
                rins_model_encode_text(model, inputs.ids, 3, rounds, true, out) != RINS_OK)
                fail_msg("%s at %d rounds: %s", models[m].overrides, rounds, rins_last_error());
            tiny_inputs_free(&inputs);
            rins_model_free(model);
        }
        rins_config_free(rins_model_fields, &config);
    }
}

static void executed_flops_equal_the_dry_count(void **state) {
    (void)state;
    RinsModelConfig config = tiny_config(BOTH("A^3B"));
    RinsModel *model = new_model(&config, tiny_options(5), 1);
    TinyInputs inputs = tiny_inputs(&config, 5, 2);
    for (int rounds = 1; rounds <= 3; rounds++) {
        RinsDeviceStats dry, before = cpu->stats;
        assert_int_equal(rins_model_step_stats(model, (RinsRounds){rounds, 2}, 5, &dry), RINS_OK);
        step_loss(model, &inputs, (RinsRounds){rounds, 2});
        assert_int_equal(cpu->stats.gemm_flops - before.gemm_flops, dry.gemm_flops);
        assert_int_equal(cpu->stats.attention_flops - before.attention_flops, dry.attention_flops);
    }
    tiny_inputs_free(&inputs);
    rins_model_free(model);
    rins_config_free(rins_model_fields, &config);
}

static void wrong_inputs_are_refused(void **state) {
    (void)state;
    RinsModelConfig config = tiny_config("");
    RinsModel *model = new_model(&config, tiny_options(2), 1);
    TinyInputs inputs = tiny_inputs(&config, 3, 2);
    RinsStepResult result;
    assert_int_equal(rins_model_step(model, inputs.pixels, inputs.ids, 3, as_trained, &result), RINS_ERR_ARG);
    inputs.ids[4] = 23;
    assert_int_equal(rins_model_step(model, inputs.pixels, inputs.ids, 2, as_trained, &result), RINS_ERR_MISMATCH);
    inputs.ids[4] = 0;
    assert_int_equal(rins_model_step(model, inputs.pixels, inputs.ids, 2, (RinsRounds){2, 1}, &result),
                     RINS_ERR_CONFIG);
    tiny_inputs_free(&inputs);
    rins_model_free(model);
    rins_config_free(rins_model_fields, &config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_plain),
        cmocka_unit_test(gradients_recursive),
        cmocka_unit_test(gradients_with_adapters),
        cmocka_unit_test(gradients_of_every_pooling),
        cmocka_unit_test(micro_batches_give_the_whole_batch_gradient),
        cmocka_unit_test(recomputation_changes_memory_only),
        cmocka_unit_test(gradient_norm_counts_every_gradient_once),
        cmocka_unit_test(memory_used_equals_memory_planned),
        cmocka_unit_test(any_rounds_fit_an_inference_plan),
        cmocka_unit_test(executed_flops_equal_the_dry_count),
        cmocka_unit_test(wrong_inputs_are_refused),
    };
    return cmocka_run_group_tests(tests, open_cpu, close_cpu);
}
