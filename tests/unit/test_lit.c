/* Locked tuning: one tower from a published model stays byte for byte what it was while the other learns; parts slowed
   to nothing stay too, parts slowed a little move less. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/golden.h"
#include "tests/unit/training_fixture.h"

#include "src/model/checkpoint_list.h"
#include "src/study/study_plan.h"
#include "src/train/initial_weights.h"

#include <math.h>

static void train(const char *run, const char *const *more) {
    RinsRunConfig config = fixture_config(more);
    char *out = fixture_path(run);
    const RinsTrainingOptions options = {.config = &config, .out = out, .threads = 2};
    RinsTraining *training;
    if (rins_training_open(&training, &options) != RINS_OK) fail_msg("%s", rins_last_error());
    if (rins_training_run(training) != RINS_OK) fail_msg("%s", rins_last_error());
    rins_training_free(training);
    rins_run_config_free(&config);
    free(out);
}

static void open_checkpoint(RinsSafetensors *st, const char *run, int step) {
    char *out = fixture_path(run), *dir = rins_checkpoint_path(out, step),
         *path = rins_path_join(dir, "model.safetensors");
    if (rins_safetensors_open(st, path) != RINS_OK) fail_msg("%s", rins_last_error());
    free(out), free(dir), free(path);
}

/* Tensors of `now` that begin with `prefix` and differ from `before`'s; *n: how many begin so. */
static int changed(const RinsSafetensors *now, const RinsSafetensors *before, const char *prefix, int *n) {
    int differ = 0;
    *n = 0;
    for (size_t i = 0; i < before->n; i++) {
        const RinsStTensor *old = &before->list[i];
        if (strncmp(old->name, prefix, strlen(prefix)) != 0) continue;
        const RinsStTensor *new = rins_safetensors_find(now, old->name);
        assert_non_null(new);
        assert_int_equal(new->bytes, old->bytes);
        differ += memcmp(new->data, old->data, old->bytes) != 0;
        ++*n;
    }
    return differ;
}

static double moved(const RinsSafetensors *now, const RinsSafetensors *before, const char *name) {
    const RinsStTensor *a = rins_safetensors_find(now, name), *b = rins_safetensors_find(before, name);
    double sum = 0;
    for (int64_t i = 0; i < a->count; i++) {
        float x, y;
        memcpy(&x, a->data + 4 * i, 4), memcpy(&y, b->data + 4 * i, 4);
        sum += fabs((double)x - y);
    }
    return sum / (double)a->count;
}

/* A bias of keys changes no attention. Where one row queries its gradient is exactly 0, elsewhere rounding. */
static const char no_gradient[] = "text_model.encoder.layers.1.self_attn.k_proj.bias";

/* config: overrides with both towers from the golden model; `frozen` and `trained` are prefixes of tensors. */
static void check_locked(const char *run, const char *freeze, const char *frozen, const char *trained) {
    char path[512], image[560], text[560];
    golden_path(path, "siglip_tiny");
    snprintf(image, sizeof image, "model.image.from=%s", path);
    snprintf(text, sizeof text, "model.text.from=%s", path);
    const char *const more[] = {
        "model.text.recursion={signature: A, drop: 0.0}", "train.budget.steps=5", image, text, freeze, NULL};
    RinsSafetensors before, after;
    train(run, more);
    golden_open(&before, "siglip_tiny", "model.safetensors");
    open_checkpoint(&after, run, 5);
    int n, n_trained;
    const int wrong = changed(&after, &before, frozen, &n), right = changed(&after, &before, trained, &n_trained);
    print_message("# %s: %d of %d frozen tensors changed, %d of %d trained ones\n", freeze, wrong, n, right, n_trained);
    assert_true(n >= 38 && n_trained >= 36);
    assert_int_equal(wrong, 0);
    assert_int_equal(right, n_trained - (strncmp(no_gradient, trained, strlen(trained)) == 0));
    assert_true(moved(&after, &before, no_gradient) == 0);
    rins_safetensors_close(&before);
    rins_safetensors_close(&after);
}

static void a_frozen_image_tower_stays_byte_for_byte(void **state) {
    (void)state;
    check_locked("lit", "model.image.freeze=true", "vision_model.", "text_model.");
}

static void so_does_a_frozen_text_tower(void **state) {
    (void)state;
    check_locked("til", "model.text.freeze=true", "text_model.", "vision_model.");
}

