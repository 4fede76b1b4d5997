/* The loader: a batch is a function of its slots alone, whatever the workers, the ranks, the stops and
   the bad samples. */
#include "tests/unit/data_fixture.h"

#include "data/loader.h"
#include "data/slot_plan.h"

#include <math.h>
#include <stdatomic.h>
#include <time.h>

enum { N = 50, LENGTH = 4, BATCH = 8, SIDE = 16 };

static RinsSource *sources[3]; /* 50 pairs in 4 shards, 20 class images, 30 rows of 10 images */
static RinsPp *pp, *plain_pp;
static atomic_int tokenized;

/* Ids that tell texts apart; fails on one word so that the loader must cope. */
static RinsStatus tokenize(void *user, const char *text, int32_t *ids) {
    (void)user;
    atomic_fetch_add(&tokenized, 1);
    if (!strcmp(text, "untokenizable")) return RINS_FAIL(RINS_ERR_FORMAT, "no ids for this");
    const uint64_t hash = rins_hash_str(text);
    for (int i = 0; i < LENGTH; i++) ids[i] = (int32_t)(hash >> (16 * i) & 0xffff);
    return RINS_OK;
}

static int make_sets(void **state) {
    if (fixture_make(state) != 0) return -1;
    put_shards("pairs-", N, 13);
    char name[64], table[4096] = "filepath\tcaption\n";
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "classes/%s/%02d.png", i % 2 ? "red_fox" : "owl", i);
        put_png(name, i);
    }
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "rows/%d.png", i % 10);
        put_png(name, 100 + i % 10);
        snprintf(table + strlen(table), 64, "%d.png\trow %d\n", i % 10, i);
    }
    put_text("rows/t.tsv", table);
    assert_ok(open_source(&sources[0], "wds:", "pairs-*.tar", RINS_VIEW_PAIRS));
    assert_ok(open_source(&sources[1], "folder:", "classes", RINS_VIEW_PAIRS));
    assert_ok(open_source(&sources[2], "table:", "rows/t.tsv", RINS_VIEW_PAIRS));
    assert_ok(rins_pp_parse(&pp, "decode|inception_crop(16)|flip_lr|value_range(-1,1)"));
    assert_ok(rins_pp_parse(&plain_pp, "decode|resize(16)|value_range(-1,1)"));
    return 0;
}

static int free_sets(void **state) {
    for (int i = 0; i < 3; i++) rins_source_free(sources[i]);
    rins_pp_free(pp);
    rins_pp_free(plain_pp);
    return fixture_remove(state);
}

static RinsLoaderOptions base_options(int n_sources) {
    static const char *const templates[] = {"a photo of a {}.", "{} and {}", "no name"};
    return (RinsLoaderOptions){.sources = sources,
                               .n_sources = n_sources,
                               .pp = pp,
                               .tokenize = tokenize,
                               .length = LENGTH,
                               .templates = templates,
                               .n_templates = 3,
                               .batch = BATCH,
                               .world = 1,
                               .seed = 7,
                               .shuffle = true};
}

/* Hash of everything a batch says about row i. */
static uint64_t row_hash(const RinsBatch *batch, int64_t i) {
    uint64_t hash = rins_hash_bytes(batch->pixels + i * SIDE * SIDE * 3, SIDE * SIDE * 3, RINS_HASH_BASIS);
    if (batch->ids) hash = rins_hash_bytes(batch->ids + i * LENGTH, LENGTH * sizeof(int32_t), hash);
    hash = rins_hash_bytes(&batch->sample[i], sizeof batch->sample[i], hash);
    hash = rins_hash_bytes(&batch->crop_hash[i], sizeof batch->crop_hash[i], hash);
    return rins_hash_bytes(&batch->label[i], sizeof batch->label[i], hash);
}

/* Hashes of slots 0..n-1, in rounds of all ranks one after the other. */
static void run(RinsLoaderOptions options, int world, int64_t n, uint64_t *hashes, int64_t bad[RINS_BAD_N]) {
    memset(bad, 0, RINS_BAD_N * sizeof *bad);
    options.world = world;
    options.batch = BATCH / world;
    for (int rank = 0; rank < world; rank++) {
        RinsLoader *loader;
        options.rank = rank;
        assert_ok(rins_loader_open(&loader, &options));
        for (int64_t at = 0; at < n; at += BATCH) {
            const RinsBatch *batch;
            assert_ok(rins_loader_next(loader, &batch));
            assert_int_equal(batch->first_slot, options.first_slot + at + rank * options.batch);
            for (int64_t i = 0; i < batch->n; i++) hashes[at + rank * options.batch + i] = row_hash(batch, i);
            for (int c = 0; c < RINS_BAD_N; c++) bad[c] += batch->bad[c];
        }
        rins_loader_free(loader);
    }
}

