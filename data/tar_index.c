#define _GNU_SOURCE
#include "data/tar_index.h"

#include "data/source_impl.h"
#include "src/base/file.h"
#include "src/base/list.h"
#include "src/base/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(sizeof(RinsTarSample) == 64, "records are mapped as they are");

typedef struct Header {
    char magic[8];
    uint64_t shard_size, shard_hash;
    uint64_t n, key_bytes, end, compressed;
    uint64_t content_hash; /* of all that follows the header, then of the header with 0 here */
    int64_t bad[16];
} Header;

_Static_assert(sizeof(Header) == 192 && RINS_BAD_N <= 16, "the header is mapped as it is");

static const char magic[8] = {'r', 'i', 'n', 's', 'i', 'd', 'x', '1'};

typedef struct Build {
    RinsTarSample *samples;
    char *keys;
    size_t n, key_used, key_room;
    bool open; /* samples[n] is being filled */
    char *key; /* of samples[n] */
    size_t key_size;
    uint64_t end;
    int64_t *bad;
} Build;

/* Length of the key in a member's name as webdataset cuts it (up to the first dot of the last part); 0 where it has
   none. */
static size_t key_length(const char *name) {
    const char *slash = strrchr(name, '/'), *last = slash ? slash + 1 : name;
    const char *dot = strchr(last, '.');
    if (!dot || dot == last) return 0;
    const size_t top = strcspn(name, "/.");
    const bool own = top >= 4 && !memcmp(name, "__", 2) && !memcmp(name + top - 2, "__", 2);
    return own ? 0 : (size_t)(dot - name); /* webdataset passes over what is called, or lies in, __NAME__ at the top */
}

static RinsStatus finish_sample(Build *build) {
    if (!build->open) return RINS_OK;
    build->open = false;
    RinsTarSample *sample = &build->samples[build->n];
    if (sample->image.size == RINS_TAR_ABSENT) {
        build->bad[RINS_BAD_MISSING]++;
        return RINS_OK;
    }
    while (build->key_used + build->key_size + 1 > build->key_room) {
        build->key_room = build->key_room * 2 + 4096;
        char *keys = realloc(build->keys, build->key_room);
        if (!keys) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a shard's index");
        build->keys = keys;
    }
    sample->key = build->key_used & 0xffffffffffu;
    memcpy(build->keys + build->key_used, build->key, build->key_size + 1);
    build->key_used += build->key_size + 1;
    build->n++;
    return RINS_OK;
}

static RinsStatus begin_sample(Build *build, const char *name, size_t key_size) {
    RINS_TRY(finish_sample(build));
    RinsTarSample *samples = rins_list_grow(build->samples, build->n, sizeof *samples);
    if (samples) build->samples = samples;
    char *key = samples ? strndup(name, key_size) : NULL;
    if (!key) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a shard's index");
    free(build->key);
    build->key = key;
    build->key_size = key_size;
    build->open = true;
    memset(&samples[build->n], 0, sizeof *samples);
    samples[build->n].image.size = samples[build->n].text.size = samples[build->n].json.size = RINS_TAR_ABSENT;
    return RINS_OK;
}

static void take_label(RinsTarSample *sample, RinsTarStream *stream, const RinsTarMember *member) {
    char text[24] = "";
    size_t got;
    const char *bytes = rins_tar_view(stream, member->offset, sizeof text - 1, &got);
    if (member->size < got) got = (size_t)member->size;
    memcpy(text, bytes, got);
    char *end;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    while (*end == '\n' || *end == '\r' || *end == ' ') end++;
    if (end == text || *end || errno || value < 0 || value > 1000000) return;
    sample->label = value;
    sample->has_label = 1;
}

