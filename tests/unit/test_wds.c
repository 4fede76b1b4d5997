/* Tar shards: names, braces, members and captions; index files; damage is stepped over, counted and never hangs. */
#define _GNU_SOURCE
#include "tests/unit/data_fixture.h"

#include "data/gzip_stream.h"
#include "data/parallel.h"
#include "data/shard_cache.h"
#include "data/shard_list.h"
#include "data/source_damage.h"
#include "data/tar_index.h"

#include <zlib.h>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void assert_braces(const char *pattern, const char *expected) {
    RinsStringList list = {0};
    char text[512] = "";
    assert_ok(rins_braces_expand(pattern, &list));
    for (size_t i = 0; i < list.n; i++) snprintf(text + strlen(text), 64, "%s%s", i ? " " : "", list.items[i]);
    assert_string_equal(text, expected);
    rins_strings_free(&list);
}

static void braces_expand_as_in_a_shell(void **state) {
    (void)state;
    assert_braces("a.tar", "a.tar");
    assert_braces("{08..11}.tar", "08.tar 09.tar 10.tar 11.tar");
    assert_braces("{8..11}", "8 9 10 11");
    assert_braces("x{a,bc,}y", "xay xbcy xy");
    assert_braces("{0..1}-{a,b}", "0-a 0-b 1-a 1-b");
    static const char *const wrong[] = {"{0..",   "{3..1}",     "{a}",           "{}",
                                        "{a..b}", "{{0..1},x}", "{0..99999999}", "{0..1}{0..999999}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        RinsStringList list = {0};
        assert_int_equal(rins_braces_expand(wrong[i], &list), RINS_ERR_CONFIG);
        rins_strings_free(&list);
    }
}

static void sum_damage(const RinsSource *source, int64_t bad[RINS_BAD_N]) {
    int64_t n;
    const RinsSourceDamage *damage = rins_source_damage(source, &n);
    for (int64_t i = 0; i < n; i++) bad[damage[i].cause] += damage[i].count;
}

typedef struct Member {
    const char *name, *text; /* text NULL: a PNG */
} Member;

/* A tar by libarchive: another writer than ours. */
static void write_tar(const char *name, int format, int filter, const Member *members, size_t n) {
    struct archive *tar = archive_write_new();
    archive_write_set_format(tar, format);
    archive_write_add_filter(tar, filter);
    assert_int_equal(archive_write_open_filename(tar, in_dir(name)), ARCHIVE_OK);
    for (size_t i = 0; i < n; i++) {
        uint8_t *png;
        size_t size;
        make_png((int)i, 24, 20, &png, &size);
        const void *data = members[i].text ? (const void *)members[i].text : png;
        if (members[i].text) size = strlen(members[i].text);
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, members[i].name);
        archive_entry_set_size(entry, (la_int64_t)size);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        assert_int_equal(archive_write_header(tar, entry), ARCHIVE_OK);
        assert_int_equal(archive_write_data(tar, data, size), (la_ssize_t)size);
        archive_entry_free(entry);
        free(png);
    }
    assert_int_equal(archive_write_close(tar), ARCHIVE_OK);
    archive_write_free(tar);
}

#define LONG "a/very/long/path/that/does/not/fit/into/the/hundred/bytes/of/the/name/field/of/an/old/tar/header/"

static const Member members[] = {
    {"v1.0/a.png", NULL},
    {"v1.0/a.txt", " one\n"},
    {"v1.0/a.json", "{\"caption\": \"one json\", \"alt\": [\"x\", \"y\"]}"},
    {"b.JPG", NULL},
    {"b.seg.png", NULL},
    {"b.cls", "3\n"},
    {"__meta__.json", "{}"},
    {".hidden.png", NULL},
    {"noimage.txt", "lost"},
    {"c.json", "{\"text\": \"three\"}"},
    {"c.webp", NULL},
    {"d.png", NULL},
    {"d.txt", "\xff"},
    {LONG LONG LONG "e.png", NULL},
    {LONG LONG LONG "e.txt", "five"},
    {"f.jpeg", NULL},
    {"f.jpeg", NULL},
    {"f.txt", ""},
    {"__g.png", NULL},
    {"__own__/h.png", NULL},
};
enum { N_MEMBERS = sizeof members / sizeof members[0] };

