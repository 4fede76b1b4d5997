/* Evaluation during training: figures arrive in eval.jsonl and the run's bytes stay as they were. Class folders train
   with caption templates, and damaged pictures are counted, named and passed over alike in every repetition. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/study/train_eval.h"
#include "tests/unit/training_fixture.h"

#include <math.h>

static RinsStatus train(const char *run, const char *const *more, bool evaluate) {
    RinsRunConfig config = fixture_config(more);
    RinsTrainWords words = {0};
    RinsTrainEval eval = {0};
    char *out = fixture_path(run);
    RinsTrainingOptions options = {.config = &config, .out = out, .threads = 1, .no_events = true};
    options.templates = &words.templates, options.class_names = &words.class_names;
    if (evaluate) options.eval = rins_train_eval, options.eval_user = &eval;
    RinsTraining *training = NULL;
    RinsStatus status = rins_train_words_open(&words, &config);
    if (status == RINS_OK) status = rins_training_open(&training, &options);
    eval.training = training;
    if (status == RINS_OK) status = rins_training_run(training);
    rins_training_free(training);
    rins_train_words_free(&words);
    rins_run_config_free(&config);
    free(out);
    return status;
}

static void must_train(const char *run, const char *const *more, bool evaluate) {
    if (train(run, more, evaluate) != RINS_OK) fail_msg("%s: %s", run, rins_last_error());
}

/* A folder per class: the fixture's pictures sorted by their red. */
static int make_classes(void **state) {
    static const char *const names[] = {"no_red", "dark_red", "middle_red", "bright_red"};
    if (fixture_make(state) != 0) return -1;
    for (int i = 0; i < FIXTURE_PAIRS; i++) {
        char from[16], to[64];
        size_t size;
        snprintf(from, sizeof from, "%02d.png", i);
        char *data = fixture_read("", from, &size);
        snprintf(to, sizeof to, "classes/%s", names[i % 4]);
        char *dir = fixture_path(to);
        assert_int_equal(rins_mkdirs(dir), RINS_OK);
        free(dir);
        snprintf(to, sizeof to, "classes/%s/%02d.png", names[i % 4], i);
        fixture_write(to, data, i == 9 ? size / 2 : size); /* one is cut short */
        free(data);
    }
    static const char templates[] = "a {} picture\na picture of {}\n";
    fixture_write("templates.txt", templates, strlen(templates));
    fixture_write("classes/zeroshot_classification_templates.txt", templates,
                  strlen(templates)); /* evaluation finds it there */
    return 0;
}

static char overrides[4][160];

static const char *in_fixture(int slot, const char *format) {
    char *at = overrides[slot];
    const char *dollar = strchr(format, '$');
    snprintf(at, sizeof overrides[0], "%.*s%s%s", (int)(dollar - format), format, fixture_dir, dollar + 1);
    return at;
}

static int count(const char *text, const char *word) {
    int n = 0;
    for (const char *at = text; (at = strstr(at, word)); at++) n++;
    return n;
}

static void figures_arrive_and_the_run_is_the_same(void **state) {
    (void)state;
    const char *const more[] = {"train.eval.every_steps=5", in_fixture(0, "train.eval.zeroshot=[\"folder:$/classes\"]"),
                                in_fixture(1, "train.eval.retrieval=[\"table:$/pairs.tsv\"]"),
                                in_fixture(2, "train.eval.loss=[\"table:$/pairs.tsv\"]"), NULL};
    must_train("evaluated", more, true);
    must_train("plain", NULL, false);
    static const char *const files[] = {"model.safetensors", "optimizer.safetensors", "train_state.json"};
    for (int i = 0; i < 3; i++) {
        char name[64];
        snprintf(name, sizeof name, "checkpoints/step-000000012/%s", files[i]);
        fixture_same_file("plain", "evaluated", name);
    }
    fixture_same_file("plain", "evaluated", "metrics.jsonl");
    size_t size;
    char *lines = fixture_read("evaluated", "eval.jsonl", &size);
    const char *const steps[] = {"{\"step\": 5, \"task\":", "{\"step\": 10, \"task\":", "{\"step\": 12, \"task\":"};
    for (int i = 0; i < 3; i++)
        if (count(lines, steps[i]) != 3) fail_msg("%d lines begin with %s", count(lines, steps[i]), steps[i]);
    assert_int_equal(count(lines, "\"acc1\": "), 3);
    assert_int_equal(count(lines, "\"image_retrieval_recall@1\": "), 3);
    free(lines);
}

/* Well over chance (0.25; 47 pictures): the words of the folders' names, put into the templates, are what the model
   learns. */
static void class_folders_train_with_templates(void **state) {
    (void)state;
    const char *const more[] = {
        in_fixture(0, "data.train=[\"folder:$/classes\"]"),
        in_fixture(1, "data.caption_templates=$/templates.txt"),
        in_fixture(2, "train.eval.zeroshot=[\"folder:$/classes\"]"),
        in_fixture(3, "train.eval.loss=[\"folder:$/classes\"]"), /* validates with the templates too */
        "train.budget.steps=120",
        "train.batch=4",
        "train.optimizer.lr=0.01",
        "data.image_pp=decode|resize(16)|value_range(-1,1)",
        NULL};
    must_train("folders", more, true);
    size_t size;
    char *lines = fixture_read("folders", "eval.jsonl", &size);
    const double acc1 = strtod(strstr(lines, "\"acc1\": ") + 8, NULL);
    if (!(acc1 >= 0.4)) fail_msg("zero-shot accuracy on its own 4 classes: %.3f", acc1);
    assert_int_equal(count(lines, "\"task\": \"loss\""), 1);
    free(lines);
    lines = fixture_read("folders", "metrics.jsonl", &size);
    assert_true(count(lines, "\"bad_causes\": {\"truncated\": 1}") > 5); /* about once an epoch */
    free(lines);
    lines = fixture_read("folders", "bad.jsonl", &size);
    assert_non_null(strstr(lines, "09.png"));
    free(lines);
}

static void too_much_bad_data_is_an_error(void **state) {
    (void)state;
    const char *const more[] = {in_fixture(0, "data.train=[\"folder:$/classes\"]"),
                                in_fixture(1, "data.caption_templates=$/templates.txt"), "train.budget.steps=60",
                                "data.max_bad_fraction=0.01", NULL};
    assert_int_equal(train("bad", more, false), RINS_ERR_LIMIT);
    const char *const wrong[] = {in_fixture(0, "data.train=[\"folder:$/classes\"]"), NULL};
    assert_int_equal(train("captionless", wrong, false), RINS_ERR_CONFIG);
    assert_non_null(strstr(rins_last_error(), "caption_templates"));
    const char *const late[] = {in_fixture(0, "train.eval.loss=[\"folder:$/classes\"]"), NULL};
    assert_int_equal(train("late", late, false), RINS_ERR_CONFIG); /* before the first step */
    assert_non_null(strstr(rins_last_error(), "train.eval.loss"));
    const char *const gone[] = {"data.train=[\"folder:/nonexistent\"]",
                                in_fixture(1, "data.caption_templates=$/templates.txt"), NULL};
    assert_int_not_equal(train("gone", gone, false), RINS_OK);
    if (!strstr(rins_last_error(), "data.train: ")) fail_msg("no key is named: %s", rins_last_error());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(figures_arrive_and_the_run_is_the_same, make_classes, fixture_remove),
        cmocka_unit_test_setup_teardown(class_folders_train_with_templates, make_classes, fixture_remove),
        cmocka_unit_test_setup_teardown(too_much_bad_data_is_an_error, make_classes, fixture_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
