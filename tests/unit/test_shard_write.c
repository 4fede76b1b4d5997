/* Shards: bytes that any tar reader takes, splits between samples only, names of any length; encoders that decode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/image_write.h"
#include "data/shard_write.h"
#include "src/base/file.h"
#include "src/base/rng.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64];

static int make_dir(void **state) {
    (void)state;
    strcpy(dir, "/tmp/rins-shard-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state) {
    (void)state;
    return rins_remove_tree(dir);
}

/* Reads all members of a tar with libarchive; gives "name:size " for each. */
static void list_members(const char *path, char *out, size_t room) {
    struct archive *tar = archive_read_new();
    struct archive_entry *entry;
    archive_read_support_format_tar(tar);
    assert_int_equal(archive_read_open_filename(tar, path, 4096), ARCHIVE_OK);
    out[0] = 0;
    while (archive_read_next_header(tar, &entry) == ARCHIVE_OK) {
        const size_t used = strlen(out);
        snprintf(out + used, room - used, "%s:%lld ", archive_entry_pathname(entry),
                 (long long)archive_entry_size(entry));
    }
    archive_read_free(tar);
}

static void samples_are_never_split(void **state) {
    (void)state;
    RinsShardWriter *writer;
    char path[128], text[1024], sub[80];
    snprintf(sub, sizeof sub, "%s/new/shards", dir);
    const RinsShardOptions options = {.dir = sub, .prefix = "a-", .max_samples = 2};
    assert_int_equal(rins_shard_open(&writer, &options), RINS_OK);
    for (int i = 0; i < 3; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        assert_int_equal(rins_shard_add(writer, key, "jpg", "JPEG", 4), RINS_OK);
        assert_int_equal(rins_shard_add(writer, key, "txt", "a", 1), RINS_OK);
    }
    int64_t shards, samples;
    assert_int_equal(rins_shard_close(writer, &shards, &samples), RINS_OK);
    assert_int_equal(shards, 2);
    assert_int_equal(samples, 3);
    snprintf(path, sizeof path, "%s/a-00000.tar", sub);
    list_members(path, text, sizeof text);
    assert_string_equal(text, "k0.jpg:4 k0.txt:1 k1.jpg:4 k1.txt:1 ");
    snprintf(path, sizeof path, "%s/a-00001.tar", sub);
    list_members(path, text, sizeof text);
    assert_string_equal(text, "k2.jpg:4 k2.txt:1 ");
}

static RinsStatus write_set(const char *prefix, int n, int64_t per_shard) {
    RinsShardWriter *writer;
    const RinsShardOptions options = {.dir = dir, .prefix = prefix, .max_samples = per_shard};
    RINS_TRY(rins_shard_open(&writer, &options));
    for (int i = 0; i < n; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        assert_int_equal(rins_shard_add(writer, key, "txt", "a", 1), RINS_OK);
    }
    return rins_shard_close(writer, NULL, NULL);
}

static void a_longer_set_is_not_mixed_with_a_shorter_one(void **state) {
    (void)state;
    assert_int_equal(write_set("set-", 3, 1), RINS_OK);
    assert_int_equal(write_set("set-", 3, 1), RINS_OK); /* the same set again */
    assert_int_equal(write_set("set-", 2, 1), RINS_ERR_MISMATCH);
    assert_non_null(strstr(rins_last_error(), "set-00002.tar' is left from an earlier"));
    assert_int_equal(write_set("none-", 1, -1), RINS_ERR_ARG);
}

static void half_a_shard_of_a_killed_run_goes(void **state) {
    (void)state;
    static const struct {
        const char *name;
        bool stays;
    } files[] = {{"half-00007.tar.partial", false}, {"half-123456.tar.partial", false},
                 {"other-00007.tar.partial", true}, {"half-more-00001.tar.partial", true},
                 {"half-0001.tar.partial", true},   {"half-00001.tar.note", true}};
    char path[128];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i].name);
        assert_int_equal(rins_file_write(path, "half", 4), RINS_OK);
    }
    assert_int_equal(write_set("half-", 1, 1), RINS_OK);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i].name);
        if (rins_path_is_file(path) != files[i].stays) fail_msg("%s %s", path, files[i].stays ? "is gone" : "is left");
    }
}

