/* Images of a source as the embedder takes them. */
#ifndef RINS_EVAL_SOURCE_PIXELS_H
#define RINS_EVAL_SOURCE_PIXELS_H

#include "data/pp.h"
#include "data/source.h"

/* Called for every image that could be read, without its captions, from several threads, each index once. */
typedef RinsStatus RinsSampleFn(void *user, int64_t index, const RinsSample *sample);

typedef struct RinsSourcePixels {
    RinsSource *source;
    const RinsPp *pp;
    RinsSampleFn *seen; /* may be NULL */
    void *seen_user;
} RinsSourcePixels;

/* A RinsPixelsFn; user: RinsSourcePixels. The error of a bad image names its key. */
RinsStatus rins_source_pixels(void *user, int64_t index, uint8_t *pixels, RinsBadCause *cause);

/* One file; `index` keys its random choices. */
RinsStatus rins_file_pixels(const char *path, const RinsPp *pp, int64_t index, uint8_t *pixels, RinsBadCause *cause);

/* Paths instead of a source; user: RinsPathPixels. */
typedef struct RinsPathPixels {
    char *const *paths;
    const RinsPp *pp;
} RinsPathPixels;

RinsStatus rins_path_pixels(void *user, int64_t index, uint8_t *pixels, RinsBadCause *cause);

#endif
