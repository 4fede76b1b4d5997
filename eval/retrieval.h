/* Image-text retrieval from embeddings, in blocks: never an images x texts matrix. */
#ifndef RINS_EVAL_RETRIEVAL_H
#define RINS_EVAL_RETRIEVAL_H

#include "src/base/status.h"

/* Of one direction. Ranks count from 1. */
typedef struct RinsRecall {
    int64_t n;             /* queries */
    double at1, at5, at10; /* fraction whose rank is at most 1, 5, 10 */
    double mean_rank, median_rank;
} RinsRecall;

typedef struct RinsRetrieval {
    RinsRecall text_to_image; /* each text looks for its image among all images: "image_retrieval" */
    RinsRecall image_to_text; /* each image that has texts looks for the best of them: "text_retrieval" */
} RinsRetrieval;

/* images (n_images, dim), texts (n_texts, dim), image_of[t]: the image that text t describes. A candidate
   with the same score as the one looked for counts as before it. Memory: O(n_images + n_texts). */
RinsStatus rins_retrieval(const float *images, int64_t n_images, const float *texts, const int64_t *image_of,
                          int64_t n_texts, int64_t dim, RinsRetrieval *result);

#endif
