/* Small data sets in a temporary folder, for the tests of sources and of the loader. */
#ifndef RINS_TESTS_DATA_FIXTURE_H
#define RINS_TESTS_DATA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/image_write.h"
#include "data/shard_write.h"
#include "data/source.h"
#include "src/base/file.h"
#include "src/base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define assert_ok(expr)                                                                                                \
    do {                                                                                                               \
        const RinsStatus assert_status_ = (expr);                                                                      \
        if (assert_status_ != RINS_OK) print_message("# %s\n", rins_last_error());                                     \
        assert_int_equal(assert_status_, RINS_OK);                                                                     \
    } while (0)

static char fixture_dir[64];

static int fixture_make(void **state) {
    (void)state;
    strcpy(fixture_dir, "/tmp/rins-data-XXXXXX");
    return mkdtemp(fixture_dir) ? 0 : -1;
}

static int fixture_remove(void **state) {
    (void)state;
    return rins_remove_tree(fixture_dir);
}

/* A path inside the folder; four may be in use at once. */
static inline const char *in_dir(const char *name) {
    static char paths[4][512];
    static int at;
    at = (at + 1) % 4;
    snprintf(paths[at], sizeof paths[at], "%s/%s", fixture_dir, name);
    return paths[at];
}

/* Replaces a file without waiting for the disk. */
static inline void put_quickly(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Writes a file, its folders made where absent. */
static inline void put_file(const char *name, const void *data, size_t size) {
    char path[512];
    snprintf(path, sizeof path, "%s", in_dir(name));
    *strrchr(path, '/') = 0;
    assert_ok(rins_mkdirs(path));
    put_quickly(in_dir(name), data, size);
}

static inline void put_text(const char *name, const char *text) {
    put_file(name, text, strlen(text));
}

/* A PNG whose pixels tell `number`. */
static inline void make_png(int number, int width, int height, uint8_t **data, size_t *size) {
    uint8_t *pixels = malloc((size_t)width * (size_t)height * 3);
    assert_non_null(pixels);
    for (int i = 0; i < width * height * 3; i++) pixels[i] = (uint8_t)(number * 31 + i / 3 * 7 + i % 3 * 50);
    assert_ok(rins_png_encode(pixels, width, height, data, size));
    free(pixels);
}

static inline void put_png(const char *name, int number) {
    uint8_t *data;
    size_t size;
    make_png(number, 24, 20, &data, &size);
    put_file(name, data, size);
    free(data);
}

/* Shards PREFIX00000.tar ... of n samples "s000" with PNG and caption "caption number I". */
static inline void put_shards(const char *prefix, int n, int per_shard) {
    RinsShardWriter *writer;
    const RinsShardOptions options = {.dir = fixture_dir, .prefix = prefix, .max_samples = per_shard};
    assert_ok(rins_shard_open(&writer, &options));
    for (int i = 0; i < n; i++) {
        char key[32], caption[64];
        uint8_t *data;
        size_t size;
        snprintf(key, sizeof key, "s%03d", i);
        make_png(i, 24, 20, &data, &size);
        assert_ok(rins_shard_add(writer, key, "png", data, size));
        const int length = snprintf(caption, sizeof caption, "caption number %d", i);
        assert_ok(rins_shard_add(writer, key, "txt", caption, (size_t)length));
        free(data);
    }
    assert_ok(rins_shard_close(writer, NULL, NULL));
}

/* Opens "kind:path inside the folder". */
static inline RinsStatus open_source(RinsSource **source, const char *kind, const char *name, RinsSourceView view) {
    char spec[1024];
    snprintf(spec, sizeof spec, "%s%s", kind, in_dir(name));
    return rins_source_open_view(source, spec, view);
}

/* "key|caption|caption;" of every sample, "!cause;" for bad ones; keys without folders. */
static inline void describe(RinsSource *source, char *out, size_t room) {
    RinsSample sample = {0};
    out[0] = 0;
    for (int64_t i = 0; i < rins_source_count(source); i++) {
        RinsBadCause cause;
        const RinsStatus status = rins_source_read(source, i, &sample, &cause);
        size_t used = strlen(out);
        if (status != RINS_OK) {
            snprintf(out + used, room - used, "!%s;", rins_bad_names[cause]);
            continue;
        }
        const char *last = sample.key;
        for (const char *at = sample.key; *at; at++)
            if (*at == ':' || *at == '/') last = at + 1;
        used += (size_t)snprintf(out + used, room - used, "%s", last);
        for (int c = 0; c < sample.n_captions && used < room; c++)
            used += (size_t)snprintf(out + used, room - used, "|%s", sample.captions[c]);
        if (used < room) snprintf(out + used, room - used, ";");
    }
    rins_sample_free(&sample);
}

#endif
