/* Text: cleaning and token ids equal Python's (tests/golden/make_text_golden.py), the end token sticks, bad
   input is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/file.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONG = 400, SHORT = 16 };

typedef struct Golden {
    char model[1024];
    json_t *root, *cases;
} Golden;

static int setup(void **state) {
    static Golden golden;
    char path[1024];
    const char *source = getenv("RINS_SOURCE_ROOT");
    if (!source) source = ".";
    snprintf(golden.model, sizeof golden.model, "%s/tests/golden/text/spiece.model", source);
    snprintf(path, sizeof path, "%s/tests/golden/text/text.json", source);
    golden.root = json_load_file(path, 0, NULL);
    golden.cases = json_object_get(golden.root, "cases");
    *state = &golden;
    return json_array_size(golden.cases) < 30;
}

static int teardown(void **state) {
    json_decref(((Golden *)*state)->root);
    return 0;
}

static const char *text_of(const json_t *item, const char *key) {
    return json_string_value(json_object_get(item, key));
}

static void cleaning_equals_python(void **state) {
    const Golden *golden = *state;
    static const struct {
        const char *key;
        RinsCleaning cleaning;
    } kinds[] = {{"canonicalize", RINS_CLEAN_CANONICALIZE},
                 {"hf", RINS_CLEAN_HF_SIGLIP},
                 {"lower", RINS_CLEAN_LOWER},
                 {"text", RINS_CLEAN_NONE}};
    size_t i;
    json_t *item;
    json_array_foreach(golden->cases, i, item)
        for (size_t k = 0; k < 4; k++) {
            char *cleaned = NULL;
            assert_int_equal(rins_text_clean(text_of(item, "text"), kinds[k].cleaning, &cleaned), RINS_OK);
            assert_string_equal(cleaned, text_of(item, kinds[k].key));
            free(cleaned);
        }
}

static void lower_case_equals_python(void **state) {
    const Golden *golden = *state;
    size_t i;
    json_t *item;
    json_array_foreach(golden->cases, i, item) {
        const char *text = text_of(item, "text");
        char *lower = malloc(rins_utf8_lower_room(strlen(text)));
        rins_utf8_lower(text, true, lower);
        assert_string_equal(lower, text_of(item, "python_lower"));
        free(lower);
    }
}

static void check_ids(const Golden *golden, RinsCleaning cleaning, const char *key, int64_t length, bool padded) {
    const RinsTokenizerOptions options = {.cleaning = cleaning, .length = length, .pad_id = -1, .eos_id = -1};
    RinsTokenizer *tokenizer = NULL;
    assert_int_equal(rins_tokenizer_open(&tokenizer, golden->model, &options), RINS_OK);
    assert_int_equal(rins_tokenizer_vocab(tokenizer), json_integer_value(json_object_get(golden->root, "vocab")));
    int32_t ids[LONG];
    size_t i;
    json_t *item;
    json_array_foreach(golden->cases, i, item) {
        const json_t *want = json_object_get(item, key);
        const size_t n = json_array_size(want);
        assert_int_equal(rins_tokenizer_encode(tokenizer, text_of(item, "text"), ids), RINS_OK);
        for (size_t k = 0; k < (size_t)length; k++) {
            const int32_t expect = k < n ? (int32_t)json_integer_value(json_array_get(want, k)) : 1;
            if (ids[k] != expect)
                fail_msg("%s of '%s': id %zu is %d, not %d", key, text_of(item, "text"), k, ids[k], expect);
        }
        assert_true(padded ? n == (size_t)length : n < (size_t)length);
    }
    rins_tokenizer_free(tokenizer);
}

static void ids_equal_sentencepiece_then_eos_then_padding(void **state) {
    check_ids(*state, RINS_CLEAN_CANONICALIZE, "ids_canonicalize", LONG, false);
    check_ids(*state, RINS_CLEAN_LOWER, "ids_lower", LONG, false);
}

static void ids_equal_transformers_siglip_tokenizer(void **state) {
    check_ids(*state, RINS_CLEAN_HF_SIGLIP, "ids_hf_16", SHORT, true);
}

static void last_token_of_a_cut_text_is_eos(void **state) {
    const Golden *golden = *state;
    for (int64_t length = 1; length < 12; length++) {
        const RinsTokenizerOptions options = {.length = length, .pad_id = 0, .eos_id = -1};
        RinsTokenizer *tokenizer = NULL;
        assert_int_equal(rins_tokenizer_open(&tokenizer, golden->model, &options), RINS_OK);
        int32_t ids[12], empty[12];
        ids[length] = -7;
        assert_int_equal(rins_tokenizer_encode(tokenizer, "a photo of a cat next to a dog and a boat", ids), RINS_OK);
        assert_int_equal(rins_tokenizer_encode(tokenizer, "", empty), RINS_OK);
        assert_int_equal(ids[length - 1], 1);
        assert_int_equal(ids[length], -7);
        assert_int_equal(empty[0], 1);
        for (int64_t i = 1; i < length; i++) assert_int_equal(empty[i], 0);
        rins_tokenizer_free(tokenizer);
    }
}

static void decoding_leaves_special_ids_out(void **state) {
    const Golden *golden = *state;
    const RinsTokenizerOptions options = {.length = LONG, .pad_id = -1, .eos_id = -1};
    RinsTokenizer *tokenizer = NULL;
    assert_int_equal(rins_tokenizer_open(&tokenizer, golden->model, &options), RINS_OK);
    int32_t ids[LONG];
    size_t i;
    json_t *item;
    json_array_foreach(golden->cases, i, item) {
        char *text = NULL;
        assert_int_equal(rins_tokenizer_encode(tokenizer, text_of(item, "text"), ids), RINS_OK);
        assert_int_equal(rins_tokenizer_decode(tokenizer, ids, LONG, &text), RINS_OK);
        assert_string_equal(text, text_of(item, "decoded"));
        free(text);
    }
    char *text = NULL;
    const int32_t outside[] = {3, 100000}, negative[] = {-1};
    assert_int_equal(rins_tokenizer_decode(tokenizer, outside, 2, &text), RINS_ERR_ARG);
    assert_int_equal(rins_tokenizer_decode(tokenizer, negative, 1, &text), RINS_ERR_ARG);
    rins_tokenizer_free(tokenizer);
}

static void invalid_utf8_is_a_format_error(void **state) {
    (void)state;
    static const char *const bad[] = {"a\x80",
                                      "\xC0\xAF",
                                      "\xC3",
                                      "\xE2\x82",
                                      "\xED\xA0\x80",
                                      "\xE0\x80\x80",
                                      "\xF0\x80\x80\x80",
                                      "\xF4\x90\x80\x80",
                                      "\xF8\x88\x80\x80\x80",
                                      "\xFF"};
    static const char *const good[] = {"\xC2\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF"};
    char *cleaned = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        for (int kind = RINS_CLEAN_CANONICALIZE; kind <= RINS_CLEAN_NONE; kind++)
            assert_int_equal(rins_text_clean(bad[i], (RinsCleaning)kind, &cleaned), RINS_ERR_FORMAT);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) assert_int_equal(rins_utf8_invalid_at(good[i]), -1);
    assert_int_equal(rins_utf8_invalid_at("ab\x80"), 2);
}

static void unusable_models_are_named(void **state) {
    const Golden *golden = *state;
    RinsTokenizerOptions options = {.length = 8, .pad_id = -1, .eos_id = -1};
    RinsTokenizer *tokenizer = NULL;
    assert_int_equal(rins_tokenizer_open(&tokenizer, "/no/such.model", &options), RINS_ERR_IO);
    char *data = NULL, path[] = "/tmp/rins-test-text-XXXXXX";
    size_t size = 0;
    close(mkstemp(path));
    assert_int_equal(rins_file_read(golden->model, 0, &data, &size), RINS_OK);
    const size_t cuts[] = {0, 1, 10, size / 2, size - 1};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        assert_int_equal(rins_file_write(path, data, cuts[i]), RINS_OK);
        assert_int_equal(rins_tokenizer_open(&tokenizer, path, &options), RINS_ERR_FORMAT);
        assert_non_null(strstr(rins_last_error(), path));
    }
    free(data);
    unlink(path);
    options.eos_id = 5000;
    assert_int_equal(rins_tokenizer_open(&tokenizer, golden->model, &options), RINS_ERR_MISMATCH);
    options.eos_id = -1, options.length = 0;
    assert_int_equal(rins_tokenizer_open(&tokenizer, golden->model, &options), RINS_ERR_ARG);
}

static void write_corpus(const char *path) {
    static const char *const things[] = {"Cat", "dog", "boat", "bridge", "triangle", "circle", "square"};
    static const char *const looks[] = {"red", "blue", "striped", "Small", "shiny"};
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 7; i++)
        for (int k = 0; k < 5; k++)
            fprintf(file, "A photo of a %s %s.\na %s, next to it\n\n", looks[k], things[i], things[(i + k) % 7]);
    fclose(file);
}

static void training_is_deterministic_with_the_ids_of_c4_en(void **state) {
    (void)state;
    char dir[] = "/tmp/rins-test-train-XXXXXX", input[64], first[64], second[64];
    assert_non_null(mkdtemp(dir));
    snprintf(input, sizeof input, "%s/in.txt", dir);
    snprintf(first, sizeof first, "%s/1.model", dir);
    snprintf(second, sizeof second, "%s/2.model", dir);
    write_corpus(input);
    assert_int_equal(rins_tokenizer_train(input, 100000, first), RINS_OK); /* a soft limit: fewer pieces are fine */
    assert_int_equal(rins_tokenizer_train(input, 100000, second), RINS_OK);
    char *a = NULL, *b = NULL;
    size_t size_a = 0, size_b = 0;
    assert_int_equal(rins_file_read(first, 0, &a, &size_a), RINS_OK);
    assert_int_equal(rins_file_read(second, 0, &b, &size_b), RINS_OK);
    assert_int_equal(size_a, size_b);
    assert_memory_equal(a, b, size_a);
    free(a), free(b);
    const RinsTokenizerOptions options = {.length = 12, .pad_id = -1, .eos_id = -1};
    RinsTokenizer *tokenizer = NULL;
    assert_int_equal(rins_tokenizer_open(&tokenizer, first, &options), RINS_OK);
    assert_in_range(rins_tokenizer_vocab(tokenizer), 20, 1000);
    int32_t ids[12];
    char *text = NULL;
    assert_int_equal(rins_tokenizer_encode(tokenizer, "RED cat, boat! \xE6\x9D\xB1", ids), RINS_OK);
    assert_int_equal(ids[11], 1); /* eos */
    bool unknown = false;
    for (int i = 0; i < 12; i++) unknown |= ids[i] == 2;
    assert_true(unknown);
    assert_int_equal(rins_tokenizer_decode(tokenizer, ids, 12, &text), RINS_OK);
    assert_int_equal(strncmp(text, "red cat boat", 12), 0);
    free(text);
    rins_tokenizer_free(tokenizer);

    assert_int_equal(rins_tokenizer_train("/no/such.txt", 100, first), RINS_ERR_IO);
    assert_int_equal(rins_tokenizer_train(input, 2, first), RINS_ERR_ARG);
    assert_int_equal(rins_file_write(input, "\n \n", 3), RINS_OK);
    assert_int_equal(rins_tokenizer_train(input, 100, first), RINS_ERR_FORMAT);
    assert_int_equal(rins_file_write(input, "cat\nd\xFFg\n", 8), RINS_OK);
    assert_int_equal(rins_tokenizer_train(input, 100, first), RINS_ERR_FORMAT);
    assert_non_null(strstr(rins_last_error(), "line 2"));
    assert_int_equal(rins_remove_tree(dir), RINS_OK);
}

