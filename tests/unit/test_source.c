/* Folders and tables: which files are samples, in which order, with which captions; what is wrong is named. */
#include "tests/unit/data_fixture.h"

#include "data/text_check.h"

#include <sys/stat.h>

static void class_folders_are_sorted_by_bytes(void **state) {
    (void)state;
    put_png("classes/b_two/x.png", 1);
    put_png("classes/b_two/A.PNG", 2);
    put_png("classes/b_two/deep/er/z.Jpeg", 3);
    put_png("classes/Z/1.webp", 4);
    put_text("classes/Z/notes.txt", "no image");
    put_png("classes/Z/.hidden.png", 5);
    assert_ok(rins_mkdirs(in_dir("classes/empty")));
    assert_ok(rins_mkdirs(in_dir("classes/.hidden")));
    RinsSource *source;
    char text[512];
    assert_ok(open_source(&source, "folder:", "classes", RINS_VIEW_PAIRS));
    assert_int_equal(rins_source_classes(source), 3);
    assert_string_equal(rins_source_class_name(source, 0), "Z");
    assert_string_equal(rins_source_class_name(source, 1), "b_two");
    assert_string_equal(rins_source_class_name(source, 2), "empty");
    assert_null(rins_source_class_name(source, 3));
    describe(source, text, sizeof text);
    assert_string_equal(text, "1.webp;A.PNG;x.png;z.Jpeg;");
    RinsSample sample = {0};
    static const int labels[] = {0, 1, 1, 1};
    for (int i = 0; i < 4; i++) {
        assert_ok(rins_source_read(source, i, &sample, NULL));
        assert_int_equal(sample.label, labels[i]);
    }
    assert_int_equal(rins_source_read(source, 4, &sample, NULL), RINS_ERR_ARG);
    rins_sample_free(&sample);
    rins_source_free(source);
}

/* A link from a class back to the folder of all classes must not put their images into it. */
static void a_link_to_all_classes_is_not_followed(void **state) {
    (void)state;
    put_png("knot/a/one.png", 1);
    put_png("knot/b/two.png", 2);
    assert_int_equal(symlink("..", in_dir("knot/a/loop")), 0);
    RinsSource *source;
    char text[512];
    assert_ok(open_source(&source, "folder:", "knot", RINS_VIEW_PAIRS));
    describe(source, text, sizeof text);
    assert_string_equal(text, "one.png;two.png;");
    rins_source_free(source);
}

