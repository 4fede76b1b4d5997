/* Embedding lists and sources: row i is input i always, shards put one after the other are the one file to
   the byte, a run that stopped goes on to the same bytes, and nothing else than the same arguments, model and
   list is taken. */
#define _GNU_SOURCE
#include "tests/unit/saved_model.h"

#include "eval/eval_model.h"
#include "eval/npy.h"
#include "eval/run_embed.h"

#include <math.h>
#include <sys/stat.h>

enum { N = 23, DIM = 12, BATCH = 3 };

static int setup(void **state) {
    if (fixture_make(state)) return -1;
    save_model();
    char name[64];
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "images/%02d.png", i);
        put_png(name, i);
    }
    put_shards("wds-", 7, 4);
    return 0;
}

static RinsEvalModel *open_model(bool image, int64_t batch, int rounds) {
    const RinsEvalModelOptions options = {
        .image = image, .text = !image, .batch = batch, .threads = 2, .cleaning = -1, .rounds = {rounds, rounds}};
    RinsEvalModel *em = NULL;
    assert_ok(rins_eval_model_open(&em, in_dir("model"), &options));
    return em;
}

/* list.txt: images [0, n), the one at `bad` (if any) missing. */
static const char *put_list(const char *name, int n, int bad) {
    char text[N * 128] = "";
    for (int i = 0; i < n; i++)
        sprintf(text + strlen(text), "%s/images/%02d%s.png\n", fixture_dir, i, i == bad ? "-lost" : "");
    put_text(name, text);
    return in_dir(name);
}

static RinsStatus embed(RinsEvalModel *em, RinsEmbedTask task, const char *input, const char *out,
                        RinsEmbedReport *report) {
    RinsEmbedReport own = {0};
    char in_path[1024], out_path[512];
    snprintf(in_path, sizeof in_path, "%s", input), snprintf(out_path, sizeof out_path, "%s", in_dir(out));
    task.image = em->pp != NULL, task.input = in_path, task.out = out_path, task.model = "m";
    const RinsStatus status = rins_run_embed(em, &task, report ? report : &own);
    rins_embed_report_free(&own);
    return status;
}

__attribute__((noinline)) static char *bytes_of(const char *name, size_t *size) {
    char *data = NULL;
    assert_ok(rins_file_read(in_dir(name), 0, &data, size));
    return data;
}

static void same_bytes(const char *a, const char *b) {
    size_t n, m;
    char *x = bytes_of(a, &n), *y = bytes_of(b, &m);
    if (n != m || memcmp(x, y, n) != 0) fail_msg("%s (%zu bytes) is not %s (%zu bytes)", a, n, b, m);
    free(x), free(y);
}

static bool exists(const char *name) {
    return access(in_dir(name), F_OK) == 0;
}

/* The rows of STEM-00000.npy, ... are those of `whole`; gives the number of files. */
static int same_as_whole(const char *stem, const char *whole, int64_t shard_size) {
    float *rows, *all;
    int64_t n, dim, total, at = 0;
    int k = 0;
    char name[64];
    assert_ok(rins_npy_read(in_dir(whole), &all, &total, &dim));
    for (;; k++, at += n) {
        snprintf(name, sizeof name, "%s-%05d.npy", stem, k);
        if (!exists(name)) break;
        assert_ok(rins_npy_read(in_dir(name), &rows, &n, &dim));
        assert_int_equal(dim, DIM);
        assert_true(n == shard_size || at + n == total);
        if (at + n > total || memcmp(rows, all + at * dim, (size_t)(n * dim) * sizeof *rows) != 0)
            fail_msg("%s: rows %lld to %lld are not those of %s", name, (long long)at, (long long)(at + n), whole);
        free(rows);
    }
    assert_int_equal(at, total);
    free(all);
    return k;
}

