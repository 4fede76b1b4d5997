/* Labels from beside the data, and matrices on disk. */
#include "tests/unit/data_fixture.h"

#include "eval/classes.h"
#include "eval/image_index.h"
#include "eval/labels.h"
#include "eval/lines.h"
#include "eval/npy.h"
#include "eval/zeroshot_entry.h"

#include <math.h>

static const char *text_file(const char *name, const char *text) {
    const char *path = in_dir(name);
    put_quickly(path, text, strlen(text));
    return path;
}

static void wordnet_ids_in_file_names(void **state) {
    (void)state;
    RinsStringList names = {0};
    RinsLabels *labels = NULL;
    int scratch, n;
    const int *set;
    assert_ok(rins_imagenet_names(&names));
    assert_ok(rins_labels_open(&labels, "wnid", &names));
    assert_ok(rins_labels_of(labels, "/a/n01443537_goldfish.JPEG", &scratch, &set, &n));
    assert_true(n == 1 && set[0] == 1);
    assert_ok(rins_labels_of(labels, "shards/x.tar:n01440764_3", &scratch, &set, &n));
    assert_true(n == 1 && set[0] == 0);
    assert_int_equal(rins_labels_of(labels, "/n01440764/cat.jpg", &scratch, &set, &n), RINS_ERR_MISMATCH);
    rins_labels_free(labels);
    const RinsStringList few = {names.items, 3};
    assert_int_equal(rins_labels_open(&labels, "wnid", &few), RINS_ERR_MISMATCH);
    rins_strings_free(&names);
}

