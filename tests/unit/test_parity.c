/* Parity with transformers' SiglipModel, from goldens made by tests/golden/make_siglip.py: embeddings and logits within
   1e-5, twenty AdamW steps with every loss within 1e-4 relative, plain and recursive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/model/model_dir.h"
#include "src/train/optimizer.h"
#include "src/train/schedule.h"
#include "tests/unit/golden.h"

#include <math.h>

/* NaN is worse than anything. */
static double worse(double a, double b) {
    return b <= a ? a : b;
}

static double largest_difference(const float *a, const float *b, int64_t n) {
    double largest = 0;
    for (int64_t i = 0; i < n; i++) largest = worse(largest, fabs((double)a[i] - (double)b[i]));
    return largest;
}

static void must(RinsStatus status) {
    if (status != RINS_OK) fail_msg("%s: %s", rins_status_name(status), rins_last_error());
}

static RinsModel *load_model(RinsDevice *dev, const char *name, const char *signature,
                             const RinsModelOptions *options) {
    char path[512];
    RinsModelDir *dir;
    RinsModel *model;
    golden_path(path, name);
    must(rins_model_dir_open(&dir, path));
    if (signature) {
        RinsEncoderConfig *encoders[] = {&dir->config.image.encoder, &dir->config.text.encoder};
        for (int i = 0; i < 2; i++) {
            free(encoders[i]->recursion.signature);
            encoders[i]->recursion.signature = strdup(signature);
        }
    }
    must(rins_model_new(&model, dev, &dir->config, options));
    must(rins_model_dir_load(dir, model));
    rins_model_dir_free(dir);
    return model;
}

static void check_outputs(const char *name, int64_t batch) {
    RinsDevice *dev;
    RinsSafetensors io;
    must(rins_device_open(&dev, "cpu", 2));
    const RinsModelOptions options = {.image = true, .text = true, .batch = batch};
    RinsModel *model = load_model(dev, name, NULL, &options);
    golden_open(&io, name, "io.safetensors");
    uint8_t *pixels = golden_copy(&io, "pixels", RINS_ST_U8);
    int32_t *ids = golden_copy(&io, "ids", RINS_ST_I32);
    float *x = golden_copy(&io, "image_embeds", RINS_ST_F32), *y = golden_copy(&io, "text_embeds", RINS_ST_F32);
    float *logits = golden_copy(&io, "logits_per_image", RINS_ST_F32), *loss = golden_copy(&io, "loss", RINS_ST_F32);
    const int64_t n = golden_find(&io, "pixels", RINS_ST_U8)->shape[0], e = rins_model_embed_dim(model);
    float *image = malloc((size_t)(n * e) * sizeof *image), *text = malloc((size_t)(n * e) * sizeof *text);
    must(rins_model_encode_image(model, pixels, n, 0, true, image));
    must(rins_model_encode_text(model, ids, n, 0, true, text));
    const double dx = largest_difference(image, x, n * e), dy = largest_difference(text, y, n * e);
    double dl = 0;
    float t, b;
    RinsParams *params = rins_model_params(model);
    must(rins_params_get(params, params->w, rins_params_find(params, "logit_scale"), &t));
    must(rins_params_get(params, params->w, rins_params_find(params, "logit_bias"), &b));
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double dot = 0;
            for (int64_t k = 0; k < e; k++) dot += (double)image[i * e + k] * (double)text[j * e + k];
            dl = worse(dl, fabs(exp((double)t) * dot + (double)b - (double)logits[i * n + j]));
        }
    print_message("%s: largest difference of image embeddings %.2g, text embeddings %.2g, logits %.2g\n", name, dx, dy,
                  dl);
    assert_true(dx <= 1e-5 && dy <= 1e-5 && dl <= 1e-5);
    float got = 0;
    if (n <= batch) {
        must(rins_model_loss(model, pixels, ids, n, (RinsRounds){0, 0}, &got));
        print_message("%s: loss %.7g, transformers %.7g\n", name, (double)got, (double)*loss);
        assert_true(fabs((double)got - (double)*loss) <= 1e-5 * fabs((double)*loss));
    }
    void *owned[] = {pixels, ids, x, y, logits, loss, image, text};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) free(owned[i]);
    rins_safetensors_close(&io);
    rins_model_free(model);
    rins_device_close(dev);
}

