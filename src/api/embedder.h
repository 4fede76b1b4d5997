/* The handle behind include/rins/rins.h. */
#ifndef RINS_API_EMBEDDER_H
#define RINS_API_EMBEDDER_H

#include "eval/eval_model.h"

struct RinsEmbedder {
    RinsEvalModel *em;
    float t, b; /* of the logits */
};

/* RINS_ERR_ARG where the tower was left out. */
RinsStatus rins_need_images(const RinsEmbedder *embedder);
RinsStatus rins_need_texts(const RinsEmbedder *embedder);

#endif