static RinsStatus take_member(void *user, RinsTarStream *stream, const RinsTarMember *member) {
    Build *build = user;
    const size_t key_size = key_length(member->name);
    if (key_size == 0) return RINS_OK;
    if (!build->open || key_size != build->key_size || memcmp(build->key, member->name, key_size) != 0)
        RINS_TRY(begin_sample(build, member->name, key_size));
    RinsTarSample *sample = &build->samples[build->n];
    const char *ext = member->name + key_size + 1;
    RinsTarPart *part = NULL;
    if (strchr(ext, '.'))
        part = NULL;
    else if (rins_image_ending(ext - 1))
        part = &sample->image;
    else if (!strcasecmp(ext, "txt"))
        part = &sample->text;
    else if (!strcasecmp(ext, "json"))
        part = &sample->json;
    if (part && part->size != RINS_TAR_ABSENT)
        build->bad[RINS_BAD_ARCHIVE]++; /* the first of its kind stays */
    else if (part)
        *part = (RinsTarPart){member->offset, (uint32_t)member->size, member->header_hash};
    else if (!strcasecmp(ext, "cls"))
        take_label(sample, stream, member);
    if (part && member->offset + member->size > build->end) build->end = member->offset + member->size;
    return RINS_OK;
}

static uint64_t content_hash(const void *block, size_t size) {
    Header header;
    memcpy(&header, block, sizeof header);
    header.content_hash = 0;
    const uint64_t body = rins_hash_bytes((const char *)block + sizeof header, size - sizeof header, RINS_HASH_BASIS);
    return rins_hash_bytes(&header, sizeof header, body);
}

/* Ties the block to its shard. */
static void seal(RinsTarIndex *index, uint64_t shard_size, uint64_t shard_hash) {
    Header header;
    memcpy(&header, index->block, sizeof header);
    header.shard_size = shard_size;
    header.shard_hash = shard_hash;
    memcpy(index->block, &header, sizeof header);
    header.content_hash = content_hash(index->block, index->block_size);
    memcpy(index->block, &header, sizeof header);
}

/* One block as in the file, so that saving is one write. */
static RinsStatus pack(RinsTarIndex *index, const Build *build, bool compressed, const int64_t bad[RINS_BAD_N]) {
    const size_t samples = build->n * sizeof *build->samples;
    index->block_size = sizeof(Header) + samples + build->key_used;
    char *block = index->block = malloc(index->block_size);
    if (!block) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a shard's index");
    Header header = {.n = build->n, .key_bytes = build->key_used, .end = build->end, .compressed = compressed};
    memcpy(header.magic, magic, sizeof magic);
    memcpy(header.bad, bad, RINS_BAD_N * sizeof *bad);
    if (samples) memcpy(block + sizeof header, build->samples, samples);
    if (build->key_used) memcpy(block + sizeof header + samples, build->keys, build->key_used);
    memcpy(block, &header, sizeof header);
    seal(index, 0, 0);
    return RINS_OK;
}

static void point_into_block(RinsTarIndex *index) {
    Header header;
    memcpy(&header, index->block, sizeof header);
    index->n = (int64_t)header.n;
    index->end = header.end;
    index->compressed = header.compressed != 0;
    memcpy(index->bad, header.bad, sizeof index->bad);
    index->samples = (const RinsTarSample *)((const char *)index->block + sizeof header);
    index->keys = (const char *)(index->samples + index->n);
}

RinsStatus rins_tar_index_scan(RinsTarIndex *index, RinsTarStream *stream) {
    *index = (RinsTarIndex){0};
    int64_t bad[RINS_BAD_N] = {0};
    Build build = {.bad = bad};
    RinsStatus status = rins_tar_scan(stream, take_member, &build, bad);
    if (status == RINS_OK) status = finish_sample(&build);
    if (status == RINS_OK) status = pack(index, &build, rins_tar_compressed(stream), bad);
    if (status == RINS_OK) point_into_block(index);
    free(build.samples);
    free(build.keys);
    free(build.key);
    return status;
}

/* What tells a changed shard: its length and a hash over eight pieces spread evenly, ends included. */
static RinsStatus identify(const char *shard, uint64_t *size, uint64_t *hash) {
    enum { PIECES = 8, PIECE = 4096 };
    char piece[PIECE];
    struct stat info;
    const int fd = open(shard, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        if (fd >= 0) close(fd);
        return RINS_FAIL(RINS_ERR_IO, "cannot open shard '%s': %s", shard,
                         fd < 0 ? strerror(errno) : "not a regular file");
    }
    *size = (uint64_t)info.st_size;
    *hash = rins_hash_bytes(size, sizeof *size, RINS_HASH_BASIS);
    const uint64_t last = *size > PIECE ? *size - PIECE : 0;
    for (uint64_t i = 0; i < PIECES; i++) {
        const ssize_t got = pread(fd, piece, PIECE, (off_t)(last / (PIECES - 1) * i));
        if (got > 0) *hash = rins_hash_bytes(piece, (uint64_t)got, *hash);
    }
    const ssize_t got = pread(fd, piece, PIECE, (off_t)last);
    if (got > 0) *hash = rins_hash_bytes(piece, (uint64_t)got, *hash);
    close(fd);
    return RINS_OK;
}

