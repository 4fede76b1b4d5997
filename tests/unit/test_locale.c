/* A program that embeds the library may have set any locale: with a decimal comma numbers are read and written as ever. */
#define _GNU_SOURCE

#include "tests/unit/skip.h"

#include "data/pp.h"
#include "data/synth.h"
#include "src/base/file.h"
#include "src/base/json_writer.h"
#include "src/base/number.h"
#include "src/model/hf_processor.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char dir[] = "/tmp/rins-locale-XXXXXX";
static bool has_comma;

/* German numbers, compiled from glibc's sources of locales where they are installed. */
static int set_comma(void **state) {
    (void)state;
    char command[200];
    if (!mkdtemp(dir)) return -1;
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1", dir);
    if (system(command) != 0) return 0;
    setenv("LOCPATH", dir, 1);
    has_comma = setlocale(LC_ALL, "de_DE.UTF-8") && *localeconv()->decimal_point == ',';
    return 0;
}

static int remove_dir(void **state) {
    (void)state;
    setlocale(LC_ALL, "C");
    return rins_remove_tree(dir) == RINS_OK ? 0 : -1;
}

static void need_comma(void) {
    if (!has_comma) SKIP_FOR("needs a locale that writes a decimal comma, such as de_DE.UTF-8");
    char text[8];
    snprintf(text, sizeof text, "%.1f", 0.5);
    assert_string_equal(text, "0,5");
}

static void numbers_have_a_point(void **state) {
    (void)state;
    need_comma();
    char text[RINS_NUMBER_ROOM];
    double value = 0;
    assert_string_equal(rins_format_double(0.25, text), "0.25");
    assert_string_equal(rins_format_digits(0.25, 9, text), "0.25");
    assert_true(rins_parse_double("0.25", 4, &value));
    assert_float_equal(value, 0.25, 0);
}

static void preprocessing_strings_are_read(void **state) {
    (void)state;
    need_comma();
    RinsPp *pp;
    float scale[3], offset[3];
    if (rins_pp_parse(&pp, "decode|resize(8)|value_range(-0.5,0.75)") != RINS_OK) fail_msg("%s", rins_last_error());
    rins_pp_value_range(pp, scale, offset);
    rins_pp_free(pp);
    assert_float_equal(scale[0], 1.25f / 255, 1e-9);
    assert_float_equal(offset[0], -0.5f, 0);
}

static void preprocessor_files_are_read_and_written(void **state) {
    (void)state;
    need_comma();
    static const char mean[] = "{\"image_mean\": [0.5, 0.5, 0.5], \"image_std\": [0.4, 0.4, 0.4]}";
    json_t *root;
    char *pp, *text;
    assert_int_equal(rins_json_parse(mean, strlen(mean), "test", &root), RINS_OK);
    assert_int_equal(rins_hf_preprocessor_read(root, 224, &pp), RINS_OK);
    json_decref(root);
    assert_string_equal(pp, "decode|resize(224,method=bicubic)|value_range(-1.25,1.25)");
    assert_int_equal(rins_hf_preprocessor_text(pp, 224, &text), RINS_OK);
    free(pp);
    assert_int_equal(rins_json_parse(text, strlen(text), "test", &root), RINS_OK);
    free(text);
    assert_float_equal(json_number_value(json_array_get(json_object_get(root, "image_std"), 0)), 0.4, 1e-12);
    json_decref(root);
}

static void mixes_of_the_world_are_read(void **state) {
    (void)state;
    need_comma();
    RinsSynthWorld world = {0};
    if (rins_synth_set_mix(&world, "single=0.25,pair=0.75") != RINS_OK) fail_msg("%s", rins_last_error());
    assert_float_equal(world.mix[RINS_SYNTH_SINGLE], 0.25, 1e-12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_a_point),
        cmocka_unit_test(preprocessing_strings_are_read),
        cmocka_unit_test(preprocessor_files_are_read_and_written),
        cmocka_unit_test(mixes_of_the_world_are_read),
    };
    return cmocka_run_group_tests(tests, set_comma, remove_dir);
}