static void every_tar_dialect_and_filter_gives_the_same(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int format, filter;
    } cases[] = {{"pax.tar", ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, ARCHIVE_FILTER_NONE},
                 {"gnu.tar", ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FILTER_NONE},
                 {"a.tar.gz", ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, ARCHIVE_FILTER_GZIP},
                 {"a.tar.zst", ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FILTER_ZSTD}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_tar(cases[i].name, cases[i].format, cases[i].filter, members, N_MEMBERS);
        RinsSource *source;
        char text[512];
        assert_ok(open_source(&source, "", cases[i].name, RINS_VIEW_PAIRS));
        assert_string_equal(rins_source_kind(source), "wds");
        assert_int_equal(rins_source_count(source), 7);
        assert_int_equal(rins_source_classes(source), 4);
        assert_string_equal(rins_source_class_name(source, 3), "3");
        describe(source, text, sizeof text);
        assert_string_equal(text, "a|one;b;c|three;!caption;e|five;!caption;__g;");
        int64_t bad[RINS_BAD_N] = {0};
        sum_damage(source, bad);
        assert_int_equal(bad[RINS_BAD_MISSING], 1); /* noimage */
        assert_int_equal(bad[RINS_BAD_ARCHIVE], 1); /* the second f.jpeg */
        RinsSample sample = {0};
        uint8_t *png;
        size_t size;
        make_png(13, 24, 20, &png, &size);
        assert_ok(rins_source_read(source, 4, &sample, NULL));
        assert_int_equal(sample.image_size, size);
        assert_memory_equal(sample.image, png, size);
        assert_non_null(strstr(sample.key, LONG LONG LONG "e"));
        free(png);
        rins_sample_free(&sample);
        rins_source_free(source);
        assert_ok(open_source(&source, "wds(text=alt):", cases[i].name, RINS_VIEW_PAIRS));
        describe(source, text, sizeof text);
        assert_string_equal(text, "a|x|y;b;!caption;d;e;f;__g;");
        rins_source_free(source);
    }
}

static void members_are_read_in_memory_only(void **state) {
    (void)state;
    static const Member hostile[] = {{"../escape.png", NULL}, {"/tmp/rins-escape.png", NULL}, {"ok.png", NULL}};
    write_tar("hostile.tar", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, hostile, 3);
    RinsSource *source;
    char text[512];
    assert_ok(open_source(&source, "", "hostile.tar", RINS_VIEW_PAIRS));
    describe(source, text, sizeof text);
    assert_string_equal(text, "escape;rins-escape;ok;");
    assert_int_not_equal(access("/tmp/rins-escape.png", F_OK), 0);
    assert_int_not_equal(access(in_dir("../escape.png"), F_OK), 0);
    rins_source_free(source);
}

static void patterns_find_their_shards(void **state) {
    (void)state;
    assert_ok(rins_mkdirs(in_dir("pat")));
    put_shards("pat/x-", 5, 2);
    RinsSource *source;
    char text[512];
    static const char *const patterns[] = {"pat/x-{00000..00002}.tar", "pat/x-*.tar", "pat"};
    put_text("pat/readme.txt", "not a shard");
    for (int i = 0; i < 3; i++) {
        assert_ok(open_source(&source, "wds:", patterns[i], RINS_VIEW_PAIRS));
        describe(source, text, sizeof text);
        assert_string_equal(text, "s000|caption number 0;s001|caption number 1;s002|caption number 2;"
                                  "s003|caption number 3;s004|caption number 4;");
        rins_source_free(source);
    }
    assert_int_equal(open_source(&source, "wds:", "pat/y-*.tar", RINS_VIEW_PAIRS), RINS_ERR_IO);
    assert_int_equal(open_source(&source, "wds:", "pat/x-{00000..00003}.tar", RINS_VIEW_PAIRS), RINS_ERR_IO);
}

