/* Resize: every CPU level gives the bytes of a plain triple loop with Pillow's weights and
   order of passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/resize.h"
#include "src/base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static RinsImage noise(int width, int height, uint64_t seed) {
    RinsImage image = {malloc((size_t)width * (size_t)height * 3), width, height};
    RinsRng rng = rins_rng(RINS_RNG_TEST, seed, (uint64_t)width, (uint64_t)height);
    for (int i = 0; i < width * height * 3; i++) {
        const uint32_t draw = rins_rng_u32(&rng);
        image.pixels[i] = draw & 256 ? (uint8_t)draw : draw & 512 ? 255 : 0; /* many extremes: clipping matters */
    }
    return image;
}

static double weight_of(RinsResizeMethod method, double x) {
    x = fabs(x);
    if (method == RINS_RESIZE_BILINEAR) return x < 1 ? 1 - x : 0;
    return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

/* One axis over interleaved bytes: n lines, samples `step` apart. */
static void plain_axis(const uint8_t *from, int in, double box0, double box1, int out, RinsResizeMethod method,
                       int lines, int line_in, int line_out, int step_in, int step_out, uint8_t *to) {
    const double scale = (double)((float)box1 - (float)box0) / out, wide = scale < 1 ? 1 : scale;
    const double support = (method == RINS_RESIZE_BILINEAR ? 1 : 2) * wide;
    double w[4096];
    for (int i = 0; i < out; i++) {
        const double center = (float)box0 + (i + 0.5) * scale;
        const int begin = (int)fmax(trunc(center - support + 0.5), 0),
                  end = (int)fmin(trunc(center + support + 0.5), in);
        double sum = 0;
        for (int x = begin; x < end; x++) sum += w[x - begin] = weight_of(method, (x - center + 0.5) * (1 / wide));
        for (int line = 0; line < lines; line++) {
            int32_t total = 1 << 21;
            for (int x = begin; x < end; x++) {
                const double scaled = w[x - begin] / sum * (1 << 22);
                total += from[line * line_in + x * step_in] * (int32_t)(scaled + (scaled < 0 ? -0.5 : 0.5));
            }
            total >>= 22;
            to[line * line_out + i * step_out] = (uint8_t)(total < 0 ? 0 : total > 255 ? 255 : total);
        }
    }
}

static void plain_across(const uint8_t *from, int width, int height, const double box[4], int out,
                         RinsResizeMethod method, uint8_t *to) {
    for (int y = 0; y < height; y++)
        plain_axis(from + y * width * 3, width, box[0], box[2], out, method, 3, 1, 1, 3, 3, to + y * out * 3);
}

static void plain_down(const uint8_t *from, int width, int height, const double box[4], int out,
                       RinsResizeMethod method, uint8_t *to) {
    plain_axis(from, height, box[1], box[3], out, method, width * 3, 1, 1, width * 3, width * 3, to);
}

static uint8_t *plain(const RinsImage *from, const double box[4], int width, int height, RinsResizeMethod method) {
    const bool down_first = from->height > height && from->height - height > 2 * (from->width - width);
    uint8_t *to = malloc((size_t)(width * height * 3));
    uint8_t *between = malloc((size_t)(3 * (down_first ? from->width * height : width * from->height)));
    if (down_first) {
        plain_down(from->pixels, from->width, from->height, box, height, method, between);
        plain_across(between, from->width, height, box, width, method, to);
    } else {
        plain_across(from->pixels, from->width, from->height, box, width, method, between);
        plain_down(between, width, from->height, box, height, method, to);
    }
    free(between);
    return to;
}

static void check_level(const char *level, const RinsImage *image, const double box[4], int width, int height,
                        RinsResizeMethod method, const uint8_t *expected) {
    RinsImage to;
    setenv("RINS_CPU", level, 1);
    assert_int_equal(rins_image_resize(image, box, width, height, method, true, &to), RINS_OK);
    unsetenv("RINS_CPU");
    int wrong = 0;
    for (int i = 0; i < width * height * 3; i++) wrong += to.pixels[i] != expected[i];
    if (wrong)
        fail_msg("%s: %d of %d bytes differ, %dx%d box %g,%g..%g,%g to %dx%d, method %d", level, wrong,
                 width * height * 3, image->width, image->height, box[0], box[1], box[2], box[3], width, height,
                 method);
    rins_image_free(&to);
}

static void every_level_equals_the_plain_loop(void **state) {
    (void)state;
    static const struct {
        int in_w, in_h, out_w, out_h;
        double box[4]; /* all 0: everything */
    } cases[] = {
        {1, 1, 1, 1, {0}},
        {1, 1, 17, 5, {0}},
        {2, 3, 1, 1, {0}},
        {7, 5, 16, 16, {0}},
        {16, 16, 16, 16, {0}},
        {33, 47, 16, 16, {0}},
        {47, 33, 16, 16, {0}},
        {100, 300, 48, 48, {0}},
        {300, 100, 48, 48, {0}},
        {61, 401, 50, 20, {0}},
        {401, 61, 20, 50, {0}},
        {90, 90, 224, 224, {0}},
        {5, 900, 9, 3, {0}},
        {900, 5, 3, 9, {0}},
        {129, 97, 65, 33, {0}},
        {100, 80, 32, 32, {10.5, 3.25, 90.75, 79.5}},
        {80, 300, 32, 32, {1.5, 30.25, 60.75, 290}},
        {64, 64, 20, 20, {63, 63, 64, 64}},
        {50, 1500, 40, 300, {0}},
        {17, 600, 17, 200, {0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (RinsResizeMethod method = RINS_RESIZE_BILINEAR; method <= RINS_RESIZE_BICUBIC; method++) {
            RinsImage image = noise(cases[i].in_w, cases[i].in_h, i);
            const double all[4] = {0, 0, image.width, image.height};
            const double *box = cases[i].box[2] > 0 ? cases[i].box : all;
            uint8_t *expected = plain(&image, box, cases[i].out_w, cases[i].out_h, method);
            check_level("ref", &image, box, cases[i].out_w, cases[i].out_h, method, expected);
            check_level("avx2", &image, box, cases[i].out_w, cases[i].out_h, method, expected);
            check_level("native", &image, box, cases[i].out_w, cases[i].out_h, method, expected);
            free(expected);
            rins_image_free(&image);
        }
}

/* Without antialias a ramp stays a ramp: half-pixel centres, clamped at the border. */
static void point_sampling_uses_half_pixel_centres(void **state) {
    (void)state;
    uint8_t ramp[8 * 3];
    for (int x = 0; x < 8; x++)
        for (int c = 0; c < 3; c++) ramp[3 * x + c] = (uint8_t)(32 * x);
    const RinsImage from = {ramp, 8, 1};
    const double box[4] = {0, 0, 8, 1};
    RinsImage to;
    assert_int_equal(rins_image_resize(&from, box, 4, 1, RINS_RESIZE_BILINEAR, false, &to), RINS_OK);
    for (int x = 0; x < 4; x++) assert_int_equal(to.pixels[3 * x], 16 + 64 * x);
    rins_image_free(&to);
    assert_int_equal(rins_image_resize(&from, box, 16, 1, RINS_RESIZE_BILINEAR, false, &to), RINS_OK);
    for (int x = 0; x < 16; x++) {
        const double at = fmin(fmax(x * 0.5 - 0.25, 0), 7);
        assert_int_equal(to.pixels[3 * x], (int)(32 * at));
    }
    rins_image_free(&to);
    assert_int_equal(rins_image_resize(&from, box, 4, 1, RINS_RESIZE_NEAREST, false, &to), RINS_OK);
    for (int x = 0; x < 4; x++) assert_int_equal(to.pixels[3 * x], 32 * (2 * x + 1));
    rins_image_free(&to);
    assert_int_equal(rins_image_resize(&from, box, 16, 1, RINS_RESIZE_BICUBIC, false, &to), RINS_OK);
    for (int x = 4; x < 12; x++) assert_in_range(to.pixels[3 * x], 16 * x - 9, 16 * x - 7); /* 32 (x/2 - 1/4), cut */
    rins_image_free(&to);
}

static void bad_boxes_are_errors(void **state) {
    (void)state;
    RinsImage image = noise(8, 8, 1), to;
    static const double boxes[][4] = {{0, 0, 9, 8}, {-1, 0, 8, 8}, {4, 0, 4, 8}, {0, 5, 8, 4}, {0, 0, NAN, 8}};
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++)
        assert_int_equal(rins_image_resize(&image, boxes[i], 4, 4, RINS_RESIZE_BICUBIC, true, &to), RINS_ERR_ARG);
    rins_image_free(&image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_level_equals_the_plain_loop),
        cmocka_unit_test(point_sampling_uses_half_pixel_centres),
        cmocka_unit_test(bad_boxes_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
