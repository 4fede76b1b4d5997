/* Reads and decodes every sample of a source, in parallel, and tells what is there and what is wrong. */
#ifndef RINS_DATA_SET_CHECK_H
#define RINS_DATA_SET_CHECK_H

#include "data/source.h"

typedef struct RinsSpread {
    int64_t n;
    double min, median, p99, max, mean;
} RinsSpread;

typedef struct RinsCheckReport {
    int64_t samples, good;
    int64_t bad[RINS_BAD_N];    /* samples that cannot be used */
    int64_t damage[RINS_BAD_N]; /* what opening left out */
    int64_t labelled, without_caption, captions;
    RinsSpread bytes, width, height, caption_bytes; /* encoded size, pixels, bytes of a caption */
    int64_t duplicate_images;                       /* whose encoded bytes equal an earlier sample's */
    int64_t duplicate_captions;                     /* captions equal to an earlier one of another sample or the same */
    int64_t empty_classes;
} RinsCheckReport;

typedef struct RinsCheckOptions {
    int threads;
    /* Called in the calling thread now and then, and for every bad sample in order at the end; may be NULL. */
    void (*progress)(void *user, int64_t done, int64_t total);
    void (*bad)(void *user, int64_t index, const char *key, RinsBadCause cause, const char *message);
    void *user;
} RinsCheckOptions;

RinsStatus rins_set_check(RinsSource *source, const RinsCheckOptions *options, RinsCheckReport *report);

#endif
