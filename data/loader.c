#define _GNU_SOURCE
#include "data/loader.h"

#include "src/base/clock.h"

#include "data/slot_fill.h"
#include "data/work_ahead.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_WORKERS = RINS_AHEAD_MAX_WORKERS, MIN_RING = 3, MIN_BAD_READ = 100 };

/* One batch of the ring. Step k of this rank uses place k % n_ring. */
typedef struct Place {
    RinsBatch batch;
    RinsSlotResult *results; /* (batch) */
} Place;

struct RinsLoader {
    RinsLoaderOptions options;
    RinsFiller filler;
    RinsFillScratch scratch[MAX_WORKERS]; /* 0 also for the caller where there are no workers */
    Place *ring;
    int n_ring;
    FILE *log;
    int64_t read_total, bad_total;
    RinsStatus failed; /* sticky */
    char message[1024];
    bool handed_out;  /* the caller holds the batch before `step` */
    int64_t step;     /* the next to hand out */
    uint64_t *hashes; /* (batch) for counting duplicates */
    RinsAhead *ahead;
};

static int64_t first_slot(const RinsLoader *loader, int64_t step) {
    const RinsLoaderOptions *o = &loader->options;
    return o->first_slot + (step * o->world + o->rank) * o->batch;
}

/* Slots of this rank in a step: fewer at the end, 0 behind it. */
static int64_t step_size(const RinsLoader *loader, int64_t step) {
    const RinsLoaderOptions *o = &loader->options;
    if (o->end_slot <= 0) return o->batch;
    const int64_t left = o->end_slot - first_slot(loader, step);
    return left < 0 ? 0 : left < o->batch ? left : o->batch;
}

static void fill(void *user, int64_t step, int64_t i, int worker) {
    RinsLoader *loader = user;
    Place *place = &loader->ring[step % loader->n_ring];
    rins_slot_fill(&loader->filler, &loader->scratch[worker], first_slot(loader, step) + i, &place->batch, i,
                   &place->results[i]);
}

static RinsStatus make_place(Place *place, const RinsLoaderOptions *options) {
    const size_t n = (size_t)options->batch, size = (size_t)rins_pp_size(options->pp);
    RinsBatch *batch = &place->batch;
    batch->pixels = malloc(n * size * size * 3);
    batch->sample = calloc(n, sizeof *batch->sample);
    batch->crop_hash = calloc(n, sizeof *batch->crop_hash);
    batch->label = calloc(n, sizeof *batch->label);
    batch->ok = calloc(n, sizeof *batch->ok);
    place->results = calloc(n, sizeof *place->results);
    if (options->tokenize) batch->ids = calloc(n * (size_t)options->length, sizeof *batch->ids);
    if (options->tokenize) batch->text_hash = calloc(n, sizeof *batch->text_hash);
    if (!batch->pixels || !batch->sample || !batch->crop_hash || !batch->label || !batch->ok || !place->results ||
        (options->tokenize && !(batch->ids && batch->text_hash)))
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory for batches of %zu images of %zu pixels", n, size);
    return RINS_OK;
}

static void free_place(Place *place, int64_t n) {
    for (int64_t i = 0; place->results && i < n; i++) rins_slot_result_clear(&place->results[i]);
    free(place->results);
    free(place->batch.pixels);
    free(place->batch.ids);
    free(place->batch.text_hash);
    free(place->batch.sample);
    free(place->batch.crop_hash);
    free(place->batch.label);
    free(place->batch.ok);
}

static RinsStatus check_options(const RinsLoaderOptions *o) {
    if (o->batch < 1 || o->world < 1 || o->rank < 0 || o->rank >= o->world || o->first_slot < 0)
        return RINS_FAIL(RINS_ERR_ARG, "a loader cannot have batch %lld, rank %d of %d, first slot %lld",
                         (long long)o->batch, o->rank, o->world, (long long)o->first_slot);
    if (rins_pp_size(o->pp) < 1)
        return RINS_FAIL(RINS_ERR_CONFIG,
                         "the preprocessing does not fix the images' size; end it with a resize or crop");
    if (o->tokenize && o->length < 1)
        return RINS_FAIL(RINS_ERR_ARG, "texts cannot have %lld ids", (long long)o->length);
    if (o->workers < 0 || o->workers > MAX_WORKERS)
        return RINS_FAIL(RINS_ERR_CONFIG, "%d data workers; there can be 0 to %d", o->workers, MAX_WORKERS);
    for (int k = 0; o->tokenize && o->n_templates == 0 && k < o->n_sources; k++)
        if (!strcmp(rins_source_kind(o->sources[k]), "folder"))
            return RINS_FAIL(RINS_ERR_CONFIG, "'%s' has no captions: give data.caption_templates, or a caption table",
                             rins_source_spec(o->sources[k]));
    return RINS_OK;
}