static void an_index_is_used_only_while_it_fits(void **state) {
    (void)state;
    put_shards("idx-", 6, 100);
    char shard[512];
    snprintf(shard, sizeof shard, "%s", in_dir("idx-00000.tar"));
    RinsTarIndex built, loaded;
    assert_int_equal(rins_tar_index_load(&loaded, shard), RINS_ERR_MISMATCH);
    assert_ok(rins_tar_index_build(&built, shard));
    assert_ok(rins_tar_index_save(&built, shard));
    assert_ok(rins_tar_index_load(&loaded, shard));
    assert_int_equal(loaded.n, 6);
    assert_int_equal(loaded.block_size, built.block_size);
    assert_memory_equal(loaded.block, built.block, built.block_size);
    rins_tar_index_free(&loaded);
    /* any damaged byte of the index file, and any other length, makes it unusable */
    char *bytes = malloc(built.block_size), path[600];
    snprintf(path, sizeof path, "%s.index", shard);
    for (size_t i = 0; i < built.block_size; i++) {
        memcpy(bytes, built.block, built.block_size);
        bytes[i] ^= 0x10;
        put_quickly(path, bytes, built.block_size);
        assert_int_equal(rins_tar_index_load(&loaded, shard), RINS_ERR_MISMATCH);
    }
    for (size_t n = 1; n < built.block_size; n += 13) {
        put_quickly(path, built.block, n);
        assert_int_equal(rins_tar_index_load(&loaded, shard), RINS_ERR_MISMATCH);
    }
    /* a shard written anew is scanned again */
    assert_ok(rins_file_write(path, built.block, built.block_size));
    put_shards("idx-", 4, 100);
    RinsSource *source;
    assert_ok(rins_source_open(&source, shard));
    assert_int_equal(rins_source_count(source), 4);
    /* a shard that changes under an open source fails its reads */
    RinsSample sample = {0};
    RinsBadCause cause;
    char *data;
    size_t size;
    assert_ok(rins_file_read(shard, 0, &data, &size));
    data[0] = 't'; /* the first member's name */
    put_quickly(shard, data, size);
    free(data);
    assert_int_equal(rins_source_read(source, 0, &sample, &cause), RINS_ERR_MISMATCH);
    assert_int_equal(cause, RINS_BAD_ARCHIVE);
    assert_ok(rins_source_read(source, 3, &sample, &cause));
    assert_int_equal(truncate(shard, 700), 0);
    assert_int_equal(rins_source_read(source, 3, &sample, &cause), RINS_ERR_FORMAT);
    assert_int_equal(cause, RINS_BAD_ARCHIVE);
    rins_sample_free(&sample);
    rins_source_free(source);
    rins_tar_index_free(&built);
    free(bytes);
}

/* Scans a tar in memory; gives the samples found. CPU time is bounded: a hang is a failure, a busy machine is not. */
static int64_t scan(const char *data, size_t size, int64_t bad[RINS_BAD_N]) {
    RinsTarStream *stream;
    RinsTarIndex index;
    struct timespec before, after;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    assert_ok(rins_tar_open_memory(&stream, data, size));
    assert_ok(rins_tar_index_scan(&index, stream));
    rins_tar_close(stream);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    assert_true(after.tv_sec - before.tv_sec < 3);
    if (bad) memcpy(bad, index.bad, sizeof index.bad);
    for (int64_t i = 0; i < index.n; i++) {
        const RinsTarPart part = index.samples[i].image;
        assert_true(part.offset <= size && part.size <= size - part.offset);
        assert_true(strlen(index.keys + index.samples[i].key) > 0);
    }
    const int64_t n = index.n;
    rins_tar_index_free(&index);
    return n;
}

