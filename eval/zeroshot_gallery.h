/* The gallery of a zero-shot evaluation: some images, evenly spread, with their best classes. */
#ifndef RINS_EVAL_ZEROSHOT_GALLERY_H
#define RINS_EVAL_ZEROSHOT_GALLERY_H

#include "data/source.h"
#include "eval/gallery.h"

struct RinsZeroshotReport;

typedef struct RinsZeroshotGallery {
    RinsGallery gallery;
    RinsSource *source;
    const struct RinsZeroshotReport *report;
    int64_t every, next; /* the next image to show */
    float *scores;       /* [classes] */
    int64_t *top;
} RinsZeroshotGallery;

/* images 0: 24. */
RinsStatus rins_zeroshot_gallery_begin(RinsZeroshotGallery *gallery, const char *path, RinsSource *source,
                                       const struct RinsZeroshotReport *report, int images);
/* Shows image `index` with this embedding if it is its turn; called with rising indices. */
RinsStatus rins_zeroshot_gallery_image(RinsZeroshotGallery *gallery, int64_t index, const float *embedding,
                                       const int *labels, int64_t n_labels);
RinsStatus rins_zeroshot_gallery_commit(RinsZeroshotGallery *gallery);
void rins_zeroshot_gallery_abort(RinsZeroshotGallery *gallery); /* harmless after a commit and on a zeroed one */

#endif