/* A language of a few words in one form each: every word is one token, though none is part of another. */
static void words_of_a_small_language_become_pieces(void **state) {
    (void)state;
    static const char *const words[] = {"red", "yellow", "circle", "hexagon", "above", "small"};
    enum { N = sizeof words / sizeof words[0] };
    char dir[] = "/tmp/rins-text-XXXXXX", input[64], model[64], corpus[16384] = "";
    assert_non_null(mkdtemp(dir));
    snprintf(input, sizeof input, "%s/input.txt", dir);
    snprintf(model, sizeof model, "%s/m.model", dir);
    for (int i = 0; i < 300; i++)
        for (int k = 0; k < 3; k++) {
            strcat(corpus, words[(i * 7 + k * k + i / 5) % N]);
            strcat(corpus, k == 2 ? "\n" : " ");
        }
    assert_int_equal(rins_file_write(input, corpus, strlen(corpus)), RINS_OK);
    assert_int_equal(rins_tokenizer_train(input, 64, model), RINS_OK);
    const RinsTokenizerOptions options = {.length = 8, .pad_id = -1, .eos_id = -1};
    RinsTokenizer *tokenizer = NULL;
    assert_int_equal(rins_tokenizer_open(&tokenizer, model, &options), RINS_OK);
    for (int i = 0; i < N; i++) {
        int32_t ids[8];
        int used = 0;
        assert_int_equal(rins_tokenizer_encode(tokenizer, words[i], ids), RINS_OK);
        while (used < 8 && ids[used] != 1) used++;
        if (used != 1) fail_msg("'%s' takes %d tokens", words[i], used);
    }
    rins_tokenizer_free(tokenizer);
    assert_int_equal(rins_remove_tree(dir), RINS_OK);
}