static void remove_shards(const char *stem) {
    char name[64];
    for (int k = 0; k < 100; k++) {
        snprintf(name, sizeof name, "%s-%05d.npy", stem, k);
        unlink(in_dir(name));
    }
    static const char *const endings[] = {".json", ".bad.jsonl", ".keys.txt"};
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", stem, endings[i]);
        unlink(in_dir(name));
    }
}

static void expect(RinsStatus status, RinsStatus wanted, const char *part) {
    if (status != wanted || !strstr(rins_last_error(), part))
        fail_msg("status %d, wanted %d and '%s': %s", status, wanted, part, rins_last_error());
}

static void shards_are_the_one_file(void **state) {
    (void)state;
    static const int sizes[] = {1, 4, 5, 22, 23, 50};
    RinsEvalModel *em = open_model(true, BATCH, 0);
    const char *list = put_list("list.txt", N, -1);
    assert_ok(embed(em, (RinsEmbedTask){0}, list, "whole.npy", NULL));
    assert_false(exists("whole.json") || exists("whole.bad.jsonl") || exists("whole.keys.txt"));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_ok(embed(em, (RinsEmbedTask){.shard_size = sizes[i]}, put_list("list.txt", N, -1), "x.npy", NULL));
        assert_int_equal(same_as_whole("x", "whole.npy", sizes[i]), (N + sizes[i] - 1) / sizes[i]);
        size_t size;
        char *journal = bytes_of("x.json", &size);
        static const char *const parts[] = {"\"rows\": 23,",
                                            "\"dim\": 12,",
                                            "\"complete\": true",
                                            "\"model\": \"m\"",
                                            "\"preprocessing\": \"decode|resize(9)|value_range(-1,1)\"",
                                            "\"input_hash\": \"",
                                            "\"file\": \"x-00000.npy\"",
                                            "\"rounds\": 2"};
        for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++)
            if (!strstr(journal, parts[k])) fail_msg("no %s in %s", parts[k], journal);
        free(journal);
        remove_shards("x");
    }
    rins_eval_model_free(em);
}

/* A bad image stops the run; with the image there it goes on. */
static void a_run_that_stopped_goes_on_to_the_same_bytes(void **state) {
    (void)state;
    RinsEvalModel *em = open_model(true, BATCH, 0);
    RinsEmbedReport report;
    for (int shard = 2; shard <= 7; shard += 5)
        for (int stop = 0; stop < N; stop += 4) {
            char name[64], away[64];
            snprintf(name, sizeof name, "images/%02d.png", stop), snprintf(away, sizeof away, "away-%02d.png", stop);
            const char *list = put_list("list.txt", N, -1);
            assert_int_equal(rename(in_dir(name), in_dir(away)), 0);
            assert_int_equal(embed(em, (RinsEmbedTask){.shard_size = shard}, list, "x.npy", NULL), RINS_ERR_FORMAT);
            snprintf(away, sizeof away, "line %d: ", stop + 1);
            assert_non_null(strstr(rins_last_error(), away));
            snprintf(away, sizeof away, "away-%02d.png", stop);
            assert_int_equal(rename(in_dir(away), in_dir(name)), 0);
            put_text("x-00000.npy.partial", "half a shard"); /* what a killed run leaves */
            assert_ok(embed(em, (RinsEmbedTask){.shard_size = shard}, in_dir("list.txt"), "x.npy", &report));
            assert_int_equal(report.kept, stop / shard * shard);
            assert_int_equal(report.rows, N);
            rins_embed_report_free(&report);
            same_as_whole("x", "whole.npy", shard);
            assert_ok(embed(em, (RinsEmbedTask){.shard_size = shard}, in_dir("list.txt"), "x.npy", &report));
            assert_int_equal(report.kept, N); /* nothing is left to do */
            same_as_whole("x", "whole.npy", shard);
            remove_shards("x");
        }
    rins_eval_model_free(em);
}

