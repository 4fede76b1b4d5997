/* Only complete checkpoints are seen, the newest is found, old ones go, and records are cut at the right line. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/file.h"
#include "src/model/checkpoint_list.h"
#include "src/train/run_dir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char run[64];

static int make_run(void **state) {
    (void)state;
    strcpy(run, "/tmp/rins-checkpoints-XXXXXX");
    return mkdtemp(run) ? 0 : -1;
}

static int remove_run(void **state) {
    (void)state;
    return rins_remove_tree(run) == RINS_OK ? 0 : -1;
}

static void write_file(const char *dir, const char *name, const char *text) {
    char *path = rins_path_join(dir, name);
    assert_int_equal(rins_file_write(path, text, strlen(text)), RINS_OK);
    free(path);
}

static void save(int64_t step, const char *text) {
    char *partial;
    assert_int_equal(rins_checkpoint_begin(run, step, &partial), RINS_OK);
    write_file(partial, "train_state.json", text);
    assert_int_equal(rins_checkpoint_commit(run, step, partial), RINS_OK);
    free(partial);
}

static void assert_newest(const char *expected) {
    char *found;
    assert_int_equal(rins_checkpoint_newest(run, &found), RINS_OK);
    if (!expected)
        assert_null(found);
    else {
        assert_non_null(found);
        assert_string_equal(found + strlen(run) + 1, expected);
    }
    free(found);
}

static void partial_ones_are_never_seen(void **state) {
    (void)state;
    char *partial;
    assert_newest(NULL);
    assert_int_equal(rins_checkpoint_begin(run, 7, &partial), RINS_OK);
    write_file(partial, "train_state.json", "half");
    free(partial);
    assert_newest(NULL); /* as a killed run leaves it */
    save(7, "{}");
    assert_newest("checkpoints/step-000000007");
    char *left = rins_path_join(run, "checkpoints/.partial");
    assert_false(rins_path_is_dir(left));
    free(left);
}

static void newest_is_by_number(void **state) {
    (void)state;
    const int64_t steps[] = {1000, 20, 3000000000, 999999999};
    for (int i = 0; i < 4; i++) save(steps[i], "{}");
    char *decoy = rins_path_join(run, "checkpoints/step-9999999999-old");
    assert_int_equal(rins_mkdirs(decoy), RINS_OK);
    free(decoy);
    assert_newest("checkpoints/step-3000000000");
    char *one = rins_checkpoint_path(run, 20), *found;
    assert_int_equal(rins_checkpoint_newest(one, &found), RINS_OK);
    assert_string_equal(found, one); /* a checkpoint stands for itself */
    free(found);
    free(one);
}

static void prune_keeps_the_newest(void **state) {
    (void)state;
    RinsCheckpointList list;
    for (int64_t step = 1; step <= 5; step++) save(step * 10, "{}");
    assert_int_equal(rins_checkpoint_prune(run, 0), RINS_OK);
    assert_int_equal(rins_checkpoint_list(&list, run), RINS_OK);
    assert_int_equal(list.n, 5);
    rins_checkpoint_list_free(&list);
    assert_int_equal(rins_checkpoint_prune(run, 2), RINS_OK);
    assert_int_equal(rins_checkpoint_list(&list, run), RINS_OK);
    assert_int_equal(list.n, 2);
    assert_int_equal(list.steps[0], 40);
    assert_int_equal(list.steps[1], 50);
    rins_checkpoint_list_free(&list);
}

static void same_step_is_replaced(void **state) {
    (void)state;
    char *data;
    size_t size;
    save(5, "first");
    save(5, "second");
    char *path = rins_checkpoint_path(run, 5), *file = rins_path_join(path, "train_state.json");
    assert_int_equal(rins_file_read(file, 0, &data, &size), RINS_OK);
    assert_string_equal(data, "second");
    free(data);
    free(file);
    free(path);
}

static void one_trainer_at_a_time(void **state) {
    (void)state;
    RinsRunDir first, second;
    char *out = rins_path_join(run, "out");
    assert_int_equal(rins_run_dir_open(&first, out, RINS_RESUME_NEVER, NULL, NULL, NULL), RINS_OK);
    assert_null(first.checkpoint);
    assert_int_equal(rins_run_dir_open(&second, out, RINS_RESUME_AUTO, NULL, NULL, NULL), RINS_ERR_IO);
    assert_non_null(strstr(rins_last_error(), "another process"));
    rins_run_dir_close(&first);
    assert_false(rins_path_is_dir(out)); /* nothing was written: that run did not begin */
    assert_int_equal(rins_run_dir_open(&second, out, RINS_RESUME_AUTO, NULL, NULL, NULL), RINS_OK);
    char *config = rins_path_join(out, "config.yaml");
    assert_int_equal(rins_file_write(config, "{}", 2), RINS_OK);
    rins_run_dir_close(&second);
    assert_true(rins_path_is_dir(out)); /* a lock's own file goes with it, a run does not */
    free(config);
    free(out);
}

/* A run's own newest checkpoint can be named, an older one is not silently overrun. */
static void going_back_needs_newer_checkpoints_gone(void **state) {
    (void)state;
    RinsRunDir dir;
    save(10, "{}");
    save(20, "{}");
    char *older = rins_checkpoint_path(run, 10), *newest = rins_checkpoint_path(run, 20);
    assert_int_equal(rins_run_dir_open(&dir, run, RINS_RESUME_FROM, newest, NULL, NULL), RINS_OK);
    assert_false(dir.branch);
    rins_run_dir_close(&dir);
    assert_int_equal(rins_run_dir_open(&dir, run, RINS_RESUME_FROM, older, NULL, NULL), RINS_ERR_ARG);
    assert_non_null(strstr(rins_last_error(), "newer"));
    char *other = rins_path_join(run, "other");
    assert_int_equal(rins_run_dir_open(&dir, other, RINS_RESUME_AUTO, NULL, older, NULL), RINS_OK);
    assert_true(dir.branch);
    assert_string_equal(dir.checkpoint, older);
    rins_run_dir_close(&dir);
    free(other);
    free(newest);
    free(older);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(partial_ones_are_never_seen, make_run, remove_run),
        cmocka_unit_test_setup_teardown(newest_is_by_number, make_run, remove_run),
        cmocka_unit_test_setup_teardown(prune_keeps_the_newest, make_run, remove_run),
        cmocka_unit_test_setup_teardown(same_step_is_replaced, make_run, remove_run),
        cmocka_unit_test_setup_teardown(one_trainer_at_a_time, make_run, remove_run),
        cmocka_unit_test_setup_teardown(going_back_needs_newer_checkpoints_gone, make_run, remove_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
