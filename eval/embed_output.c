#define _GNU_SOURCE
#include "eval/embed_output.h"

#include "data/source.h"
#include "eval/embed_journal.h"
#include "src/base/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *beside(const RinsEmbedOutput *output, const char *ending) {
    char *path = NULL;
    return asprintf(&path, "%s%s", output->stem, ending) < 0 ? NULL : path;
}

char *rins_embed_shard_path(const RinsEmbedOutput *output, int64_t k) {
    char *path = NULL;
    if (output->shard_size == 0) return strdup(output->path);
    return asprintf(&path, "%s-%05lld.npy", output->stem, (long long)k) < 0 ? NULL : path;
}

static RinsStatus no_memory(const RinsEmbedOutput *output) {
    return RINS_FAIL(RINS_ERR_MEMORY, "no memory to write '%s'", output->path);
}

/* Opens a list: with shards for appending at `bytes`, which it is cut back to. */
static RinsStatus open_list(const RinsEmbedOutput *output, const char *ending, int64_t bytes, RinsEmbedLines *list) {
    char *path = beside(output, ending);
    struct stat info;
    RinsStatus status = RINS_OK;
    if (!path) return no_memory(output);
    if (output->shard_size == 0) {
        status = rins_atomic_open(&list->whole, path);
        list->stream = list->whole.stream;
    } else if (bytes > 0 && (stat(path, &info) != 0 || info.st_size < bytes)) {
        status = RINS_FAIL(RINS_ERR_FORMAT, "'%s' is shorter than '%s.json' says; remove %s and start again", path,
                           output->stem, output->path);
    } else if ((list->stream = fopen(path, "ae")) == NULL || ftruncate(fileno(list->stream), (off_t)bytes) != 0) {
        status = RINS_FAIL(RINS_ERR_IO, "cannot write '%s': %s", path, strerror(errno));
    }
    free(path);
    return status;
}

/* A list that an earlier run left, where this one has none. */
static RinsStatus remove_stale(const RinsEmbedOutput *output, const char *ending) {
    char *path = beside(output, ending);
    if (!path) return no_memory(output);
    unlink(path);
    free(path);
    return RINS_OK;
}

/* A list of bad rows is there only where there are bad rows. */
static RinsStatus open_lists(RinsEmbedOutput *output) {
    const RinsEmbedShard *last = output->n_shards ? &output->shards[output->n_shards - 1] : NULL;
    if (output->with_keys)
        RINS_TRY(open_list(output, ".keys.txt", last ? last->keys_bytes : 0, &output->keys));
    else if (output->shard_size > 0)
        RINS_TRY(remove_stale(output, ".keys.txt"));
    if (last && last->bad_bytes > 0) return open_list(output, ".bad.jsonl", last->bad_bytes, &output->bad);
    return output->shard_size > 0 ? remove_stale(output, ".bad.jsonl") : RINS_OK;
}

/* Size and place of the shards that the journal names. */
static RinsStatus check_shards(RinsEmbedOutput *output) {
    for (int64_t k = 0; k < output->n_shards; k++) {
        const RinsEmbedShard *shard = &output->shards[k];
        const bool last = k + 1 == output->n_shards;
        if (shard->rows > output->shard_size || (shard->rows < output->shard_size && !last))
            return RINS_FAIL(RINS_ERR_FORMAT, "'%s.json' names a shard of %lld rows among shards of %lld", output->stem,
                             (long long)shard->rows, (long long)output->shard_size);
        char *path = rins_embed_shard_path(output, k);
        if (!path) return no_memory(output);
        struct stat info;
        const int64_t bytes = RINS_NPY_HEADER + shard->rows * output->dim * (int64_t)sizeof(float);
        RinsStatus status = RINS_OK;
        if (stat(path, &info) != 0 || info.st_size != bytes)
            status =
                RINS_FAIL(RINS_ERR_FORMAT,
                          "'%s' is not there or not %lld bytes long, as '%s.json' says; remove both to start again",
                          path, (long long)bytes, output->stem);
        free(path);
        RINS_TRY(status);
        output->kept += shard->rows;
        output->bad_rows += shard->bad;
        output->input_ended = shard->rows < output->shard_size;
    }
    output->rows = output->kept;
    return RINS_OK;
}

