/* The run config: its defaults are what README.md says, contradictions are refused, the shipped configs are what
   they claim. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/file.h"
#include "src/train/run_config.h"

#include <stdlib.h>
#include <string.h>

static char *root_path(const char *name) {
    const char *root = getenv("RINS_SOURCE_ROOT");
    char *path = rins_path_join(root ? root : ".", name);
    assert_non_null(path);
    return path;
}

static char *written(const RinsRunConfig *config) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(rins_config_write(rins_run_fields, config, out), RINS_OK);
    fclose(out);
    return text;
}

static void load(RinsRunConfig *config, const char *name) {
    char *path = root_path(name);
    if (rins_run_config_load(config, path, NULL, 0) != RINS_OK) fail_msg("%s: %s", name, rins_last_error());
    free(path);
}

/* Every key of the table stands as "key:" in the text. */
static void assert_names_all(const RinsField *fields, const char *text) {
    for (const RinsField *field = fields; field->name; field++) {
        char key[80];
        snprintf(key, sizeof key, "%s:", field->name);
        if (!strstr(text, key)) fail_msg("README.md does not name the key '%s'", field->name);
        if (field->type == RINS_FIELD_STRUCT) assert_names_all(field->fields, text);
    }
}

static void readme_gives_every_key_and_its_default(void **state) {
    (void)state;
    char *path = root_path("README.md"), *text;
    size_t size;
    assert_int_equal(rins_file_read(path, 0, &text, &size), RINS_OK);
    char *block = strstr(text, "```yaml\n");
    assert_non_null(block);
    block += strlen("```yaml\n");
    *strstr(block, "```") = 0;
    RinsRunConfig defaults = {0}, readme = {0};
    assert_int_equal(rins_config_defaults(rins_run_fields, &defaults), RINS_OK);
    if (rins_config_parse(rins_run_fields, &readme, block, "README.md") != RINS_OK) fail_msg("%s", rins_last_error());
    assert_names_all(rins_run_fields, block);
    char *a = written(&defaults), *b = written(&readme);
    assert_string_equal(a, b);
    free(a), free(b), free(text), free(path);
    rins_run_config_free(&defaults);
    rins_run_config_free(&readme);
}

static void the_two_b16_configs_differ_in_recursion_alone(void **state) {
    (void)state;
    RinsRunConfig plain = {0}, rins = {0};
    load(&plain, "configs/siglip_b16.yaml");
    load(&rins, "configs/rins_b16.yaml");
    assert_string_equal(rins.model.image.encoder.recursion.signature, "A^2B");
    assert_string_equal(rins.model.text.encoder.recursion.signature, "A^2B");
    static const char *const same[] = {"model.image.recursion.signature=A", "model.text.recursion.signature=A",
                                       "train.budget={examples: null, flops: null}"};
    for (int i = 0; i < 3; i++) assert_int_equal(rins_config_override(rins_run_fields, &rins, same[i]), RINS_OK);
    assert_int_equal(rins_config_override(rins_run_fields, &plain, same[2]), RINS_OK);
    char *a = written(&plain), *b = written(&rins);
    assert_string_equal(a, b);
    free(a), free(b);
    rins_run_config_free(&plain);
    rins_run_config_free(&rins);
}

static void a_map_names_the_budget_and_the_schedule_anew(void **state) {
    (void)state;
    RinsRunConfig config = {0};
    load(&config, "configs/quickstart.yaml"); /* steps; constant, with a cool-down */
    assert_true(config.train.schedule.cooldown_fraction > 0);
    static const char *const maps[] = {"train.budget={examples: 1000}",
                                       "train.schedule={name: constant, warmup_steps: 5}"};
    for (int i = 0; i < 2; i++) assert_int_equal(rins_config_override(rins_run_fields, &config, maps[i]), RINS_OK);
    assert_true(config.train.budget.examples == 1000 && config.train.budget.steps == RINS_INT_NULL);
    if (config.train.schedule.cooldown_fraction != 0)
        fail_msg("train.schedule.cooldown_fraction is still %g", config.train.schedule.cooldown_fraction);
    assert_int_equal(config.train.schedule.warmup_steps, 5);
    rins_run_config_free(&config);
}

