#define _GNU_SOURCE
#include "data/parallel.h"
#include "data/shard_cache.h"
#include "data/shard_list.h"
#include "data/source_impl.h"
#include "data/tar_index.h"
#include "data/text_check.h"

#include "src/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { KEEP_OPEN = 256, INDEX_THREADS = 4 };
#define CACHE_BYTES (1ull << 30)

typedef struct Shard {
    RinsTarIndex index;
    int64_t first; /* of its samples in the source */
    int fd;        /* -1: opened for each read */
} Shard;

typedef struct Wds {
    RinsStringList names;
    Shard *shards;
    char *text_key;
    RinsShardCache *cache;
    atomic_llong scanned; /* shards without a usable index file */
} Wds;

static void free_wds(void *impl) {
    Wds *wds = impl;
    if (!wds) return;
    for (size_t i = 0; wds->shards && i < wds->names.n; i++) {
        if (wds->shards[i].fd >= 0) close(wds->shards[i].fd);
        rins_tar_index_free(&wds->shards[i].index);
    }
    free(wds->shards);
    rins_strings_free(&wds->names);
    rins_shard_cache_free(wds->cache);
    free(wds->text_key);
    free(wds);
}

static RinsStatus pread_part(const Wds *wds, int64_t shard, const RinsTarPart *part, void *to, size_t *got,
                             char header[RINS_TAR_BLOCK]) {
    int fd = wds->shards[shard].fd;
    if (fd < 0) fd = open(wds->names.items[shard], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return RINS_FAIL(RINS_ERR_IO, "cannot open the shard: %s", strerror(errno));
    size_t used = 0;
    const size_t total = RINS_TAR_BLOCK + (size_t)part->size;
    while (used < total) {
        struct iovec parts[2] = {{header + used, used < RINS_TAR_BLOCK ? RINS_TAR_BLOCK - used : 0}, {to, part->size}};
        if (used > RINS_TAR_BLOCK) {
            parts[0] = (struct iovec){(char *)to + (used - RINS_TAR_BLOCK), total - used};
            parts[1].iov_len = 0;
        }
        const ssize_t n = preadv(fd, parts, 2, (off_t)(part->offset - RINS_TAR_BLOCK + used));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        used += (size_t)n;
    }
    if (fd != wds->shards[shard].fd) close(fd);
    *got = used < RINS_TAR_BLOCK ? 0 : used - RINS_TAR_BLOCK;
    return RINS_OK;
}

/* Reads a member into `to`. The header before it must still be the one that was indexed. */
static RinsStatus read_part(const Wds *wds, int64_t shard, const RinsTarPart *part, void *to, RinsBadCause *cause) {
    char header[RINS_TAR_BLOCK];
    const RinsTarIndex *index = &wds->shards[shard].index;
    size_t got;
    *cause = RINS_BAD_ARCHIVE;
    if (index->compressed) {
        RINS_TRY(rins_shard_cache_read(wds->cache, shard, wds->names.items[shard], index->end, part->offset, to,
                                       part->size, &got));
    } else {
        RINS_TRY(pread_part(wds, shard, part, to, &got, header));
        if (got == part->size && rins_tar_header_hash(header) != part->header_hash)
            return RINS_FAIL(RINS_ERR_MISMATCH, "the shard changed after it was indexed");
    }
    if (got != part->size) return RINS_FAIL(RINS_ERR_FORMAT, "the shard ends inside this member");
    *cause = RINS_BAD_NONE;
    return RINS_OK;
}

static RinsStatus read_caption(const Wds *wds, int64_t shard, const RinsTarSample *at, RinsSample *sample,
                               RinsBadCause *cause) {
    const bool json = at->json.size != RINS_TAR_ABSENT && (wds->text_key || at->text.size == RINS_TAR_ABSENT);
    const RinsTarPart *part = json ? &at->json : &at->text;
    if (part->size == RINS_TAR_ABSENT || (!json && wds->text_key)) return RINS_OK;
    const uint32_t limit = json ? RINS_MAX_JSON_BYTES : RINS_MAX_CAPTION_BYTES;
    if (part->size > limit) {
        *cause = RINS_BAD_CAPTION;
        return RINS_FAIL(RINS_ERR_LIMIT, "the caption's member has %u bytes, more than %u", part->size, limit);
    }
    char *text = malloc((size_t)part->size + 1);
    if (!text) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a caption");
    RinsStatus status = read_part(wds, shard, part, text, cause);
    if (status == RINS_OK)
        status = json ? rins_sample_add_json(sample, text, part->size, wds->text_key, cause)
                      : rins_sample_add_caption(sample, text, part->size, cause);
    free(text);
    return status;
}

/* Last shard whose first sample is at or before index. */
static int64_t find_shard(const Wds *wds, int64_t index) {
    size_t low = 0, high = wds->names.n;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (wds->shards[middle].first <= index)
            low = middle;
        else
            high = middle;
    }
    return (int64_t)low;
}

