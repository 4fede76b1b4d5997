/* A checkpoint knows which config it belongs to: what may change may, everything else is named. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/file.h"
#include "src/train/train_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static RinsTrainState state_of(char *const *overrides, int n, uint64_t hash) {
    RinsRunConfig config = {0};
    RinsTrainState state = {.samples = 1000};
    assert_int_equal(rins_run_config_load(&config, NULL, overrides, n), RINS_OK);
    const RinsTextHashes hashes = {hash, hash};
    assert_int_equal(rins_train_state_describe(&state, &config, &hashes), RINS_OK);
    rins_run_config_free(&config);
    return state;
}

/* Checks the defaults with one override against a checkpoint of the defaults. */
static RinsStatus check_override(const char *override, bool branch) {
    char text[256];
    snprintf(text, sizeof text, "%s", override);
    char *const list[] = {text};
    RinsTrainState saved = state_of(NULL, 0, 1), now = state_of(list, 1, 1);
    const RinsStatus status = rins_train_state_check(&saved, &now, branch);
    rins_train_state_free(&saved);
    rins_train_state_free(&now);
    return status;
}

/* What is in a tokenizer or template file counts, not where it lies. */
static void files_count_by_their_contents(void **state) {
    (void)state;
    char old[] = "data.caption_templates=old", new[] = "data.caption_templates=new";
    char *const before[] = {old}, *const after[] = {new};
    RinsTrainState saved = state_of(before, 1, 1), moved = state_of(after, 1, 1), changed = state_of(before, 1, 2);
    assert_int_equal(rins_train_state_check(&saved, &moved, false), RINS_OK);
    assert_int_equal(rins_train_state_check(&saved, &changed, false), RINS_ERR_MISMATCH);
    assert_non_null(strstr(rins_last_error(), "data.caption_templates.hash"));
    assert_non_null(strstr(rins_last_error(), "data.tokenizer.hash"));
    rins_train_state_free(&saved);
    rins_train_state_free(&moved);
    rins_train_state_free(&changed);
}

static void free_keys_may_change(void **state) {
    (void)state;
    const char *const free_keys[] = {
        "train.budget.steps=5", "train.checkpoint.keep=1",   "train.eval.loss=[x]",
        "train.micro_batch=64", "train.recompute=true",      "train.branch=elsewhere",
        "data.train=moved",     "data.tokenizer=moved",      "data.workers=7",
        "model.from=x",         "data.max_bad_fraction=0.5", "model.text.from=x",
    };
    RinsTrainState saved;
    char moved[] = "data.train=old", *const list[] = {moved};
    saved = state_of(list, 1, 1);
    for (size_t i = 0; i < sizeof free_keys / sizeof free_keys[0]; i++) {
        char text[64], source[] = "data.train=old";
        snprintf(text, sizeof text, "%s", free_keys[i]);
        char *const both[] = {source, text};
        RinsTrainState now = state_of(both, 2, 1);
        if (rins_train_state_check(&saved, &now, false) != RINS_OK) fail_msg("%s: %s", free_keys[i], rins_last_error());
        rins_train_state_free(&now);
    }
    rins_train_state_free(&saved);
}

/* A key that came later must not part a checkpoint, or a study's results, from the program that goes on with them. */
static void later_keys_leave_no_trace_at_null(void **state) {
    (void)state;
    char set[] = "model.image.force_size=24", *const list[] = {set};
    RinsTrainState unset = state_of(NULL, 0, 1), given = state_of(list, 1, 1);
    assert_null(json_object_get(unset.config, "model.image.force_size"));
    assert_int_equal(json_integer_value(json_object_get(given.config, "model.image.force_size")), 24);
    assert_int_equal(rins_train_state_check(&unset, &given, false), RINS_ERR_MISMATCH);
    rins_train_state_free(&unset);
    rins_train_state_free(&given);
}

