/* Batches ahead of the trainer: a few threads read, decode, augment and tokenise into a ring of batches.

   Slot s of the run (s = 0, 1, 2, ... over all epochs) belongs to epoch s / n and shows sample permute(s % n); every
   random choice is keyed by (seed, epoch, sample). So content is a function of the slot alone: the same for any number
   of workers or ranks, and the state to resume is one integer. A bad sample is counted and its slot is filled by a
   substitute drawn from a stream keyed by (seed, slot), which keeps that property. */
#ifndef RINS_DATA_LOADER_H
#define RINS_DATA_LOADER_H

#include "data/pp.h"
#include "data/source.h"

/* Text to ids [length]; called from several threads. Data never sees the tokenizer itself. */
typedef RinsStatus RinsTokenizeFn(void *user, const char *text, int32_t *ids);

typedef struct RinsLoaderOptions {
    RinsSource *const *sources; /* borrowed */
    const double *weights;      /* NULL: samples in proportion to each source's count, an epoch is every sample once */
    int n_sources;
    const RinsPp *pp;           /* borrowed */
    RinsTokenizeFn *tokenize;   /* NULL: images only */
    void *tokenize_user;
    int64_t length;             /* ids per text */
    const char *const *templates; /* class sources: caption templates with {} for the class name, or NULL */
    int n_templates;
    const char *const *class_names; /* names in label order for templates; NULL: folder names, '_' as space */
    int64_t batch;              /* of this rank */
    int64_t first_slot;         /* resume here: global slot of the next global batch */
    int rank, world;            /* this rank takes slots [rank * batch, (rank + 1) * batch) of each world * batch */
    uint64_t seed;
    bool shuffle;
    bool cache;                 /* keep decoded samples in memory (random crops are then cut from the full picture) */
    int workers;                /* 0: in the calling thread */
    double max_bad_fraction;    /* RINS_ERR_LIMIT once more than this fraction (of at least 100 samples read) is bad */
    const char *bad_path;       /* bad.jsonl to append to, or NULL */
} RinsLoaderOptions;

typedef struct RinsBatch {
    int64_t n, first_slot;
    uint8_t *pixels;       /* (n, size, size, 3) */
    int32_t *ids;          /* (n, length) */
    uint64_t *sample;      /* (n) index in the concatenation of all sources */
    uint64_t *crop_hash;   /* (n) */
    int *label;            /* (n) */
    int64_t bad[RINS_BAD_N]; /* bad samples met while filling this batch, by cause */
    int64_t duplicate_texts; /* texts equal to an earlier one of the batch: false negatives */
    double wait_s;         /* how long the caller waited for it */
} RinsBatch;

typedef struct RinsLoader RinsLoader;

RinsStatus rins_loader_open(RinsLoader **loader, const RinsLoaderOptions *options);
/* The next batch, in slot order; valid until the next call. */
RinsStatus rins_loader_next(RinsLoader *loader, const RinsBatch **batch);
/* Samples in one epoch. */
int64_t rins_loader_epoch_size(const RinsLoader *loader);
void rins_loader_free(RinsLoader *loader);

#endif