static void damage_costs_only_what_it_hits(void **state) {
    (void)state;
    put_shards("dam-", 10, 100);
    char *data;
    size_t size;
    int64_t bad[RINS_BAD_N];
    assert_ok(rins_file_read(in_dir("dam-00000.tar"), 0, &data, &size));
    assert_int_equal(scan(data, size, bad), 10);
    for (int i = 0; i < RINS_BAD_N; i++) assert_int_equal(bad[i], 0);
    /* cut off in the middle of sample 5's image */
    const char *fifth = memmem(data, size, "s005.png", 8);
    const size_t at = (size_t)(fifth - data);
    assert_int_equal(scan(data, at + 600, bad), 5);
    assert_int_equal(bad[RINS_BAD_TRUNCATED], 1);
    /* a broken header */
    data[at + 150] ^= 1;
    assert_int_equal(scan(data, size, bad), 9);
    assert_int_equal(bad[RINS_BAD_ARCHIVE], 1);
    data[at + 150] ^= 1;
    /* 4 KB zeroed: looks like the end, is not */
    char *copy = malloc(size + 1000);
    memcpy(copy, data, size);
    memset(copy + at, 0, 4096);
    assert_true(scan(copy, size, bad) >= 7);
    assert_int_equal(bad[RINS_BAD_ARCHIVE], 1);
    /* 77 bytes lost: later headers lie at odd places */
    memcpy(copy, data, at + 100);
    memcpy(copy + at + 100, data + at + 177, size - at - 177);
    assert_int_equal(scan(copy, size - 77, bad), 9);
    assert_true(bad[RINS_BAD_ARCHIVE] >= 1);
    /* 1,000 bytes of junk before */
    memset(copy, 'u', 1000);
    memcpy(copy + 1000, data, size);
    assert_int_equal(scan(copy, size + 1000, bad), 10);
    assert_int_equal(bad[RINS_BAD_ARCHIVE], 1);
    /* a header that claims more than the tar has, checksum and all */
    memcpy(copy, data, size);
    memcpy(copy + at + 124, "77777777777", 12);
    unsigned sum = 8 * ' ';
    for (int i = 0; i < 512; i++) sum += i >= 148 && i < 156 ? 0 : (unsigned char)copy[at + (size_t)i];
    snprintf(copy + at + 148, 8, "%06o", sum);
    assert_int_equal(scan(copy, size, bad), 9);
    assert_int_equal(bad[RINS_BAD_TRUNCATED], 1);
    free(copy);
    free(data);
}

/* Of four shards one is whole, one no tar, one empty and one cut. */
static void damaged_shards_are_named(void **state) {
    (void)state;
    const Member three[] = {{"a.png", NULL}, {"b.png", NULL}, {"c.png", NULL}};
    write_tar("d0.tar", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, three, 3);
    put_text("d1.tar", "no tar at all, rather a page that says: 404");
    put_text("d2.tar", "");
    write_tar("d3.tar", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, three, 3);
    RinsSource *source;
    assert_int_equal(truncate(in_dir("d3.tar"), 512 * 2 + 100), 0); /* within the second header */
    assert_ok(open_source(&source, "", "d{0..3}.tar", RINS_VIEW_PAIRS));
    int64_t n, shards, without;
    const RinsSourceDamage *damage = rins_source_damage(source, &n);
    const char *const said[] = {"d1.tar: no sample in it", "d2.tar: no sample in it",
                                "d3.tar: 1 member cut off by the end"};
    char text[512];
    assert_int_equal(n, 3);
    for (int i = 0; i < 3; i++) {
        rins_source_damage_describe(&damage[i], text, sizeof text);
        if (!strstr(text, said[i])) fail_msg("'%s', not '%s'", text, said[i]);
    }
    rins_source_shards(source, &shards, &without);
    assert_int_equal(shards, 4);
    assert_int_equal(without, 2);
    rins_source_free(source);
}

/* Bytes that zlib decodes of a file. */
static off_t decoded_bytes(const char *name) {
    char bytes[4096];
    off_t sum = 0;
    int n;
    gzFile file = gzopen(in_dir(name), "rb");
    assert_non_null(file);
    while ((n = gzread(file, bytes, sizeof bytes)) > 0) sum += n;
    gzclose(file);
    return sum;
}

/* Samples in a shard, none of them bad; *cut: members that its end cut off. */
static int64_t whole_samples(const char *name, int64_t *cut) {
    RinsSource *source;
    char text[8192];
    int64_t bad[RINS_BAD_N] = {0};
    assert_ok(open_source(&source, "", name, RINS_VIEW_PAIRS));
    const int64_t n = rins_source_count(source);
    sum_damage(source, bad);
    *cut = bad[RINS_BAD_TRUNCATED];
    describe(source, text, sizeof text);
    assert_null(strchr(text, '!'));
    rins_source_free(source);
    return n;
}