static RinsStatus check_nothing_in_the_way(const RinsEmbedOutput *output) {
    char *first = rins_embed_shard_path(output, 0);
    if (!first) return no_memory(output);
    const RinsStatus status = rins_path_is_file(first)
                                  ? RINS_FAIL(RINS_ERR_ARG,
                                              "'%s' is there, but no '%s.json' that says what it holds: "
                                              "remove the shards or choose another --out",
                                              first, output->stem)
                                  : RINS_OK;
    free(first);
    return status;
}

/* Two processes would write over each other's rows and mix their lists. */
static RinsStatus take_lock(RinsEmbedOutput *output) {
    char *path = beside(output, ".lock");
    if (!path) return no_memory(output);
    const RinsStatus status = rins_lock_take(path, &output->lock);
    if (status == RINS_OK)
        output->lock_path = path;
    else
        free(path);
    return status;
}

/* --out itself is looked at with the command line; these names are derived from it, and X.json is read before it is
   written. */
static RinsStatus check_not_input(const RinsEmbedOutput *output, const char *input) {
    static const char *const endings[] = {".bad.jsonl", ".keys.txt", ".lock"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *path = beside(output, endings[i]);
        if (!path) return no_memory(output);
        const bool same = rins_path_same_file(path, rins_source_path(input));
        free(path);
        if (same)
            return RINS_FAIL(RINS_ERR_ARG, "'%s', the input, has the name of a file beside '%s': choose another --out",
                             input, output->path);
    }
    return RINS_OK;
}

RinsStatus rins_embed_output_open(RinsEmbedOutput *output, const char *path, int64_t shard_size, bool with_keys,
                                  int64_t dim, char *identity, const char *input, const char *model) {
    const size_t n = strlen(path);
    *output =
        (RinsEmbedOutput){.identity = identity, .input = input, .model = model, .dim = dim, .shard_size = shard_size};
    output->with_keys = with_keys;
    output->path = strdup(path);
    output->stem = strndup(path, n > 4 && !strcmp(path + n - 4, ".npy") ? n - 4 : n);
    if (!output->path || !output->stem) return no_memory(output);
    RINS_TRY(rins_output_check(path, false));
    RINS_TRY(check_not_input(output, input));
    RINS_TRY(take_lock(output));
    if (shard_size > 0) {
        bool found = false;
        RINS_TRY(rins_embed_journal_read(output, &found));
        if (found)
            RINS_TRY(check_shards(output));
        else
            RINS_TRY(check_nothing_in_the_way(output));
    }
    RINS_TRY(open_lists(output));
    return shard_size > 0 ? rins_embed_journal_write(output, false) : RINS_OK;
}

RinsStatus rins_embed_output_check(const RinsEmbedOutput *output, int64_t rows, uint64_t input_hash) {
    if (rows > output->kept || rows == 0) return RINS_OK;
    const int64_t k = (rows - 1) / output->shard_size;
    if (rows != k * output->shard_size + output->shards[k].rows || output->shards[k].input_hash == input_hash)
        return RINS_OK;
    return RINS_FAIL(RINS_ERR_MISMATCH,
                     "'%s' has changed: rows %lld to %lld are not those of shard %lld of '%s.json'; give the "
                     "same list, or another --out",
                     output->input, (long long)(k * output->shard_size), (long long)rows - 1, (long long)k,
                     output->stem);
}

static RinsStatus begin_file(RinsEmbedOutput *output) {
    char *path = rins_embed_shard_path(output, output->n_shards);
    if (!path) return no_memory(output);
    const RinsStatus status = rins_npy_begin(&output->npy, path, output->dim);
    free(path);
    output->open = status == RINS_OK;
    output->now = (RinsEmbedShard){0};
    return status;
}

