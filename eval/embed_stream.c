#define _GNU_SOURCE
#include "eval/embed_stream.h"

#include "data/work_ahead.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MIN_PLACES = 3, MAX_WORKERS = 64 };

/* Batches in flight: k lies in place k % places, its input i in entry (k % places) * batch + i. */
typedef struct Stream {
    RinsEvalModel *em;
    const RinsEmbedJob *job;
    int places;
    size_t row_bytes;
    uint8_t *rows;
    RinsBadCause *causes;
    RinsStatus *failures; /* not the input's fault */
    char **messages;
    int64_t *sizes; /* (places) */
    RinsAhead *ahead;
    int64_t submitted, next; /* batches; the next input to submit */
    bool ended;
} Stream;

static int workers_of(const RinsEvalModel *em) {
    const int threads = rins_model_device(em->model)->threads;
    return threads < 1 ? 1 : threads < MAX_WORKERS ? threads : MAX_WORKERS;
}

/* Two batches ahead of the one in use; more of small ones, so that one slow picture holds nobody up. */
static int places_of(const RinsEvalModel *em) {
    return MIN_PLACES + (int)(4 * workers_of(em) / em->batch);
}

int64_t rins_embed_window(const RinsEvalModel *em) {
    return places_of(em) * em->batch;
}

static void fill(void *user, int64_t batch, int64_t i, int worker) {
    const Stream *s = user;
    const RinsEmbedJob *job = s->job;
    const int64_t at = batch % s->places * s->em->batch + i, index = job->first + batch * s->em->batch + i;
    uint8_t *row = s->rows + (size_t)at * s->row_bytes;
    (void)worker;
    RinsBadCause cause = RINS_BAD_NONE;
    const RinsStatus status = job->pixels ? job->pixels(job->user, index, row, &cause)
                                          : job->ids(job->user, index, (int32_t *)(void *)row, &cause);
    s->causes[at] = status == RINS_OK ? RINS_BAD_NONE : cause;
    s->failures[at] = status == RINS_OK || cause != RINS_BAD_NONE ? RINS_OK : status;
    if (status == RINS_OK) return;
    memset(row, 0, s->row_bytes);
    s->messages[at] = strdup(rins_last_error()); /* NULL is shown as no reason */
}

/* Hands the next batch to the workers, where there is one. */
static RinsStatus submit(Stream *s) {
    const RinsEmbedJob *job = s->job;
    int64_t n = s->em->batch;
    if (s->ended) return RINS_OK;
    if (job->more)
        RINS_TRY(job->more(job->user, s->next, s->em->batch, &n));
    else if (job->end - s->next < n)
        n = job->end - s->next;
    s->ended = n < s->em->batch;
    if (n == 0) return RINS_OK;
    s->sizes[s->submitted++ % s->places] = n;
    s->next += n;
    rins_ahead_submit(s->ahead, n);
    return RINS_OK;
}

static RinsStatus take(Stream *s, int64_t k) {
    const int64_t at = k % s->places * s->em->batch, n = s->sizes[k % s->places];
    const uint8_t *rows = s->rows + (size_t)at * s->row_bytes;
    RinsStatus status = RINS_OK;
    rins_ahead_wait(s->ahead, k);
    for (int64_t i = 0; i < n && status == RINS_OK; i++)
        if (s->failures[at + i] != RINS_OK)
            status = RINS_FAIL(s->failures[at + i], "%s", s->messages[at + i] ? s->messages[at + i] : "no memory");
    const RinsEmbedBatch batch = {.first = s->job->first + k * s->em->batch,
                                  .n = n,
                                  .pixels = s->job->pixels ? rows : NULL,
                                  .ids = s->job->pixels ? NULL : (const int32_t *)(const void *)rows,
                                  .causes = s->causes + at,
                                  .messages = s->messages + at};
    if (status == RINS_OK) status = s->job->take(s->job->user, s->em, &batch);
    for (int64_t i = 0; i < n; i++) free(s->messages[at + i]), s->messages[at + i] = NULL;
    if (status == RINS_OK && s->job->what) rins_eval_progress(s->em, s->job->what, batch.first + n, s->job->total);
    return status;
}

