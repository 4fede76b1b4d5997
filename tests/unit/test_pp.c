/* Preprocessing strings: what they accept, what they say when wrong, and that a result depends on the key alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/image_write.h"
#include "data/pp.h"
#include "src/base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Smooth colours with some texture, so that JPEG keeps it and crops differ. */
static RinsImage scene(int width, int height) {
    RinsImage image = {malloc((size_t)width * (size_t)height * 3), width, height};
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint8_t *p = image.pixels + (y * width + x) * 3;
            p[0] = (uint8_t)(x * 255 / width);
            p[1] = (uint8_t)(y * 255 / height);
            p[2] = (uint8_t)(128 + 100 * sin(x * 0.7) * cos(y * 0.4));
        }
    return image;
}

static RinsPp *parse(const char *text) {
    RinsPp *pp;
    if (rins_pp_parse(&pp, text) != RINS_OK) fail_msg("%s", rins_last_error());
    return pp;
}

static void strings_give_size_and_range(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int size;
        float scale, offset;
    } cases[] = {
        {"decode|resize(224)|value_range(-1,1)", 224, 2.0f / 255, -1},
        {"decode | resize( size=64 , antialias=0, method='bilinear') | value_range(0, 1)", 64, 1.0f / 255, 0},
        {"decode|resize(32, nearest)", 32, 1, 0},
        {"decode|resize((32, 32))", 32, 1, 0},
        {"decode(alpha=black, exif=apply)|resize_small(256)|central_crop(224)", 224, 1, 0},
        {"decode|inception_crop(16, area_min=50)|flip_lr|value_range(-1,1)", 16, 2.0f / 255, -1},
        {"decode_jpeg_and_inception_crop(16)|flip_lr(p=0)", 16, 1, 0},
        {"decode|resize(40)|pad_crop(32, 4)|randaugment(2, 10)|color_jitter|random_erase(p=1)", 32, 1, 0},
        {"decode|resize(8, 24)|central_crop()|greyscale", 8, 1, 0},
        {"decode|resize_small(256)", 0, 1, 0},
        {"decode|resize(8)|normalize(0.5, 0.25)", 8, 1 / (255 * 0.25f), -2},
        {"resize(8)|normalize(mean=(0.5,0.4,0.3), std=(0.25,1,1))", 8, 1 / (255 * 0.25f), -2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        RinsPp *pp = parse(cases[i].text);
        float scale[3], offset[3];
        rins_pp_value_range(pp, scale, offset);
        if (rins_pp_size(pp) != cases[i].size) fail_msg("%s: size %d", cases[i].text, rins_pp_size(pp));
        assert_float_equal(scale[0], cases[i].scale, 1e-7);
        assert_float_equal(offset[0], cases[i].offset, 1e-6);
        rins_pp_free(pp);
    }
}