/* What a spec's path is, without a look at the disk; a name that only looks like a kind is a path. */
static void specs_give_their_paths(void **state) {
    (void)state;
    static const struct {
        const char *spec, *path;
    } cases[] = {
        {"folder:photos", "photos"},
        {"wds:a/{0..3}.tar", "a/{0..3}.tar"},
        {"wds(text=alt):a.tar", "a.tar"},
        {"table(image=a:b,caption=c):t.tsv", "t.tsv"},
        {"karpathy(split=test):d.json", "d.json"},
        {"folder:", ""},
        {"table:table:t.tsv", "table:t.tsv"},
        {"photos", "photos"},
        {"", ""},
        {"folder", "folder"},
        {"folders:photos", "folders:photos"},
        {"Folder:photos", "Folder:photos"},
        {"./wds:a", "./wds:a"},
        {"wds(text=alt)a.tar", "wds(text=alt)a.tar"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *path = rins_source_path(cases[i].spec);
        if (strcmp(path, cases[i].path) != 0)
            fail_msg("'%s' has the path '%s', not '%s'", cases[i].spec, path, cases[i].path);
        const size_t n = strlen(cases[i].spec);
        assert_true(path >= cases[i].spec && path <= cases[i].spec + n); /* inside the spec */
    }
}

static void flat_folder_is_a_list_and_links_are_followed(void **state) {
    (void)state;
    put_png("elsewhere/one.png", 1);
    put_png("elsewhere/sub/two.png", 1);
    put_png("flat/c.jpg", 1);
    put_png("flat/B.jpg", 1);
    assert_int_equal(symlink("../elsewhere/one.png", in_dir("flat/a.png")), 0);
    assert_int_equal(symlink("gone.png", in_dir("flat/d.png")), 0);
    RinsSource *source;
    char text[512];
    assert_ok(open_source(&source, "", "flat", RINS_VIEW_PAIRS));
    assert_string_equal(rins_source_kind(source), "folder");
    assert_int_equal(rins_source_classes(source), 0);
    describe(source, text, sizeof text);
    assert_string_equal(text, "B.jpg;a.png;c.jpg;!missing;");
    rins_source_free(source);
    assert_ok(rins_mkdirs(in_dir("linked")));
    assert_int_equal(symlink("../elsewhere", in_dir("linked/class")), 0);
    assert_int_equal(symlink("..", in_dir("elsewhere/sub/loop")), 0);
    assert_ok(open_source(&source, "folder:", "linked", RINS_VIEW_PAIRS));
    assert_int_equal(rins_source_classes(source), 1);
    describe(source, text, sizeof text);
    assert_string_equal(text, "one.png;two.png;");
    rins_source_free(source);
}

static void fifos_do_not_block(void **state) {
    (void)state;
    put_png("fifo/a.png", 1);
    assert_int_equal(mkfifo(in_dir("fifo/b.png"), 0600), 0);
    RinsSource *source;
    char text[512];
    assert_ok(open_source(&source, "folder:", "fifo", RINS_VIEW_PAIRS));
    describe(source, text, sizeof text);
    assert_string_equal(text, "a.png;!missing;");
    rins_source_free(source);
}

static void tsv_has_no_quoting(void **state) {
    (void)state;
    put_png("t/im/1.png", 1);
    put_png("t/im/2.png", 2);
    put_text("t/a.tsv", "\xef\xbb\xbfid\tcaption\tfilepath\r\n"
                        "1\t\"quoted\", once\tim/1.png\r\n"
                        "\n"
                        "2\t two words \tim/2.png\n"
                        "3\tsecond of one\tim/1.png\n"
                        "4\t\xff\tim/1.png\n"
                        "5\t \tim/1.png\n"
                        "6\tlost\tim/3.png\n"
                        "7\tshort row\n"
                        "8\tno end\tim/2.png");
    RinsSource *source;
    char text[512];
    assert_ok(open_source(&source, "", "t/a.tsv", RINS_VIEW_PAIRS));
    assert_string_equal(rins_source_kind(source), "table");
    describe(source, text, sizeof text);
    assert_string_equal(text, "2|\"quoted\", once;4|two words;5|second of one;!caption;!caption;!missing;!missing;"
                              "10|no end;");
    rins_source_free(source);
    assert_ok(open_source(&source, "table:", "t/a.tsv", RINS_VIEW_IMAGES));
    assert_int_equal(rins_source_count(source), 4); /* two images, one lost file, one row without a file */
    describe(source, text, sizeof text);
    assert_string_equal(text, "2|\"quoted\", once|second of one;4|two words|no end;!missing;!missing;");
    rins_source_free(source);
}

static void parts_left_out_make_no_bad_sample(void **state) {
    (void)state;
    put_png("t/1.png", 1);
    put_text("t/parts.csv", "filepath,caption\n1.png,\nlost.png,a\n,b\n");
    static const struct {
        RinsSampleParts parts;
        RinsBadCause cause[3];
    } cases[] = {
        {RINS_SAMPLE_LABEL, {RINS_BAD_NONE, RINS_BAD_NONE, RINS_BAD_MISSING}},
        {RINS_SAMPLE_CAPTIONS, {RINS_BAD_CAPTION, RINS_BAD_NONE, RINS_BAD_MISSING}},
        {RINS_SAMPLE_IMAGE, {RINS_BAD_NONE, RINS_BAD_MISSING, RINS_BAD_MISSING}},
        {RINS_SAMPLE_ALL, {RINS_BAD_CAPTION, RINS_BAD_MISSING, RINS_BAD_MISSING}},
    };
    RinsSample sample = {0};
    for (int view = RINS_VIEW_PAIRS; view <= RINS_VIEW_IMAGES; view++) {
        RinsSource *source;
        assert_ok(open_source(&source, "table:", "t/parts.csv", (RinsSourceView)view));
        for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
            for (int64_t i = 0; i < 3; i++) {
                RinsBadCause cause = RINS_BAD_N;
                const RinsStatus status = rins_source_read_parts(source, i, cases[c].parts, &sample, &cause);
                assert_int_equal(cause, cases[c].cause[i]);
                assert_int_equal(status == RINS_OK, cause == RINS_BAD_NONE);
                assert_non_null(sample.key);
                if (status != RINS_OK) continue;
                assert_int_equal(sample.image_size > 0, (cases[c].parts & RINS_SAMPLE_IMAGE) != 0);
                assert_int_equal(sample.n_captions > 0, (cases[c].parts & RINS_SAMPLE_CAPTIONS) != 0);
            }
        rins_source_free(source);
    }
    rins_sample_free(&sample);
}

static void csv_is_rfc_4180(void **state) {
    (void)state;
    put_png("t/1.png", 1);
    put_text("t/a.csv", "filepath,\"caption\"\r\n"
                        "1.png,\"comma, \"\"quote\"\"\r\nand line\"\r\n"
                        "\"1.png\",plain \"inside\"\r\n"
                        "1.png,\"\"\r\n"
                        "1.png,after,more,fields\r\n");
    RinsSource *source;
    char text[512];
    assert_ok(open_source(&source, "table:", "t/a.csv", RINS_VIEW_PAIRS));
    describe(source, text, sizeof text);
    assert_string_equal(text, "2|comma, \"quote\"\r\nand line;4|plain \"inside\";!caption;6|after;");
    rins_source_free(source);
}

static void a_lost_quote_costs_one_row(void **state) {
    (void)state;
    put_png("t/1.png", 1);
    put_text("t/lost.csv", "filepath,caption\n1.png,a\n1.png,\"open\n1.png,b\n1.png,c\n");
    RinsSource *source;
    char text[512];
    assert_ok(open_source(&source, "table:", "t/lost.csv", RINS_VIEW_PAIRS));
    describe(source, text, sizeof text);
    assert_string_equal(text, "2|a;3|open;4|b;5|c;");
    rins_source_free(source);
}

static void tables_with_other_columns(void **state) {
    (void)state;
    put_png("t/1.png", 1);
    put_text("t/named.csv", "url,title\n1.png,a title\n");
    RinsSource *source;
    char text[512];
    assert_ok(open_source(&source, "table(image=url,caption=title):", "t/named.csv", RINS_VIEW_PAIRS));
    describe(source, text, sizeof text);
    assert_string_equal(text, "2|a title;");
    rins_source_free(source);
    assert_int_equal(open_source(&source, "table:", "t/named.csv", RINS_VIEW_PAIRS), RINS_ERR_FORMAT);
    assert_non_null(strstr(rins_last_error(), "no column 'filepath' in its first line, only: url, title"));
    assert_int_equal(open_source(&source, "table(picture=url):", "t/named.csv", RINS_VIEW_PAIRS), RINS_ERR_CONFIG);
    assert_null(source);
}

static void nothing_to_open_is_an_error(void **state) {
    (void)state;
    assert_ok(rins_mkdirs(in_dir("nothing")));
    put_text("nothing.tsv", "filepath\tcaption\n");
    RinsSource *source;
    assert_int_equal(open_source(&source, "", "nothing", RINS_VIEW_PAIRS), RINS_ERR_FORMAT);
    assert_int_equal(open_source(&source, "", "nothing.tsv", RINS_VIEW_PAIRS), RINS_ERR_FORMAT);
    assert_int_equal(open_source(&source, "", "absent", RINS_VIEW_PAIRS), RINS_ERR_CONFIG);
    assert_int_equal(open_source(&source, "folder:", "absent", RINS_VIEW_PAIRS), RINS_ERR_IO);
    assert_int_equal(open_source(&source, "", "absent.tsv", RINS_VIEW_PAIRS), RINS_ERR_IO);
    assert_int_equal(open_source(&source, "wds:", "absent{0..1}.tar", RINS_VIEW_PAIRS), RINS_ERR_IO);
    static const char *const foreign[] = {"folder(text=x):", "wds(image=x):", "table(text=x):", "folder(caption=x):"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        assert_int_equal(open_source(&source, foreign[i], "nothing", RINS_VIEW_PAIRS), RINS_ERR_CONFIG);
    assert_non_null(strstr(rins_last_error(), "folder takes nothing in its parentheses"));
    assert_null(source);
}

/* Every one- to three-byte sequence, against a count by hand of RFC 3629's table. */
static void utf8_is_told_exactly(void **state) {
    (void)state;
    int64_t good2 = 0, good3 = 0;
    for (unsigned a = 0x80; a < 0x100; a++)
        for (unsigned b = 0; b < 0x100; b++) {
            const char two[2] = {(char)a, (char)b};
            good2 += rins_utf8_valid(two, 2);
            for (unsigned c = 0x80; c < 0x100; c++) {
                const char three[3] = {(char)a, (char)b, (char)c};
                good3 += rins_utf8_valid(three, 3);
            }
        }
    assert_int_equal(good2, 30 * 64);                     /* U+0080..U+07FF */
    assert_int_equal(good3, 0x10000 - 0x800 - 0x800);     /* U+0800..U+FFFF without surrogates */
    assert_true(rins_utf8_valid("\xf4\x8f\xbf\xbf", 4));  /* U+10FFFF */
    assert_false(rins_utf8_valid("\xf4\x90\x80\x80", 4)); /* one more */
    assert_false(rins_utf8_valid("\xf0\x8f\xbf\xbf", 4)); /* overlong */
    assert_false(rins_utf8_valid("a\0b", 3));
    assert_true(rins_utf8_valid("", 0));
}

static void json_captions_have_bounds(void **state) {
    (void)state;
    RinsSample sample = {0};
    RinsBadCause cause;
    static const char good[] = "{\"caption\": \"a \\u00e9\", \"n\": [1, {\"x\": null}]}";
    assert_ok(rins_sample_add_json(&sample, good, strlen(good), NULL, &cause));
    static const char list[] = "{\"alt\": [\"x\", \"y\"]}";
    assert_ok(rins_sample_add_json(&sample, list, strlen(list), "alt", &cause));
    assert_int_equal(sample.n_captions, 3);
    assert_string_equal(sample.captions[0], "a \xc3\xa9");
    assert_string_equal(sample.captions[2], "y");
    static const char mixed[] = "{\"alt\": [\"\", 1, \"z\", null]}";
    assert_ok(rins_sample_add_json(&sample, mixed, strlen(mixed), "alt", &cause));
    assert_int_equal(cause, RINS_BAD_NONE);
    assert_int_equal(sample.n_captions, 4);
    assert_string_equal(sample.captions[3], "z");
    static const char *const bad[] = {"{\"caption\": [1, \"\"]}",
                                      "",
                                      "{",
                                      "[]",
                                      "{\"caption\": 1}",
                                      "{\"caption\": \"\xff\"}",
                                      "{\"caption\": \"\\u0000\"}",
                                      "{\"caption\": []}",
                                      "{\"other\": \"x\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_not_equal(rins_sample_add_json(&sample, bad[i], strlen(bad[i]), NULL, &cause), RINS_OK);
        assert_int_equal(cause, RINS_BAD_CAPTION);
    }
    char deep[4096];
    memset(deep, '[', sizeof deep);
    assert_int_equal(rins_sample_add_json(&sample, deep, sizeof deep, NULL, &cause), RINS_ERR_LIMIT);
    char *longest = malloc(RINS_MAX_CAPTION_BYTES + 1);
    memset(longest, 'a', RINS_MAX_CAPTION_BYTES + 1);
    assert_ok(rins_sample_add_caption(&sample, longest, RINS_MAX_CAPTION_BYTES, &cause));
    assert_int_equal(rins_sample_add_caption(&sample, longest, RINS_MAX_CAPTION_BYTES + 1, &cause), RINS_ERR_LIMIT);
    assert_string_equal(sample.captions[0], "a \xc3\xa9"); /* survives the growth of the buffer */
    free(longest);
    rins_sample_free(&sample);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(class_folders_are_sorted_by_bytes),
        cmocka_unit_test(specs_give_their_paths),
        cmocka_unit_test(a_link_to_all_classes_is_not_followed),
        cmocka_unit_test(flat_folder_is_a_list_and_links_are_followed),
        cmocka_unit_test(fifos_do_not_block),
        cmocka_unit_test(tsv_has_no_quoting),
        cmocka_unit_test(parts_left_out_make_no_bad_sample),
        cmocka_unit_test(csv_is_rfc_4180),
        cmocka_unit_test(a_lost_quote_costs_one_row),
        cmocka_unit_test(tables_with_other_columns),
        cmocka_unit_test(nothing_to_open_is_an_error),
        cmocka_unit_test(utf8_is_told_exactly),
        cmocka_unit_test(json_captions_have_bounds),
    };
    return cmocka_run_group_tests(tests, fixture_make, fixture_remove);
}
