/* A model's tensors on disk, in one file or several: model.safetensors, or shards named by
   model.safetensors.index.json. */
#ifndef RINS_MODEL_WEIGHTS_H
#define RINS_MODEL_WEIGHTS_H

#include "src/model/safetensors.h"
#include "src/nn/params.h"

typedef struct RinsWeights {
    RinsSafetensors *files;
    size_t n;
} RinsWeights;

/* Opens the weights in directory `dir`. Shards are plain file names: one that leads elsewhere is an error. */
RinsStatus rins_weights_open(RinsWeights *weights, const char *dir);
void rins_weights_close(RinsWeights *weights);

/* NULL where no file has it. */
const RinsStTensor *rins_weights_find(const RinsWeights *weights, const char *name);

/* Fills parameter `index` from the tensor of the same name. RINS_ERR_MISMATCH where it is missing or its shape differs. */
RinsStatus rins_weights_load(const RinsWeights *weights, RinsParams *params, int index);

#endif