/* An image tower from one model, a text tower from scratch with its embeddings kept and its head slowed down. */
static void lr_mults_slow_down_what_they_name(void **state) {
    (void)state;
    char path[512], image[560];
    golden_path(path, "siglip_tiny");
    snprintf(image, sizeof image, "model.image.from=%s", path);
    const char *const base[] = {
        "train.budget.steps=1",
        image,
        "model.image.freeze=true",
        "train.optimizer.lr_mults={text_model.embeddings: 0.0, text_model.head: 0.0, text: 0.0}",
        "train.optimizer.weight_decay=0.0",
        NULL};
    const char *const slow[] = {"train.budget.steps=1",
                                image,
                                "model.image.freeze=true",
                                "train.optimizer.lr_mults={text_model.embeddings: 0.0, text_model.head: 0.1}",
                                "train.optimizer.weight_decay=0.0",
                                NULL};
    RinsSafetensors start, after, golden;
    train("start", base); /* nothing of the text tower moves: what it began with */
    train("slow", slow);
    open_checkpoint(&start, "start", 1);
    open_checkpoint(&after, "slow", 1);
    golden_open(&golden, "siglip_tiny", "model.safetensors");
    int n;
    assert_int_equal(changed(&after, &golden, "vision_model.", &n), 0);
    assert_int_equal(changed(&after, &start, "text_model.embeddings", &n), 0);
    assert_int_equal(n, 2);
    /* Adam's first step is lr wherever there is a gradient. */
    const double head = moved(&after, &start, "text_model.head.weight");
    const double block = moved(&after, &start, "text_model.encoder.layers.0.mlp.fc1.weight");
    print_message("# first step: head %.3g, block %.3g\n", head, block);
    assert_true(block > 0 && fabs(head / block - 0.1) < 0.02);
    rins_safetensors_close(&start), rins_safetensors_close(&after), rins_safetensors_close(&golden);
}

/* A model to start from brings its sizes: what a study shares out, and what flops prints, is the cost of that model. */
static void the_cost_is_that_of_the_model_to_start_from(void **state) {
    (void)state;
    char from[160], yaml[] = "config: run.yaml\nseeds: [0]\nbudgets: [1e9]\narms: [{name: tuned}]\n";
    const char *const little[] = {"train.budget.steps=1", NULL};
    train("donor", little);
    snprintf(from, sizeof from, "model.from=%s/donor", fixture_dir);
    const char *const more[] = {"model={image: {width: 48, depth: 4}, text: {width: 8, depth: 1, mlp: 8}}",
                                "model.text.recursion.signature=A", "train.schedule={name: constant, warmup_steps: 1}",
                                from, NULL};
    RinsRunConfig config = fixture_config(more), arm;
    char *out = fixture_path("tuned"), *run_yaml = fixture_path("run.yaml"), *plan_yaml = fixture_path("plan.yaml");
    FILE *file = fopen(run_yaml, "w");
    assert_int_equal(rins_config_write(rins_run_fields, &config, file), RINS_OK);
    fclose(file);
    fixture_write("plan.yaml", yaml, strlen(yaml));
    const RinsTrainingOptions options = {.config = &config, .out = out, .threads = 2};
    RinsTraining *training;
    RinsStudyPlan plan;
    int64_t steps, branch;
    double counted;
    if (rins_training_open(&training, &options) != RINS_OK) fail_msg("%s", rins_last_error());
    const double trained = rins_training_plan(training)->flops_per_pair;
    if (rins_study_plan_load(&plan, plan_yaml, NULL, 0) != RINS_OK) fail_msg("%s", rins_last_error());
    assert_int_equal(rins_study_config(&plan, 0, 0, &arm), RINS_OK);
    assert_int_equal(rins_study_steps(&plan, &arm, 0, &steps, &branch, &counted), RINS_OK);
    if (counted != trained) fail_msg("a study counts %.0f FLOPs a pair, training %.0f", counted, trained);
    rins_training_free(training);
    rins_run_config_free(&config);
    rins_run_config_free(&arm);
    rins_study_plan_free(&plan);
    free(out), free(run_yaml), free(plan_yaml);
}

/* Towers of two models that do not go together are refused by name, before any weight is read. */
static void towers_that_do_not_meet_are_refused(void **state) {
    (void)state;
    const char *const little[] = {"train.budget.steps=1", NULL}, *const erf[] = {little[0], "model.act=gelu_erf", NULL};
    char image[160], text[160], other[160];
    train("tanh", little);
    train("erf", erf);
    snprintf(image, sizeof image, "model.image.from=%s/tanh", fixture_dir);
    snprintf(text, sizeof text, "model.text.from=%s/tanh", fixture_dir);
    snprintf(other, sizeof other, "model.text.from=%s/erf", fixture_dir);
    const struct {
        const char *more[3], *key, *why;
    } pairs[] = {{{image, other}, "model.text.from", "model.act gelu_erf"},
                 {{image, "model.embed_dim=24"}, "model.image.from", "set model.embed_dim to 16"},
                 {{text, "model.embed_dim=24"}, "model.text.from", "set model.embed_dim to 16"},
                 {{image, text}, NULL, NULL},
                 {{other}, NULL, NULL}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        RinsRunConfig config = fixture_config(pairs[i].more);
        const RinsStatus status = rins_origins_adopt(&config);
        if (status != (pairs[i].key ? RINS_ERR_MISMATCH : RINS_OK) ||
            (pairs[i].key && !(strstr(rins_last_error(), pairs[i].key) && strstr(rins_last_error(), pairs[i].why))))
            fail_msg("%zu: %s: %s", i, rins_status_name(status), rins_last_error());
        rins_run_config_free(&config);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frozen_image_tower_stays_byte_for_byte),
        cmocka_unit_test(so_does_a_frozen_text_tower),
        cmocka_unit_test(lr_mults_slow_down_what_they_name),
        cmocka_unit_test(the_cost_is_that_of_the_model_to_start_from),
        cmocka_unit_test(towers_that_do_not_meet_are_refused),
    };
    return cmocka_run_group_tests(tests, fixture_make, fixture_remove);
}