static void names_of_any_length_come_back(void **state) {
    (void)state;
    static const size_t lengths[] = {1, 95, 96, 97, 150, 255, 256, 257, 700};
    RinsShardWriter *writer;
    const RinsShardOptions options = {.dir = dir, .prefix = "long"};
    assert_int_equal(rins_shard_open(&writer, &options), RINS_OK);
    char expected[8192] = "";
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (int slashes = 0; slashes < 2; slashes++) {
            char key[1024];
            memset(key, 'a' + (int)i, lengths[i]);
            key[lengths[i]] = 0;
            if (slashes)
                for (size_t at = 30; at + 1 < lengths[i]; at += 60) key[at] = '/';
            const size_t used = strlen(expected);
            snprintf(expected + used, sizeof expected - used, "%s.txt:3 ", key);
            assert_int_equal(rins_shard_add(writer, key, "txt", "abc", 3), RINS_OK);
        }
    assert_int_equal(rins_shard_close(writer, NULL, NULL), RINS_OK);
    char path[128], text[8192];
    snprintf(path, sizeof path, "%s/long00000.tar", dir);
    list_members(path, text, sizeof text);
    assert_string_equal(text, expected);
}

static void unsound_keys_are_refused(void **state) {
    (void)state;
    static const char *const keys[] = {"", "a.b", "/a", "../a", "a/../b", "a/", "a/.b", ".."};
    RinsShardWriter *writer;
    const RinsShardOptions options = {.dir = dir, .prefix = "bad"};
    assert_int_equal(rins_shard_open(&writer, &options), RINS_OK);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_int_equal(rins_shard_add(writer, keys[i], "jpg", "", 0), RINS_ERR_ARG);
    assert_int_equal(rins_shard_add(writer, "v1.0/a", "jpg", "", 0), RINS_OK);
    rins_shard_abort(writer);
    char path[128];
    snprintf(path, sizeof path, "%s/bad00000.tar", dir);
    assert_false(rins_path_is_file(path));
}

/* The bytes are a contract: shards of one version can be compared with those of another by their checksum. */
static void bytes_are_frozen(void **state) {
    (void)state;
    RinsShardWriter *writer;
    const RinsShardOptions options = {.dir = dir, .prefix = "frozen"};
    assert_int_equal(rins_shard_open(&writer, &options), RINS_OK);
    assert_int_equal(rins_shard_add(writer, "x/000001", "txt", "a red circle", 12), RINS_OK);
    assert_int_equal(rins_shard_close(writer, NULL, NULL), RINS_OK);
    char path[128], *data;
    size_t size;
    snprintf(path, sizeof path, "%s/frozen00000.tar", dir);
    assert_int_equal(rins_file_read(path, 0, &data, &size), RINS_OK);
    assert_int_equal(size, 10240);
    assert_int_equal(rins_hash_bytes(data, size, RINS_HASH_BASIS), 0x140ffd235fcf954bu);
    free(data);
}

static void encoders_write_what_they_were_given(void **state) {
    (void)state;
    uint8_t pixels[33 * 17 * 3], *data;
    size_t size;
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * 7 + i / 99 * 13);
    assert_int_equal(rins_png_encode(pixels, 33, 17, &data, &size), RINS_OK);
    assert_true(size > 60);
    assert_memory_equal(data, "\x89PNG\r\n\x1a\n", 8);
    assert_memory_equal(data + 16, "\0\0\0\x21\0\0\0\x11\x08\x02", 10); /* width, height, 8 bits, RGB */
    assert_memory_equal(data + size - 8, "IEND\xae\x42\x60\x82", 8);
    free(data);
    assert_int_equal(rins_jpeg_encode(pixels, 33, 17, 90, &data, &size), RINS_OK);
    assert_true(size > 100);
    assert_memory_equal(data, "\xff\xd8\xff", 3);
    assert_memory_equal(data + size - 2, "\xff\xd9", 2);
    free(data);
    assert_int_equal(rins_jpeg_encode(pixels, 33, 17, 101, &data, &size), RINS_ERR_ARG);
    assert_int_equal(rins_png_encode(pixels, 0, 17, &data, &size), RINS_ERR_ARG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_never_split),
        cmocka_unit_test(half_a_shard_of_a_killed_run_goes),
        cmocka_unit_test(names_of_any_length_come_back),
        cmocka_unit_test(unsound_keys_are_refused),
        cmocka_unit_test(bytes_are_frozen),
        cmocka_unit_test(encoders_write_what_they_were_given),
        cmocka_unit_test(a_longer_set_is_not_mixed_with_a_shorter_one),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
