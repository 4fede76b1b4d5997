#define _GNU_SOURCE
#include "eval/labelled_set.h"

#include "eval/embedding_cache.h"
#include "eval/eval_rounds.h"
#include "eval/lines.h"
#include "eval/source_pixels.h"
#include "src/base/log.h"
#include "src/base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void rins_labelled_set_free(RinsLabelledSet *set) {
    free(set->rows), free(set->labels), free(set->first_bad);
    rins_strings_free(&set->names);
    *set = (RinsLabelledSet){0};
}

/* State of the file that a key lies in: the key itself, or what stands before one of its ':'. `last` holds
   the file of the sample before, as a shard's samples come one after the other. */
static void stat_file(const char *key, char **last, struct stat *info) {
    const size_t n = *last ? strlen(*last) : 0;
    if (n && !strncmp(key, *last, n) && key[n] == ':') return;
    char *path = strdup(key);
    memset(info, 0, sizeof *info);
    while (path && stat(path, info) != 0) {
        char *colon = strrchr(path, ':');
        memset(info, 0, sizeof *info);
        if (!colon) break;
        *colon = 0;
    }
    free(*last);
    *last = path;
}

/* Labels of all samples, -1: none; and a hash of what their embeddings depend on. */
static RinsStatus read_labels(RinsSource *source, int *labels, uint64_t *hash) {
    RinsSample sample = {0};
    RinsStatus status = RINS_OK;
    struct stat info = {0};
    char *last = NULL;
    for (int64_t i = 0; i < rins_source_count(source) && status == RINS_OK; i++) {
        RinsBadCause cause;
        status = rins_source_read_parts(source, i, RINS_SAMPLE_LABEL, &sample, &cause);
        labels[i] = status == RINS_OK ? sample.label : -1;
        if (status != RINS_OK && cause != RINS_BAD_NONE) status = RINS_OK;
        if (!sample.key) continue;
        stat_file(sample.key, &last, &info);
        const int64_t facts[] = {info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
        *hash = rins_hash_bytes(sample.key, strlen(sample.key) + 1, *hash);
        *hash = rins_hash_bytes(facts, sizeof facts, *hash);
    }
    free(last);
    rins_sample_free(&sample);
    return status;
}

enum {
    READING = 2
}; /* raised where the same files would give other rows; from 2 on a bad caption does not make one NaN */

static RinsStatus model_hash(const RinsEvalModel *em, uint64_t *hash) {
    RinsRounds rounds;
    RINS_TRY(rins_resolve_rounds(rins_model_config(em->model), em->rounds, &rounds));
    const int64_t facts[] = {READING, rounds.image, em->precision, em->owned_dev->cpu.level, rins_eval_model_dim(em)};
    *hash = rins_hash_bytes(facts, sizeof facts, RINS_HASH_BASIS);
    return rins_cache_hash_model(em->owned_dir, hash);
}

/* Rows of all samples; those of bad ones are NaN. */
static RinsStatus embed(RinsLabelledSet *set, RinsEvalModel *em, RinsSource *source) {
    RinsSourcePixels pixels = {source, em->pp, NULL, NULL};
    const int64_t total = rins_source_count(source);
    RinsBadCause *causes = calloc((size_t)total, sizeof *causes);
    set->rows = malloc((size_t)(total * set->dim) * sizeof *set->rows);
    const RinsStatus status =
        set->rows && causes
            ? rins_embed_images(em, rins_source_pixels, &pixels, 0, total, true, set->rows, causes, &set->first_bad)
            : RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld embeddings", (long long)total);
    free(causes);
    return status;
}

/* Bad and unlabelled samples go out. */
static void keep_usable(RinsLabelledSet *set, int64_t total) {
    for (int64_t i = 0; i < total; i++) {
        const float *row = set->rows + i * set->dim;
        bool finite = true;
        for (int64_t k = 0; k < set->dim; k++) finite &= isfinite(row[k]) != 0;
        set->bad += !finite;
        set->unlabelled += finite && set->labels[i] < 0;
        if (!finite || set->labels[i] < 0) continue;
        memmove(set->rows + set->n * set->dim, row, (size_t)set->dim * sizeof *row);
        set->labels[set->n++] = set->labels[i];
    }
}

static RinsStatus open_source(RinsLabelledSet *set, RinsSource **source, const char *spec) {
    RINS_TRY(rins_source_open(source, spec));
    const int classes = rins_source_classes(*source);
    if (classes == 0)
        return RINS_FAIL(RINS_ERR_FORMAT, "'%s' has no classes: a folder per class is wanted, or shards with .cls",
                         spec);
    for (int c = 0; c < classes; c++) RINS_TRY(rins_strings_add(&set->names, rins_source_class_name(*source, c)));
    set->labels = malloc((size_t)rins_source_count(*source) * sizeof *set->labels);
    return set->labels ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory for the labels of '%s'", spec);
}

RinsStatus rins_labelled_set_open(RinsLabelledSet *set, RinsEvalModel *em, const char *spec, bool use_cache) {
    RinsSource *source = NULL;
    RinsStatus status = RINS_OK;
    uint64_t hash = 0;
    *set = (RinsLabelledSet){.dim = rins_eval_model_dim(em)};
    use_cache = use_cache && em->owned_dir;
    RINS_TRY_DONE(open_source(set, &source, spec));
    if (use_cache) RINS_TRY_DONE(model_hash(em, &hash));
    RINS_TRY_DONE(read_labels(source, set->labels, &hash));
    const int64_t total = rins_source_count(source);
    if (use_cache && rins_cache_load("set", hash, total, set->dim, &set->rows)) {
        rins_log(RINS_LOG_INFO, "'%s': embeddings kept from before", spec);
    } else {
        RINS_TRY_DONE(embed(set, em, source));
        if (use_cache) rins_cache_store("set", hash, set->rows, total, set->dim);
    }
    keep_usable(set, total);
    if (set->n == 0)
        status = RINS_FAIL(RINS_ERR_FORMAT, "'%s' has no usable image with a label: %lld bad, %lld without a label%s%s",
                           spec, (long long)set->bad, (long long)set->unlabelled, set->first_bad ? "; the first: " : "",
                           set->first_bad ? set->first_bad : "");
    else if (set->bad)
        rins_log(RINS_LOG_WARN, "'%s': %lld of %lld images are bad and left out%s%s", spec, (long long)set->bad,
                 (long long)total, set->first_bad ? "; the first: " : "", set->first_bad ? set->first_bad : "");
done:
    rins_source_free(source);
    return status;
}
