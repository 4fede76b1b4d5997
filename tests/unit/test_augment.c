/* Augmentations: colour operations give Pillow's bytes; the random ones stay in bounds and follow their parameters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/augment.h"
#include "src/base/file.h"
#include "tests/unit/crc32.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static RinsStatus change(RinsImage *image, const char *what, double parameter) {
    const float factor = (float)parameter;
    const int number = (int)parameter;
    if (!strcmp(what, "sharpness")) return rins_sharpness(image, factor);
    if (!strcmp(what, "translate")) return rins_affine(image, (double[]){1, 0, number, 0, 1, -3});
    if (!strcmp(what, "brightness"))
        rins_brightness(image, factor);
    else if (!strcmp(what, "contrast"))
        rins_contrast(image, factor);
    else if (!strcmp(what, "saturation"))
        rins_saturation(image, factor);
    else if (!strcmp(what, "posterize"))
        rins_posterize(image, number);
    else if (!strcmp(what, "solarize"))
        rins_solarize(image, number);
    else if (!strcmp(what, "autocontrast"))
        rins_autocontrast(image);
    else if (!strcmp(what, "equalize"))
        rins_equalize(image);
    else if (!strcmp(what, "mirror"))
        rins_flip_lr(image);
    else
        fail_msg("what is %s?", what);
    return RINS_OK;
}

static RinsImage load(const char *folder, const char *name) {
    char *path = rins_path_join(folder, name), *data;
    size_t size;
    RinsImage image;
    const RinsDecodeOptions options = {.alpha = RINS_ALPHA_DROP};
    if (rins_file_read(path, 0, &data, &size) != RINS_OK ||
        rins_image_decode(data, size, &options, &image, NULL) != RINS_OK)
        fail_msg("%s", rins_last_error());
    free(data);
    free(path);
    return image;
}

static void colours_equal_pillow(void **state) {
    (void)state;
    char *folder = rins_path_join(getenv("RINS_SOURCE_ROOT"), "tests/golden/images"), *list, *rest;
    char *path = rins_path_join(folder, "augmented.txt");
    size_t n;
    if (rins_file_read(path, 0, &list, &n) != RINS_OK) fail_msg("%s", rins_last_error());
    int lines = 0, wrong = 0;
    for (char *line = strtok_r(list, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), lines++) {
        char name[64], what[16];
        double parameter;
        int width, height;
        unsigned crc;
        assert_int_equal(sscanf(line, "%63s %15s %lf %d %d %x", name, what, &parameter, &width, &height, &crc), 6);
        RinsImage image = load(folder, name);
        assert_int_equal(change(&image, what, parameter), RINS_OK);
        const uint32_t got = crc32_of(image.pixels, (size_t)image.width * (size_t)image.height * 3);
        if (got != crc) print_error("# %s %s %g: crc %08x, expected %08x\n", name, what, parameter, got, crc);
        wrong += got != crc;
        rins_image_free(&image);
    }
    if (wrong || lines < 60) fail_msg("%d of %d changed pictures differ from Pillow's", wrong, lines);
    free(list);
    free(path);
    free(folder);
}

static void hue_turns_the_colour_circle(void **state) {
    (void)state;
    static const struct {
        uint8_t from[3];
        float turns;
        uint8_t to[3];
    } cases[] = {{{200, 20, 20}, 1.0f / 3, {20, 200, 20}}, {{200, 20, 20}, -1.0f / 3, {20, 20, 200}},
                 {{200, 20, 20}, 0.5f, {20, 200, 200}},    {{90, 150, 30}, 0, {90, 150, 30}},
                 {{77, 77, 77}, 0.25f, {77, 77, 77}},      {{255, 128, 0}, 1.0f / 6, {128, 255, 0}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t pixel[3];
        memcpy(pixel, cases[i].from, 3);
        RinsImage image = {pixel, 1, 1};
        rins_hue(&image, cases[i].turns);
        for (int c = 0; c < 3; c++)
            if (abs(pixel[c] - cases[i].to[c]) > 1)
                fail_msg("case %d: %d %d %d, expected %d %d %d", (int)i, pixel[0], pixel[1], pixel[2], cases[i].to[0],
                         cases[i].to[1], cases[i].to[2]);
    }
}

static void randaugment_follows_magnitude(void **state) {
    (void)state;
    enum { SIDE = 24, N = 300 };
    double change_at[2] = {0};
    for (int strong = 0; strong < 2; strong++)
        for (uint64_t i = 0; i < N; i++) {
            RinsImage image = {malloc(SIDE * SIDE * 3), SIDE, SIDE};
            uint8_t before[SIDE * SIDE * 3];
            for (int k = 0; k < SIDE * SIDE * 3; k++)
                before[k] = image.pixels[k] = (uint8_t)(k % 3 ? k / 9 : 255 - k / 7);
            RinsChoices choices = {rins_rng(RINS_RNG_TEST, 1, 2, i), RINS_HASH_BASIS};
            assert_int_equal(rins_randaugment(&image, 1, strong ? 30 : 3, &choices), RINS_OK);
            assert_true(image.width == SIDE && image.height == SIDE);
            for (int k = 0; k < SIDE * SIDE * 3; k++) change_at[strong] += abs(image.pixels[k] - before[k]);
            free(image.pixels);
        }
    if (change_at[0] <= 0 || change_at[1] < 1.5 * change_at[0])
        fail_msg("changes %.0f at 3, %.0f at 30", change_at[0], change_at[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colours_equal_pillow),
        cmocka_unit_test(hue_turns_the_colour_circle),
        cmocka_unit_test(randaugment_follows_magnitude),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
