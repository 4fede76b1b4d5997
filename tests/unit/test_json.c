/* JSON: written lines are valid and exact, read files are bounded and their errors placed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/json.h"
#include "src/base/json_writer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void lines_are_valid_json_with_nine_digits(void **state) {
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    RinsJsonWriter json = {0};
    for (int i = 0; i < 2; i++) {
        rins_json_open(&json, NULL, '{');
        rins_json_int(&json, "step", i);
        rins_json_float(&json, "loss", 1.0f / 3);
        rins_json_float(&json, "bad", NAN);
        rins_json_double(&json, "exact", 0.1);
        rins_json_bool(&json, "ok", true);
        rins_json_string(&json, "text", "a\"\\\n\x01\xff\xc3\xa9");
        rins_json_open(&json, "list", '[');
        rins_json_string(&json, NULL, NULL);
        rins_json_close(&json);
        rins_json_close(&json);
        assert_int_equal(rins_json_flush(&json, out), RINS_OK);
    }
    rins_json_writer_free(&json);
    fclose(out);
    static const char expect[] = "{\"step\": 0, \"loss\": 0.333333343, \"bad\": null, \"exact\": 0.1, \"ok\": true, "
                                 "\"text\": \"a\\\"\\\\\\n\\u0001\xef\xbf\xbd\xc3\xa9\", \"list\": [null]}\n";
    assert_int_equal(strncmp(text, expect, sizeof expect - 1), 0);
    json_t *root;
    assert_int_equal(rins_json_parse(text, sizeof expect - 1, "line", &root), RINS_OK);
    assert_true(json_real_value(json_object_get(root, "exact")) == 0.1);
    json_decref(root);
    free(text);
}

static void unbalanced_writing_is_reported(void **state) {
    (void)state;
    RinsJsonWriter json = {0};
    char *text;
    rins_json_open(&json, NULL, '{');
    assert_int_equal(rins_json_take(&json, &text), RINS_ERR_INTERNAL);
    assert_null(text);
}

static void bad_files_say_where(void **state) {
    (void)state;
    json_t *root;
    static const struct {
        const char *text, *expect;
    } cases[] = {
        {"{\n\"a\": 1,\n\"a\": 2}", "f.json:3: not valid JSON: duplicate"},
        {"{\n\"a\": }", "f.json:2: not valid JSON"},
        {"", "f.json:1: not valid JSON"},
        {"3", "f.json:1: not valid JSON"},
        {"{} x", "f.json:1: not valid JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(rins_json_parse(cases[i].text, strlen(cases[i].text), "f.json", &root), RINS_ERR_FORMAT);
        assert_null(root);
        if (!strstr(rins_last_error(), cases[i].expect)) fail_msg("%s: %s", cases[i].text, rins_last_error());
    }
    char deep[400];
    memset(deep, '[', 200);
    memset(deep + 200, ']', 200);
    assert_int_equal(rins_json_parse(deep, 400, "f.json", &root), RINS_ERR_FORMAT);
    assert_non_null(strstr(rins_last_error(), "deeper than 64"));
    assert_int_equal(rins_json_read("/nonexistent.json", 0, &root), RINS_ERR_IO);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_valid_json_with_nine_digits),
        cmocka_unit_test(unbalanced_writing_is_reported),
        cmocka_unit_test(bad_files_say_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