static void workers_and_ranks_change_nothing(void **state) {
    (void)state;
    enum { SLOTS = 40 * BATCH };
    static const int workers[] = {0, 1, 4}, worlds[] = {1, 2, 4};
    uint64_t expected[SLOTS], got[SLOTS];
    int64_t bad[RINS_BAD_N];
    RinsLoaderOptions options = base_options(3);
    run(options, 1, SLOTS, expected, bad);
    for (int i = 1; i < SLOTS; i++) assert_int_not_equal(expected[i], expected[0]);
    for (int w = 0; w < 3; w++)
        for (int r = 0; r < 3; r++) {
            options.workers = workers[w];
            run(options, worlds[r], SLOTS, got, bad);
            assert_memory_equal(got, expected, sizeof got);
        }
}

static void resumes_at_every_step(void **state) {
    (void)state;
    enum { SLOTS = 20 * BATCH };
    uint64_t expected[SLOTS], got[SLOTS];
    int64_t bad[RINS_BAD_N];
    RinsLoaderOptions options = base_options(3);
    run(options, 1, SLOTS, expected, bad);
    options.workers = 2;
    for (int64_t at = 0; at < SLOTS; at += BATCH) {
        options.first_slot = at;
        run(options, 1, SLOTS - at, got, bad);
        assert_memory_equal(got, expected + at, (size_t)(SLOTS - at) * sizeof *got);
    }
}

static void an_epoch_is_every_sample_once(void **state) {
    (void)state;
    for (int shuffle = 0; shuffle < 2; shuffle++) {
        RinsLoaderOptions options = base_options(3);
        RinsLoader *loader;
        options.shuffle = shuffle;
        options.workers = 1;
        assert_ok(rins_loader_open(&loader, &options));
        int shown[100] = {0}, at = 0, in_order = 0;
        while (at < 200) { /* 100 is no multiple of 8: epochs run across batch ends */
            const RinsBatch *batch;
            assert_ok(rins_loader_next(loader, &batch));
            for (int64_t i = 0; i < batch->n && at < 200; i++, at++) {
                assert_true(batch->sample[i] < 100);
                in_order += batch->sample[i] == (uint64_t)(at % 100);
                shown[batch->sample[i]]++;
            }
            if (at >= 96 && at < 104) /* 96 slots in: each at most once, four of the next epoch aside */
                for (int s = 0; s < 100; s++) assert_true(shown[s] <= 2);
        }
        for (int s = 0; s < 100; s++) assert_int_equal(shown[s], 2);
        if (shuffle)
            assert_true(in_order < 20);
        else
            assert_int_equal(in_order, 200);
        rins_loader_free(loader);
    }
}

static void weights_are_exact_and_sources_keep_their_epochs(void **state) {
    (void)state;
    static const int64_t counts[] = {50, 20, 30};
    static const double weights[] = {1, 5, 0};
    RinsSlotPlan plan;
    assert_ok(rins_slot_plan_make(&plan, counts, weights, 3, 3, true));
    int64_t total[3] = {0};
    int shown[100] = {0};
    for (int64_t slot = 0; slot < 2 * RINS_MIX_PERIOD; slot++) {
        const RinsSlotPlace place = rins_slot_place(&plan, slot);
        assert_int_equal(place.epoch, total[place.source] / counts[place.source]);
        total[place.source]++;
        shown[place.sample]++;
        if ((slot + 1) % 12 == 0) { /* the mix holds at any time: shares 1/3 and 2/3 */
            assert_true(fabs((double)total[0] - (double)(slot + 1) / 3) <= 1.5);
            assert_int_equal(total[2], 0);
        }
    }
    int low = 1 << 30, high = 0;
    for (int s = 50; s < 70; s++) {
        if (shown[s] < low) low = shown[s];
        if (shown[s] > high) high = shown[s];
    }
    assert_true(high - low <= 1);
    rins_slot_plan_free(&plan);
    static const double wrong[3][3] = {{0, 0, 0}, {1, -1, 1}, {1e308, 1e308, 1}};
    for (int i = 0; i < 3; i++)
        assert_int_equal(rins_slot_plan_make(&plan, counts, wrong[i], 3, 3, true), RINS_ERR_CONFIG);
    assert_ok(rins_slot_plan_make(&plan, counts, (const double[]){1e-9, 1, 1}, 3, 3, false));
    assert_int_equal(plan.turns[0], 1);
    assert_int_equal(plan.turns[0] + plan.turns[1] + plan.turns[2], RINS_MIX_PERIOD);
    rins_slot_plan_free(&plan);
}

