/* Pictures: every kind of file decodes and resizes to the bytes that Pillow gives; damage and bombs are refused. */

#include "tests/unit/skip.h"

#include "data/image_write.h"
#include "data/pp.h"
#include "src/base/file.h"
#include "tests/unit/crc32.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void read_file(const char *folder, const char *name, char **data, size_t *size) {
    char *path = rins_path_join(folder, name);
    if (rins_file_read(path, 0, data, size) != RINS_OK) fail_msg("%s", rins_last_error());
    free(path);
}

static char *golden_folder(void) {
    static char folder[512];
    snprintf(folder, sizeof folder, "%s/tests/golden", getenv("RINS_SOURCE_ROOT"));
    return folder;
}

/* The picture that one line of expected.txt is about. */
static RinsStatus make(const char *data, size_t size, const char *what, int width, int height, RinsImage *image) {
    const RinsDecodeOptions options = {.alpha = !strcmp(what, "white")   ? RINS_ALPHA_WHITE
                                                : !strcmp(what, "black") ? RINS_ALPHA_BLACK
                                                                         : RINS_ALPHA_DROP,
                                       .apply_exif = !strcmp(what, "exif")};
    const bool bilinear = !strcmp(what, "bilinear"), cut = !strcmp(what, "box");
    RINS_TRY(rins_image_decode(data, size, &options, image, NULL));
    if (!bilinear && !cut && strcmp(what, "bicubic") != 0) return RINS_OK;
    RinsImage whole = *image;
    const double all[4] = {0, 0, whole.width, whole.height};
    const double part[4] = {1.5, 2.25, whole.width - 3.75, whole.height - 0.5};
    const RinsStatus status = rins_image_resize(&whole, cut ? part : all, width, height,
                                                bilinear ? RINS_RESIZE_BILINEAR : RINS_RESIZE_BICUBIC, true, image);
    rins_image_free(&whole);
    return status;
}

static void every_kind_of_file_equals_pillow(void **state) {
    (void)state;
    char folder[600], *list, *rest;
    size_t n;
    snprintf(folder, sizeof folder, "%s/images", golden_folder());
    read_file(folder, "expected.txt", &list, &n);
    int lines = 0, wrong = 0;
    for (char *line = strtok_r(list, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), lines++) {
        char name[64], what[16], *data;
        int width, height;
        unsigned crc;
        size_t size;
        assert_int_equal(sscanf(line, "%63s %15s %d %d %x", name, what, &width, &height, &crc), 5);
        read_file(folder, name, &data, &size);
        RinsImage image;
        if (make(data, size, what, width, height, &image) != RINS_OK)
            fail_msg("%s %s: %s", name, what, rins_last_error());
        const uint32_t got = crc32_of(image.pixels, (size_t)image.width * (size_t)image.height * 3);
        if (image.width != width || image.height != height || got != crc) {
            print_error("# %s %s: %dx%d crc %08x, expected %dx%d %08x\n", name, what, image.width, image.height, got,
                        width, height, crc);
            wrong++;
        }
        rins_image_free(&image);
        free(data);
    }
    free(list);
    if (wrong || lines < 500) fail_msg("%d of %d pictures differ from Pillow's", wrong, lines);
}

/* A string's decode options, streamed or not, give what the decoder gives with the same options. */
static void strings_pass_decode_options_on(void **state) {
    (void)state;
    static const struct {
        const char *file, *text;
        RinsDecodeOptions options;
    } cases[] = {{"exif-6.jpg", "decode(exif=apply)|central_crop(10)|resize(8)", {.apply_exif = true}},
                 {"exif-5.jpg", "decode(exif=apply)|random_crop(12)|resize(8)", {.apply_exif = true}},
                 {"png-exif-6.png", "decode(exif=apply)|resize(8)", {.apply_exif = true}},
                 {"exif-6.jpg", "decode|inception_crop(8)", {0}},
                 {"png-rgba.png", "decode(alpha=black)|resize(8)", {.alpha = RINS_ALPHA_BLACK}},
                 {"webp-lossy-alpha.webp", "decode(alpha=drop)|resize(8)", {.alpha = RINS_ALPHA_DROP}}};
    char folder[600];
    snprintf(folder, sizeof folder, "%s/images", golden_folder());
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *data;
        size_t size;
        RinsPp *pp;
        RinsImage image;
        uint8_t streamed[8 * 8 * 3], whole[8 * 8 * 3];
        const RinsPpKey key = {1, 1, i};
        read_file(folder, cases[i].file, &data, &size);
        assert_int_equal(rins_pp_parse(&pp, cases[i].text), RINS_OK);
        assert_int_equal(rins_image_decode(data, size, &cases[i].options, &image, NULL), RINS_OK);
        assert_int_equal(rins_pp_apply_image(pp, &image, key, whole, NULL), RINS_OK);
        assert_int_equal(rins_pp_apply(pp, data, size, key, streamed, NULL, NULL), RINS_OK);
        if (memcmp(streamed, whole, sizeof whole) != 0)
            fail_msg("%s of %s: pixels differ", cases[i].text, cases[i].file);
        rins_image_free(&image);
        rins_pp_free(pp);
        free(data);
    }
}

