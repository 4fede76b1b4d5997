/* Records are the promised bytes, are cut back at the right line, and TensorBoard files are valid. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/file.h"
#include "src/train/metrics.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char run[64];

static int make_run(void **state) {
    (void)state;
    strcpy(run, "/tmp/rins-metrics-XXXXXX");
    return mkdtemp(run) ? 0 : -1;
}

static int remove_run(void **state) {
    (void)state;
    return rins_remove_tree(run) == RINS_OK ? 0 : -1;
}

static char *contents(const char *name, size_t *size) {
    char *path = rins_path_join(run, name), *data;
    size_t n;
    assert_int_equal(rins_file_read(path, 0, &data, size ? size : &n), RINS_OK);
    free(path);
    return data;
}

static void assert_contents(const char *name, const char *want) {
    char *got = contents(name, NULL);
    assert_string_equal(got, want);
    free(got);
}

static void log_step(RinsMetrics *metrics, int64_t step) {
    RinsStepMetrics m = {.step = step,
                         .examples = 256 * step,
                         .loss = 1.0f / 3,
                         .lr = 1e-3 / 7,
                         .grad_norm = 2,
                         .t = 2.30258512f,
                         .b = -10,
                         .image_rounds = 1,
                         .text_rounds = 2,
                         .flops = 1.23456789012e17,
                         .flops_executed = 1e6};
    if (step == 2) m.bad[RINS_BAD_FORMAT] = 1, m.bad[RINS_BAD_CORRUPT] = 2;
    const RinsStepTiming timing = {1.0, 0.25, 256};
    assert_int_equal(rins_metrics_step(metrics, &m, &timing), RINS_OK);
}

#define TAIL                                                                                                           \
    "\"loss\": 0.333333343, \"lr\": 0.000142857143, \"grad_norm\": 2, \"t\": 2.30258512, \"b\": -10, "                 \
    "\"image_rounds\": 1, \"text_rounds\": 2, \"flops\": 1.23456789e+17, \"flops_executed\": 1000000, "
#define LINE_1 "{\"step\": 1, \"examples\": 256, " TAIL "\"bad\": 0, \"duplicate_texts\": 0}\n"
#define LINE_2                                                                                                         \
    "{\"step\": 2, \"examples\": 512, " TAIL                                                                           \
    "\"bad\": 3, \"bad_causes\": {\"format\": 1, \"corrupt\": 2}, \"duplicate_texts\": 0}\n"

static void lines_are_exact_and_cut_on_resume(void **state) {
    (void)state;
    RinsMetrics metrics;
    assert_int_equal(rins_metrics_open(&metrics, run, 0, false), RINS_OK);
    for (int64_t step = 1; step <= 3; step++) log_step(&metrics, step);
    assert_int_equal(rins_metrics_eval(&metrics, 2, "x", "{\"task\": \"loss\", \"metrics\": {\"loss\": 1.5}}"),
                     RINS_OK);
    assert_int_equal(rins_metrics_eval(&metrics, 3, "x", "{}"), RINS_OK);
    assert_int_equal(rins_metrics_sync(&metrics), RINS_OK);
    rins_metrics_close(&metrics);
    assert_contents("timing.jsonl", "{\"step\": 1, \"pairs_per_s\": 256, \"step_s\": 1, \"data_wait_s\": 0.25}\n"
                                    "{\"step\": 2, \"pairs_per_s\": 256, \"step_s\": 1, \"data_wait_s\": 0.25}\n"
                                    "{\"step\": 3, \"pairs_per_s\": 256, \"step_s\": 1, \"data_wait_s\": 0.25}\n");
    assert_contents("eval.jsonl", "{\"step\": 2, \"task\": \"loss\", \"metrics\": {\"loss\": 1.5}}\n{\"step\": 3}\n");

    assert_int_equal(rins_metrics_open(&metrics, run, 2, false), RINS_OK);
    rins_metrics_close(&metrics);
    assert_contents("metrics.jsonl", LINE_1 LINE_2);
    assert_contents("eval.jsonl", "{\"step\": 2, \"task\": \"loss\", \"metrics\": {\"loss\": 1.5}}\n");
    assert_int_equal(rins_metrics_open(&metrics, run, 0, false), RINS_OK);
    rins_metrics_close(&metrics);
    assert_contents("metrics.jsonl", "");
}

/* What a kill in the middle of a write leaves behind. */
static void torn_lines_are_dropped(void **state) {
    (void)state;
    int64_t lost;
    char *path = rins_path_join(run, "x.jsonl");
    const char *const torn[] = {"{\"step\": 1}\n{\"step\": 2}\n{\"step\": 3, \"exa",
                                "{\"step\": 1}\n{\"step\": 2}\n{\"st", "{\"step\": 1}\n{\"step\": 2}\n{\"step\": 3}",
                                "{\"step\": 1}\n{\"step\": 2}\nrubbish\n"};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(rins_file_write(path, torn[i], strlen(torn[i])), RINS_OK);
        assert_int_equal(rins_jsonl_cut(path, 100, &lost), RINS_OK);
        assert_contents("x.jsonl", "{\"step\": 1}\n{\"step\": 2}\n");
    }
    assert_int_equal(rins_jsonl_cut("/nonexistent/x.jsonl", 1, &lost), RINS_OK);
    free(path);
}