static void bad_inputs_are_rows_of_nan_and_listed(void **state) {
    (void)state;
    RinsEvalModel *em = open_model(true, BATCH, 0);
    RinsEmbedReport report;
    float *rows, *whole;
    int64_t n, dim;
    assert_ok(embed(em, (RinsEmbedTask){.skip_bad = true}, put_list("list.txt", N, 10), "b.npy", &report));
    assert_int_equal(report.bad, 1);
    assert_non_null(strstr(report.first_bad, "10-lost.png"));
    rins_embed_report_free(&report);
    assert_ok(rins_npy_read(in_dir("b.npy"), &rows, &n, &dim));
    assert_ok(rins_npy_read(in_dir("whole.npy"), &whole, &n, &dim));
    for (int i = 0; i < N * DIM; i++)
        if (i / DIM == 10 ? !isnan(rows[i]) : rows[i] != whole[i]) fail_msg("row %d is %g", i / DIM, (double)rows[i]);
    free(rows), free(whole);
    size_t size;
    char *listed = bytes_of("b.bad.jsonl", &size);
    assert_non_null(strstr(listed, "{\"row\": 10, \"input\": \""));
    assert_non_null(strstr(listed, "\"cause\": \"missing\""));
    assert_ptr_equal(strchr(listed, '\n'), listed + size - 1); /* one line */
    free(listed);
    /* Killed behind a shard: more bad rows than the journal knows are cut off and made again. */
    assert_ok(embed(em, (RinsEmbedTask){.skip_bad = true, .shard_size = 4}, in_dir("list.txt"), "x.npy", NULL));
    char *journal = bytes_of("x.json", &size);
    assert_non_null(strstr(journal, ",\n    {\"file\": \"x-00002.npy\""));
    journal[strstr(journal, ",\n    {\"file\": \"x-00002.npy\"") - journal] = 0;
    put_text("x.json", strcat(journal, "\n  ]\n}\n"));
    free(journal);
    assert_ok(embed(em, (RinsEmbedTask){.skip_bad = true, .shard_size = 4}, in_dir("list.txt"), "x.npy", &report));
    assert_int_equal(report.kept, 8);
    assert_int_equal(report.bad, 1);
    rins_embed_report_free(&report);
    same_as_whole("x", "b.npy", 4);
    same_bytes("x.bad.jsonl", "b.bad.jsonl");
    remove_shards("x");
    assert_ok(embed(em, (RinsEmbedTask){0}, put_list("list.txt", N, -1), "b.npy", NULL));
    assert_false(exists("b.bad.jsonl")); /* that of the earlier run */
    rins_eval_model_free(em);
}

/* Not the row of what stands before the zero byte: a readable picture, or a shorter text. */
static void a_zero_byte_makes_a_line_bad(void **state) {
    (void)state;
    for (int image = 0; image < 2; image++) {
        RinsEvalModel *em = open_model(image, BATCH, 0);
        RinsEmbedReport report;
        float *rows;
        int64_t n, dim;
        size_t size = 0;
        char text[1024];
        for (int i = 0; i < 3; i++) {
            size +=
                (size_t)(image ? sprintf(text + size, "%s/images/00.png", fixture_dir) : sprintf(text + size, "red"));
            if (i == 1) size += (size_t)sprintf(text + size, "%cblue", 0);
            text[size++] = '\n';
        }
        put_file("zero.txt", text, size);
        expect(embed(em, (RinsEmbedTask){0}, in_dir("zero.txt"), "z.npy", NULL), RINS_ERR_FORMAT,
               "line 2: there is a zero byte");
        assert_ok(embed(em, (RinsEmbedTask){.skip_bad = true}, in_dir("zero.txt"), "z.npy", &report));
        assert_true(report.rows == 3 && report.bad == 1);
        rins_embed_report_free(&report);
        assert_ok(rins_npy_read(in_dir("z.npy"), &rows, &n, &dim));
        assert_true(n == 3 && isnan(rows[DIM]) && !isnan(rows[0]) && !isnan(rows[2 * DIM]));
        free(rows);
        rins_eval_model_free(em);
    }
}

