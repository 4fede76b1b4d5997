/* A model's tensors on disk, whatever they are called there: model.safetensors, shards named by
   model.safetensors.index.json, open_clip_model.safetensors, or a big_vision .npz. */
#ifndef RINS_MODEL_WEIGHTS_H
#define RINS_MODEL_WEIGHTS_H

#include "src/model/model_dir.h"
#include "src/model/name_map.h"
#include "src/model/npz.h"

typedef struct RinsWeights {
    RinsSafetensors *files;
    size_t n;
    RinsNpz npz;
    const RinsNameRow *names; /* NULL: the names are ours */
} RinsWeights;

/* Opens the weights in directory (or .npz) `path`. Shards are plain file names: one that leads elsewhere is an error.
   headers_only saves reading an .npz's data where only shapes are wanted. */
RinsStatus rins_weights_open(RinsWeights *weights, const char *path, RinsModelFormat format, bool headers_only);
void rins_weights_close(RinsWeights *weights);

/* By the name it has in the file; NULL where no file has it. A RinsFindTensor: `weights` is a RinsWeights. */
const RinsStTensor *rins_weights_find(const void *weights, const char *name);

/* Fills parameter `index` from its tensor. RINS_ERR_MISMATCH where it is missing or its shape differs. */
RinsStatus rins_weights_load(const RinsWeights *weights, RinsParams *params, int index);

/* to (m, m, width) from `from` (n, n, width), bilinear with corners on corners. */
void rins_resample_positions(const float *from, int64_t n, float *to, int64_t m, int64_t width);

#endif