static RinsStatus open_plan(RinsLoader *loader) {
    const RinsLoaderOptions *o = &loader->options;
    int64_t *counts = calloc((size_t)(o->n_sources > 0 ? o->n_sources : 1), sizeof *counts);
    if (!counts) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a loader");
    for (int k = 0; k < o->n_sources; k++) counts[k] = rins_source_count(o->sources[k]);
    const RinsStatus status =
        rins_slot_plan_make(&loader->filler.plan, counts, o->weights, o->n_sources, o->seed, o->shuffle);
    free(counts);
    return status;
}

static RinsStatus open_log(RinsLoader *loader) {
    const RinsLoaderOptions *o = &loader->options;
    if (!o->bad_path) return RINS_OK;
    if (o->rank == 0) return rins_bad_log_open(&loader->log, o->bad_path, o->first_slot);
    char *path = NULL;
    if (asprintf(&path, "%s.%d", o->bad_path, o->rank) < 0) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    const RinsStatus status = rins_bad_log_open(&loader->log, path, o->first_slot);
    free(path);
    return status;
}

/* Two batches ahead of the one in use; more of small ones, so that one slow picture holds nobody up. */
static RinsStatus make_ring(RinsLoader *loader) {
    const RinsLoaderOptions *o = &loader->options;
    loader->n_ring = o->workers == 0 ? 1 : MIN_RING + (int)(4 * o->workers / o->batch);
    loader->ring = calloc((size_t)loader->n_ring, sizeof *loader->ring);
    loader->hashes = calloc((size_t)o->batch, sizeof *loader->hashes);
    if (!loader->ring || !loader->hashes) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for batches");
    for (int i = 0; i < loader->n_ring; i++) RINS_TRY(make_place(&loader->ring[i], o));
    return RINS_OK;
}

RinsStatus rins_loader_open(RinsLoader **loader, const RinsLoaderOptions *options) {
    RinsStatus status = RINS_OK;
    *loader = NULL;
    RinsLoader *made = calloc(1, sizeof *made);
    if (!made) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a loader");
    made->options = *options;
    if (made->options.world == 0) made->options.world = 1;
    made->filler.options = &made->options;
    made->read_total = options->read_before;
    made->bad_total = options->bad_before;
    RINS_TRY_DONE(check_options(&made->options));
    RINS_TRY_DONE(open_plan(made));
    if (options->cache)
        RINS_TRY_DONE(rins_picture_cache_new(&made->filler.cache, made->filler.plan.total,
                                             options->cache_bytes ? options->cache_bytes : 4ull << 30));
    RINS_TRY_DONE(make_ring(made));
    RINS_TRY_DONE(open_log(made));
    RINS_TRY_DONE(rins_ahead_open(&made->ahead, made->n_ring, options->workers, fill, made));
    for (int k = 0; k < made->n_ring; k++) rins_ahead_submit(made->ahead, step_size(made, k));
    *loader = made;
    made = NULL;
done:
    rins_loader_free(made);
    return status;
}

