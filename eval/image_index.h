/* All images under a folder with their embeddings, which are kept between commands file by file. */
#ifndef RINS_EVAL_IMAGE_INDEX_H
#define RINS_EVAL_IMAGE_INDEX_H

#include "eval/eval_model.h"

typedef struct RinsImageIndex {
    RinsStringList paths;    /* sorted by bytes */
    float *rows;             /* (paths, dim) l2-normalised; NaN for an image that cannot be used */
    int64_t dim, fresh, bad; /* how many were embedded now, and how many are bad */
    char *first_bad;
} RinsImageIndex;

/* Appends the .jpg .jpeg .png .webp files under `dir`, at any depth, links followed, hidden ones left out,
   sorted by bytes. */
RinsStatus rins_find_images(RinsStringList *paths, const char *dir);

/* use_cache: rows of files whose path, size and modification time have not changed are taken from the cache
   of this model. */
RinsStatus rins_image_index_open(RinsImageIndex *index, RinsEvalModel *em, const char *dir, bool use_cache);
void rins_image_index_free(RinsImageIndex *index);

/* The `k` best of the query (dim); gives how many there are (fewer than k in a small folder). */
RinsStatus rins_image_index_search(const RinsImageIndex *index, const float *query, int k, int64_t *top, float *scores,
                                   int *found);

#endif