/* All that was decoded before a cut: as many samples as in a plain tar of so many bytes. */
static void a_damaged_gzip_gives_its_beginning(void **state) {
    (void)state;
    enum { N = 300 };
    Member many[N];
    char names[N][20];
    struct stat info;
    int64_t cut;
    for (int i = 0; i < N; i++) {
        snprintf(names[i], sizeof names[i], "k%03d.png", i);
        many[i] = (Member){names[i], NULL};
    }
    for (int part = 1; part <= 9; part++) {
        write_tar("cut.tar.gz", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP, many, N);
        write_tar("cut.tar", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, many, N);
        assert_int_equal(stat(in_dir("cut.tar.gz"), &info), 0);
        assert_int_equal(truncate(in_dir("cut.tar.gz"), info.st_size * part / 10), 0);
        const off_t bytes = decoded_bytes("cut.tar.gz");
        assert_int_equal(truncate(in_dir("cut.tar"), bytes), 0);
        const int64_t wanted = whole_samples("cut.tar", &cut), n = whole_samples("cut.tar.gz", &cut);
        print_message("# cut at %d/10: %lld of %d samples, decoded to byte %lld\n", part, (long long)n, N,
                      (long long)bytes);
        if (n != wanted) fail_msg("%lld samples, %lld in a plain tar", (long long)n, (long long)wanted);
        assert_int_equal(cut, 1);
    }
}

static void gzip_members_are_one_stream(void **state) {
    (void)state;
    static const Member two[] = {{"a.png", NULL}, {"b.png", NULL}};
    char bytes[1 << 15];
    int64_t cut;
    write_tar("two.tar", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, two, 2);
    FILE *plain = fopen(in_dir("two.tar"), "rb");
    assert_non_null(plain);
    const size_t size = fread(bytes, 1, sizeof bytes, plain);
    fclose(plain);
    for (int i = 0; i < 3; i++) { /* as pigz and bgzip write them, an empty one among them */
        gzFile file = gzopen(in_dir("two.tar.gz"), i ? "ab" : "wb");
        const size_t from = i == 0 ? 0 : 700, to = i == 0 ? 700 : i == 1 ? 700 : size;
        if (to > from) assert_int_equal(gzwrite(file, bytes + from, (unsigned)(to - from)), (int)(to - from));
        gzclose(file);
    }
    assert_int_equal(whole_samples("two.tar.gz", &cut), 2);
    assert_int_equal(cut, 0);
    FILE *file = fopen(in_dir("two.tar.gz"), "ab");
    fwrite("padding", 1, 7, file);
    fclose(file);
    assert_int_equal(whole_samples("two.tar.gz", &cut), 2);
    assert_int_equal(cut, 0);
    /* The first sample, and then a member of which there is the beginning alone. */
    const size_t first = 512 + (strtoul(bytes + 124, NULL, 8) + 511) / 512 * 512;
    gzFile whole = gzopen(in_dir("two.tar.gz"), "wb");
    assert_int_equal(gzwrite(whole, bytes, (unsigned)first), (int)first);
    gzclose(whole);
    file = fopen(in_dir("two.tar.gz"), "ab");
    fwrite("\x1f\x8b\x08\0\0\0", 1, 6, file);
    fclose(file);
    assert_int_equal(whole_samples("two.tar.gz", &cut), 1);
    if (cut != 1) fail_msg("a member cut in its header goes unnoticed");
}

/* A file that ends where the decoder holds more than the reader had room for. */
static void a_cut_gzip_keeps_nothing_back(void **state) {
    (void)state;
    enum { N = 1 << 16 };
    static char bytes[N], got[N];
    unsigned char packed[1024];
    for (int i = 0; i < N; i++) bytes[i] = (char)(i % 251);
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)bytes, z.avail_in = N;
    z.next_out = packed, z.avail_out = sizeof packed;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    const size_t size = z.total_out - 12; /* without its sum and a little more */
    deflateEnd(&z);
    FILE *file = fopen(in_dir("cut.gz"), "wb");
    fwrite(packed, 1, size, file);
    fclose(file);
    const off_t whole = decoded_bytes("cut.gz");
    for (size_t part = 1; part < 600; part += 37) {
        RinsGzip *gzip;
        bool damaged = false;
        const int fd = open(in_dir("cut.gz"), O_RDONLY);
        assert_int_equal(rins_gzip_open(&gzip, fd), RINS_OK);
        size_t n = 0;
        for (size_t more; (more = rins_gzip_read(gzip, got + n, part < N - n ? part : N - n, &damaged)) > 0;) n += more;
        rins_gzip_close(gzip);
        close(fd);
        if ((off_t)n != whole || !damaged)
            fail_msg("by %zu: %zu bytes of %lld, damaged %d", part, n, (long long)whole, damaged);
        assert_memory_equal(got, bytes, n);
    }
}