static void captions_come_from_the_sample_or_the_template(void **state) {
    (void)state;
    RinsLoaderOptions options = base_options(2);
    RinsLoader *loader;
    const RinsBatch *batch;
    options.shuffle = false;
    options.first_slot = 48;
    assert_ok(rins_loader_open(&loader, &options));
    assert_ok(rins_loader_next(loader, &batch));
    int32_t ids[LENGTH];
    tokenize(NULL, "caption number 49", ids);
    assert_memory_equal(batch->ids + LENGTH, ids, sizeof ids);
    int seen[3] = {0};
    for (int step = 0; step < 40; step++, rins_loader_next(loader, &batch))
        for (int64_t i = 0; i < batch->n; i++) {
            if (batch->sample[i] < 50) continue;
            const bool owl = batch->sample[i] < 60;
            static const char *const texts[2][3] = {{"a photo of a red fox.", "red fox and red fox", "no name"},
                                                    {"a photo of a owl.", "owl and owl", "no name"}};
            assert_int_equal(batch->label[i], owl ? 0 : 1);
            int found = 0;
            for (int t = 0; t < 3; t++) {
                tokenize(NULL, texts[owl][t], ids);
                if (memcmp(ids, batch->ids + i * LENGTH, sizeof ids) != 0) continue;
                found++;
                seen[t]++;
            }
            assert_int_equal(found, 1);
        }
    for (int t = 0; t < 3; t++) assert_true(seen[t] > 10);
    rins_loader_free(loader);
    options.n_templates = 0;
    assert_int_equal(rins_loader_open(&loader, &options), RINS_ERR_CONFIG);
    assert_non_null(strstr(rins_last_error(), "data.caption_templates"));
}

static void equal_texts_are_counted(void **state) {
    (void)state;
    static const char *const one[] = {"{}"};
    RinsSource *only[] = {sources[1]};
    RinsLoaderOptions options = base_options(1);
    RinsLoader *loader;
    const RinsBatch *batch;
    options.sources = only;
    options.shuffle = false;
    options.templates = one;
    options.n_templates = 1;
    assert_ok(rins_loader_open(&loader, &options));
    assert_ok(rins_loader_next(loader, &batch)); /* eight owls */
    assert_int_equal(batch->duplicate_texts, 7);
    assert_ok(rins_loader_next(loader, &batch)); /* two owls, six foxes */
    assert_int_equal(batch->duplicate_texts, 6);
    rins_loader_free(loader);
}

static void the_cache_changes_nothing(void **state) {
    (void)state;
    enum { SLOTS = 30 * BATCH };
    uint64_t expected[SLOTS], got[SLOTS];
    int64_t bad[RINS_BAD_N];
    RinsLoaderOptions options = base_options(3);
    run(options, 1, SLOTS, expected, bad);
    options.cache = true;
    options.workers = 2;
    for (int small = 0; small < 2; small++) {
        options.cache_bytes = small ? 20000 : 0; /* room for 13 of 80 pictures */
        run(options, 1, SLOTS, got, bad);
        assert_memory_equal(got, expected, sizeof got);
    }
}

static void a_pass_ends_where_it_should(void **state) {
    (void)state;
    for (int workers = 0; workers < 3; workers += 2) {
        RinsLoaderOptions options = base_options(1);
        RinsLoader *loader;
        const RinsBatch *batch;
        options.end_slot = 19;
        options.workers = workers;
        options.tokenize = NULL;
        assert_ok(rins_loader_open(&loader, &options));
        static const int64_t sizes[] = {8, 8, 3, 0, 0, 0, 0};
        for (int i = 0; i < 7; i++) {
            assert_ok(rins_loader_next(loader, &batch));
            assert_int_equal(batch->n, sizes[i]);
            assert_null(batch->ids);
        }
        rins_loader_free(loader);
    }
}

