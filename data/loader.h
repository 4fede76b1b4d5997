/* Batches ahead of the trainer: a few threads read, decode, augment and tokenise into a ring of batches.

   Slot s of the run (s = 0, 1, 2, ... over all epochs) belongs to epoch s / n and shows sample permute(s % n); every
   random choice is keyed by (seed, epoch, sample). So content is a function of the slot alone: the same for any number
   of workers or ranks, and the state to resume is one integer. A bad sample is counted and its slot is filled by a
   substitute from the same source, drawn from a stream keyed by (seed, slot, attempt), which keeps that property.

   A weight multiplies how often a source's samples are shown: shares are weight x count. Sources then take turns in a
   fixed pattern of 65,536 slots (so shares are exact to 1/65,536 and every batch has nearly the same mix), and each
   runs through its own epochs. */
#ifndef RINS_DATA_LOADER_H
#define RINS_DATA_LOADER_H

#include "data/pp.h"
#include "data/source.h"

/* Text to ids [length]; called from several threads. Data never sees the tokenizer itself. A failure other than
   RINS_ERR_MEMORY makes the sample bad (caption). */
typedef RinsStatus RinsTokenizeFn(void *user, const char *text, int32_t *ids);

/* What becomes of a bad sample's slot. */
typedef enum RinsOnBad {
    RINS_ON_BAD_SUBSTITUTE, /* another sample fills it: training */
    RINS_ON_BAD_MARK        /* zero pixels and ids, ok[i] = false: evaluation */
} RinsOnBad;

typedef struct RinsLoaderOptions {
    RinsSource *const *sources; /* borrowed */
    const double *weights;      /* NULL: all 1, one shuffle over all sources, an epoch is every sample once */
    int n_sources;
    const RinsPp *pp;         /* borrowed; must fix the size */
    RinsTokenizeFn *tokenize; /* NULL: images only */
    void *tokenize_user;
    int64_t length;               /* ids per text */
    const char *const *templates; /* class sources: caption templates with {} for the class name, or NULL */
    int n_templates;
    const char *const *class_names; /* names in label order for templates; NULL: folder names, '_' as space */
    int n_class_names;
    int64_t batch;      /* of this rank */
    int64_t first_slot; /* resume here: global slot of the next global batch */
    int64_t end_slot;   /* 0: endless; else the last batch is cut short there, and empty ones (n = 0) follow */
    int rank, world;    /* this rank takes slots [rank * batch, (rank + 1) * batch) of each world * batch; 0: 1 */
    uint64_t seed;
    bool shuffle;
    bool cache;           /* keep decoded samples in memory (random crops are then cut from the full picture) */
    uint64_t cache_bytes; /* 0: 4 GB; samples over it are decoded again each time, with the same result */
    int workers;          /* 0: in the calling thread */
    RinsOnBad on_bad;
    double max_bad_fraction; /* RINS_ERR_LIMIT once more than this fraction (of at least 100 samples read) is bad; 0:
                                off. Of several ranks the caller checks, by rins_loader_check_bad */
    int64_t read_before, bad_before; /* counted before first_slot, to go on counting on resume */
    const char *bad_path; /* bad.jsonl: lines from first_slot on are dropped at open, then appended to; or NULL.
                                  Ranks over 0 write to bad_path.RANK */
} RinsLoaderOptions;

typedef struct RinsBatch {
    int64_t n, first_slot;
    uint8_t *pixels;               /* (n, size, size, 3) */
    int32_t *ids;                  /* (n, length), NULL without tokenize */
    uint64_t *text_hash;           /* (n) of the ids, NULL without tokenize */
    uint64_t *sample;              /* (n) index in the concatenation of all sources */
    uint64_t *crop_hash;           /* (n) hash of the random choices made for the image */
    int *label;                    /* (n) */
    bool *ok;                      /* (n) false only with RINS_ON_BAD_MARK */
    int64_t bad[RINS_BAD_N];       /* bad samples met while filling this batch, by cause */
    int64_t duplicate_texts;       /* texts (ids) equal to an earlier one of the batch: false negatives */
    int64_t read_total, bad_total; /* over the run up to this batch, the counts before it included */
    double wait_s;                 /* how long the caller waited for it */
} RinsBatch;

/* How many of n hashes equal an earlier one. Sorts them. */
int64_t rins_count_equal(uint64_t *hashes, int64_t n);

typedef struct RinsLoader RinsLoader;

RinsStatus rins_loader_open(RinsLoader **loader, const RinsLoaderOptions *options);
/* The next batch, in slot order; valid until the next call. An error is final: it comes at the same slot in every
   repetition, whatever the workers. */
RinsStatus rins_loader_next(RinsLoader *loader, const RinsBatch **batch);
/* RINS_ERR_LIMIT where so many bad samples among those that all ranks read are more than max_bad_fraction allows. */
RinsStatus rins_loader_check_bad(const RinsLoader *loader, int64_t read, int64_t bad);
/* Key of sample (as in RinsBatch.sample), for messages; malloc'd. */
RinsStatus rins_loader_key(const RinsLoader *loader, uint64_t sample, char **key);
void rins_loader_free(RinsLoader *loader);

#endif