typedef struct CacheJob {
    RinsShardCache *cache;
    char *plain; /* every compressed shard holds these bytes */
    size_t size;
} CacheJob;

static RinsStatus read_cached(void *user, int64_t i, int worker) {
    (void)worker;
    const CacheJob *job = user;
    RinsRng rng = rins_rng(RINS_RNG_TEST, 2, 0, (uint64_t)i);
    char path[600], bytes[3000];
    const int shard = (int)rins_rng_below(&rng, 4);
    const size_t at = (size_t)rins_rng_below(&rng, job->size - sizeof bytes);
    size_t got;
    snprintf(path, sizeof path, "%s/cached%d.tar.gz", fixture_dir, shard);
    RINS_TRY(rins_shard_cache_read(job->cache, shard, path, job->size, at, bytes, sizeof bytes, &got));
    if (got != sizeof bytes || memcmp(bytes, job->plain + at, got) != 0)
        return RINS_FAIL(RINS_ERR_FORMAT, "read %lld differs", (long long)i);
    return RINS_OK;
}

/* Room for none, one, two and all of four shards, read by four threads. */
static void compressed_shards_are_cached_within_bounds(void **state) {
    (void)state;
    CacheJob job;
    write_tar("cached.tar", ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FILTER_NONE, members, N_MEMBERS);
    for (int i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "cached%d.tar.gz", i);
        write_tar(name, ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FILTER_GZIP, members, N_MEMBERS);
    }
    assert_ok(rins_file_read(in_dir("cached.tar"), 0, &job.plain, &job.size));
    static const double rooms[] = {0.5, 1, 2.5, 4};
    for (int i = 0; i < 4; i++) {
        assert_ok(rins_shard_cache_new(&job.cache, (uint64_t)(rooms[i] * (double)job.size)));
        assert_ok(rins_parallel(200, 4, read_cached, &job));
        rins_shard_cache_free(job.cache);
    }
    free(job.plain);
}

static void mutations_neither_hang_nor_invent(void **state) {
    (void)state;
    put_shards("mut-", 8, 100);
    write_tar("mut.tar", ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, ARCHIVE_FILTER_NONE, members, N_MEMBERS);
    static const char *const names[] = {"mut-00000.tar", "mut.tar"};
    int64_t found = 0;
    for (int f = 0; f < 2; f++) {
        char *data;
        size_t size;
        assert_ok(rins_file_read(in_dir(names[f]), 0, &data, &size));
        char *copy = malloc(size);
        for (int round = 0; round < 1000; round++) {
            RinsRng rng = rins_rng(RINS_RNG_TEST, 1, (uint64_t)f, (uint64_t)round);
            memcpy(copy, data, size);
            const uint64_t changes = 1 + rins_rng_below(&rng, 20);
            for (uint64_t i = 0; i < changes; i++) copy[rins_rng_below(&rng, size)] = (char)rins_rng_u32(&rng);
            const size_t length = rins_rng_below(&rng, 4) ? size : (size_t)rins_rng_below(&rng, size);
            const int64_t n = scan(copy, length, NULL);
            assert_true(n <= 10);
            found += n;
        }
        free(copy);
        free(data);
    }
    print_message("# %lld of 14000 samples found in mutated tars\n", (long long)found);
    assert_true(found > 9000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(braces_expand_as_in_a_shell),
        cmocka_unit_test(every_tar_dialect_and_filter_gives_the_same),
        cmocka_unit_test(members_are_read_in_memory_only),
        cmocka_unit_test(patterns_find_their_shards),
        cmocka_unit_test(an_index_is_used_only_while_it_fits),
        cmocka_unit_test(damage_costs_only_what_it_hits),
        cmocka_unit_test(damaged_shards_are_named),
        cmocka_unit_test(a_damaged_gzip_gives_its_beginning),
        cmocka_unit_test(gzip_members_are_one_stream),
        cmocka_unit_test(a_cut_gzip_keeps_nothing_back),
        cmocka_unit_test(compressed_shards_are_cached_within_bounds),
        cmocka_unit_test(mutations_neither_hang_nor_invent),
    };
    return cmocka_run_group_tests(tests, fixture_make, fixture_remove);
}