static RinsStatus read_wds(RinsSource *source, int64_t index, RinsSampleParts parts, RinsSample *sample,
                           RinsBadCause *cause) {
    const Wds *wds = source->impl;
    const int64_t shard = find_shard(wds, index);
    const RinsTarIndex *tar = &wds->shards[shard].index;
    const RinsTarSample *at = &tar->samples[index - wds->shards[shard].first];
    RINS_TRY(rins_sample_set_key(sample, "%s:%s", wds->names.items[shard], tar->keys + at->key));
    if (at->has_label) sample->label = (int)at->label;
    if (parts & RINS_SAMPLE_CAPTIONS) RINS_TRY(read_caption(wds, shard, at, sample, cause));
    if (!(parts & RINS_SAMPLE_IMAGE)) return RINS_OK;
    RINS_TRY(rins_sample_reserve_image(sample, at->image.size));
    return read_part(wds, shard, &at->image, sample->image, cause);
}

static const RinsSourceOps wds_ops = {"wds", read_wds, free_wds};

static RinsStatus open_shard(void *user, int64_t i, int worker) {
    (void)worker;
    Wds *wds = user;
    Shard *shard = &wds->shards[i];
    const char *name = wds->names.items[i];
    if (rins_tar_index_load(&shard->index, name) != RINS_OK) {
        RINS_TRY(rins_tar_index_build(&shard->index, name));
        wds->scanned++;
    }
    if (i < KEEP_OPEN && !shard->index.compressed) shard->fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return RINS_OK;
}

static RinsStatus note_damage(RinsSource *source, const char *shard, const RinsTarIndex *index) {
    bool damaged = false;
    for (RinsBadCause c = 0; c < RINS_BAD_N; c++) {
        if (!index->bad[c]) continue;
        RINS_TRY(rins_source_add_damage(source, shard, c, index->bad[c], index->n));
        damaged = true;
    }
    if (index->n || damaged) return RINS_OK;
    return rins_source_add_damage(source, shard, RINS_BAD_ARCHIVE, 1,
                                  0); /* as an empty file, which no fault is found in */
}

/* Labels are the numbers in .cls members; their names are their digits. */
static RinsStatus name_classes(RinsSource *source, const Wds *wds) {
    int64_t n = 0;
    for (size_t s = 0; s < wds->names.n; s++)
        for (int64_t i = 0; i < wds->shards[s].index.n; i++) {
            const RinsTarSample *sample = &wds->shards[s].index.samples[i];
            if (sample->has_label && sample->label >= n) n = sample->label + 1;
        }
    if (n == 0) return RINS_OK;
    source->class_names = calloc((size_t)n, sizeof *source->class_names);
    if (!source->class_names) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld classes", (long long)n);
    for (int64_t i = 0; i < n; i++) {
        if (asprintf(&source->class_names[i], "%lld", (long long)i) < 0)
            return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld classes", (long long)n);
        source->n_classes++;
    }
    return RINS_OK;
}

RinsStatus rins_source_open_wds(RinsSource *source, const char *pattern, const RinsSourceArgs *args) {
    Wds *wds = calloc(1, sizeof *wds);
    source->ops = &wds_ops;
    source->impl = wds;
    if (!wds) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for '%s'", pattern);
    RINS_TRY(rins_shard_list(pattern, &wds->names));
    wds->shards = calloc(wds->names.n, sizeof *wds->shards);
    if (args->text) wds->text_key = strdup(args->text);
    if (!wds->shards || (args->text && !wds->text_key))
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory for '%s'", pattern);
    for (size_t i = 0; i < wds->names.n; i++) wds->shards[i].fd = -1;
    source->shards = (int64_t)wds->names.n;
    RINS_TRY(rins_shard_cache_new(&wds->cache, CACHE_BYTES));
    RINS_TRY(rins_parallel((int64_t)wds->names.n, INDEX_THREADS, open_shard, wds));
    uint64_t compressed = 0;
    for (size_t i = 0; i < wds->names.n; i++) {
        Shard *shard = &wds->shards[i];
        shard->first = source->count;
        source->count += shard->index.n;
        if (shard->index.compressed) compressed += shard->index.end;
        RINS_TRY(note_damage(source, wds->names.items[i], &shard->index));
    }
    if (wds->scanned > 16)
        rins_log(RINS_LOG_INFO, "'%s': %lld shards had no index and were scanned; `rins data index` keeps one", pattern,
                 (long long)wds->scanned);
    if (compressed > CACHE_BYTES)
        rins_log(RINS_LOG_WARN,
                 "'%s': %.1f GB of compressed shards do not fit the cache of 1 GB, so samples in random order are "
                 "slow; `rins data pack` makes plain shards",
                 pattern, (double)compressed / 1e9);
    return name_classes(source, wds);
}
