/* Prompt sets, class names and class embeddings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/classes.h"
#include "eval/lines.h"
#include "eval/prompts.h"
#include "src/base/file.h"
#include "src/base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void sets_have_their_published_sizes(void **state) {
    (void)state;
    static const struct {
        const char *name, *first, *last;
        size_t n;
    } want[] = {{"clip_paper", "a bad photo of a {}.", "{}", 81},
                {"openai", "a bad photo of a {}.", "a tattoo of the {}.", 80},
                {"clip_best", "itap of a {}.", "{}", 8},
                {"simple", "itap of a {}.", "a photo of the small {}.", 7},
                {"class_name_only", "{}", "{}", 1}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        RinsStringList templates = {0};
        assert_string_equal(rins_prompt_set_names[i], want[i].name);
        assert_int_equal(rins_templates_read(&templates, want[i].name), RINS_OK);
        assert_int_equal(templates.n, want[i].n);
        assert_string_equal(templates.items[0], want[i].first);
        assert_string_equal(templates.items[templates.n - 1], want[i].last);
        for (size_t t = 0; t < templates.n; t++) assert_non_null(strstr(templates.items[t], "{}"));
        rins_strings_free(&templates);
    }
    RinsStringList none = {0};
    assert_int_equal(rins_templates_read(&none, "clip_papr"), RINS_ERR_ARG);
    assert_non_null(strstr(rins_last_error(), "did you mean clip_paper"));
}

static void imagenet_ids_find_their_names(void **state) {
    (void)state;
    RinsStringList names = {0};
    assert_int_equal(rins_imagenet_names(&names), RINS_OK);
    assert_int_equal(names.n, RINS_IMAGENET_CLASSES);
    assert_string_equal(names.items[rins_imagenet_class("n01440764")], "tench");
    assert_string_equal(names.items[rins_imagenet_class("n15075141")], "toilet paper");
    assert_int_equal(rins_imagenet_class("n15075141_toilet_tissue.JPEG"), 999);
    assert_int_equal(rins_imagenet_class("n00000000"), -1);
    assert_int_equal(rins_imagenet_class("n99999999"), -1);
    assert_int_equal(rins_imagenet_class("n0144"), -1);
    assert_int_equal(rins_imagenet_class("cat"), -1);
    rins_strings_free(&names);
}

static const char *write_temporary(const char *text) {
    static char path[64];
    strcpy(path, "/tmp/rins-test-prompts-XXXXXX");
    close(mkstemp(path));
    assert_int_equal(rins_file_write(path, text, strlen(text)), RINS_OK);
    return path;
}

static void class_names_follow_the_folders(void **state) {
    (void)state;
    RinsClasses *classes = NULL;
    const char *const plain[] = {"red_cat", "the dog"}, *const ids[] = {"n01443537", "n02123045"},
                      *const other[] = {"n01443537", "n00000007"};
    assert_int_equal(rins_classes_open(&classes, plain, 2, NULL), RINS_OK);
    assert_string_equal(classes->names.items[0], "red cat");
    rins_classes_free(classes);
    assert_int_equal(rins_classes_open(&classes, ids, 2, NULL), RINS_OK);
    assert_string_equal(classes->names.items[0], "goldfish");
    assert_string_equal(classes->names.items[1], "tabby cat");
    rins_classes_free(classes);
    assert_int_equal(rins_classes_open(&classes, other, 2, NULL), RINS_ERR_UNSUPPORTED);
    assert_non_null(strstr(rins_last_error(), "n00000007"));
    const char *file = write_temporary("one\r\ntwo\nthree\n");
    assert_int_equal(rins_classes_open(&classes, plain, 2, file), RINS_ERR_MISMATCH);
    unlink(file);
    file = write_temporary("one\r\ntwo");
    assert_int_equal(rins_classes_open(&classes, plain, 2, file), RINS_OK);
    assert_string_equal(classes->names.items[0], "one");
    assert_int_equal(classes->of_label[1], 1);
    rins_classes_free(classes);
    unlink(file);
    file = write_temporary("\ntwo\n");
    assert_int_equal(rins_classes_open(&classes, plain, 2, file), RINS_ERR_FORMAT);
    unlink(file);
    file = write_temporary("one\ntwo\n\n \r\n");
    assert_int_equal(rins_classes_open(&classes, plain, 2, file), RINS_OK); /* the end of a file is no class */
    assert_int_equal(classes->names.n, 2);
    rins_classes_free(classes);
    unlink(file);
}

