#define _GNU_SOURCE
#include "eval/embed_journal.h"

#include "src/base/file.h"
#include "src/base/json.h"
#include "src/base/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_JOURNAL = 256 << 20 };
static const char format_name[] = "rins embeddings 1";

static char *journal_path(const RinsEmbedOutput *output) {
    char *path = NULL;
    return asprintf(&path, "%s.json", output->stem) < 0 ? NULL : path;
}

RinsStatus rins_embed_shard_add(RinsEmbedOutput *output, const RinsEmbedShard *shard) {
    RinsEmbedShard *grown = rins_list_grow(output->shards, (size_t)output->n_shards, sizeof *grown);
    if (!grown) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld shards", (long long)output->n_shards + 1);
    output->shards = grown;
    output->shards[output->n_shards++] = *shard;
    return RINS_OK;
}

/* Names the first thing that is not as it was. */
static RinsStatus compare_identity(const json_t *was, const json_t *is, const char *path) {
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)is, key, value) {
        const json_t *before = json_object_get(was, key);
        if (json_equal(before, value)) continue;
        char *a = json_dumps(before, JSON_ENCODE_ANY), *b = json_dumps(value, JSON_ENCODE_ANY);
        const RinsStatus status = RINS_FAIL(RINS_ERR_MISMATCH,
                                            "'%s' was begun with %s %s, this is %s: give the same arguments, "
                                            "model and list to go on, or another --out",
                                            path, key, a ? a : "none", b ? b : "none");
        free(a), free(b);
        return status;
    }
    return RINS_OK;
}

static RinsStatus read_shards(RinsEmbedOutput *output, const json_t *root, const char *path) {
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(root, "shards"), i, item) {
        json_int_t rows, bad, bad_bytes, keys_bytes;
        const char *hash;
        if (json_unpack((json_t *)item, "{s:I, s:I, s:s, s:I, s:I}", "rows", &rows, "bad", &bad, "input_hash", &hash,
                        "bad_bytes", &bad_bytes, "keys_bytes", &keys_bytes) != 0 ||
            rows < 0 || bad < 0 || bad_bytes < 0 || keys_bytes < 0)
            return RINS_FAIL(RINS_ERR_FORMAT, "'%s': shard %zu is not described as it should be", path, i);
        const RinsEmbedShard shard = {rows, bad, strtoull(hash, NULL, 16), bad_bytes, keys_bytes};
        RINS_TRY(rins_embed_shard_add(output, &shard));
    }
    return RINS_OK;
}

RinsStatus rins_embed_journal_read(RinsEmbedOutput *output, bool *found) {
    json_t *root = NULL, *identity = NULL;
    RinsStatus status = RINS_OK;
    char *path = journal_path(output);
    *found = path && rins_path_is_file(path);
    if (!path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for '%s'", output->path);
    if (!*found) goto done;
    RINS_TRY_DONE(rins_json_read(path, MAX_JOURNAL, &root));
    const char *format = json_string_value(json_object_get(root, "format"));
    if (!format || strcmp(format, format_name) != 0) {
        status = RINS_FAIL(RINS_ERR_FORMAT, "'%s' is not a journal of rins embed: choose another --out", path);
        goto done;
    }
    RINS_TRY_DONE(rins_json_parse(output->identity, strlen(output->identity), "identity", &identity));
    RINS_TRY_DONE(compare_identity(json_object_get(root, "made"), identity, path));
    status = read_shards(output, root, path);
done:
    json_decref(root);
    json_decref(identity);
    free(path);
    return status;
}

static RinsStatus put_shards(const RinsEmbedOutput *output, FILE *out) {
    RinsJsonWriter json = {0};
    RinsStatus status = RINS_OK;
    for (int64_t k = 0; k < output->n_shards && status == RINS_OK; k++) {
        const RinsEmbedShard *shard = &output->shards[k];
        char *path = rins_embed_shard_path(output, k), hash[17];
        const char *slash = path ? strrchr(path, '/') : NULL;
        snprintf(hash, sizeof hash, "%016llx", (unsigned long long)shard->input_hash);
        rins_json_open(&json, NULL, '{');
        rins_json_string(&json, "file", slash ? slash + 1 : path);
        rins_json_int(&json, "rows", shard->rows);
        rins_json_int(&json, "bad", shard->bad);
        rins_json_string(&json, "input_hash", hash);
        rins_json_int(&json, "bad_bytes", shard->bad_bytes);
        rins_json_int(&json, "keys_bytes", shard->keys_bytes);
        rins_json_close(&json);
        free(path);
        char *text = NULL;
        status = rins_json_take(&json, &text);
        if (status == RINS_OK) fprintf(out, "%s\n    %s", k ? "," : "", text);
        free(text);
    }
    rins_json_writer_free(&json);
    return status;
}

RinsStatus rins_embed_journal_write(const RinsEmbedOutput *output, bool complete) {
    RinsAtomicFile file = {0};
    RinsJsonWriter names = {0};
    char *path = journal_path(output), *text = NULL;
    int64_t rows = 0, bad = 0;
    RinsStatus status = path ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory for '%s'", output->path);
    if (status != RINS_OK) goto done;
    for (int64_t k = 0; k < output->n_shards; k++) rows += output->shards[k].rows, bad += output->shards[k].bad;
    rins_json_open(&names, NULL, '{');
    rins_json_string(&names, "model", output->model);
    rins_json_string(&names, "input", output->input);
    rins_json_close(&names);
    RINS_TRY_DONE(rins_json_take(&names, &text));
    RINS_TRY_DONE(rins_atomic_open(&file, path));
    fprintf(file.stream, "{\n  \"format\": \"%s\",\n  \"from\": %s,\n  \"made\": %s,\n", format_name, text,
            output->identity);
    fprintf(file.stream, "  \"rows\": %lld,\n  \"dim\": %lld,\n  \"bad\": %lld,\n  \"complete\": %s,\n  \"shards\": [",
            (long long)rows, (long long)output->dim, (long long)bad, complete ? "true" : "false");
    RINS_TRY_DONE(put_shards(output, file.stream));
    fputs(output->n_shards ? "\n  ]\n}\n" : "]\n}\n", file.stream);
    status = rins_atomic_commit(&file);
done:
    rins_atomic_abort(&file);
    rins_json_writer_free(&names);
    free(path), free(text);
    return status;
}