/* With shards *bytes is how long the list is now. */
static RinsStatus sync_list(const RinsEmbedOutput *output, const char *ending, RinsEmbedLines *list, int64_t *bytes) {
    *bytes = 0;
    if (output->shard_size == 0) {
        if (!list->stream) return remove_stale(output, ending);
        list->stream = NULL;
        return rins_atomic_commit(&list->whole);
    }
    if (!list->stream) return RINS_OK;
    if (fflush(list->stream) != 0 || ferror(list->stream) || (fsync(fileno(list->stream)) != 0 && errno != EINVAL))
        return RINS_FAIL(RINS_ERR_IO, "cannot write the lists beside '%s': %s", output->path, strerror(errno));
    struct stat info;
    if (fstat(fileno(list->stream), &info) != 0)
        return RINS_FAIL(RINS_ERR_IO, "cannot measure the lists beside '%s': %s", output->path, strerror(errno));
    *bytes = info.st_size;
    return RINS_OK;
}

/* The lists first, then the rows, then the journal: what it names is whole. */
static RinsStatus end_file(RinsEmbedOutput *output, uint64_t input_hash) {
    output->now.input_hash = input_hash;
    RINS_TRY(sync_list(output, ".bad.jsonl", &output->bad, &output->now.bad_bytes));
    RINS_TRY(sync_list(output, ".keys.txt", &output->keys, &output->now.keys_bytes));
    RINS_TRY(rins_npy_commit(&output->npy));
    output->open = false;
    RINS_TRY(rins_embed_shard_add(output, &output->now));
    return output->shard_size > 0 ? rins_embed_journal_write(output, false) : RINS_OK;
}

static RinsStatus add_fault(RinsEmbedOutput *output, const char *name, const RinsEmbedFault *fault) {
    if (!output->bad.stream) RINS_TRY(open_list(output, ".bad.jsonl", 0, &output->bad));
    RinsJsonWriter json = {0};
    rins_json_open(&json, NULL, '{');
    rins_json_int(&json, "row", output->rows);
    rins_json_string(&json, "input", name);
    rins_json_string(&json, "cause", rins_bad_names[fault->cause]);
    rins_json_string(&json, "message", fault->message);
    rins_json_close(&json);
    const RinsStatus status = rins_json_flush(&json, output->bad.stream);
    rins_json_writer_free(&json);
    output->now.bad++;
    output->bad_rows++;
    return status;
}

static void add_key(FILE *keys, const char *key) {
    for (; *key; key++) {
        if (*key == '\n')
            fputs("\\n", keys);
        else
            putc(*key, keys);
    }
    putc('\n', keys);
}

RinsStatus rins_embed_output_row(RinsEmbedOutput *output, const float *row, const char *name,
                                 const RinsEmbedFault *fault, uint64_t input_hash) {
    if (output->input_ended)
        return RINS_FAIL(
            RINS_ERR_MISMATCH,
            "'%s' has changed: it has more than the %lld rows that '%s.json' ends with; choose another --out",
            output->input, (long long)output->kept, output->stem);
    if (!output->open) RINS_TRY(begin_file(output));
    if (output->keys.stream) add_key(output->keys.stream, name);
    if (fault) RINS_TRY(add_fault(output, name, fault));
    rins_npy_rows(&output->npy, row, 1);
    output->rows++;
    output->now.rows++;
    return output->now.rows == output->shard_size ? end_file(output, input_hash) : RINS_OK;
}

RinsStatus rins_embed_output_commit(RinsEmbedOutput *output, uint64_t input_hash) {
    if (!output->open && output->n_shards == 0) RINS_TRY(begin_file(output));
    if (output->open) RINS_TRY(end_file(output, input_hash));
    return output->shard_size > 0 ? rins_embed_journal_write(output, true) : RINS_OK;
}

static void close_list(RinsEmbedLines *list) {
    if (list->stream && !list->whole.stream) fclose(list->stream);
    rins_atomic_abort(&list->whole);
}

void rins_embed_output_close(RinsEmbedOutput *output) {
    rins_npy_abort(&output->npy);
    close_list(&output->bad), close_list(&output->keys);
    if (output->lock_path) rins_lock_give(output->lock_path, output->lock);
    free(output->path), free(output->stem), free(output->identity), free(output->shards);
    free(output->lock_path);
    *output = (RinsEmbedOutput){0};
}