static void *encode_often(void *user) {
    const RinsTokenizer *tokenizer = user;
    int32_t first[SHORT], ids[SHORT];
    if (rins_tokenizer_encode(tokenizer, "a red cat left of a blue dog", first) != RINS_OK)
        return tokenizer ? user : NULL;
    for (int i = 0; i < 2000; i++)
        if (rins_tokenizer_encode(tokenizer, "a red cat left of a blue dog", ids) != RINS_OK ||
            memcmp(ids, first, sizeof ids))
            return user;
    return NULL;
}

static void threads_share_a_tokenizer(void **state) {
    const Golden *golden = *state;
    const RinsTokenizerOptions options = {
        .cleaning = RINS_CLEAN_HF_SIGLIP, .length = SHORT, .pad_id = -1, .eos_id = -1};
    RinsTokenizer *tokenizer = NULL;
    assert_int_equal(rins_tokenizer_open(&tokenizer, golden->model, &options), RINS_OK);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, encode_often, tokenizer), 0);
    for (int i = 0; i < 4; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    rins_tokenizer_free(tokenizer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cleaning_equals_python),
        cmocka_unit_test(lower_case_equals_python),
        cmocka_unit_test(ids_equal_sentencepiece_then_eos_then_padding),
        cmocka_unit_test(ids_equal_transformers_siglip_tokenizer),
        cmocka_unit_test(last_token_of_a_cut_text_is_eos),
        cmocka_unit_test(decoding_leaves_special_ids_out),
        cmocka_unit_test(invalid_utf8_is_a_format_error),
        cmocka_unit_test(unusable_models_are_named),
        cmocka_unit_test(training_is_deterministic_with_the_ids_of_c4_en),
        cmocka_unit_test(words_of_a_small_language_become_pieces),
        cmocka_unit_test(threads_share_a_tokenizer),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