static RinsStatus open_stream(Stream *s) {
    const RinsModelConfig *config = rins_model_config(s->em->model);
    const size_t n = (size_t)rins_embed_window(s->em);
    s->places = places_of(s->em);
    s->row_bytes = s->job->pixels ? (size_t)(config->image.size * config->image.size * 3)
                                  : (size_t)config->text.length * sizeof(int32_t);
    s->rows = malloc(n * s->row_bytes);
    s->causes = calloc(n, sizeof *s->causes);
    s->failures = calloc(n, sizeof *s->failures);
    s->messages = calloc(n, sizeof *s->messages);
    s->sizes = calloc((size_t)s->places, sizeof *s->sizes);
    if (!s->rows || !s->causes || !s->failures || !s->messages || !s->sizes)
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %zu inputs of %zu bytes", n, s->row_bytes);
    return rins_ahead_open(&s->ahead, s->places, workers_of(s->em), fill, s);
}

RinsStatus rins_embed_stream(RinsEvalModel *em, const RinsEmbedJob *job) {
    Stream s = {.em = em, .job = job, .next = job->first};
    RinsStatus status = RINS_OK;
    if (job->what) rins_eval_progress(em, job->what, job->first, job->total);
    if (!job->more && job->end <= job->first) return RINS_OK;
    RINS_TRY_DONE(open_stream(&s));
    for (int i = 0; i < s.places; i++) RINS_TRY_DONE(submit(&s));
    for (int64_t k = 0; k < s.submitted; k++) {
        RINS_TRY_DONE(take(&s, k));
        RINS_TRY_DONE(submit(&s));
    }
done:
    rins_ahead_free(s.ahead);
    for (int64_t i = 0; s.messages && i < rins_embed_window(em); i++) free(s.messages[i]);
    free(s.rows), free(s.causes), free(s.failures), free(s.messages), free(s.sizes);
    return status;
}

RinsStatus rins_embed_batch(RinsEvalModel *em, const RinsEmbedBatch *batch, bool normalise, float *out) {
    const int64_t dim = rins_eval_model_dim(em);
    RINS_TRY(batch->pixels
                 ? rins_model_encode_image(em->model, batch->pixels, batch->n, em->rounds.image, normalise, out)
                 : rins_model_encode_text(em->model, batch->ids, batch->n, em->rounds.text, normalise, out));
    for (int64_t i = 0; i < batch->n; i++)
        for (int64_t k = 0; k < dim && batch->causes[i] != RINS_BAD_NONE; k++) out[i * dim + k] = NAN;
    return RINS_OK;
}

/* rins_embed_images: everything into one matrix. */
typedef struct Matrix {
    RinsPixelsFn *pixels;
    void *user;
    int64_t first;
    bool normalise;
    float *out;
    RinsBadCause *causes;
    char **first_bad;
} Matrix;

static RinsStatus matrix_pixels(void *user, int64_t index, uint8_t *pixels, RinsBadCause *cause) {
    const Matrix *m = user;
    return m->pixels(m->user, index, pixels, cause);
}

static RinsStatus matrix_take(void *user, RinsEvalModel *em, const RinsEmbedBatch *batch) {
    const Matrix *m = user;
    const int64_t at = batch->first - m->first;
    memcpy(m->causes + at, batch->causes, (size_t)batch->n * sizeof *m->causes);
    for (int64_t i = 0; m->first_bad && !*m->first_bad && i < batch->n; i++)
        if (batch->messages[i]) *m->first_bad = strdup(batch->messages[i]);
    return rins_embed_batch(em, batch, m->normalise, m->out + at * rins_eval_model_dim(em));
}

RinsStatus rins_embed_images(RinsEvalModel *em, RinsPixelsFn *pixels, void *user, int64_t first, int64_t n,
                             bool normalise, float *out, RinsBadCause *causes, char **first_bad) {
    Matrix m = {pixels, user, first, normalise, out, causes, first_bad};
    const RinsEmbedJob job = {.pixels = matrix_pixels,
                              .take = matrix_take,
                              .user = &m,
                              .first = first,
                              .end = first + n,
                              .what = "images",
                              .total = first + n};
    if (first_bad) *first_bad = NULL;
    const RinsStatus status = rins_embed_stream(em, &job);
    if (status != RINS_OK && first_bad) free(*first_bad), *first_bad = NULL;
    return status;
}