static void no_input_is_no_row(void **state) {
    (void)state;
    RinsEvalModel *em = open_model(true, BATCH, 0);
    float *rows;
    int64_t n, dim;
    put_text("none.txt", "");
    assert_ok(embed(em, (RinsEmbedTask){0}, in_dir("none.txt"), "none.npy", NULL));
    assert_ok(embed(em, (RinsEmbedTask){.shard_size = 5}, in_dir("none.txt"), "none.npy", NULL));
    same_bytes("none.npy", "none-00000.npy");
    assert_ok(rins_npy_read(in_dir("none.npy"), &rows, &n, &dim));
    free(rows);
    assert_true(n == 0 && dim == DIM);
    assert_ok(embed(em, (RinsEmbedTask){.shard_size = 5}, in_dir("none.txt"), "none.npy", NULL));
    remove_shards("none");
    rins_eval_model_free(em);
}

static void only_the_same_is_gone_on_with(void **state) {
    (void)state;
    RinsEvalModel *em = open_model(true, BATCH, 0), *other_batch = open_model(true, 4, 0),
                  *other_rounds = open_model(true, BATCH, 1);
    const RinsEmbedTask task = {.shard_size = 5};
    size_t size;
    assert_ok(embed(em, task, put_list("list.txt", N, -1), "x.npy", NULL));
    expect(embed(em, task, put_list("list.txt", N - 1, -1), "x.npy", NULL), RINS_ERR_MISMATCH,
           "input_rows 23, this is 22");
    expect(embed(em, task, put_list("list.txt", N, 3), "x.npy", NULL), RINS_ERR_MISMATCH, "input_hash");
    put_list("list.txt", N, -1);
    expect(embed(other_batch, task, in_dir("list.txt"), "x.npy", NULL), RINS_ERR_MISMATCH, "batch 3, this is 4");
    expect(embed(other_rounds, task, in_dir("list.txt"), "x.npy", NULL), RINS_ERR_MISMATCH, "rounds 2, this is 1");
    expect(embed(em, (RinsEmbedTask){.shard_size = 6}, in_dir("list.txt"), "x.npy", NULL), RINS_ERR_MISMATCH,
           "shard_size 5");
    expect(embed(em, (RinsEmbedTask){.shard_size = 5, .raw = true}, in_dir("list.txt"), "x.npy", NULL),
           RINS_ERR_MISMATCH, "normalised");
    same_as_whole("x", "whole.npy", 5);
    char *shard = bytes_of("x-00001.npy", &size);
    put_file("x-00001.npy", shard, size - 4);
    expect(embed(em, task, in_dir("list.txt"), "x.npy", NULL), RINS_ERR_FORMAT, "x-00001.npy");
    put_file("x-00001.npy", shard, size);
    free(shard);
    char *journal = bytes_of("x.json", &size);
    put_text("x.json", "{\"something\": \"else\"}");
    expect(embed(em, task, in_dir("list.txt"), "x.npy", NULL), RINS_ERR_FORMAT, "not a journal");
    unlink(in_dir("x.json"));
    expect(embed(em, task, in_dir("list.txt"), "x.npy", NULL), RINS_ERR_ARG, "x-00000.npy' is there");
    put_text("x.json", journal);
    free(journal);
    assert_ok(embed(em, task, in_dir("list.txt"), "x.npy", NULL));
    put_text("model/config.json.bak", "");
    assert_int_equal(rename(in_dir("model/config.json"), in_dir("model/config.json.bak")), 0);
    char *config = bytes_of("model/config.json.bak", &size);
    put_file("model/config.json", config, size); /* another modification time */
    free(config);
    expect(embed(em, task, in_dir("list.txt"), "x.npy", NULL), RINS_ERR_MISMATCH, "model_hash");
    remove_shards("x");
    rins_eval_model_free(em), rins_eval_model_free(other_batch), rins_eval_model_free(other_rounds);
}