/* ImageNet V2's folders are 0 ... 999, which sort as text: 0, 1, 10, 100, 101 ... */
static void numbered_folders_are_class_numbers(void **state) {
    (void)state;
    static char text[RINS_IMAGENET_CLASSES][8];
    const char *labels[RINS_IMAGENET_CLASSES];
    for (int i = 0; i < RINS_IMAGENET_CLASSES; i++) {
        snprintf(text[i], sizeof text[i], "%d", (i * 7 + 3) % RINS_IMAGENET_CLASSES); /* any order */
        labels[i] = text[i];
    }
    RinsClasses *classes = NULL;
    assert_int_equal(rins_classes_open(&classes, labels, RINS_IMAGENET_CLASSES, NULL), RINS_OK);
    for (int i = 0; i < RINS_IMAGENET_CLASSES; i++) assert_int_equal(classes->of_label[i], atoi(labels[i]));
    assert_string_equal(classes->names.items[1], "goldfish");
    rins_classes_free(classes);
    const char *const few[] = {"0", "10", "2"};
    assert_int_equal(rins_classes_open(&classes, few, 3, NULL), RINS_ERR_ARG);
    const char *file = write_temporary("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\n");
    assert_int_equal(rins_classes_open(&classes, few, 3, file), RINS_OK);
    assert_int_equal(classes->names.n, 12); /* all are candidates */
    assert_int_equal(classes->of_label[1], 10);
    rins_classes_free(classes);
    const char *const beyond[] = {"0", "12"};
    assert_int_equal(rins_classes_open(&classes, beyond, 2, file), RINS_ERR_MISMATCH);
    unlink(file);
}

static void templates_are_filled_and_checked(void **state) {
    (void)state;
    char *text = rins_prompt_fill("a {} and {} in {", "red {} cat");
    assert_string_equal(text, "a red {} cat and red {} cat in {");
    free(text);
    RinsStringList templates = {0};
    const char *file = write_temporary("a {}\nno hole\n");
    assert_int_equal(rins_templates_read(&templates, file), RINS_ERR_FORMAT);
    assert_non_null(strstr(rins_last_error(), "line 2"));
    rins_strings_free(&templates);
    unlink(file);
    file = write_temporary("a {}\n\n");
    assert_int_equal(rins_templates_read(&templates, file), RINS_OK);
    assert_int_equal(templates.n, 1);
    rins_strings_free(&templates);
    unlink(file);
    file = write_temporary("");
    assert_int_equal(rins_templates_read(&templates, file), RINS_ERR_FORMAT);
    assert_int_equal(rins_file_write(file, "a {}\nthe {}\0 x\n", 16), RINS_OK); /* not the prompt "the {}" */
    assert_int_equal(rins_templates_read(&templates, file), RINS_ERR_FORMAT);
    assert_non_null(strstr(rins_last_error(), "line 2 holds a zero byte"));
    rins_strings_free(&templates);
    unlink(file);
}

/* A model whose embedding of a text depends on its length and first byte, and which counts what it is
   asked. */
typedef struct FakeModel {
    int64_t embedded, largest;
} FakeModel;

static RinsStatus fake_tokenize(void *user, const char *text, int32_t *ids) {
    (void)user;
    ids[0] = (int32_t)strlen(text), ids[1] = text[0] | 0x20; /* case does not matter: texts may give the same ids */
    return strstr(text, "bad") ? RINS_FAIL(RINS_ERR_FORMAT, "bad text") : RINS_OK;
}

static RinsStatus fake_embed(void *user, const int32_t *ids, int64_t n, float *out) {
    FakeModel *model = user;
    model->embedded += n;
    if (n > model->largest) model->largest = n;
    for (int64_t i = 0; i < n; i++) {
        const double angle = ids[2 * i] * 0.37 + ids[2 * i + 1] * 0.11;
        out[2 * i] = (float)cos(angle), out[2 * i + 1] = (float)sin(angle);
    }
    return RINS_OK;
}

static void class_embeddings_are_normalised_means_of_distinct_texts(void **state) {
    (void)state;
    FakeModel fake = {0};
    const RinsPromptModel model = {fake_tokenize, fake_embed, NULL, &fake, NULL, 2, 2, 2};
    char *names[] = {"cat", "Cat", "bird"}, *holes[] = {"a {}", "{}", "the {}!"};
    const RinsStringList classes = {names, 3}, templates = {holes, 3};
    float out[6];
    int64_t distinct = 0;
    assert_int_equal(rins_class_embeddings(&model, &classes, &templates, out, &distinct), RINS_OK);
    assert_int_equal(distinct, 6); /* "Cat" gives the ids of "cat" */
    assert_int_equal(fake.embedded, 6);
    assert_int_equal(fake.largest, 2);
    for (int c = 0; c < 3; c++) {
        double x = 0, y = 0;
        for (int t = 0; t < 3; t++) {
            char *text = rins_prompt_fill(holes[t], names[c]);
            int32_t ids[2];
            float row[2];
            fake_tokenize(NULL, text, ids);
            fake_embed(&(FakeModel){0}, ids, 1, row);
            x += row[0], y += row[1];
            free(text);
        }
        const double norm = sqrt(x * x + y * y);
        assert_true(fabs(out[2 * c] - x / norm) < 1e-6 && fabs(out[2 * c + 1] - y / norm) < 1e-6);
    }
    char *bad[] = {"cat", "bad"};
    const RinsStringList broken = {bad, 2};
    assert_int_equal(rins_class_embeddings(&model, &broken, &templates, out, NULL), RINS_ERR_FORMAT);
    assert_non_null(strstr(rins_last_error(), "class 1"));
}