static void tiny_outputs_match(void **state) {
    (void)state;
    check_outputs("siglip_tiny", 6);
}

/* Another width in each tower, erf GELU, bf16 weights in shards, and pixels beyond the last whole patch. */
static void odd_outputs_match(void **state) {
    (void)state;
    check_outputs("siglip_odd", 5);
}

static void outputs_do_not_depend_on_the_batch(void **state) {
    (void)state;
    check_outputs("siglip_odd", 2);
}

static void check_training(const char *signature, const char *which) {
    enum { STEPS = 20, BATCHES = 4 };
    RinsDevice *dev;
    RinsSafetensors golden;
    RinsOptimizer optimizer;
    const RinsScheduleConfig cosine = {.name = RINS_SCHEDULE_COSINE, .warmup_steps = 4};
    const RinsSchedule schedule = rins_schedule_make(&cosine, 1e-3, STEPS);
    char name[64];
    must(rins_device_open(&dev, "cpu", 2));
    golden_open(&golden, "siglip_tiny", "train.safetensors");
    const RinsStTensor *shape = golden_find(&golden, "pixels", RINS_ST_U8);
    const int64_t batch = shape->shape[1], pixels_per_batch = shape->count / BATCHES;
    const int64_t ids_per_batch = golden_find(&golden, "ids", RINS_ST_I32)->count / BATCHES;
    uint8_t *pixels = golden_copy(&golden, "pixels", RINS_ST_U8);
    int32_t *ids = golden_copy(&golden, "ids", RINS_ST_I32);
    double *lrs = golden_copy(&golden, "lrs", RINS_ST_F64);
    snprintf(name, sizeof name, "losses_%s", which);
    float *losses = golden_copy(&golden, name, RINS_ST_F32);
    snprintf(name, sizeof name, "grad_norms_%s", which);
    float *norms = golden_copy(&golden, name, RINS_ST_F32);
    const RinsModelOptions options = {.training = true, .image = true, .text = true, .batch = batch};
    RinsModel *model = load_model(dev, "siglip_tiny", signature, &options);
    const RinsOptimizerOptions adamw = {
        .b1 = 0.9, .b2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .clip = 1, .decay_all = true};
    must(rins_optimizer_make(&optimizer, rins_model_params(model), &adamw));
    double worst_loss = 0, worst_norm = 0;
    for (int step = 1; step <= STEPS; step++) {
        RinsStepResult result;
        const int64_t i = (step - 1) % BATCHES;
        const double lr = rins_schedule_lr(&schedule, step);
        assert_true(fabs(lr - lrs[step - 1]) <= 1e-15);
        must(rins_model_step(model, pixels + i * pixels_per_batch, ids + i * ids_per_batch, batch, (RinsRounds){0, 0},
                             &result));
        rins_optimizer_step(&optimizer, step, lr, rins_model_sqsum(model));
        must(dev->ops->sync(dev));
        worst_loss = worse(worst_loss, fabs((double)result.loss / (double)losses[step - 1] - 1));
        worst_norm = worse(worst_norm, fabs(sqrt(result.grad_sqsum) / (double)norms[step - 1] - 1));
    }
    print_message("%s: largest relative difference of 20 losses %.2g, gradient norms %.2g\n", which, worst_loss,
                  worst_norm);
    assert_true(worst_loss <= 1e-4);
    assert_true(worst_norm <= 1e-3);
    void *owned[] = {pixels, ids, lrs, losses, norms};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) free(owned[i]);
    rins_optimizer_free(&optimizer);
    rins_model_free(model);
    rins_safetensors_close(&golden);
    rins_device_close(dev);
}

static void plain_training_matches(void **state) {
    (void)state;
    check_training(NULL, "plain");
}

static void recursive_training_matches_tied_weights(void **state) {
    (void)state;
    check_training("A^2B", "a2b");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiny_outputs_match),
        cmocka_unit_test(odd_outputs_match),
        cmocka_unit_test(outputs_do_not_depend_on_the_batch),
        cmocka_unit_test(plain_training_matches),
        cmocka_unit_test(recursive_training_matches_tied_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