static void a_table_of_labels(void **state) {
    (void)state;
    char *items[] = {"cat", "dog", "red bird"};
    const RinsStringList names = {items, 3};
    RinsLabels *labels = NULL;
    int scratch, n;
    const int *set;
    assert_ok(rins_labels_open(&labels, text_file("l.tsv", "b.jpg\tdog\nsub/a.JPEG\t2\nc\tred bird,0\n\n"), &names));
    assert_ok(rins_labels_of(labels, "/x/a.png", &scratch, &set, &n));
    assert_true(n == 1 && set[0] == 2);
    assert_ok(rins_labels_of(labels, "b.jpg", &scratch, &set, &n));
    assert_true(n == 1 && set[0] == 1);
    assert_ok(rins_labels_of(labels, "c.webp", &scratch, &set, &n));
    assert_true(n == 2 && set[0] == 0 && set[1] == 2);
    assert_int_equal(rins_labels_of(labels, "d.jpg", &scratch, &set, &n), RINS_ERR_MISMATCH);
    rins_labels_free(labels);
    static const struct {
        const char *text, *says;
    } bad[] = {{"a.jpg dog\n", "line 1"},
               {"a.jpg\tdog\nb.jpg\tcow\n", "line 2"},
               {"a.jpg\tdog\na.png\tcat\n", "two lines"},
               {"a\t3\n", "line 1"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(rins_labels_open(&labels, text_file("bad.tsv", bad[i].text), &names), RINS_ERR_FORMAT);
        assert_non_null(strstr(rins_last_error(), bad[i].says));
    }
}

static void several_labels_of_validation_images(void **state) {
    (void)state;
    RinsStringList names = {0};
    RinsLabels *labels = NULL;
    int scratch, n;
    const int *set;
    assert_ok(rins_imagenet_names(&names));
    assert_ok(rins_labels_open(&labels, text_file("real.json", "[[5, 3], [], [999]]"), &names));
    assert_ok(rins_labels_of(labels, "val/ILSVRC2012_val_00000001.JPEG", &scratch, &set, &n));
    assert_true(n == 2 && set[0] == 3 && set[1] == 5);
    assert_ok(rins_labels_of(labels, "ILSVRC2012_val_00000002.JPEG", &scratch, &set, &n));
    assert_int_equal(n, 0);
    assert_int_equal(rins_labels_of(labels, "ILSVRC2012_val_00000004.JPEG", &scratch, &set, &n), RINS_ERR_MISMATCH);
    rins_labels_free(labels);
    assert_int_equal(rins_labels_open(&labels, text_file("bad.json", "[[1000]]"), &names), RINS_ERR_FORMAT);
    assert_int_equal(rins_labels_open(&labels, text_file("bad.json", "{}"), &names), RINS_ERR_FORMAT);
    assert_int_equal(rins_labels_open(&labels, text_file("bad.json", "[5]"), &names), RINS_ERR_FORMAT);
    assert_int_equal(rins_labels_open(&labels, text_file("bad.json", "[[\"a\"]]"), &names), RINS_ERR_FORMAT);
    rins_strings_free(&names);
}

/* Byte for byte what numpy.save wrote for np.arange(6, dtype=np.float32).reshape(2, 3). */
static void npy_files_are_numpys(void **state) {
    (void)state;
    unsigned char want[128 + 24];
    char header[119];
    memset(header, ' ', sizeof header);
    const char text[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    memcpy(header, text, strlen(text));
    memcpy(want, "\x93NUMPY\x01\x00\x76\x00", 10);
    memcpy(want + 10, header, 118);
    want[127] = '\n';
    const float rows[6] = {0, 1, 2, 3, 4, 5};
    memcpy(want + 128, rows, sizeof rows);

    RinsNpyWriter writer;
    assert_ok(rins_npy_begin(&writer, in_dir("x.npy"), 3));
    rins_npy_rows(&writer, rows, 1);
    rins_npy_rows(&writer, rows + 3, 1);
    assert_false(rins_path_is_file(in_dir("x.npy"))); /* nothing under its name before the end */
    assert_ok(rins_npy_commit(&writer));
    char *data = NULL;
    size_t size = 0;
    assert_ok(rins_file_read(in_dir("x.npy"), 0, &data, &size));
    assert_int_equal(size, sizeof want);
    assert_memory_equal(data, want, sizeof want);

    float *back = NULL;
    int64_t n, dim;
    assert_ok(rins_npy_read(in_dir("x.npy"), &back, &n, &dim));
    assert_true(n == 2 && dim == 3);
    assert_memory_equal(back, rows, sizeof rows);
    free(back);
    const size_t cuts[] = {0, 5, 11, 100, 128, 151};
    for (size_t i = 0; i < 6; i++) {
        put_quickly(in_dir("cut.npy"), data, cuts[i]);
        assert_int_not_equal(rins_npy_read(in_dir("cut.npy"), &back, &n, &dim), RINS_OK);
        assert_null(back);
    }
    static const char *const other[] = {"'<f8'", "'fortran_order': True", "(-2, 3)", "(2, 3, 1)",
                                        "(99999999999, 99999999999)"};
    for (size_t i = 0; i < 5; i++) {
        char line[119], file[128] = "\x93NUMPY\x01\x00\x76";
        snprintf(line, sizeof line, "{'descr': %s, %s, 'shape': %s, }", i == 0 ? other[0] : "'<f4'",
                 i == 1 ? other[1] : "'fortran_order': False", i >= 2 ? other[i] : "(2, 3)");
        memset(file + 10, ' ', 118);
        memcpy(file + 10, line, strlen(line));
        put_quickly(in_dir("other.npy"), file, sizeof file);
        assert_int_not_equal(rins_npy_read(in_dir("other.npy"), &back, &n, &dim), RINS_OK);
    }
    free(data);
}

static void images_are_found_at_any_depth_in_byte_order(void **state) {
    (void)state;
    static const char *const files[] = {"f/b.jpg",    "f/A.JPEG",     "f/sub/deep/c.png", "f/.hidden.jpg",
                                        "f/note.txt", "f/sub/d.webp", "f/.h/e.jpg"};
    static const char *const want[] = {"f/A.JPEG", "f/b.jpg", "f/sub/d.webp", "f/sub/deep/c.png"};
    assert_ok(rins_mkdirs(in_dir("f/sub/deep")));
    assert_ok(rins_mkdirs(in_dir("f/.h")));
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) put_quickly(in_dir(files[i]), "x", 1);
    assert_int_equal(symlink("..", in_dir("f/sub/up")), 0); /* a circle ends */
    RinsStringList paths = {0};
    assert_ok(rins_find_images(&paths, in_dir("f")));
    assert_int_equal(paths.n, 4);
    for (size_t i = 0; i < 4; i++) assert_string_equal(paths.items[i], in_dir(want[i]));
    rins_strings_free(&paths);
    assert_int_equal(rins_find_images(&paths, in_dir("nowhere")), RINS_ERR_IO);
}

static void an_evaluation_as_one_text(void **state) {
    (void)state;
    RinsZeroshotEntry entry;
    assert_ok(rins_zeroshot_entry_parse(&entry, "folder:/a b/c templates=t.txt classes=x=y "));
    assert_string_equal(entry.task.data, "folder:/a b/c");
    assert_string_equal(entry.task.templates, "t.txt");
    assert_string_equal(entry.task.classes, "x=y");
    assert_null(entry.task.labels);
    assert_int_equal(rins_zeroshot_entry_check(&entry), RINS_ERR_IO);
    rins_zeroshot_entry_free(&entry);
    assert_ok(rins_zeroshot_entry_parse(&entry, "folder:/a b  labels=/my files/l 1.tsv  templates=/my files/t 1.txt "));
    assert_string_equal(entry.task.data, "folder:/a b");
    assert_string_equal(entry.task.templates, "/my files/t 1.txt");
    assert_string_equal(entry.task.labels, "/my files/l 1.tsv");
    rins_zeroshot_entry_free(&entry);
    char text[512];
    put_png("flat2/a.png", 1);
    snprintf(text, sizeof text, "%s", in_dir("flat2"));
    assert_ok(rins_zeroshot_entry_parse(&entry, text));
    assert_int_equal(rins_zeroshot_entry_check(&entry), RINS_ERR_CONFIG);
    rins_zeroshot_entry_free(&entry);
    snprintf(text, sizeof text, "%s labels=none.tsv", in_dir("flat2"));
    assert_ok(rins_zeroshot_entry_parse(&entry, text));
    assert_int_equal(rins_zeroshot_entry_check(&entry), RINS_ERR_IO);
    rins_zeroshot_entry_free(&entry);
    snprintf(text, sizeof text, "%s labels=wnid", in_dir("flat2"));
    assert_ok(rins_zeroshot_entry_parse(&entry, text));
    assert_ok(rins_zeroshot_entry_check(&entry));
    rins_zeroshot_entry_free(&entry);
    snprintf(text, sizeof text, "%s labels=wnid templates=clip_bst", in_dir("flat2"));
    assert_ok(rins_zeroshot_entry_parse(&entry, text));
    assert_int_equal(rins_zeroshot_entry_check(&entry), RINS_ERR_ARG);
    rins_zeroshot_entry_free(&entry);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wordnet_ids_in_file_names),
        cmocka_unit_test(a_table_of_labels),
        cmocka_unit_test(several_labels_of_validation_images),
        cmocka_unit_test(an_evaluation_as_one_text),
        cmocka_unit_test(npy_files_are_numpys),
        cmocka_unit_test(images_are_found_at_any_depth_in_byte_order),
    };
    return cmocka_run_group_tests(tests, fixture_make, fixture_remove);
}