static void errors_name_the_op_the_argument_and_the_nearest(void **state) {
    (void)state;
    static const struct {
        const char *text, *parts[3];
    } cases[] = {
        {"decode|inceptoin_crop(224)", {"inceptoin_crop", "did you mean 'inception_crop'"}},
        {"decode|resize(224, metod=bicubic)", {"resize", "'metod'", "did you mean 'method'"}},
        {"decode|resize(224, method=cubic)", {"method=cubic", "nearest|bilinear|bicubic"}},
        {"decode|resize()", {"resize needs size"}},
        {"decode|resize(0)", {"size=0", "1..16384"}},
        {"decode|resize(22.5)", {"22.5", "whole"}},
        {"decode|resize(224", {"resize", "the end"}},
        {"decode|resize(224)|", {"the end"}},
        {"decode|resize(224) flip_lr", {"expected '|'", "flip_lr"}},
        {"decode|resize(8)|value_range(-1,1)|flip_lr", {"flip_lr", "before value_range"}},
        {"resize(8)|decode", {"decode must come first"}},
        {"decode|resize(8, 9)", {"9x8", "square"}},
        {"decode|resize(8, size=9)", {"size is given twice"}},
        {"decode|resize(size=8, 9)", {"'9'", "after named"}},
        {"decode|inception_crop(8, area_min=60, area_max=50)", {"area_min=60", "area_max=50"}},
        {"decode|flip_lr(1, 2)", {"no place for '2'"}},
        {"", {"expected a name"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        RinsPp *pp;
        assert_int_equal(rins_pp_parse(&pp, cases[i].text), RINS_ERR_CONFIG);
        for (int k = 0; k < 3 && cases[i].parts[k]; k++)
            if (!strstr(rins_last_error(), cases[i].parts[k]))
                fail_msg("'%s' gave '%s', which lacks '%s'", cases[i].text, rins_last_error(), cases[i].parts[k]);
    }
}

static void decode_fused_with_resize_equals_one_after_the_other(void **state) {
    (void)state;
    static const char *const texts[] = {
        "decode|resize(32)",
        "decode|central_crop(100)|resize(32)",
        "decode|resize_small(48)|central_crop(32)",
        "decode|inception_crop(32)",
        "decode|random_crop(64)|resize(32, bilinear)",
        "decode|resize(32, antialias=0)",
        "decode|inception_crop(32, "
        "method=nearest)|flip_lr|color_jitter|randaugment|random_erase(p=1)|greyscale(p=0.5)",
        "decode|random_crop(300)|resize(32)",
        "decode|pad_crop(120, 10)|resize(32)",
    };
    for (int format = 0; format < 2; format++)
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            RinsImage image = format ? scene(203, 141) : scene(141, 303), decoded;
            uint8_t *data, a[32 * 32 * 3], b[32 * 32 * 3];
            size_t size;
            assert_int_equal(format ? rins_png_encode(image.pixels, image.width, image.height, &data, &size)
                                    : rins_jpeg_encode(image.pixels, image.width, image.height, 80, &data, &size),
                             RINS_OK);
            assert_int_equal(rins_image_decode(data, size, NULL, &decoded, NULL), RINS_OK);
            RinsPp *pp = parse(texts[i]);
            for (uint64_t sample = 0; sample < 12; sample++) {
                uint64_t hash_a, hash_b;
                const RinsPpKey key = {1, 2, sample};
                assert_int_equal(rins_pp_apply(pp, data, size, key, a, &hash_a, NULL), RINS_OK);
                assert_int_equal(rins_pp_apply_image(pp, &decoded, key, b, &hash_b), RINS_OK);
                if (memcmp(a, b, sizeof a) != 0 || hash_a != hash_b)
                    fail_msg("%s, format %d, sample %d: pixels or choices differ", texts[i], format, (int)sample);
            }
            rins_pp_free(pp);
            free(data);
            rins_image_free(&image);
            rins_image_free(&decoded);
        }
}

static void choices_depend_on_the_key_alone(void **state) {
    (void)state;
    enum { N = 64 };
    RinsImage image = scene(120, 90);
    RinsPp *pp = parse("decode|inception_crop(16)|flip_lr|color_jitter(p=0.8)|randaugment");
    uint64_t hashes[N], again;
    uint8_t out[16 * 16 * 3], repeat[16 * 16 * 3];
    for (uint64_t i = 0; i < N; i++) {
        const RinsPpKey key = {7, i / 8, i % 8};
        assert_int_equal(rins_pp_apply_image(pp, &image, key, out, &hashes[i]), RINS_OK);
        assert_int_equal(rins_pp_apply_image(pp, &image, key, repeat, &again), RINS_OK);
        assert_memory_equal(out, repeat, sizeof out);
        assert_true(again == hashes[i]);
        for (uint64_t j = 0; j < i; j++) assert_true(hashes[i] != hashes[j]);
    }
    rins_pp_free(pp);
    rins_image_free(&image);
}

/* Crops of a picture whose pixels say where they are: area and shape stay in range and fill it. */
static void inception_crops_cover_the_range(void **state) {
    (void)state;
    enum { N = 400, SIDE = 200 };
    RinsImage image = {calloc(SIDE * SIDE, 3), SIDE, SIDE};
    for (int i = 0; i < SIDE * SIDE; i++)
        image.pixels[3 * i] = (uint8_t)(i % SIDE), image.pixels[3 * i + 1] = (uint8_t)(i / SIDE);
    RinsPp *pp = parse("inception_crop(64, method=nearest)");
    double least = 1, most = 0, narrow = 10, wide = 0;
    for (uint64_t i = 0; i < N; i++) {
        uint8_t out[64 * 64 * 3];
        assert_int_equal(rins_pp_apply_image(pp, &image, (RinsPpKey){1, 1, i}, out, NULL), RINS_OK);
        const uint8_t *last = out + sizeof out - 3;
        const double w = (last[0] - out[0]) * 64.0 / 63, h = (last[1] - out[1]) * 64.0 / 63;
        const double area = w * h / (SIDE * SIDE), ratio = w / h;
        least = fmin(least, area), most = fmax(most, area), narrow = fmin(narrow, ratio), wide = fmax(wide, ratio);
    }
    if (least < 0.04 || least > 0.1 || most < 0.8 || narrow < 0.7 || narrow > 0.8 || wide > 1.4 || wide < 1.28)
        fail_msg("areas %.3f..%.3f, ratios %.3f..%.3f", least, most, narrow, wide);
    rins_pp_free(pp);
    rins_image_free(&image);
}

static void fast_mode_stays_close(void **state) {
    (void)state;
    RinsImage image = scene(512, 512);
    uint8_t *data, a[64 * 64 * 3], b[64 * 64 * 3];
    size_t size;
    assert_int_equal(rins_jpeg_encode(image.pixels, 512, 512, 90, &data, &size), RINS_OK);
    RinsPp *exact = parse("decode|inception_crop(64, area_min=30)"),
           *fast = parse("decode(fast=1)|inception_crop(64, area_min=30)");
    for (uint64_t i = 0; i < 8; i++) {
        uint64_t hash_a, hash_b;
        assert_int_equal(rins_pp_apply(exact, data, size, (RinsPpKey){1, 1, i}, a, &hash_a, NULL), RINS_OK);
        assert_int_equal(rins_pp_apply(fast, data, size, (RinsPpKey){1, 1, i}, b, &hash_b, NULL), RINS_OK);
        double sum = 0;
        for (size_t k = 0; k < sizeof a; k++) sum += abs(a[k] - b[k]);
        if (hash_a != hash_b || sum / sizeof a > 4) fail_msg("mean difference %.2f levels", sum / sizeof a);
    }
    rins_pp_free(exact);
    rins_pp_free(fast);
    free(data);
    rins_image_free(&image);
}

static void bad_bytes_are_counted_by_cause(void **state) {
    (void)state;
    RinsImage image = scene(64, 48);
    uint8_t *data, out[8 * 8 * 3];
    size_t size;
    RinsBadCause cause;
    RinsPp *pp = parse("decode|resize(8)"), *open = parse("decode|resize_small(8)"),
           *tiny = parse("decode(max_pixels=100)|resize(8)");
    assert_int_equal(rins_jpeg_encode(image.pixels, 64, 48, 90, &data, &size), RINS_OK);
    const RinsPpKey key = {0};
    assert_int_equal(rins_pp_apply(pp, "GIF89a", 6, key, out, NULL, &cause), RINS_ERR_FORMAT);
    assert_int_equal(cause, RINS_BAD_FORMAT);
    assert_int_equal(rins_pp_apply(pp, data, size / 2, key, out, NULL, &cause), RINS_ERR_FORMAT);
    assert_int_equal(cause, RINS_BAD_TRUNCATED);
    assert_int_equal(rins_pp_apply(tiny, data, size, key, out, NULL, &cause), RINS_ERR_LIMIT);
    assert_int_equal(cause, RINS_BAD_TOO_LARGE);
    assert_int_equal(rins_pp_apply(open, data, size, key, out, NULL, &cause), RINS_ERR_CONFIG);
    assert_int_equal(rins_pp_apply(pp, data, size, key, out, NULL, &cause), RINS_OK);
    assert_int_equal(cause, RINS_BAD_NONE);
    rins_pp_free(pp);
    rins_pp_free(open);
    rins_pp_free(tiny);
    free(data);
    rins_image_free(&image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_give_size_and_range),
        cmocka_unit_test(errors_name_the_op_the_argument_and_the_nearest),
        cmocka_unit_test(decode_fused_with_resize_equals_one_after_the_other),
        cmocka_unit_test(choices_depend_on_the_key_alone),
        cmocka_unit_test(inception_crops_cover_the_range),
        cmocka_unit_test(fast_mode_stays_close),
        cmocka_unit_test(bad_bytes_are_counted_by_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