static void other_keys_are_named(void **state) {
    (void)state;
    const char *const keys[] = {"seed=1", "train.batch=128", "model.image.recursion.signature=A^2B",
                                "data.shuffle=false", "model.text.recursion.drop=0.5"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        for (int branch = 0; branch < 2; branch++) {
            char key[64];
            snprintf(key, sizeof key, "%.*s was", (int)strcspn(keys[i], "="), keys[i]);
            assert_int_equal(check_override(keys[i], branch), RINS_ERR_MISMATCH);
            if (!strstr(rins_last_error(), key)) fail_msg("'%s' is not in: %s", key, rins_last_error());
        }
}

static void a_branch_may_learn_differently(void **state) {
    (void)state;
    const char *const keys[] = {"train.schedule.name=constant", "train.optimizer.lr=0.5", "train.loss=softmax",
                                "train.schedule.cooldown_fraction=0.2", "train.optimizer.lr_mults={image: 0.1}"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        assert_int_equal(check_override(keys[i], false), RINS_ERR_MISMATCH);
        if (check_override(keys[i], true) != RINS_OK) fail_msg("%s: %s", keys[i], rins_last_error());
    }
}

static void data_and_tokenizer_must_be_the_same(void **state) {
    (void)state;
    RinsTrainState saved = state_of(NULL, 0, 1), now = state_of(NULL, 0, 2);
    assert_int_equal(rins_train_state_check(&saved, &now, false), RINS_ERR_MISMATCH);
    assert_non_null(strstr(rins_last_error(), "data.tokenizer"));
    saved.samples = 999;
    assert_int_equal(rins_train_state_check(&saved, &saved, false), RINS_OK);
    assert_int_equal(rins_train_state_check(&saved, &now, false), RINS_ERR_MISMATCH);
    assert_non_null(strstr(rins_last_error(), "999"));
    rins_train_state_free(&saved);
    rins_train_state_free(&now);
}

static void files_keep_every_bit(void **state) {
    (void)state;
    char dir[] = "/tmp/rins-state-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *path = rins_path_join(dir, "train_state.json"), *text;
    size_t size;
    char source[] = "data.train=/secret/place", *const list[] = {source};
    RinsTrainState state_in = state_of(list, 1, 77), state_out = {0};
    state_in.step = 1234567890123, state_in.slot = 1ll << 60, state_in.read = 5, state_in.bad = 2;
    state_in.flops = 1e20 / 3, state_in.flops_executed = 9007199254740993.0;
    assert_int_equal(rins_train_state_write(&state_in, path), RINS_OK);
    assert_int_equal(rins_train_state_read(&state_out, path), RINS_OK);
    assert_int_equal(state_out.step, state_in.step);
    assert_int_equal(state_out.slot, state_in.slot);
    assert_int_equal(state_out.read, 5);
    assert_int_equal(state_out.bad, 2);
    assert_true(state_out.flops == state_in.flops && state_out.flops_executed == state_in.flops_executed);
    assert_int_equal(rins_train_state_check(&state_out, &state_in, false), RINS_OK);
    assert_int_equal(rins_file_read(path, 0, &text, &size), RINS_OK);
    assert_null(strstr(text, "secret"));             /* no paths inside */
    for (size_t cut = 0; cut + 2 < size; cut += 7) { /* any truncation is an error that names the file */
        assert_int_equal(truncate(path, (off_t)(size - 2 - cut)), 0);
        if (rins_train_state_read(&state_out, path) == RINS_OK)
            fail_msg("%zu of %zu bytes were taken", size - 2 - cut, size);
        assert_non_null(strstr(rins_last_error(), "train_state.json"));
    }
    free(text);
    free(path);
    rins_train_state_free(&state_in);
    rins_train_state_free(&state_out);
    assert_int_equal(rins_remove_tree(dir), RINS_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_count_by_their_contents),  cmocka_unit_test(free_keys_may_change),
        cmocka_unit_test(other_keys_are_named),           cmocka_unit_test(later_keys_leave_no_trace_at_null),
        cmocka_unit_test(a_branch_may_learn_differently), cmocka_unit_test(data_and_tokenizer_must_be_the_same),
        cmocka_unit_test(files_keep_every_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