/* A set of n samples of which every `every`-th is broken, by turns: image bytes, caption, text that has no ids. */
static RinsSource *open_bad_set(const char *prefix, int n, int every) {
    RinsShardWriter *writer;
    RinsSource *source;
    const RinsShardOptions options = {.dir = fixture_dir, .prefix = prefix};
    assert_ok(rins_shard_open(&writer, &options));
    for (int i = 0; i < n; i++) {
        char key[32], caption[64];
        uint8_t *data;
        size_t size;
        snprintf(key, sizeof key, "k%d", i);
        snprintf(caption, sizeof caption, "text %d", i);
        make_png(i, 24, 20, &data, &size);
        if (i % every == 0) {
            if (i / every % 3 == 0)
                size = size / 2;
            else
                strcpy(caption, i / every % 3 == 1 ? "\xff\xfe" : "untokenizable");
        }
        assert_ok(rins_shard_add(writer, key, "png", data, size));
        assert_ok(rins_shard_add(writer, key, "txt", caption, strlen(caption)));
        free(data);
    }
    assert_ok(rins_shard_close(writer, NULL, NULL));
    char name[64];
    snprintf(name, sizeof name, "%s*.tar", prefix);
    assert_ok(open_source(&source, "wds:", name, RINS_VIEW_PAIRS));
    return source;
}

static int64_t count_lines(const char *path) {
    char *text;
    size_t size;
    int64_t lines = 0;
    assert_ok(rins_file_read(path, 0, &text, &size));
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    free(text);
    return lines;
}

static void one_percent_bad_is_counted_named_and_resumed(void **state) {
    (void)state;
    enum { SLOTS = 100 * BATCH };
    RinsSource *only[] = {open_bad_set("one-", 400, 100)};
    RinsLoaderOptions options = base_options(1);
    uint64_t expected[SLOTS], got[SLOTS];
    int64_t bad[RINS_BAD_N], again[RINS_BAD_N], sum = 0;
    char log[600], other[600], *text, *same;
    size_t size, n;
    snprintf(log, sizeof log, "%s", in_dir("bad.jsonl"));
    snprintf(other, sizeof other, "%s", in_dir("again.jsonl"));
    options.sources = only;
    options.max_bad_fraction = 0.05;
    options.bad_path = log;
    run(options, 1, SLOTS, expected, bad);
    for (int c = 0; c < RINS_BAD_N; c++) sum += bad[c];
    print_message("# bad: %lld in %d slots (two epochs of 400 with 4 bad)\n", (long long)sum, SLOTS);
    assert_true(sum >= 8 && sum < 16); /* a substitute may be bad too */
    assert_true(bad[RINS_BAD_CAPTION] >= 4);
    assert_int_equal(count_lines(log), sum);
    assert_ok(rins_file_read(log, 0, &text, &size));
    assert_non_null(strstr(text, "\"key\": \""));
    assert_non_null(strstr(text, "\"cause\": \"caption\""));
    options.bad_path = other;
    for (int workers = 0; workers < 5; workers += 2) {
        options.workers = workers;
        options.first_slot = 0;
        run(options, 1, SLOTS, got, again);
        assert_memory_equal(got, expected, sizeof got);
        assert_memory_equal(again, bad, sizeof bad);
        options.first_slot = 37 * BATCH; /* the log goes on as if it had never gone further */
        run(options, 1, SLOTS - options.first_slot, got, again);
        assert_memory_equal(got, expected + options.first_slot, sizeof(uint64_t) * (SLOTS - 37 * BATCH));
        assert_ok(rins_file_read(other, 0, &same, &n));
        assert_int_equal(n, size);
        assert_memory_equal(same, text, size);
        free(same);
    }
    free(text);
    rins_source_free(only[0]);
}

