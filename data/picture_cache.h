/* Decoded pictures by sample, up to a number of bytes: for small sets that are shown many times. */
#ifndef RINS_DATA_PICTURE_CACHE_H
#define RINS_DATA_PICTURE_CACHE_H

#include "data/image.h"

typedef struct RinsPictureCache RinsPictureCache;

/* For samples 0..n-1. */
RinsStatus rins_picture_cache_new(RinsPictureCache **cache, int64_t n, uint64_t max_bytes);
void rins_picture_cache_free(RinsPictureCache *cache);

/* The picture, or NULL. It stays until the cache is freed, so no reader needs a lock while it works. Thread-safe. */
const RinsImage *rins_picture_cache_get(RinsPictureCache *cache, uint64_t sample);
/* Takes the picture over where there is room and nobody was faster; true then (and *image is emptied). Thread-safe. */
bool rins_picture_cache_put(RinsPictureCache *cache, uint64_t sample, RinsImage *image);

#endif
