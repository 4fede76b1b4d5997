/* Karpathy splits: which images and captions a spec gives, and what is wrong with a file is named. */
#include "tests/unit/data_fixture.h"

#include "data/karpathy_parse.h"

/* Two images to test, one each of train, restval and val; b.png is missing. */
static const char fixture[] =
    "{\"dataset\": \"coco\", \"extra\": [[1, {\"images\": 2}], null],\n"
    " \"images\": [\n"
    "{\"filepath\": \"val2014\", \"filename\": \"a.png\", \"imgid\": 0, \"split\": \"test\", \"sentids\": "
    "[0, 1, 2, 3, 4],\n"
    " \"sentences\": [{\"tokens\": [\"one\"], \"raw\": \"One.\", \"imgid\": 0, \"sentid\": 0}, {\"raw\": \" "
    "two \"},\n"
    "  {\"raw\": \"\"}, {\"raw\": \"f\\u00fcnf\"}, {\"raw\": \"three\"}]},\n"
    "{\"filename\": \"c.png\", \"split\": \"train\", \"sentences\": [{\"raw\": \"train it\"}]},\n"
    "{\"filepath\": \"\", \"filename\": \"b.png\", \"split\": \"test\", \"sentences\": [{\"raw\": \"gone\"}, "
    "{\"raw\": \"away\"}]},\n"
    "{\"filename\": \"d.png\", \"split\": \"restval\", \"sentences\": [{\"raw\": \"rest\"}, {\"raw\": "
    "\"more\"}]},\n"
    "{\"filename\": \"e.png\", \"split\": \"val\", \"sentences\": []}\n"
    "]}\n";

static int setup(void **state) {
    if (fixture_make(state)) return -1;
    put_text("set/dataset.json", fixture);
    put_png("set/val2014/a.png", 1);
    put_png("set/c.png", 2);
    put_png("set/d.png", 3);
    put_png("elsewhere/val2014/a.png", 4);
    put_png("elsewhere/b.png", 5);
    return 0;
}

static void expect_samples(const char *kind, RinsSourceView view, const char *wanted) {
    RinsSource *source;
    char text[1024];
    assert_ok(open_source(&source, kind, "set/dataset.json", view));
    assert_string_equal(rins_source_kind(source), "karpathy");
    assert_int_equal(rins_source_classes(source), 0);
    describe(source, text, sizeof text);
    assert_string_equal(text, wanted);
    rins_source_free(source);
}

static void an_image_has_its_captions_in_order(void **state) {
    (void)state;
    expect_samples("karpathy:", RINS_VIEW_IMAGES, "a.png|One.|two|f\xc3\xbcnf|three;!missing;");
    expect_samples("", RINS_VIEW_IMAGES, "a.png|One.|two|f\xc3\xbcnf|three;!missing;");
    expect_samples("karpathy(split=train+restval):", RINS_VIEW_IMAGES, "c.png|train it;d.png|rest|more;");
}

static void training_sees_each_pair(void **state) {
    (void)state;
    expect_samples("karpathy:", RINS_VIEW_PAIRS,
                   "a.png|One.;a.png|two;!caption;a.png|f\xc3\xbcnf;a.png|three;!missing;!missing;");
    expect_samples("karpathy(split=restval+train):", RINS_VIEW_PAIRS, "c.png|train it;d.png|rest;d.png|more;");
}

static void images_may_lie_elsewhere(void **state) {
    (void)state;
    char kind[256];
    snprintf(kind, sizeof kind, "karpathy(images=%s,split=test):", in_dir("elsewhere"));
    expect_samples(kind, RINS_VIEW_IMAGES, "a.png|One.|two|f\xc3\xbcnf|three;b.png|gone|away;");
}

static void captions_are_read_without_the_image(void **state) {
    (void)state;
    RinsSource *source;
    RinsSample sample = {0};
    RinsBadCause cause;
    assert_ok(open_source(&source, "karpathy:", "set/dataset.json", RINS_VIEW_IMAGES));
    assert_ok(rins_source_read_text(source, 1, &sample, &cause));
    assert_int_equal(sample.n_captions, 2);
    assert_int_equal(sample.label, -1);
    assert_string_equal(sample.captions[1], "away");
    rins_sample_free(&sample);
    rins_source_free(source);
}

static void wrong_specs_say_what_there_is(void **state) {
    (void)state;
    RinsSource *source;
    assert_int_equal(open_source(&source, "karpathy(split=test+tets):", "set/dataset.json", RINS_VIEW_PAIRS),
                     RINS_ERR_CONFIG);
    assert_non_null(
        strstr(rins_last_error(), "no image of split 'tets', only: test (2), train (1), restval (1), val (1)"));
    assert_int_equal(open_source(&source, "karpathy(split=):", "set/dataset.json", RINS_VIEW_PAIRS), RINS_ERR_CONFIG);
    assert_int_equal(open_source(&source, "karpathy(split=+):", "set/dataset.json", RINS_VIEW_PAIRS), RINS_ERR_CONFIG);
    assert_int_equal(open_source(&source, "karpathy(text=x):", "set/dataset.json", RINS_VIEW_PAIRS), RINS_ERR_CONFIG);
    assert_non_null(strstr(rins_last_error(), "karpathy takes split=NAME and images=DIR"));
    assert_int_equal(open_source(&source, "table(split=x):", "t.tsv", RINS_VIEW_PAIRS), RINS_ERR_CONFIG);
    assert_int_equal(open_source(&source, "karpathy:", "set/none.json", RINS_VIEW_PAIRS), RINS_ERR_IO);
    assert_int_equal(open_source(&source, "karpathy(split=val):", "set/dataset.json", RINS_VIEW_PAIRS),
                     RINS_ERR_FORMAT);
}