static void contradictions_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *overrides[2], *expect;
    } cases[] = {
        {{"train.batch=10", "train.micro_batch=4"}, "no multiple of train.micro_batch 4"},
        {{"train.budget.steps=3", "train.budget.epochs=1"}, "more than one"},
        {{"train.schedule.warmup_fraction=0.6", "train.schedule.cooldown_fraction=0.6"}, "more than 1"},
        {{"train.optimizer.b1=1", "seed=1"}, "below 1"},
        {{"seed=9007199254740993", "seed=9007199254740993"}, "9007199254740993 is out of range: 0 to 9007199254740992"},
        {{"seed=9007199254740993.0", "seed=9007199254740993.0"}, "9007199254740993.0 is out of range"},
        {{"seed=-1e30", "seed=1e30"}, "1e30 is out of range: 0 to 9007199254740992"},
        {{"seed=1e16", "seed=1e16"}, "1e16 is out of range: 0 to 9007199254740992"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        RinsRunConfig config = {0};
        char *overrides[2] = {strdup(cases[i].overrides[0]), strdup(cases[i].overrides[1])};
        assert_int_equal(rins_run_config_load(&config, NULL, overrides, 2), RINS_ERR_CONFIG);
        if (!strstr(rins_last_error(), cases[i].expect)) fail_msg("%s: %s", cases[i].overrides[0], rins_last_error());
        free(overrides[0]), free(overrides[1]);
        rins_run_config_free(&config);
    }
}

static void training_says_what_is_missing(void **state) {
    (void)state;
    static const struct {
        const char *expect, *then;
    } steps[] = {
        {"data.train is empty; name captioned images, such as data.train=table:captions.tsv ",
         "data.train=table:captions.tsv"},
        {"data.tokenizer is not set", "data.tokenizer=x.model"},
        {"train.budget is empty", "train.budget.steps=1"},
    };
    RinsRunConfig config = {0};
    assert_int_equal(rins_run_config_load(&config, NULL, NULL, 0), RINS_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rins_run_config_check_training(&config), RINS_ERR_CONFIG);
        if (!strstr(rins_last_error(), steps[i].expect)) fail_msg("not '%s': %s", steps[i].expect, rins_last_error());
        assert_int_equal(rins_config_override(rins_run_fields, &config, steps[i].then), RINS_OK);
    }
    assert_int_equal(rins_run_config_check_training(&config), RINS_OK);
    rins_run_config_free(&config);
}

static void precision_follows_the_hardware(void **state) {
    (void)state;
    RinsDevice without = {.name = "cpu"}, with = {.name = "cpu", .bf16 = true};
    RinsPrecision precision;
    assert_int_equal(rins_precision_choose(RINS_PRECISION_AUTO, &without, &precision), RINS_OK);
    assert_int_equal(precision, RINS_PRECISION_FP32);
    assert_int_equal(rins_precision_choose(RINS_PRECISION_AUTO, &with, &precision), RINS_OK);
    assert_int_equal(precision, RINS_PRECISION_BF16);
    assert_int_equal(rins_precision_choose(RINS_PRECISION_FP32, &with, &precision), RINS_OK);
    assert_int_equal(precision, RINS_PRECISION_FP32);
    assert_int_equal(rins_precision_choose(RINS_PRECISION_BF16, &without, &precision), RINS_ERR_UNSUPPORTED);
    assert_non_null(strstr(rins_last_error(), "has no bf16 arithmetic"));
    without.cpu = (RinsCpu){.name = "a CPU", .avx512_bf16 = true, .level = RINS_CPU_AVX2};
    assert_int_equal(rins_precision_choose(RINS_PRECISION_BF16, &without, &precision), RINS_ERR_UNSUPPORTED);
    assert_non_null(strstr(rins_last_error(), "RINS_CPU keeps a CPU at avx2"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readme_gives_every_key_and_its_default),
        cmocka_unit_test(the_two_b16_configs_differ_in_recursion_alone),
        cmocka_unit_test(a_map_names_the_budget_and_the_schedule_anew),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(training_says_what_is_missing),
        cmocka_unit_test(precision_follows_the_hardware),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
