/* Recursion against what it stands for: a deeper plain model with tied weights, or the plain model itself. */
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

typedef struct Twin {
    RinsModelConfig config;
    RinsModel *model;
} Twin;

static Twin twin_open(const char *overrides) {
    Twin twin = {.config = tiny_config(overrides)};
    const RinsModelOptions options = tiny_options(5);
    if (rins_model_new(&twin.model, cpu, &twin.config, &options) != RINS_OK) fail_msg("%s", rins_last_error());
    tiny_weights(twin.model, 3);
    return twin;
}

static void twin_close(Twin *twin) {
    rins_model_free(twin->model);
    rins_config_free(rins_model_fields, &twin->config);
}

static float *values(RinsModel *model, const float *buffer, int index) {
    RinsParams *params = rins_model_params(model);
    float *host = malloc((size_t)params->list[index].count * sizeof *host);
    assert_int_equal(rins_params_get(params, buffer, index, host), RINS_OK);
    return host;
}

/* Name of the tied model's parameter behind the unrolled model's: "...layers.5.x" is "...layers.<blocks[5]>.x". */
static void tied_name(const char *name, const int *blocks, char tied[96]) {
    const char *at = strstr(name, ".layers.");
    snprintf(tied, 96, "%s", name);
    if (!at) return;
    char *end;
    const long step = strtol(at + 8, &end, 10);
    snprintf(tied, 96, "%.*s.layers.%d%s", (int)(at - name), name, blocks[step], end);
}

/* Worst difference of gradients, relative to each tensor's largest, between the tied model's and the sums of the
   unrolled model's over the steps of each block. */
static double tied_gradient_error(RinsModel *tied, RinsModel *unrolled, const int *blocks) {
    RinsParams *pt = rins_model_params(tied), *pu = rins_model_params(unrolled);
    double worst = 0;
    for (int t = 0; t < pt->n; t++) {
        const int64_t count = pt->list[t].count;
        double *sum = calloc((size_t)count, sizeof *sum), largest = 1e-3, error = 0;
        for (int u = 0; u < pu->n; u++) {
            char name[96];
            tied_name(pu->list[u].name, blocks, name);
            if (strcmp(name, pt->list[t].name) != 0) continue;
            float *g = values(unrolled, pu->g, u);
            for (int64_t i = 0; i < count; i++) sum[i] += g[i];
            free(g);
        }
        float *g = values(tied, pt->g, t);
        for (int64_t i = 0; i < count; i++) {
            largest = fmax(largest, fabs(sum[i]));
            error = fmax(error, fabs(sum[i] - g[i]));
        }
        if (error / largest > worst) worst = error / largest;
        free(g), free(sum);
    }
    return worst;
}

static void tie_weights(RinsModel *tied, RinsModel *unrolled, const int *blocks) {
    RinsParams *pt = rins_model_params(tied), *pu = rins_model_params(unrolled);
    for (int u = 0; u < pu->n; u++) {
        char name[96];
        tied_name(pu->list[u].name, blocks, name);
        const int t = rins_params_find(pt, name);
        assert_true(t >= 0);
        float *w = values(tied, pt->w, t);
        assert_int_equal(rins_params_set(pu, pu->w, u, w), RINS_OK);
        free(w);
    }
}