static void sources_leave_their_keys(void **state) {
    (void)state;
    RinsEvalModel *em = open_model(true, BATCH, 0);
    char spec[512];
    size_t size;
    snprintf(spec, sizeof spec, "folder:%s", in_dir("images"));
    assert_ok(embed(em, (RinsEmbedTask){0}, spec, "f.npy", NULL));
    same_bytes("f.npy", "whole.npy");
    put_list("list.txt", N, -1);
    same_bytes("f.keys.txt", "list.txt");
    assert_ok(embed(em, (RinsEmbedTask){.shard_size = 4}, in_dir("images"), "x.npy", NULL));
    same_as_whole("x", "whole.npy", 4);
    same_bytes("x.keys.txt", "list.txt");
    put_png("images/23.png", 23);
    expect(embed(em, (RinsEmbedTask){.shard_size = 4}, in_dir("images"), "x.npy", NULL), RINS_ERR_MISMATCH,
           "input_rows");
    assert_int_equal(rename(in_dir("images/05.png"), in_dir("images/05b.png")), 0);
    unlink(in_dir("images/23.png"));
    expect(embed(em, (RinsEmbedTask){.shard_size = 4}, in_dir("images"), "x.npy", NULL), RINS_ERR_MISMATCH,
           "rows 4 to 7");
    assert_int_equal(rename(in_dir("images/05b.png"), in_dir("images/05.png")), 0);
    snprintf(spec, sizeof spec, "wds:%s", in_dir("wds-{00000..00001}.tar"));
    assert_ok(embed(em, (RinsEmbedTask){0}, spec, "w.npy", NULL));
    char *keys = bytes_of("w.keys.txt", &size);
    assert_non_null(strstr(keys, "wds-00001.tar:s006\n"));
    free(keys);
    float *rows, *whole;
    int64_t n, dim;
    assert_ok(rins_npy_read(in_dir("w.npy"), &rows, &n, &dim));
    assert_int_equal(n, 7);
    assert_ok(rins_npy_read(in_dir("whole.npy"), &whole, &n, &dim));
    assert_memory_equal(rows, whole, 7 * DIM * sizeof *rows); /* the same pictures */
    free(rows), free(whole);
    remove_shards("x");
    rins_eval_model_free(em);
}

/* What an earlier run left stays whole until a later one is; two processes never write one output. */
static void a_failed_run_leaves_the_earlier_one_alone(void **state) {
    (void)state;
    RinsEvalModel *em = open_model(true, BATCH, 0);
    RinsEmbedTask task = {0};
    int lock;
    assert_ok(embed(em, task, in_dir("images"), "f.npy", NULL));
    assert_int_equal(rename(in_dir("images/07.png"), in_dir("away.png")), 0);
    put_text("images/07.png", "no picture");
    expect(embed(em, task, in_dir("images"), "f.npy", NULL), RINS_ERR_FORMAT, "row 7");
    assert_int_equal(rename(in_dir("away.png"), in_dir("images/07.png")), 0);
    same_bytes("f.npy", "whole.npy");
    put_list("list.txt", N, -1);
    same_bytes("f.keys.txt", "list.txt");
    assert_false(exists("f.keys.txt.partial") || exists("f.lock"));
    assert_ok(embed(em, task, in_dir("list.txt"), "f.npy", NULL));
    assert_false(exists("f.keys.txt")); /* those of the source */
    for (task.shard_size = 0; task.shard_size <= 5; task.shard_size += 5) {
        assert_ok(rins_lock_take(in_dir("f.lock"), &lock));
        expect(embed(em, task, in_dir("list.txt"), "f.npy", NULL), RINS_ERR_IO, "another process");
        assert_false(exists("f.json"));
        rins_lock_give(in_dir("f.lock"), lock);
    }
    put_text("f.lock", ""); /* what a killed process leaves */
    assert_ok(embed(em, task, in_dir("list.txt"), "f.npy", NULL));
    assert_false(exists("f.lock"));
    rins_eval_model_free(em);
}

