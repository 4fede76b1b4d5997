/* rins data check's counts against a set whose faults are known, whatever the threads; parallel work stops at a
   failure. */
#include "tests/unit/data_fixture.h"

#include "data/parallel.h"
#include "data/set_check.h"

typedef struct Heard {
    int64_t bad, last_index;
    char text[512];
} Heard;

static void hear_bad(void *user, int64_t index, const char *key, RinsBadCause cause, const char *message) {
    Heard *heard = user;
    assert_true(index > heard->last_index);
    assert_true(key[0] && message[0]);
    heard->last_index = index;
    heard->bad++;
    const size_t used = strlen(heard->text);
    snprintf(heard->text + used, sizeof heard->text - used, "%lld:%s ", (long long)index, rins_bad_names[cause]);
}

static void faults_and_repeats_are_counted(void **state) {
    (void)state;
    char table[8192] = "filepath\tcaption\n";
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof name, "set/%d.png", i);
        if (i == 40)
            put_text(name, "no picture");
        else
            put_png(name, i % 50); /* 50..99 repeat 0..49 */
        snprintf(table + strlen(table), 64, "%d.png\t%s%d\n", i, i == 7 ? "\xff" : "caption ", i == 99 ? 98 : i);
    }
    strcat(table, "gone.png\tlost\n");
    put_text("set/t.tsv", table);
    for (int threads = 1; threads < 4; threads++) {
        RinsSource *source;
        RinsCheckReport report;
        Heard heard = {.last_index = -1};
        assert_ok(open_source(&source, "", "set/t.tsv", RINS_VIEW_PAIRS));
        const RinsCheckOptions options = {.threads = threads, .bad = hear_bad, .user = &heard};
        assert_ok(rins_set_check(source, &options, &report));
        assert_string_equal(heard.text, "7:caption 40:format 100:missing ");
        assert_int_equal(report.samples, 101);
        assert_int_equal(report.good, 98);
        assert_int_equal(report.captions, 98);
        assert_int_equal(report.duplicate_images, 48); /* 57 and 90 have lost their twins */
        assert_int_equal(report.duplicate_captions, 1);
        assert_int_equal((int)report.width.min, 24);
        assert_int_equal((int)report.height.max, 20);
        assert_int_equal((int)report.caption_bytes.max, 10);
        rins_source_free(source);
    }
}

static RinsStatus fail_from_seven(void *user, int64_t i, int worker) {
    (void)worker;
    __atomic_fetch_add((int64_t *)user, 1, __ATOMIC_RELAXED);
    return i < 7 ? RINS_OK : RINS_FAIL(RINS_ERR_FORMAT, "piece %lld", (long long)i);
}

static void parallel_work_reports_the_first_failure(void **state) {
    (void)state;
    for (int threads = 0; threads < 5; threads++) {
        int64_t ran = 0;
        assert_int_equal(rins_parallel(10000, threads, fail_from_seven, &ran), RINS_ERR_FORMAT);
        assert_string_equal(rins_last_error(), "piece 7");
        assert_true(ran >= 8 && ran < 8 + 64);
        ran = 0;
        assert_ok(rins_parallel(7, threads, fail_from_seven, &ran));
        assert_int_equal(ran, 7);
        assert_ok(rins_parallel(0, threads, fail_from_seven, &ran));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_and_repeats_are_counted),
        cmocka_unit_test(parallel_work_reports_the_first_failure),
    };
    return cmocka_run_group_tests(tests, fixture_make, fixture_remove);
}
