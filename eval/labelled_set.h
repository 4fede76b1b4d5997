/* The image embeddings of a data set with class labels, all at once: what a probe and nearest neighbours learn from. */
#ifndef RINS_EVAL_LABELLED_SET_H
#define RINS_EVAL_LABELLED_SET_H

#include "eval/eval_model.h"
#include "src/base/config.h"

typedef struct RinsLabelledSet {
    float *rows; /* (n, dim), l2-normalised, in the source's order */
    int *labels; /* [n] into names */
    int64_t n, dim;
    RinsStringList names;    /* as the source has them: folder names, digits of .cls members */
    int64_t bad, unlabelled; /* images left out */
    char *first_bad;         /* NULL: none, or the embeddings were kept from before */
} RinsLabelledSet;

/* Embeds the images of a source (data/source.h) with class labels at the model's image rounds. With
   use_cache, embeddings are kept between commands for as long as neither the model nor a file's size or time
   changes; only for a model opened from a directory. RINS_ERR_FORMAT where the source has no classes or
   no usable image with a label. `set` must be freed in any case. */
RinsStatus rins_labelled_set_open(RinsLabelledSet *set, RinsEvalModel *em, const char *spec, bool use_cache);
void rins_labelled_set_free(RinsLabelledSet *set);

#endif