static void recursion_equals_the_unrolled_tied_model(void **state) {
    (void)state;
    static const struct {
        const char *tied, *unrolled;
        int blocks[8];
    } cases[] = {
        {"image.recursion.signature=A^2B text.recursion.signature=A^2B",
         "image.depth=6 text.depth=6",
         {0, 1, 0, 1, 2, 3}},
        {"image.recursion.signature=(AB)^2 text.recursion.signature=(AB)^2",
         "image.depth=8 text.depth=8",
         {0, 1, 2, 3, 0, 1, 2, 3}},
        {"image.recursion.signature=AB^2 text.recursion.signature=AB^2",
         "image.depth=6 text.depth=6",
         {0, 1, 2, 3, 2, 3}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        Twin tied = twin_open(cases[c].tied), unrolled = twin_open(cases[c].unrolled);
        TinyInputs inputs = tiny_inputs(&tied.config, 5, 4);
        tie_weights(tied.model, unrolled.model, cases[c].blocks);
        RinsStepResult a, b;
        assert_int_equal(rins_model_step(tied.model, inputs.pixels, inputs.ids, 5, (RinsRounds){0, 0}, &a), RINS_OK);
        assert_int_equal(rins_model_step(unrolled.model, inputs.pixels, inputs.ids, 5, (RinsRounds){0, 0}, &b),
                         RINS_OK);
        const double error = tied_gradient_error(tied.model, unrolled.model, cases[c].blocks);
        print_message("# %s: loss difference %.2g, worst gradient error %.2g\n", cases[c].tied, fabs(a.loss - b.loss),
                      error);
        assert_true(a.loss == b.loss);
        assert_true(error <= 1e-6);
        tiny_inputs_free(&inputs);
        twin_close(&tied);
        twin_close(&unrolled);
    }
}

static void embed_both(RinsModel *model, const TinyInputs *inputs, RinsRounds rounds, float *image, float *text) {
    if (rins_model_encode_image(model, inputs->pixels, inputs->n, rounds.image, true, image) != RINS_OK ||
        rins_model_encode_text(model, inputs->ids, inputs->n, rounds.text, true, text) != RINS_OK)
        fail_msg("%s", rins_last_error());
}

static void one_round_equals_the_plain_model_bit_for_bit(void **state) {
    (void)state;
    static const char *const signatures[] = {"A^2B", "A^3B", "(AB)^2", "AB^2", "A:1^4B:3"};
    Twin plain = twin_open("");
    TinyInputs inputs = tiny_inputs(&plain.config, 5, 4);
    float want[2][5 * 12], got[2][5 * 12];
    embed_both(plain.model, &inputs, (RinsRounds){0, 0}, want[0], want[1]);
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        char overrides[128];
        snprintf(overrides, sizeof overrides, "image.recursion.signature=%s text.recursion.signature=%s", signatures[i],
                 signatures[i]);
        Twin twin = twin_open(overrides); /* the same draws: weights are keyed by name */
        embed_both(twin.model, &inputs, (RinsRounds){1, 1}, got[0], got[1]);
        assert_memory_equal(got, want, sizeof want);
        embed_both(twin.model, &inputs, (RinsRounds){0, 0}, got[0], got[1]);
        assert_memory_not_equal(got, want, sizeof want);
        twin_close(&twin);
    }
    tiny_inputs_free(&inputs);
    twin_close(&plain);
}

static void more_rounds_than_trained_are_allowed_at_use(void **state) {
    (void)state;
    Twin two = twin_open("image.recursion.signature=A^2B text.recursion.signature=A^2B");
    Twin four = twin_open("image.recursion.signature=A^4B text.recursion.signature=A^4B");
    TinyInputs inputs = tiny_inputs(&two.config, 5, 4);
    float a[2][5 * 12], b[2][5 * 12];
    embed_both(two.model, &inputs, (RinsRounds){4, 4}, a[0], a[1]);
    embed_both(four.model, &inputs, (RinsRounds){0, 0}, b[0], b[1]);
    assert_memory_equal(a, b, sizeof a);
    tiny_inputs_free(&inputs);
    twin_close(&two);
    twin_close(&four);
}

static void adapters_change_nothing_at_init(void **state) {
    (void)state;
    static const char *const kinds[] = {"round", "exit"};
    Twin none = twin_open("image.recursion.signature=A^3B text.recursion.signature=A^3B");
    TinyInputs inputs = tiny_inputs(&none.config, 5, 4);
    float want[2][5 * 12], got[2][5 * 12];
    assert_int_equal(rins_params_randomise(rins_model_params(none.model), 8), RINS_OK);
    for (int k = 0; k < 2; k++)
        for (int rounds = 1; rounds <= 3; rounds++) {
            char overrides[200];
            snprintf(overrides, sizeof overrides,
                     "image.recursion.signature=A^3B text.recursion.signature=A^3B image.recursion.adapter=%s "
                     "text.recursion.adapter=%s",
                     kinds[k], kinds[k]);
            Twin twin = twin_open(overrides);
            assert_int_equal(rins_params_randomise(rins_model_params(twin.model), 8), RINS_OK);
            embed_both(none.model, &inputs, (RinsRounds){rounds, rounds}, want[0], want[1]);
            embed_both(twin.model, &inputs, (RinsRounds){rounds, rounds}, got[0], got[1]);
            for (int i = 0; i < 5 * 12; i++) {
                assert_float_equal(got[0][i], want[0][i], 1e-7);
                assert_float_equal(got[1][i], want[1][i], 1e-7);
            }
            twin_close(&twin);
        }
    tiny_inputs_free(&inputs);
    twin_close(&none);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recursion_equals_the_unrolled_tied_model),
        cmocka_unit_test(one_round_equals_the_plain_model_bit_for_bit),
        cmocka_unit_test(more_rounds_than_trained_are_allowed_at_use),
        cmocka_unit_test(adapters_change_nothing_at_init),
    };
    return cmocka_run_group_tests(tests, open_cpu, close_cpu);
}
