#define _GNU_SOURCE
#include "eval/embedding_cache.h"

#include "eval/npy.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/rng.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Not the trainer's own state, and no cache of anybody's. */
static int fixes_output(const struct dirent *entry) {
    const char *dot = strrchr(entry->d_name, '.');
    return dot && (!strcmp(dot, ".safetensors") || !strcmp(dot, ".json") || !strcmp(dot, ".model"));
}

/* Name, size and modification time; a file that is not there counts as its name alone. */
static void hash_file(const char *path, const char *name, uint64_t *hash) {
    struct stat info;
    *hash = rins_hash_bytes(name, strlen(name) + 1, *hash);
    if (stat(path, &info) != 0) return;
    const int64_t facts[] = {info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
    *hash = rins_hash_bytes(facts, sizeof facts, *hash);
}

RinsStatus rins_cache_hash_model(const RinsModelDir *model, uint64_t *hash) {
    if (model->tokenizer_path) hash_file(model->tokenizer_path, model->tokenizer_path, hash);
    if (rins_path_is_file(model->path)) { /* a checkpoint of one file */
        hash_file(model->path, model->path, hash);
        return RINS_OK;
    }
    const char *dir = model->path;
    struct dirent **entries = NULL;
    char *real = realpath(dir, NULL);
    const int n = real ? scandir(real, &entries, fixes_output, alphasort) : -1;
    RinsStatus status = n < 0 ? RINS_FAIL(RINS_ERR_IO, "cannot read '%s': %s", dir, strerror(errno)) : RINS_OK;
    if (real) *hash = rins_hash_bytes(real, strlen(real) + 1, *hash);
    for (int i = 0; i < n; i++) {
        char *path = rins_path_join(real, entries[i]->d_name);
        if (path) hash_file(path, entries[i]->d_name, hash);
        free(path), free(entries[i]);
    }
    free(entries), free(real);
    return status;
}

static char *cache_dir(void) {
    const char *own = getenv("RINS_CACHE_DIR"), *shared = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (own && *own) return strdup(own);
    if (shared && *shared) return rins_path_join(shared, "rins");
    return home && *home ? rins_path_join(home, ".cache/rins") : NULL;
}

char *rins_cache_path(const char *kind, uint64_t hash, const char *ending) {
    char name[128];
    snprintf(name, sizeof name, "%s-%016llx%s", kind, (unsigned long long)hash, ending);
    char *dir = cache_dir();
    char *path = dir ? rins_path_join(dir, name) : NULL;
    free(dir);
    return path;
}

bool rins_cache_load(const char *kind, uint64_t hash, int64_t rows, int64_t dim, float **data) {
    char *path = rins_cache_path(kind, hash, ".npy");
    int64_t have_rows = 0, have_dim = 0;
    *data = NULL;
    const bool read = path && rins_path_is_file(path) && rins_npy_read(path, data, &have_rows, &have_dim) == RINS_OK;
    free(path);
    if (read && have_rows == rows && have_dim == dim) return true;
    free(*data);
    *data = NULL;
    return false;
}

void rins_cache_store(const char *kind, uint64_t hash, const float *data, int64_t rows, int64_t dim) {
    char *path = rins_cache_path(kind, hash, ".npy"), *dir = cache_dir();
    RinsNpyWriter writer = {0};
    RinsStatus status = path && dir ? rins_mkdirs(dir) : RINS_ERR_IO;
    if (status == RINS_OK) status = rins_npy_begin(&writer, path, dim);
    if (status == RINS_OK) {
        rins_npy_rows(&writer, data, rows);
        status = rins_npy_commit(&writer);
    }
    if (status != RINS_OK && path) rins_log(RINS_LOG_DEBUG, "embeddings are not kept: %s", rins_last_error());
    rins_npy_abort(&writer);
    free(path), free(dir);
}