/* Any text has ids of its own; progress is what a bar is told. */
typedef struct Watched {
    FakeModel model;
    int64_t done, total, calls;
} Watched;

static RinsStatus hash_tokenize(void *user, const char *text, int32_t *ids) {
    (void)user;
    const uint64_t hash = rins_hash_str(text);
    ids[0] = (int32_t)(hash & 0x7fffffff), ids[1] = (int32_t)(hash >> 33);
    return RINS_OK;
}

static void watch(void *user, const char *what, int64_t done, int64_t total) {
    Watched *watched = user;
    assert_string_equal(what, "prompts");
    assert_true(done == (watched->calls ? watched->done + 32 : 0) || done == total);
    assert_true(watched->calls == 0 || total == watched->total);
    watched->done = done, watched->total = total, watched->calls++;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* ImageNet's 1,000 names in 80 templates: what is embedded are the different texts among the 80,000. */
static void imagenet_embeds_each_text_once(void **state) {
    (void)state;
    RinsStringList names = {0}, templates = {0};
    Watched watched = {0};
    const RinsPromptModel model = {hash_tokenize, fake_embed, watch, &watched, &watched, 2, 2, 32};
    assert_int_equal(rins_imagenet_names(&names), RINS_OK);
    assert_int_equal(rins_templates_read(&templates, "openai"), RINS_OK);
    const size_t n = names.n * templates.n;
    assert_int_equal(n, 80000);
    char **texts = malloc(n * sizeof *texts);
    for (size_t i = 0; i < n; i++)
        texts[i] = rins_prompt_fill(templates.items[i % templates.n], names.items[i / templates.n]);
    qsort(texts, n, sizeof *texts, by_text);
    int64_t different = 1, distinct = 0;
    for (size_t i = 1; i < n; i++) different += strcmp(texts[i], texts[i - 1]) != 0;
    float *out = malloc(names.n * 2 * sizeof *out);
    assert_int_equal(rins_class_embeddings(&model, &names, &templates, out, &distinct), RINS_OK);
    print_message("# %lld of %zu texts embedded, %lld calls of progress\n", (long long)watched.model.embedded, n,
                  (long long)watched.calls);
    assert_int_equal(distinct, different);
    assert_int_equal(watched.model.embedded, different);
    assert_true(different < (int64_t)n); /* two names occur twice */
    assert_true(watched.done == different && watched.total == different);
    for (size_t i = 0; i < n; i++) free(texts[i]);
    free(texts), free(out);
    rins_strings_free(&names), rins_strings_free(&templates);
}

static void the_hash_knows_every_prompt(void **state) {
    (void)state;
    char *names[] = {"a", "b"}, *swapped[] = {"b", "a"}, *holes[] = {"{}", "a {}"};
    const RinsStringList templates = {holes, 2}, one = {holes, 1};
    uint64_t hash, again, other, fewer;
    assert_int_equal(rins_prompt_hash(&(RinsStringList){names, 2}, &templates, &hash), RINS_OK);
    assert_int_equal(rins_prompt_hash(&(RinsStringList){names, 2}, &templates, &again), RINS_OK);
    assert_int_equal(rins_prompt_hash(&(RinsStringList){swapped, 2}, &templates, &other), RINS_OK);
    assert_int_equal(rins_prompt_hash(&(RinsStringList){names, 2}, &one, &fewer), RINS_OK);
    assert_true(hash == again && hash != other && hash != fewer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_have_their_published_sizes),
        cmocka_unit_test(imagenet_ids_find_their_names),
        cmocka_unit_test(class_names_follow_the_folders),
        cmocka_unit_test(numbered_folders_are_class_numbers),
        cmocka_unit_test(templates_are_filled_and_checked),
        cmocka_unit_test(class_embeddings_are_normalised_means_of_distinct_texts),
        cmocka_unit_test(imagenet_embeds_each_text_once),
        cmocka_unit_test(the_hash_knows_every_prompt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
