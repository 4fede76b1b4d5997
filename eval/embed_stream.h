/* Any number of images or texts through one tower: a few threads read and decode (or tokenise) the next
   batches while the tower embeds the present one. Memory does not depend on how many there are. */
#ifndef RINS_EVAL_EMBED_STREAM_H
#define RINS_EVAL_EMBED_STREAM_H

#include "eval/eval_model.h"

/* Token ids (length) of text `index`; as RinsPixelsFn otherwise. */
typedef RinsStatus RinsIdsFn(void *user, int64_t index, int32_t *ids, RinsBadCause *cause);

/* One batch, ready for its tower: inputs [first, first + n). Rows of bad ones are zeros. */
typedef struct RinsEmbedBatch {
    int64_t first, n;
    const uint8_t *pixels; /* (n, size, size, 3), or */
    const int32_t *ids;    /* (n, length) */
    const RinsBadCause *causes;
    char *const *messages; /* (n) what is wrong with the bad ones, else NULL */
} RinsEmbedBatch;

typedef struct RinsEmbedJob {
    RinsPixelsFn *pixels; /* one of both: it says which tower */
    RinsIdsFn *ids;
    /* How many inputs there are from `first` on, at most `most`; fewer only at the end. Called in order, in
       the caller's thread, up to rins_embed_window() inputs before they are taken. NULL: inputs [first, end)
       are known beforehand. */
    RinsStatus (*more)(void *user, int64_t first, int64_t most, int64_t *n);
    /* Called for each batch in order, in the caller's thread; embeds it with rins_embed_batch. */
    RinsStatus (*take)(void *user, RinsEvalModel *em, const RinsEmbedBatch *batch);
    void *user;
    int64_t first, end;
    const char *what; /* for the progress, NULL: none */
    int64_t total;    /* for the progress, 0: not known */
} RinsEmbedJob;

/* A failure that is not an input's fault (no memory, say) is returned in order: after all batches before it were
   taken. */
RinsStatus rins_embed_stream(RinsEvalModel *em, const RinsEmbedJob *job);

/* Most inputs that are being read, waiting or taken at one time: what is kept per input lies at index % window. */
int64_t rins_embed_window(const RinsEvalModel *em);

/* Rows (n, dim) of one batch at the model's present rounds; NaN for bad inputs. */
RinsStatus rins_embed_batch(RinsEvalModel *em, const RinsEmbedBatch *batch, bool normalise, float *out);

#endif