static int by_value(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

int64_t rins_count_equal(uint64_t *hashes, int64_t n) {
    int64_t equal = 0;
    if (n > 1) qsort(hashes, (size_t)n, sizeof *hashes, by_value);
    for (int64_t i = 1; i < n; i++) equal += hashes[i] == hashes[i - 1];
    return equal;
}

static int64_t count_duplicates(RinsLoader *loader, const Place *place) {
    int64_t n = 0;
    for (int64_t i = 0; i < place->batch.n; i++)
        if (place->batch.ok[i]) loader->hashes[n++] = place->batch.text_hash[i];
    return rins_count_equal(loader->hashes, n);
}

RinsStatus rins_loader_check_bad(const RinsLoader *loader, int64_t read, int64_t bad) {
    const RinsLoaderOptions *o = &loader->options;
    if (o->max_bad_fraction <= 0 || read < MIN_BAD_READ || (double)bad <= o->max_bad_fraction * (double)read)
        return RINS_OK;
    return RINS_FAIL(RINS_ERR_LIMIT,
                     "%lld of %lld samples read were bad, more than data.max_bad_fraction = %g allows; %s%s%s, and "
                     "`rins data check` tells more",
                     (long long)bad, (long long)read, o->max_bad_fraction,
                     o->bad_path ? "they are named in " : "they were counted", o->bad_path ? o->bad_path : "",
                     o->bad_path && o->world > 1 ? "*" : "");
}

/* Counts, log and errors of a filled batch, in slot order, so that they are the same in every repetition. */
static RinsStatus settle(RinsLoader *loader, Place *place) {
    RinsBatch *batch = &place->batch;
    memset(batch->bad, 0, sizeof batch->bad);
    for (int64_t i = 0; i < batch->n; i++) {
        RinsSlotResult *result = &place->results[i];
        for (int b = 0; b < result->n_bad; b++) {
            batch->bad[result->bad[b].cause]++;
            loader->bad_total++;
            if (loader->log) RINS_TRY(rins_bad_log_add(loader->log, &result->bad[b]));
        }
        /* a marked sample was read once, a substituted one once more for each that was bad */
        loader->read_total += result->n_bad + (batch->ok[i] ? 1 : 0);
        if (result->status != RINS_OK) return RINS_FAIL(result->status, "%s", result->message);
    }
    batch->duplicate_texts = loader->options.tokenize ? count_duplicates(loader, place) : 0;
    batch->read_total = loader->read_total;
    batch->bad_total = loader->bad_total;
    return loader->options.world > 1 ? RINS_OK : rins_loader_check_bad(loader, batch->read_total, batch->bad_total);
}

/* The caller is done with the batch before `step`: its place may be filled again. */
static void take_back(RinsLoader *loader) {
    if (!loader->handed_out) return;
    Place *place = &loader->ring[(loader->step - 1) % loader->n_ring];
    for (int64_t i = 0; i < loader->options.batch; i++) rins_slot_result_clear(&place->results[i]);
    rins_ahead_submit(loader->ahead, step_size(loader, loader->step - 1 + loader->n_ring));
    loader->handed_out = false;
}

RinsStatus rins_loader_next(RinsLoader *loader, const RinsBatch **batch) {
    *batch = NULL;
    if (loader->failed != RINS_OK) return RINS_FAIL(loader->failed, "%s", loader->message);
    take_back(loader);
    const int64_t step = loader->step, size = step_size(loader, step);
    Place *place = &loader->ring[step % loader->n_ring];
    const double before = rins_clock();
    rins_ahead_wait(loader->ahead, step);
    place->batch.wait_s = rins_clock() - before;
    place->batch.n = size;
    place->batch.first_slot = first_slot(loader, step);
    const RinsStatus status = settle(loader, place);
    if (status != RINS_OK) {
        loader->failed = status;
        snprintf(loader->message, sizeof loader->message, "%s", rins_last_error());
        return status;
    }
    *batch = &place->batch;
    loader->step = step + 1;
    loader->handed_out = true;
    return RINS_OK;
}

RinsStatus rins_loader_key(const RinsLoader *loader, uint64_t sample, char **key) {
    RinsSample read = {0};
    *key = NULL;
    if (sample >= (uint64_t)loader->filler.plan.total)
        return RINS_FAIL(RINS_ERR_ARG, "there is no sample %llu", (unsigned long long)sample);
    const RinsSlotPlace place = rins_slot_find(&loader->filler.plan, sample);
    const RinsStatus status =
        rins_source_read_parts(loader->options.sources[place.source], place.index, RINS_SAMPLE_LABEL, &read, NULL);
    *key = read.key; /* set even where the sample is bad */
    read.key = NULL;
    rins_sample_free(&read);
    return *key ? RINS_OK : status;
}

void rins_loader_free(RinsLoader *loader) {
    if (!loader) return;
    rins_ahead_free(loader->ahead);
    for (int i = 0; i < MAX_WORKERS; i++) rins_fill_scratch_free(&loader->scratch[i]);
    for (int i = 0; loader->ring && i < loader->n_ring; i++) free_place(&loader->ring[i], loader->options.batch);
    free(loader->ring);
    free(loader->hashes);
    rins_picture_cache_free(loader->filler.cache);
    rins_slot_plan_free(&loader->filler.plan);
    if (loader->log) fclose(loader->log);
    free(loader);
}
