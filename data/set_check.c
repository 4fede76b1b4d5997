#include "data/set_check.h"

#include "data/loader.h"
#include "data/parallel.h"
#include "data/source_impl.h"
#include "src/base/list.h"
#include "src/base/rng.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_THREADS = 64, CHUNK = 32 };

/* What stays of a sample. */
typedef struct Seen {
    uint64_t image_hash;
    uint32_t bytes, width, height;
    uint32_t cause;
    int32_t label, n_captions;
} Seen;

typedef struct Caption {
    uint64_t hash;
    uint32_t bytes;
} Caption;

typedef struct Bad {
    int64_t index;
    RinsBadCause cause;
    char *key, *message;
} Bad;

typedef struct Worker {
    RinsSample sample;
    Caption *captions;
    size_t n_captions;
    Bad *bad;
    size_t n_bad;
} Worker;

typedef struct Check {
    RinsSource *source;
    const RinsCheckOptions *options;
    Seen *seen;
    int64_t n, done;
    pthread_mutex_t lock;
    Worker workers[MAX_THREADS];
} Check;

static RinsStatus note_captions(Worker *worker) {
    for (int c = 0; c < worker->sample.n_captions; c++) {
        Caption *captions = rins_list_grow(worker->captions, worker->n_captions, sizeof *captions);
        if (!captions) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to check a data set");
        worker->captions = captions;
        const char *text = worker->sample.captions[c];
        captions[worker->n_captions++] = (Caption){rins_hash_str(text), (uint32_t)strlen(text)};
    }
    return RINS_OK;
}

static RinsStatus note_bad(Worker *worker, int64_t index, RinsBadCause cause) {
    Bad *bad = rins_list_grow(worker->bad, worker->n_bad, sizeof *bad);
    if (!bad) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to check a data set");
    worker->bad = bad;
    const char *key = worker->sample.key ? worker->sample.key : "";
    bad[worker->n_bad++] = (Bad){index, cause, strdup(key), strdup(rins_last_error())};
    return RINS_OK;
}

static RinsStatus look_at(Check *check, Worker *worker, int64_t index) {
    Seen *seen = &check->seen[index];
    RinsSample *sample = &worker->sample;
    RinsBadCause cause = RINS_BAD_NONE;
    RinsImage image = {0};
    RinsStatus status = rins_source_read(check->source, index, sample, &cause);
    if (status == RINS_OK) {
        const RinsDecodeOptions decode = {0};
        seen->bytes = (uint32_t)sample->image_size;
        seen->image_hash = rins_hash_bytes(sample->image, sample->image_size, RINS_HASH_BASIS);
        status = rins_image_decode(sample->image, sample->image_size, &decode, &image, &cause);
    }
    if (status == RINS_ERR_MEMORY || (status != RINS_OK && cause == RINS_BAD_NONE)) return status;
    seen->cause = cause;
    if (status != RINS_OK) return note_bad(worker, index, cause);
    seen->width = (uint32_t)image.width;
    seen->height = (uint32_t)image.height;
    seen->label = sample->label;
    seen->n_captions = sample->n_captions;
    rins_image_free(&image);
    return note_captions(worker);
}

static RinsStatus look_at_chunk(void *user, int64_t chunk, int worker) {
    Check *check = user;
    const int64_t end = (chunk + 1) * CHUNK < check->n ? (chunk + 1) * CHUNK : check->n;
    for (int64_t i = chunk * CHUNK; i < end; i++) RINS_TRY(look_at(check, &check->workers[worker], i));
    pthread_mutex_lock(&check->lock);
    const int64_t done = check->done += end - chunk * CHUNK;
    pthread_mutex_unlock(&check->lock);
    if (worker == 0 && check->options->progress) check->options->progress(check->options->user, done, check->n);
    return RINS_OK;
}

static int by_number(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Sorts the values. */
static RinsSpread spread(uint64_t *values, int64_t n) {
    if (n == 0) return (RinsSpread){0};
    qsort(values, (size_t)n, sizeof *values, by_number);
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)values[i];
    return (RinsSpread){n,
                        (double)values[0],
                        (double)values[n / 2],
                        (double)values[n * 99 / 100],
                        (double)values[n - 1],
                        sum / (double)n};
}

static void summarise_images(const Check *check, uint64_t *values, RinsCheckReport *report) {
    RinsSpread *const spreads[] = {&report->bytes, &report->width, &report->height};
    for (int what = 0; what < 4; what++) {
        int64_t n = 0;
        for (int64_t i = 0; i < check->n; i++) {
            const Seen *seen = &check->seen[i];
            if (seen->cause != RINS_BAD_NONE) continue;
            values[n++] = what == 0   ? seen->bytes
                          : what == 1 ? seen->width
                          : what == 2 ? seen->height
                                      : seen->image_hash;
        }
        if (what < 3)
            *spreads[what] = spread(values, n);
        else
            report->duplicate_images = rins_count_equal(values, n);
    }
}