/* A run of a million steps must resume at once: the work grows with the file, not with its square. */
static void long_records_are_cut_in_linear_time(void **state) {
    (void)state;
    enum { LINES = 300000, LINE = 17 };
    int64_t lost;
    char *path = rins_path_join(run, "long.jsonl"), *text = malloc((size_t)LINES * LINE + 32);
    for (int i = 0; i < LINES; i++) snprintf(text + (size_t)i * LINE, 32, "{\"step\": %6d}\n", i + 1);
    assert_int_equal(rins_file_write(path, text, strlen(text)), RINS_OK);
    const clock_t start = clock();
    assert_int_equal(rins_jsonl_cut(path, LINES - 1, &lost), RINS_OK);
    const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    assert_int_equal(lost, 1);
    if (seconds > 1) fail_msg("%d lines took %.1f s", LINES, seconds);
    char *kept;
    size_t size;
    assert_int_equal(rins_file_read(path, 0, &kept, &size), RINS_OK);
    assert_int_equal(size, (LINES - 1) * LINE);
    free(kept);
    free(text);
    free(path);
}

static void evaluations_must_be_objects(void **state) {
    (void)state;
    RinsMetrics metrics;
    assert_int_equal(rins_metrics_open(&metrics, run, 0, false), RINS_OK);
    assert_int_equal(rins_metrics_eval(&metrics, 1, "x", "[1]"), RINS_ERR_ARG);
    assert_int_equal(rins_metrics_eval(&metrics, 1, "x", "{\"a\": "), RINS_ERR_ARG);
    assert_int_equal(rins_metrics_eval(&metrics, 1, "x", "{\n}"), RINS_ERR_ARG);
    rins_metrics_close(&metrics);
    assert_contents("eval.jsonl", "");
}

/* Check values of RFC 3720, appendix B.4. */
static void crc32c_matches_published_values(void **state) {
    (void)state;
    uint8_t data[32] = {0};
    assert_int_equal(rins_crc32c(data, 32), 0x8a9136aa);
    memset(data, 0xff, 32);
    assert_int_equal(rins_crc32c(data, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++) data[i] = (uint8_t)i;
    assert_int_equal(rins_crc32c(data, 32), 0x46dd794e);
}

static uint32_t little32(const char *at) {
    uint32_t value = 0;
    for (int i = 3; i >= 0; i--) value = value << 8 | (uint8_t)at[i];
    return value;
}

static uint32_t masked(const char *at, size_t n) {
    const uint32_t crc = rins_crc32c(at, n);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static char *event_file(size_t *size) {
    char *data = NULL;
    DIR *dir = opendir(run);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (!strncmp(entry->d_name, "events.out.tfevents.", 20)) data = contents(entry->d_name, size);
    closedir(dir);
    return data;
}

static void event_files_are_sound_records(void **state) {
    (void)state;
    RinsMetrics metrics;
    size_t size = 0;
    assert_int_equal(rins_metrics_open(&metrics, run, 0, true), RINS_OK);
    for (int64_t step = 1; step <= 2; step++) log_step(&metrics, step);
    rins_metrics_close(&metrics);
    char *data = event_file(&size);
#ifdef RINS_TENSORBOARD
    assert_non_null(data);
    int records = 0;
    for (size_t at = 0; at < size; records++) {
        assert_true(at + 12 <= size);
        const size_t n = little32(data + at);
        assert_int_equal(little32(data + at + 8), masked(data + at, 8));
        assert_true(at + 16 + n <= size);
        assert_int_equal(little32(data + at + 12 + n), masked(data + at + 12, n));
        assert_int_equal(data[at + 12], 0x09); /* field 1, 64 bits: wall_time */
        if (records == 0)
            assert_memory_equal(data + at + 21,
                                "\x1a\x0d"
                                "brain.Event:2",
                                15);
        if (records == 2) assert_memory_equal(data + at + 21, "\x10\x02\x2a", 3); /* step 2, then the summary */
        if (records > 0) assert_non_null(memmem(data + at, n, "train/loss\x15\xab\xaa\xaa\x3e", 15));
        at += 16 + n;
    }
    assert_int_equal(records, 3);
#else
    assert_null(data);
#endif
    free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_are_exact_and_cut_on_resume, make_run, remove_run),
        cmocka_unit_test_setup_teardown(torn_lines_are_dropped, make_run, remove_run),
        cmocka_unit_test_setup_teardown(long_records_are_cut_in_linear_time, make_run, remove_run),
        cmocka_unit_test_setup_teardown(evaluations_must_be_objects, make_run, remove_run),
        cmocka_unit_test(crc32c_matches_published_values),
        cmocka_unit_test_setup_teardown(event_files_are_sound_records, make_run, remove_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
