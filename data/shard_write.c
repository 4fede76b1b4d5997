#define _GNU_SOURCE
#include "data/shard_write.h"

#include "src/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 512, RECORD = 20 * BLOCK }; /* a tar's length is a multiple of RECORD */

struct RinsShardWriter {
    char *dir, *prefix, *key;
    int64_t max_samples, max_bytes;
    RinsStatus (*begins)(void *user, const char *name);
    void *user;
    int64_t shards, samples; /* so far, this shard included */
    int64_t shard_samples, shard_bytes;
    RinsAtomicFile file;
};

/* Half-written shards of this name, which a killed run left: no reader takes them, and they can be large. */
static RinsStatus remove_partial(const char *dir, const char *prefix) {
    RinsStatus status = RINS_OK;
    const size_t n = strlen(prefix);
    DIR *folder = opendir(dir);
    if (!folder) return RINS_FAIL(RINS_ERR_IO, "cannot list '%s': %s", dir, strerror(errno));
    for (struct dirent *entry; status == RINS_OK && (entry = readdir(folder));) {
        const char *number = entry->d_name + n;
        if (strncmp(entry->d_name, prefix, n) != 0) continue;
        const size_t digits = strspn(number, "0123456789");
        if (digits < 5 || strcmp(number + digits, ".tar.partial") != 0) continue;
        if (unlinkat(dirfd(folder), entry->d_name, 0) != 0)
            status = RINS_FAIL(RINS_ERR_IO, "cannot remove '%s/%s': %s", dir, entry->d_name, strerror(errno));
    }
    closedir(folder);
    return status;
}

RinsStatus rins_shard_open(RinsShardWriter **writer, const RinsShardOptions *options) {
    *writer = NULL;
    if (options->max_samples < 0 || options->max_bytes < 0)
        return RINS_FAIL(RINS_ERR_ARG, "shards of %lld samples and %lld bytes: wanted 1 or more of each",
                         (long long)options->max_samples, (long long)options->max_bytes);
    RINS_TRY(rins_mkdirs(options->dir));
    RINS_TRY(remove_partial(options->dir, options->prefix ? options->prefix : ""));
    RinsShardWriter *made = calloc(1, sizeof *made);
    if (made) {
        made->dir = strdup(options->dir);
        made->prefix = strdup(options->prefix ? options->prefix : "");
        made->begins = options->begins;
        made->user = options->user;
        made->max_samples = options->max_samples > 0 ? options->max_samples : 10000;
        made->max_bytes = options->max_bytes > 0 ? options->max_bytes : 1000000000;
    }
    if (!made || !made->dir || !made->prefix) {
        rins_shard_abort(made);
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory to write shards");
    }
    *writer = made;
    return RINS_OK;
}

/* Does `key` come back as it is when a reader cuts the name at the first dot of its last part? */
static bool key_is_sound(const char *key) {
    const char *slash = strrchr(key, '/');
    const char *last = slash ? slash + 1 : key;
    if (!*last || strchr(last, '.') || key[0] == '/') return false;
    for (const char *at = key; (at = strstr(at, "..")); at += 2)
        if ((at == key || at[-1] == '/') && (at[2] == '/' || at[2] == 0)) return false;
    return true;
}

static void put_octal(char *field, size_t width, uint64_t value) {
    snprintf(field, width, "%0*llo", (int)width - 1, (unsigned long long)value);
}

static void write_header(RinsShardWriter *writer, const char *name, size_t name_size, const char *prefix,
                         size_t prefix_size, size_t size, char type) {
    char block[BLOCK] = {0};
    memcpy(block, name, name_size);
    put_octal(block + 100, 8, 0644);
    put_octal(block + 108, 8, 0);
    put_octal(block + 116, 8, 0);
    put_octal(block + 124, 12, size);
    put_octal(block + 136, 12, 0);
    memset(block + 148, ' ', 8);
    block[156] = type;
    memcpy(block + 257, "ustar\00000", 8);
    memcpy(block + 345, prefix, prefix_size);
    unsigned sum = 0;
    for (int i = 0; i < BLOCK; i++) sum += (unsigned char)block[i];
    snprintf(block + 148, 8, "%06o", sum);
    block[155] = ' ';
    fwrite(block, 1, BLOCK, writer->file.stream);
    writer->shard_bytes += BLOCK;
}

static void write_body(RinsShardWriter *writer, const void *data, size_t size) {
    static const char zeros[BLOCK];
    const size_t padding = (BLOCK - size % BLOCK) % BLOCK;
    if (size) fwrite(data, 1, size, writer->file.stream);
    fwrite(zeros, 1, padding, writer->file.stream);
    writer->shard_bytes += (int64_t)(size + padding);
}

