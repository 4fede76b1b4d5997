#define _GNU_SOURCE
#include "eval/image_index.h"

#include "eval/embed_stream.h"
#include "eval/embedding_cache.h"
#include "eval/lines.h"
#include "eval/npy.h"
#include "eval/ranking.h"
#include "eval/scores.h"
#include "eval/source_pixels.h"
#include "src/base/rng.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { STAMP = 80 };

/* A folder being read and those above it: a link back to one of them is not followed. */
typedef struct Folder {
    const struct Folder *above;
    dev_t dev;
    ino_t ino;
} Folder;

static bool is_above(const Folder *folder, const struct stat *info) {
    for (; folder; folder = folder->above)
        if (folder->dev == info->st_dev && folder->ino == info->st_ino) return true;
    return false;
}

static RinsStatus find_under(RinsStringList *paths, const char *dir, const Folder *above) {
    struct stat info;
    DIR *handle = opendir(dir);
    if (!handle || fstat(dirfd(handle), &info) != 0) {
        if (handle) closedir(handle);
        return RINS_FAIL(RINS_ERR_IO, "cannot open folder '%s': %s", dir, strerror(errno));
    }
    const Folder here = {above, info.st_dev, info.st_ino};
    RinsStatus status = RINS_OK;
    for (struct dirent *entry; status == RINS_OK && (entry = readdir(handle));) {
        if (entry->d_name[0] == '.' || strchr(entry->d_name, '\n')) continue;
        char *path = rins_path_join(dir, entry->d_name);
        if (!path)
            status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
        else if (stat(path, &info) != 0)
            status = RINS_OK; /* a dangling link */
        else if (S_ISDIR(info.st_mode))
            status = is_above(&here, &info) ? RINS_OK : find_under(paths, path, &here);
        else if (S_ISREG(info.st_mode) && rins_image_ending(path))
            status = rins_strings_add(paths, path);
        free(path);
    }
    closedir(handle);
    return status;
}

RinsStatus rins_find_images(RinsStringList *paths, const char *dir) {
    RINS_TRY(find_under(paths, dir, NULL));
    rins_strings_sort(paths, 0);
    return RINS_OK;
}

/* What tells one state of a file from another. */
static void stamp_of(const char *path, char stamp[STAMP]) {
    struct stat info;
    if (stat(path, &info) != 0) memset(&info, 0, sizeof info);
    snprintf(stamp, STAMP, "%lld\t%lld\t%ld", (long long)info.st_size, (long long)info.st_mtim.tv_sec,
             (long)info.st_mtim.tv_nsec);
}

/* The cache: embeddings as .npy, and beside it a list whose first line is the hash of the embeddings that
   it belongs to and whose others are "size <tab> seconds <tab> nanoseconds <tab> path", sorted by path. */
typedef struct Kept {
    RinsStringList lines; /* without the first */
    float *rows;
} Kept;

static uint64_t rows_hash(const float *rows, int64_t n, int64_t dim) {
    return rins_hash_bytes(rows, (uint64_t)(n * dim) * sizeof *rows, RINS_HASH_BASIS);
}

static void kept_free(Kept *kept) {
    rins_strings_free(&kept->lines);
    free(kept->rows);
    *kept = (Kept){0};
}

static void kept_load(Kept *kept, uint64_t hash, int64_t dim) {
    char *path = rins_cache_path("images", hash, ".tsv");
    RinsStringList lines = {0};
    const bool read = path && rins_path_is_file(path) && rins_lines_read(&lines, path) == RINS_OK && lines.n > 1;
    const int64_t n = read ? (int64_t)lines.n - 1 : 0;
    free(path);
    if (read && rins_cache_load("images", hash, n, dim, &kept->rows) &&
        strtoull(lines.items[0], NULL, 16) == rows_hash(kept->rows, n, dim)) {
        free(lines.items[0]);
        memmove(lines.items, lines.items + 1, (size_t)n * sizeof *lines.items);
        lines.n--;
        kept->lines = lines;
        return;
    }
    rins_strings_free(&lines);
    kept_free(kept);
}

static void kept_store(const RinsImageIndex *index, uint64_t hash) {
    char *path = rins_cache_path("images", hash, ".tsv");
    RinsAtomicFile file = {0};
    const int64_t n = (int64_t)index->paths.n;
    rins_cache_store("images", hash, index->rows, n, index->dim);
    if (path && rins_atomic_open(&file, path) == RINS_OK) {
        fprintf(file.stream, "%016llx\n", (unsigned long long)rows_hash(index->rows, n, index->dim));
        for (int64_t i = 0; i < n; i++) {
            char stamp[STAMP];
            stamp_of(index->paths.items[i], stamp);
            fprintf(file.stream, "%s\t%s\n", stamp, index->paths.items[i]);
        }
        (void)rins_atomic_commit(&file); /* a list that is not there is a cache that is not used */
    }
    rins_atomic_abort(&file);
    free(path);
}

static const char *path_of_line(const char *line) {
    for (int i = 0; i < 3 && line; i++) line = (line = strchr(line, '\t')) ? line + 1 : NULL;
    return line ? line : "";
}

/* Row of a file in the cache, NULL where it is not there or has changed. Both lists are sorted: *at only
   moves on. */