static const char *shared_folder(void) {
    static char folder[512];
    if (getenv("RINS_SHARED"))
        snprintf(folder, sizeof folder, "%s/data", getenv("RINS_SHARED"));
    else
        snprintf(folder, sizeof folder, "%s/../shared/data", getenv("RINS_SOURCE_ROOT"));
    return folder;
}

static void photos_equal_pillow_to_the_byte(void **state) {
    (void)state;
    char folder[600], *list, *rest;
    size_t n;
    snprintf(folder, sizeof folder, "%s/imagenet-sample", shared_folder());
    if (!rins_path_is_dir(folder))
        SKIP_FOR("needs the photos of imagenet-sample; RINS_SHARED names the folder above data");
    read_file(golden_folder(), "imagenet_sample.txt", &list, &n);
    RinsPp *pp;
    uint8_t *out = malloc(224 * 224 * 3);
    assert_int_equal(rins_pp_parse(&pp, "decode|resize(224)|value_range(-1,1)"), RINS_OK);
    int photos = 0, wrong = 0;
    for (char *line = strtok_r(list, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), photos++) {
        char name[128], *data;
        unsigned crc;
        size_t size;
        assert_int_equal(sscanf(line, "%127s %x", name, &crc), 2);
        read_file(folder, name, &data, &size);
        assert_int_equal(rins_pp_apply(pp, data, size, (RinsPpKey){0}, out, NULL, NULL), RINS_OK);
        wrong += crc32_of(out, 224 * 224 * 3) != crc;
        free(data);
    }
    if (wrong || photos != 500) fail_msg("%d of %d photos differ from Pillow's", wrong, photos);
    rins_pp_free(pp);
    free(out);
    free(list);
}

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void must_refuse(const char *what, const void *data, size_t size, RinsBadCause expected) {
    RinsImage image;
    RinsBadCause cause;
    const double start = cpu_seconds();
    const RinsStatus status = rins_image_decode(data, size, NULL, &image, &cause);
    const double seconds = cpu_seconds() - start;
    if (status == RINS_OK || cause != expected)
        fail_msg("%s: status %d, cause %s, expected %s", what, status, rins_bad_names[cause], rins_bad_names[expected]);
    if (seconds > 3) fail_msg("%s took %.2f s", what, seconds); /* 0.3 s without sanitizers and neighbours */
    print_message("# %s: %s after %.3f s: %s\n", what, rins_bad_names[cause], seconds, rins_last_error());
}

/* A small progressive file whose empty refinement scans each walk 16 megapixels. */
static void a_scan_bomb_is_too_slow(void **state) {
    (void)state;
    char folder[600], *data;
    size_t size;
    snprintf(folder, sizeof folder, "%s/images", golden_folder());
    read_file(folder, "jpeg-grey-progressive.jpg", &data, &size);
    enum { SCANS = 1000, SCAN_BYTES = 10 };
    uint8_t *bomb = malloc(size + SCANS * (SCAN_BYTES + 3));
    size_t at = size - 2; /* before the end marker */
    memcpy(bomb, data, at);
    for (size_t i = 0; i + 8 < at; i++)
        if (bomb[i] == 0xff && bomb[i + 1] == 0xc2) memcpy(bomb + i + 5, "\x10\x00\x10\x00", 4); /* 4096x4096 */
    static const uint8_t scan[SCAN_BYTES] = {0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0};
    for (int i = 0; i < SCANS; i++) {
        memcpy(bomb + at, scan, SCAN_BYTES);
        at += SCAN_BYTES;
    }
    memcpy(bomb + at, "\xff\xd9", 2);
    must_refuse("scan bomb", bomb, at + 2, RINS_BAD_TOO_SLOW);
    free(bomb);
    free(data);
}