#define IMAGE(more) "{\"images\": [{\"split\": \"test\", \"filename\": \"x\", \"sentences\": []}, " more "]}"

/* Each broken file gives an error that holds this text. */
static void broken_files_are_named(void **state) {
    (void)state;
    static const struct {
        const char *json, *wanted;
    } rows[] = {
        {"", "'F' byte 0: '{' is missing"},
        {"[]", "'F' byte 0: '{' is missing"},
        {"{}", "no list images"},
        {"{\"images\": 3}", "images is not a list"},
        {"{\"images\": {}}", "images is not a list"},
        {"{\"images\": []}", "no image of split 'test', only: none"},
        {"{\"images\": [], \"images\": []}", "images twice"},
        {"{\"images\": [}", "'F' byte 13: not valid JSON"},
        {"{\"images\": [1", "images[0] is not an object"},
        {IMAGE("7"), "images[1] is not an object"},
        {IMAGE("null"), "images[1] is not an object"},
        {IMAGE("{}"), "images[1]: split is missing"},
        {IMAGE("{\"split\": 1}"), "images[1]: split is not a text"},
        {IMAGE("{\"split\": \"test\"}"), "images[1]: filename is missing"},
        {IMAGE("{\"split\": \"test\", \"filename\": []}"), "images[1]: filename is not a text"},
        {IMAGE("{\"split\": \"test\", \"filename\": \"\"}"), "images[1]: filename is empty"},
        {IMAGE("{\"split\": \"test\", \"filename\": \"y\", \"filepath\": 1}"), "images[1]: filepath is not a text"},
        {IMAGE("{\"split\": \"test\", \"filename\": \"y\"}"), "images[1]: sentences is missing"},
        {IMAGE("{\"split\": \"test\", \"filename\": \"y\", \"sentences\": {}}"), "sentences is not a list"},
        {IMAGE("{\"split\": \"test\", \"filename\": \"y\", \"sentences\": [1]}"), "sentences[0] has no text under raw"},
        {IMAGE("{\"split\": \"test\", \"filename\": \"y\", \"sentences\": [{\"raw\": \"a\"}, {\"raw\": 1}]}"),
         "images[1]: sentences[1] has no text under raw"},
        {IMAGE("{\"split\": \"test\", \"split\": \"test\"}"), "not valid JSON: duplicate"},
        {IMAGE("{\"split\": \"te\\u0000st\"}"), "not valid JSON"},
        {IMAGE("{\"split\": \"t\xff\"}"), "not valid JSON"},
        {"{\"images\": [{\"split\": \"test\", \"filename\": \"x\", \"sentences\": []}", "',' is missing"},
        {"{\"images\": [{\"split\": \"test\", \"filename\": \"x\", \"sentences\": []} {}]}", "',' is missing"},
        {IMAGE("{\"split\": \"val\"}") "]", "more behind the object's end"},
        {"{3: 4}", "a member's name is missing"},
        {"{\"a\" 4}", "':' is missing"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        RinsKarpathy set;
        const RinsStatus status = rins_karpathy_parse(&set, rows[i].json, strlen(rows[i].json), "F", "test");
        rins_karpathy_free(&set);
        if (status == RINS_OK || !strstr(rins_last_error(), rows[i].wanted)) {
            print_message("# %s: %s\n", rows[i].json, status == RINS_OK ? "accepted" : rins_last_error());
            fail();
        }
    }
}

static void deep_nesting_and_a_zero_byte_are_errors(void **state) {
    (void)state;
    enum { DEEP = 200000 };
    char *json = malloc(DEEP + 32);
    RinsKarpathy set;
    const int at = sprintf(json, "{\"images\": [{\"x\": ");
    memset(json + at, '[', DEEP);
    assert_int_equal(rins_karpathy_parse(&set, json, (size_t)at + DEEP, "F", "test"), RINS_ERR_FORMAT);
    assert_non_null(strstr(rins_last_error(), "nested deeper"));
    rins_karpathy_free(&set);
    free(json);
    static const char zero[] = "{\"images\": [{\"split\": \"test\", \"filename\": \"x\", \"sentences\": []}]}\0";
    assert_int_equal(rins_karpathy_parse(&set, zero, sizeof zero - 1, "F", "test"), RINS_ERR_FORMAT);
    rins_karpathy_free(&set);
    assert_int_equal(rins_karpathy_parse(&set, zero, sizeof zero - 2, "F", "test"), RINS_OK);
    assert_int_equal(set.n_images, 1);
    rins_karpathy_free(&set);
}

/* Every prefix of a sound file is an error, never an accepted smaller set. */
static void a_cut_file_is_an_error(void **state) {
    (void)state;
    const size_t whole = strrchr(fixture, '}') - fixture;
    for (size_t n = 0; n <= whole; n++) {
        RinsKarpathy set;
        assert_int_equal(rins_karpathy_parse(&set, fixture, n, "F", "test"), RINS_ERR_FORMAT);
        rins_karpathy_free(&set);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_has_its_captions_in_order),
        cmocka_unit_test(training_sees_each_pair),
        cmocka_unit_test(images_may_lie_elsewhere),
        cmocka_unit_test(captions_are_read_without_the_image),
        cmocka_unit_test(wrong_specs_say_what_there_is),
        cmocka_unit_test(broken_files_are_named),
        cmocka_unit_test(deep_nesting_and_a_zero_byte_are_errors),
        cmocka_unit_test(a_cut_file_is_an_error),
    };
    return cmocka_run_group_tests(tests, setup, fixture_remove);
}