static const float *kept_row(const Kept *kept, size_t *at, const char *path, int64_t dim) {
    while (*at < kept->lines.n && strcmp(path_of_line(kept->lines.items[*at]), path) < 0) (*at)++;
    if (*at >= kept->lines.n || strcmp(path_of_line(kept->lines.items[*at]), path) != 0) return NULL;
    char stamp[STAMP];
    stamp_of(path, stamp);
    const size_t n = strlen(stamp);
    const char *line = kept->lines.items[*at];
    return !strncmp(line, stamp, n) && line[n] == '\t' ? kept->rows + (int64_t)*at * dim : NULL;
}

/* Files that have no row yet. */
typedef struct Wanted {
    RinsImageIndex *index;
    const RinsPp *pp;
    const int64_t *places; /* [fresh] in index->paths */
} Wanted;

static RinsStatus wanted_pixels(void *user, int64_t i, uint8_t *pixels, RinsBadCause *cause) {
    const Wanted *wanted = user;
    RinsPathPixels from = {wanted->index->paths.items, wanted->pp};
    return rins_path_pixels(&from, wanted->places[i], pixels, cause);
}

static RinsStatus take_wanted(void *user, RinsEvalModel *em, const RinsEmbedBatch *batch) {
    const Wanted *wanted = user;
    RinsImageIndex *index = wanted->index;
    float *rows = malloc((size_t)(batch->n * index->dim) * sizeof *rows);
    if (!rows) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld images", (long long)batch->n);
    const RinsStatus status = rins_embed_batch(em, batch, true, rows);
    for (int64_t i = 0; status == RINS_OK && i < batch->n; i++) {
        memcpy(index->rows + wanted->places[batch->first + i] * index->dim, rows + i * index->dim,
               (size_t)index->dim * sizeof *rows);
        if (batch->messages[i] && !index->first_bad) index->first_bad = strdup(batch->messages[i]);
    }
    free(rows);
    return status;
}

static RinsStatus embed_wanted(RinsImageIndex *index, RinsEvalModel *em, const int64_t *places) {
    Wanted wanted = {index, em->pp, places};
    const RinsEmbedJob job = {.pixels = wanted_pixels,
                              .take = take_wanted,
                              .user = &wanted,
                              .end = index->fresh,
                              .what = index->fresh ? "images" : NULL,
                              .total = index->fresh};
    return rins_embed_stream(em, &job);
}

static RinsStatus index_hash(const RinsEvalModel *em, const char *dir, uint64_t *hash) {
    const int64_t facts[] = {em->rounds.image, em->precision, em->owned_dev->cpu.level};
    char *real = realpath(dir, NULL);
    *hash = rins_hash_bytes(facts, sizeof facts, rins_hash_str(real ? real : dir));
    *hash = rins_hash_bytes(dir, strlen(dir), *hash); /* paths are kept as they were given */
    free(real);
    return rins_cache_hash_model(em->owned_dir, hash);
}

RinsStatus rins_image_index_open(RinsImageIndex *index, RinsEvalModel *em, const char *dir, bool use_cache) {
    Kept kept = {0};
    int64_t *wanted = NULL;
    uint64_t hash = 0;
    RinsStatus status = RINS_OK;
    *index = (RinsImageIndex){.dim = rins_eval_model_dim(em)};
    RINS_TRY_DONE(rins_find_images(&index->paths, dir));
    const int64_t n = (int64_t)index->paths.n;
    if (n == 0) {
        status = RINS_FAIL(RINS_ERR_FORMAT, "no .jpg, .jpeg, .png or .webp file under '%s'", dir);
        goto done;
    }
    index->rows = malloc((size_t)(n * index->dim) * sizeof *index->rows);
    wanted = malloc((size_t)n * sizeof *wanted);
    if (!index->rows || !wanted) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld images", (long long)n);
        goto done;
    }
    use_cache = use_cache && em->owned_dir;
    if (use_cache) RINS_TRY_DONE(index_hash(em, dir, &hash));
    if (use_cache) kept_load(&kept, hash, index->dim);
    size_t at = 0;
    for (int64_t i = 0; i < n; i++) {
        const float *row = kept.rows ? kept_row(&kept, &at, index->paths.items[i], index->dim) : NULL;
        if (row)
            memcpy(index->rows + i * index->dim, row, (size_t)index->dim * sizeof *row);
        else
            wanted[index->fresh++] = i;
    }
    RINS_TRY_DONE(embed_wanted(index, em, wanted));
    for (int64_t i = 0; i < n; i++) index->bad += isnan(index->rows[i * index->dim]);
    if (use_cache && (index->fresh || kept.lines.n != index->paths.n)) kept_store(index, hash);
done:
    kept_free(&kept);
    free(wanted);
    if (status != RINS_OK) rins_image_index_free(index);
    return status;
}

void rins_image_index_free(RinsImageIndex *index) {
    rins_strings_free(&index->paths);
    free(index->rows), free(index->first_bad);
    *index = (RinsImageIndex){0};
}

RinsStatus rins_image_index_search(const RinsImageIndex *index, const float *query, int k, int64_t *top, float *scores,
                                   int *found) {
    const int64_t n = (int64_t)index->paths.n;
    float *all = malloc((size_t)n * sizeof *all);
    if (!all) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld scores", (long long)n);
    rins_scores(query, 1, index->rows, n, index->dim, all);
    *found = k < n ? k : (int)n;
    rins_top_k(all, n, *found, top);
    while (*found > 0 && isnan(all[top[*found - 1]])) (*found)--;
    for (int i = 0; i < *found; i++) scores[i] = all[top[i]];
    free(all);
    return RINS_OK;
}