RinsStatus rins_tar_index_build(RinsTarIndex *index, const char *shard) {
    RinsTarStream *stream = NULL;
    *index = (RinsTarIndex){0};
    uint64_t size, hash;
    RINS_TRY(identify(shard, &size, &hash));
    RINS_TRY(rins_tar_open(&stream, shard));
    const RinsStatus status = rins_tar_index_scan(index, stream);
    rins_tar_close(stream);
    if (status != RINS_OK) return rins_fail_context(status, "%s", shard);
    seal(index, size, hash);
    return RINS_OK;
}

static char *index_path(const char *shard) {
    char *path = NULL;
    return asprintf(&path, "%s.index", shard) < 0 ? NULL : path;
}

static bool part_is_sound(const RinsTarPart *part, uint64_t end, uint64_t limit) {
    return part->size == RINS_TAR_ABSENT || (part->offset >= RINS_TAR_BLOCK && part->size <= limit &&
                                             part->offset <= end && part->size <= end - part->offset);
}

/* Is the mapped block whole, and made for this shard? Nothing in it is used before. */
static bool is_sound(const RinsTarIndex *index, uint64_t shard_size, uint64_t shard_hash) {
    Header header;
    if (index->block_size < sizeof header) return false;
    memcpy(&header, index->block, sizeof header);
    const uint64_t body = index->block_size - sizeof header;
    if (memcmp(header.magic, magic, sizeof magic) != 0 || header.shard_size != shard_size ||
        header.shard_hash != shard_hash || header.n > body / sizeof(RinsTarSample) ||
        header.n * sizeof(RinsTarSample) + header.key_bytes != body)
        return false;
    const char *at = (const char *)index->block + sizeof header;
    if (content_hash(index->block, index->block_size) != header.content_hash) return false;
    if (!header.compressed && header.end > shard_size) return false;
    if (header.n && (header.key_bytes == 0 || at[body - 1] != 0)) return false;
    for (uint64_t i = 0; i < header.n; i++) {
        RinsTarSample sample;
        memcpy(&sample, at + i * sizeof sample, sizeof sample);
        if (sample.image.size == RINS_TAR_ABSENT || sample.key >= header.key_bytes || sample.label < 0 ||
            sample.label > 1000000 || !part_is_sound(&sample.image, header.end, RINS_MAX_MEMBER_BYTES) ||
            !part_is_sound(&sample.text, header.end, RINS_MAX_MEMBER_BYTES) ||
            !part_is_sound(&sample.json, header.end, RINS_MAX_MEMBER_BYTES))
            return false;
    }
    return true;
}

RinsStatus rins_tar_index_load(RinsTarIndex *index, const char *shard) {
    *index = (RinsTarIndex){0};
    uint64_t shard_size, shard_hash;
    RINS_TRY(identify(shard, &shard_size, &shard_hash));
    char *path = index_path(shard);
    if (!path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a shard's index");
    RinsStatus status = RINS_FAIL(RINS_ERR_MISMATCH, "'%s' is absent, stale or damaged", path);
    struct stat info;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
        void *block = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (block != MAP_FAILED) {
            *index = (RinsTarIndex){.block = block, .block_size = (size_t)info.st_size, .mapped = true};
            if (is_sound(index, shard_size, shard_hash)) {
                point_into_block(index);
                status = RINS_OK;
            } else {
                rins_tar_index_free(index);
            }
        }
    }
    if (fd >= 0) close(fd);
    free(path);
    return status;
}

RinsStatus rins_tar_index_save(const RinsTarIndex *index, const char *shard) {
    char *path = index_path(shard);
    if (!path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a shard's index");
    const RinsStatus status = rins_file_write(path, index->block, index->block_size);
    free(path);
    return status;
}

void rins_tar_index_free(RinsTarIndex *index) {
    if (index->mapped)
        munmap(index->block, index->block_size);
    else
        free(index->block);
    *index = (RinsTarIndex){0};
}