static size_t put_chunk(uint8_t *to, uint32_t length, const char *kind, const void *body, size_t n) {
    to[0] = (uint8_t)(length >> 24), to[1] = (uint8_t)(length >> 16), to[2] = (uint8_t)(length >> 8),
    to[3] = (uint8_t)length;
    memcpy(to + 4, kind, 4);
    memcpy(to + 8, body, n);
    const uint32_t crc = crc32_of(to + 4, n + 4);
    for (int i = 0; i < 4; i++) to[8 + n + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
    return n + 12;
}

/* 57 bytes that promise a gigabyte of text. */
static void a_text_chunk_bomb_allocates_nothing(void **state) {
    (void)state;
    uint8_t bomb[64] = "\x89PNG\r\n\x1a\n";
    static const uint8_t header[13] = {0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0};
    size_t at = 8 + put_chunk(bomb + 8, 13, "IHDR", header, 13);
    at += put_chunk(bomb + at, 0x3fffffff, "tEXt", "a\0b", 4);
    must_refuse("text chunk bomb", bomb, at, RINS_BAD_TRUNCATED);
}

static void sizes_over_the_limits_are_refused_from_the_header(void **state) {
    (void)state;
    uint8_t header[13] = {0, 0, 0x40, 0, 0, 0, 0x40, 0, 8, 2, 0, 0, 0}, file[64] = "\x89PNG\r\n\x1a\n";
    size_t at = 8 + put_chunk(file + 8, 13, "IHDR", header, 13);
    at += put_chunk(file + at, 0, "IDAT", "", 0);
    must_refuse("268 megapixels", file, at, RINS_BAD_TOO_LARGE);
    header[2] = 0x1f, header[6] = 0x1f, header[12] = 1; /* 63 Mpx, interlaced: 189 MB to keep twice */
    at = 8 + put_chunk(file + 8, 13, "IHDR", header, 13);
    at += put_chunk(file + at, 0, "IDAT", "", 0);
    must_refuse("63 interlaced megapixels", file, at, RINS_BAD_TOO_LARGE);
}

/* Cut anywhere, a file is refused with a cause and a message; nothing leaks (under a sanitizer). */
static void cut_files_are_refused(void **state) {
    (void)state;
    static const char *const names[] = {"jpeg-420.jpg",      "jpeg-progressive.jpg", "jpeg-cmyk.jpg",
                                        "png-rgba.png",      "png-interlaced.png",   "webp-lossy-alpha.webp",
                                        "webp-lossless.webp"};
    char folder[600];
    snprintf(folder, sizeof folder, "%s/images", golden_folder());
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        char *data;
        size_t size;
        read_file(folder, names[k], &data, &size);
        for (size_t n = 0; n + 16 < size; n += 1 + n / 16) {
            RinsImage image;
            RinsBadCause cause;
            uint8_t *cut = malloc(n + 1); /* of the exact length: reading on is seen */
            memcpy(cut, data, n);
            const RinsStatus status = rins_image_decode(cut, n, NULL, &image, &cause);
            free(cut);
            if (status == RINS_OK || cause == RINS_BAD_NONE || image.pixels || !*rins_last_error())
                fail_msg("%s cut to %zu of %zu bytes: status %d, cause %s", names[k], n, size, status,
                         rins_bad_names[cause]);
        }
        free(data);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_file_equals_pillow),
        cmocka_unit_test(strings_pass_decode_options_on),
        cmocka_unit_test(photos_equal_pillow_to_the_byte),
        cmocka_unit_test(a_scan_bomb_is_too_slow),
        cmocka_unit_test(a_text_chunk_bomb_allocates_nothing),
        cmocka_unit_test(sizes_over_the_limits_are_refused_from_the_header),
        cmocka_unit_test(cut_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