static void summarise_captions(const Check *check, uint64_t *values, RinsCheckReport *report) {
    for (int what = 0; what < 2; what++) {
        int64_t n = 0;
        for (int w = 0; w < MAX_THREADS; w++)
            for (size_t i = 0; i < check->workers[w].n_captions; i++) {
                const Caption *caption = &check->workers[w].captions[i];
                values[n++] = what ? caption->hash : caption->bytes;
            }
        if (what)
            report->duplicate_captions = rins_count_equal(values, n);
        else
            report->caption_bytes = spread(values, n);
        report->captions = n;
    }
}

static RinsStatus count_classes(const Check *check, RinsCheckReport *report) {
    const int classes = rins_source_classes(check->source);
    int64_t *members = calloc((size_t)classes + 1, sizeof *members);
    if (!members) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to check a data set");
    for (int64_t i = 0; i < check->n; i++) {
        const Seen *seen = &check->seen[i];
        report->bad[seen->cause]++;
        if (seen->cause != RINS_BAD_NONE) continue;
        report->good++;
        report->without_caption += seen->n_captions == 0;
        if (seen->label < 0 || seen->label >= classes) continue;
        report->labelled++;
        members[seen->label]++;
    }
    report->bad[RINS_BAD_NONE] = 0;
    for (int c = 0; c < classes; c++) report->empty_classes += members[c] == 0;
    free(members);
    return RINS_OK;
}

static int by_index(const void *a, const void *b) {
    const Bad *x = a, *y = b;
    return (x->index > y->index) - (x->index < y->index);
}

/* Names the bad samples in order, whoever found them. */
static RinsStatus tell_bad(Check *check) {
    size_t n = 0;
    for (int w = 0; w < MAX_THREADS; w++) n += check->workers[w].n_bad;
    if (n == 0 || !check->options->bad) return RINS_OK;
    Bad *all = calloc(n, sizeof *all);
    if (!all) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to check a data set");
    size_t at = 0;
    for (int w = 0; w < MAX_THREADS; w++)
        for (size_t i = 0; i < check->workers[w].n_bad; i++) all[at++] = check->workers[w].bad[i];
    qsort(all, n, sizeof *all, by_index);
    for (size_t i = 0; i < n; i++)
        check->options->bad(check->options->user, all[i].index, all[i].key ? all[i].key : "", all[i].cause,
                            all[i].message ? all[i].message : "");
    free(all);
    return RINS_OK;
}

static RinsStatus summarise(Check *check, RinsCheckReport *report) {
    int64_t captions = 0;
    for (int w = 0; w < MAX_THREADS; w++) captions += (int64_t)check->workers[w].n_captions;
    uint64_t *values = calloc((size_t)(captions > check->n ? captions : check->n) + 1, sizeof *values);
    if (!values) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to check a data set");
    report->samples = check->n;
    int64_t places;
    const RinsSourceDamage *damage = rins_source_damage(check->source, &places);
    for (int64_t i = 0; i < places; i++) report->damage[damage[i].cause] += damage[i].count;
    summarise_images(check, values, report);
    summarise_captions(check, values, report);
    free(values);
    RINS_TRY(count_classes(check, report));
    return tell_bad(check);
}

RinsStatus rins_set_check(RinsSource *source, const RinsCheckOptions *options, RinsCheckReport *report) {
    *report = (RinsCheckReport){0};
    Check *check = calloc(1, sizeof *check);
    if (!check) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to check a data set");
    *check = (Check){.source = source, .options = options, .n = rins_source_count(source)};
    pthread_mutex_init(&check->lock, NULL);
    check->seen = calloc((size_t)check->n, sizeof *check->seen);
    RinsStatus status = check->seen ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory to check a data set");
    const int threads = options->threads > MAX_THREADS ? MAX_THREADS : options->threads;
    if (status == RINS_OK) status = rins_parallel((check->n + CHUNK - 1) / CHUNK, threads, look_at_chunk, check);
    if (status == RINS_OK) status = summarise(check, report);
    for (int w = 0; w < MAX_THREADS; w++) {
        Worker *worker = &check->workers[w];
        rins_sample_free(&worker->sample);
        for (size_t i = 0; i < worker->n_bad; i++) free(worker->bad[i].key), free(worker->bad[i].message);
        free(worker->bad);
        free(worker->captions);
    }
    pthread_mutex_destroy(&check->lock);
    free(check->seen);
    free(check);
    return status;
}