static void karpathys_splits_are_sources(void **state) {
    (void)state;
    RinsEvalModel *em = open_model(true, BATCH, 0);
    put_text("k.json", "{\"images\": [{\"filename\": \"01.png\", \"split\": \"test\", \"sentences\": "
                       "[{\"raw\": \"a\"}, {\"raw\": \"b\"}]}, {\"filename\": \"00.png\", \"split\": \"test\", "
                       "\"sentences\": []}]}");
    char spec[1024];
    float *rows, *whole;
    int64_t n, dim;
    snprintf(spec, sizeof spec, "karpathy(images=%s/images):%s/k.json", fixture_dir, fixture_dir);
    assert_ok(embed(em, (RinsEmbedTask){0}, spec, "k.npy", NULL));
    assert_ok(rins_npy_read(in_dir("k.npy"), &rows, &n, &dim));
    assert_int_equal(n, 2);
    assert_ok(rins_npy_read(in_dir("whole.npy"), &whole, &n, &dim));
    for (int k = 0; k < DIM; k++)
        if (fabsf(rows[k] - whole[DIM + k]) > 1e-6f || fabsf(rows[DIM + k] - whole[k]) > 1e-6f)
            fail_msg("column %d: %g and %g", k, (double)rows[k], (double)rows[DIM + k]);
    free(rows), free(whole);
    rins_eval_model_free(em);
}

static void texts_go_the_same_way(void **state) {
    (void)state;
    RinsEvalModel *em = open_model(false, 2, 0);
    RinsEmbedReport report;
    float *rows, own[DIM];
    int64_t n, dim;
    put_text("texts.txt", "a red square\na \xff\n\ngreen");
    expect(embed(em, (RinsEmbedTask){0}, in_dir("texts.txt"), "t.npy", NULL), RINS_ERR_FORMAT,
           "line 2: text is not valid UTF-8");
    assert_false(exists("t.npy") || exists("t.npy.partial"));
    assert_ok(embed(em, (RinsEmbedTask){.skip_bad = true}, in_dir("texts.txt"), "t.npy", &report));
    assert_true(report.rows == 4 && report.bad == 1);
    rins_embed_report_free(&report);
    assert_ok(rins_npy_read(in_dir("t.npy"), &rows, &n, &dim));
    const char *words = "green";
    assert_ok(rins_embed_texts(em, &words, 1, true, own));
    for (int k = 0; k < DIM; k++) assert_true(fabsf(own[k] - rows[3 * DIM + k]) < 1e-6f && isnan(rows[DIM + k]));
    free(rows);
    assert_ok(embed(em, (RinsEmbedTask){.skip_bad = true, .shard_size = 3}, in_dir("texts.txt"), "x.npy", NULL));
    same_as_whole("x", "t.npy", 3);
    rins_eval_model_free(em);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shards_are_the_one_file),
        cmocka_unit_test(a_run_that_stopped_goes_on_to_the_same_bytes),
        cmocka_unit_test(bad_inputs_are_rows_of_nan_and_listed),
        cmocka_unit_test(a_zero_byte_makes_a_line_bad),
        cmocka_unit_test(no_input_is_no_row),
        cmocka_unit_test(only_the_same_is_gone_on_with),
        cmocka_unit_test(sources_leave_their_keys),
        cmocka_unit_test(a_failed_run_leaves_the_earlier_one_alone),
        cmocka_unit_test(karpathys_splits_are_sources),
        cmocka_unit_test(texts_go_the_same_way),
    };
    return cmocka_run_group_tests(tests, setup, fixture_remove);
}
