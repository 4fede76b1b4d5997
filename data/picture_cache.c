#include "data/picture_cache.h"

#include <stdatomic.h>
#include <stdlib.h>

struct RinsPictureCache {
    int64_t n;
    uint64_t max_bytes;
    atomic_ullong held;
    _Atomic(RinsImage *) *pictures; /* (n); set once */
};

RinsStatus rins_picture_cache_new(RinsPictureCache **cache, int64_t n, uint64_t max_bytes) {
    RinsPictureCache *made = *cache = calloc(1, sizeof *made);
    if (made) made->pictures = calloc((size_t)n, sizeof *made->pictures);
    if (!made || !made->pictures) {
        rins_picture_cache_free(made);
        *cache = NULL;
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a cache of %lld pictures", (long long)n);
    }
    made->n = n;
    made->max_bytes = max_bytes;
    return RINS_OK;
}

void rins_picture_cache_free(RinsPictureCache *cache) {
    if (!cache) return;
    for (int64_t i = 0; i < cache->n; i++) {
        RinsImage *picture = atomic_load(&cache->pictures[i]);
        if (!picture) continue;
        rins_image_free(picture);
        free(picture);
    }
    free(cache->pictures);
    free(cache);
}

const RinsImage *rins_picture_cache_get(RinsPictureCache *cache, uint64_t sample) {
    return atomic_load_explicit(&cache->pictures[sample], memory_order_acquire);
}

bool rins_picture_cache_put(RinsPictureCache *cache, uint64_t sample, RinsImage *image) {
    const uint64_t bytes = (uint64_t)image->width * (uint64_t)image->height * 3 + sizeof *image;
    if (atomic_fetch_add(&cache->held, bytes) + bytes <= cache->max_bytes) {
        RinsImage *kept = malloc(sizeof *kept), *none = NULL;
        if (kept) *kept = *image;
        if (kept && atomic_compare_exchange_strong(&cache->pictures[sample], &none, kept)) {
            *image = (RinsImage){0};
            return true;
        }
        free(kept);
    }
    atomic_fetch_sub(&cache->held, bytes);
    return false;
}
