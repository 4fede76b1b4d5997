#define _GNU_SOURCE
#include "data/tar_stream.h"

#include "data/gzip_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

enum { BUFFER = 2 * RINS_TAR_VIEW_MAX };

struct RinsTarStream {
    int fd;
    const char *memory; /* or this */
    uint64_t size;
    RinsGzip *gzip;          /* decompression only, */
    struct archive *archive; /* of zstd by libarchive's raw format; both NULL for a plain tar */
    uint64_t position;       /* decompressed bytes taken */
    bool ended, damaged;
    uint64_t start; /* buffer holds [start, start + held) */
    size_t held;
    char buffer[BUFFER];
};

RinsStatus rins_tar_open_memory(RinsTarStream **stream, const void *data, size_t size) {
    RinsTarStream *made = calloc(1, sizeof *made);
    *stream = made;
    if (!made) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to read a tar");
    made->fd = -1;
    made->memory = data;
    made->size = size;
    return RINS_OK;
}

static RinsStatus start_zstd(RinsTarStream *stream, const char *path) {
    struct archive_entry *entry;
    struct archive *archive = stream->archive = archive_read_new();
    if (!archive) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to read '%s'", path);
    if (archive_read_support_filter_zstd(archive) != ARCHIVE_OK ||
        archive_read_support_format_raw(archive) != ARCHIVE_OK)
        return RINS_FAIL(RINS_ERR_UNSUPPORTED, "this libarchive cannot read '%s': %s", path,
                         archive_error_string(archive));
    if (archive_read_open_fd(archive, stream->fd, RINS_TAR_VIEW_MAX) != ARCHIVE_OK ||
        archive_read_next_header(archive, &entry) != ARCHIVE_OK)
        stream->ended = stream->damaged = true;
    return RINS_OK;
}

RinsStatus rins_tar_open(RinsTarStream **stream, const char *path) {
    unsigned char magic[4] = {0};
    struct stat info;
    *stream = NULL;
    RINS_TRY(rins_tar_open_memory(stream, NULL, 0));
    RinsTarStream *made = *stream;
    made->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    RinsStatus status = RINS_OK;
    if (made->fd < 0) {
        status = RINS_FAIL(RINS_ERR_IO, "cannot open shard '%s': %s", path, strerror(errno));
    } else if (fstat(made->fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        status = RINS_FAIL(RINS_ERR_IO, "shard '%s' is not a regular file", path);
    } else {
        made->size = (uint64_t)info.st_size;
        const ssize_t got = pread(made->fd, magic, sizeof magic, 0);
        const bool gzip = got >= 2 && magic[0] == 0x1f && magic[1] == 0x8b;
        const bool zstd = got == 4 && !memcmp(magic, "\x28\xb5\x2f\xfd", 4);
        if (gzip || zstd) made->size = UINT64_MAX;
        if (gzip) status = rins_gzip_open(&made->gzip, made->fd);
        if (zstd) status = start_zstd(made, path);
    }
    if (status == RINS_OK) return RINS_OK;
    rins_tar_close(made);
    *stream = NULL;
    return status;
}

void rins_tar_close(RinsTarStream *stream) {
    if (!stream) return;
    if (stream->archive) archive_read_free(stream->archive);
    rins_gzip_close(stream->gzip);
    if (stream->fd >= 0) close(stream->fd);
    free(stream);
}

bool rins_tar_compressed(const RinsTarStream *stream) {
    return stream->archive || stream->gzip;
}
uint64_t rins_tar_size(const RinsTarStream *stream) {
    return stream->size;
}
bool rins_tar_damaged(const RinsTarStream *stream) {
    return stream->damaged;
}

/* Next decompressed bytes; 0 at the end. */
static size_t decompress(RinsTarStream *stream, char *to, size_t n) {
    if (stream->ended || stream->position >= RINS_MAX_TAR_BYTES) return 0;
    la_ssize_t got = 0;
    if (stream->gzip)
        got = (la_ssize_t)rins_gzip_read(stream->gzip, to, n, &stream->damaged);
    else if ((got = archive_read_data(stream->archive, to, n)) < 0)
        stream->damaged = true, got = 0;
    stream->ended = got == 0;
    stream->position += (uint64_t)got;
    return (size_t)got;
}

static size_t read_plain(const RinsTarStream *stream, uint64_t offset, char *to, size_t n) {
    if (offset >= stream->size) return 0;
    if (n > stream->size - offset) n = (size_t)(stream->size - offset);
    if (stream->memory) {
        memcpy(to, stream->memory + offset, n);
        return n;
    }
    size_t used = 0;
    while (used < n) {
        const ssize_t got = pread(stream->fd, to + used, n - used, (off_t)(offset + used));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        used += (size_t)got;
    }
    return used;
}

/* Decompresses and drops bytes up to offset. */
static void skip_to(RinsTarStream *stream, uint64_t offset) {
    while (stream->position < offset) {
        const uint64_t left = offset - stream->position;
        if (decompress(stream, stream->buffer, left < BUFFER ? (size_t)left : BUFFER) == 0) break;
    }
}

const char *rins_tar_view(RinsTarStream *stream, uint64_t offset, size_t n, size_t *got) {
    if (n > RINS_TAR_VIEW_MAX) n = RINS_TAR_VIEW_MAX;
    const bool inside = offset >= stream->start && offset - stream->start <= stream->held;
    if (inside) {
        const size_t at = (size_t)(offset - stream->start);
        if (stream->held - at < n && at > 0) {
            memmove(stream->buffer, stream->buffer + at, stream->held - at);
            stream->held -= at;
            stream->start = offset;
        }
    } else {
        if (rins_tar_compressed(stream)) skip_to(stream, offset);
        stream->start = offset;
        stream->held = 0;
        if (rins_tar_compressed(stream) && stream->position != offset) { /* ended before, or asked to go back */
            *got = 0;
            return stream->buffer;
        }
    }
    const size_t at = (size_t)(offset - stream->start);
    while (stream->held - at < n) {
        char *to = stream->buffer + stream->held;
        const size_t want = n - (stream->held - at);
        const size_t more = rins_tar_compressed(stream) ? decompress(stream, to, want)
                                                        : read_plain(stream, offset + (stream->held - at), to, want);
        if (more == 0) break;
        stream->held += more;
    }
    *got = stream->held - at < n ? stream->held - at : n;
    return stream->buffer + at;
}

size_t rins_tar_copy(RinsTarStream *stream, uint64_t offset, void *to, size_t n) {
    size_t used = 0;
    while (used < n) {
        size_t got;
        const char *bytes = rins_tar_view(stream, offset + used, n - used, &got);
        if (got == 0) break;
        memcpy((char *)to + used, bytes, got);
        used += got;
    }
    return used;
}