/* A pax record "LEN path=NAME\n", where LEN counts its own digits. */
static RinsStatus write_pax_path(RinsShardWriter *writer, const char *name) {
    const size_t rest = strlen(" path=\n") + strlen(name);
    size_t length = rest + 1;
    for (size_t digits = 1, power = 10; length >= power; power *= 10) length = rest + ++digits;
    char *record = NULL;
    if (asprintf(&record, "%zu path=%s\n", length, name) < 0)
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory to write shards");
    write_header(writer, "pax", 3, "", 0, length, 'x');
    write_body(writer, record, length);
    free(record);
    return RINS_OK;
}

static RinsStatus write_member(RinsShardWriter *writer, const char *name, const void *data, size_t size) {
    const size_t length = strlen(name);
    size_t cut = 0; /* ustar: prefix (155), '/', name (100) */
    if (length > 100) {
        const char *slash = memchr(name + length - 101, '/', 101);
        cut = slash && slash - name <= 155 ? (size_t)(slash - name) : 0;
    }
    if (length > 100 && cut == 0) {
        RINS_TRY(write_pax_path(writer, name));
        write_header(writer, name, 100, "", 0, size, '0');
    } else {
        const size_t start = cut ? cut + 1 : 0;
        write_header(writer, name + start, length - start, name, cut, size, '0');
    }
    write_body(writer, data, size);
    return RINS_OK;
}

static RinsStatus finish_shard(RinsShardWriter *writer) {
    if (!writer->file.stream) return RINS_OK;
    static const char zeros[RECORD];
    const int64_t end = writer->shard_bytes + 2 * BLOCK;
    fwrite(zeros, 1, (size_t)((end + RECORD - 1) / RECORD * RECORD - writer->shard_bytes), writer->file.stream);
    return rins_atomic_commit(&writer->file);
}

/* Path of the shard behind the last one; NULL: no memory. */
static char *next_path(const RinsShardWriter *writer) {
    char *path = NULL;
    if (asprintf(&path, "%s/%s%05lld.tar", writer->dir, writer->prefix, (long long)writer->shards) < 0) return NULL;
    return path;
}

static RinsStatus begin_shard(RinsShardWriter *writer) {
    RINS_TRY(finish_shard(writer));
    char *path = next_path(writer);
    if (!path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to write shards");
    RinsStatus status = writer->begins ? writer->begins(writer->user, path + strlen(writer->dir) + 1) : RINS_OK;
    if (status == RINS_OK) status = rins_atomic_open(&writer->file, path);
    free(path);
    writer->shards += status == RINS_OK;
    writer->shard_samples = writer->shard_bytes = 0;
    return status;
}

RinsStatus rins_shard_add(RinsShardWriter *writer, const char *key, const char *ext, const void *data, size_t size) {
    if (!key_is_sound(key))
        return RINS_FAIL(RINS_ERR_ARG, "'%s' cannot be a sample's key: no empty, absolute, '..' or dotted names", key);
    if ((uint64_t)size >> 33) /* eleven octal digits */
        return RINS_FAIL(RINS_ERR_LIMIT, "'%s.%s' has %zu bytes, more than a tar member can hold", key, ext, size);
    if (!writer->key || strcmp(writer->key, key) != 0) {
        const bool full = writer->shard_samples >= writer->max_samples || writer->shard_bytes >= writer->max_bytes;
        if (!writer->file.stream || full) RINS_TRY(begin_shard(writer));
        char *copy = strdup(key);
        if (!copy) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to write shards");
        free(writer->key);
        writer->key = copy;
        writer->samples++;
        writer->shard_samples++;
    }
    char *name = NULL;
    if (asprintf(&name, "%s.%s", key, ext) < 0) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to write shards");
    const RinsStatus status = write_member(writer, name, data, size);
    free(name);
    return status;
}

/* A longer earlier set in the same folder would go on behind this one. */
static RinsStatus check_nothing_follows(const RinsShardWriter *writer) {
    char *path = next_path(writer);
    RinsStatus status = path ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory to write shards");
    if (path && rins_path_is_file(path))
        status =
            RINS_FAIL(RINS_ERR_MISMATCH,
                      "'%s' is left from an earlier, longer set: remove it and those behind it, or write to another "
                      "folder",
                      path);
    free(path);
    return status;
}

RinsStatus rins_shard_close(RinsShardWriter *writer, int64_t *n_shards, int64_t *n_samples) {
    RinsStatus status = finish_shard(writer);
    if (status == RINS_OK) status = check_nothing_follows(writer);
    if (n_shards) *n_shards = writer->shards;
    if (n_samples) *n_samples = writer->samples;
    rins_shard_abort(writer);
    return status;
}

void rins_shard_abort(RinsShardWriter *writer) {
    if (!writer) return;
    rins_atomic_abort(&writer->file);
    free(writer->dir);
    free(writer->prefix);
    free(writer->key);
    free(writer);
}