static void too_many_bad_samples_stop_the_run(void **state) {
    (void)state;
    RinsSource *third[] = {open_bad_set("third-", 60, 3)}, *all[] = {open_bad_set("all-", 20, 1)};
    int64_t stopped[3];
    for (int w = 0; w < 3; w++) {
        RinsLoaderOptions options = base_options(1);
        RinsLoader *loader;
        const RinsBatch *batch;
        options.sources = third;
        options.workers = w;
        options.max_bad_fraction = 0.1;
        assert_ok(rins_loader_open(&loader, &options));
        RinsStatus status = RINS_OK;
        for (stopped[w] = 0; stopped[w] < 30; stopped[w]++)
            if ((status = rins_loader_next(loader, &batch)) != RINS_OK) break;
        assert_int_equal(status, RINS_ERR_LIMIT);
        assert_non_null(strstr(rins_last_error(), "data.max_bad_fraction = 0.1"));
        assert_int_equal(stopped[w], stopped[0]);
        assert_int_equal(rins_loader_next(loader, &batch), RINS_ERR_LIMIT); /* errors stay */
        rins_loader_free(loader);
        options.sources = all;
        options.max_bad_fraction = 1;
        assert_ok(rins_loader_open(&loader, &options));
        assert_int_equal(rins_loader_next(loader, &batch), RINS_ERR_LIMIT);
        assert_non_null(strstr(rins_last_error(), "in a row are bad"));
        rins_loader_free(loader);
    }
    assert_true(stopped[0] > 5); /* not before 100 samples */
    rins_source_free(third[0]);
    rins_source_free(all[0]);
}

static void bad_samples_can_be_marked(void **state) {
    (void)state;
    RinsSource *only[] = {open_bad_set("mark-", 30, 3)};
    RinsLoaderOptions options = base_options(1);
    RinsLoader *loader;
    options.sources = only;
    options.shuffle = false;
    options.pp = plain_pp;
    options.on_bad = RINS_ON_BAD_MARK;
    options.end_slot = 30;
    options.workers = 2;
    assert_ok(rins_loader_open(&loader, &options));
    for (int64_t at = 0; at < 30;) {
        const RinsBatch *batch;
        assert_ok(rins_loader_next(loader, &batch));
        for (int64_t i = 0; i < batch->n; i++, at++) {
            assert_int_equal(batch->sample[i], at);
            assert_int_equal(batch->ok[i], at % 3 != 0);
        }
    }
    char *key;
    assert_ok(rins_loader_key(loader, 3, &key)); /* also of a bad one */
    assert_non_null(strstr(key, ":k3"));
    free(key);
    rins_loader_free(loader);
    rins_source_free(only[0]);
}

/* bad.jsonl on a full disk: the run ends rather than lose the names. */
static void a_list_that_cannot_be_written_stops_the_run(void **state) {
    (void)state;
    RinsSource *only[] = {open_bad_set("full-", 30, 3)};
    RinsLoaderOptions options = base_options(1);
    RinsLoader *loader;
    const RinsBatch *batch;
    options.sources = only;
    options.bad_path = "/dev/full";
    assert_ok(rins_loader_open(&loader, &options));
    RinsStatus status = RINS_OK;
    for (int i = 0; i < 8 && status == RINS_OK; i++) status = rins_loader_next(loader, &batch);
    assert_int_equal(status, RINS_ERR_IO);
    rins_loader_free(loader);
    rins_source_free(only[0]);
}

static void two_batches_are_ready_before_they_are_asked_for(void **state) {
    (void)state;
    RinsLoaderOptions options = base_options(1);
    RinsLoader *loader;
    options.workers = 1;
    atomic_store(&tokenized, 0);
    assert_ok(rins_loader_open(&loader, &options));
    for (int i = 0; i < 1000 && atomic_load(&tokenized) < 3 * BATCH; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    assert_int_equal(atomic_load(&tokenized), 3 * BATCH); /* and no more than the ring holds */
    rins_loader_free(loader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_and_ranks_change_nothing),
        cmocka_unit_test(resumes_at_every_step),
        cmocka_unit_test(an_epoch_is_every_sample_once),
        cmocka_unit_test(weights_are_exact_and_sources_keep_their_epochs),
        cmocka_unit_test(captions_come_from_the_sample_or_the_template),
        cmocka_unit_test(equal_texts_are_counted),
        cmocka_unit_test(the_cache_changes_nothing),
        cmocka_unit_test(a_pass_ends_where_it_should),
        cmocka_unit_test(one_percent_bad_is_counted_named_and_resumed),
        cmocka_unit_test(too_many_bad_samples_stop_the_run),
        cmocka_unit_test(bad_samples_can_be_marked),
        cmocka_unit_test(a_list_that_cannot_be_written_stops_the_run),
        cmocka_unit_test(two_batches_are_ready_before_they_are_asked_for),
    };
    return cmocka_run_group_tests(tests, make_sets, free_sets);
}
