/* Names and layouts of other projects' checkpoints, one table each: open_clip's SigLIP models (timm image tower) and
   big_vision's two towers. A row says where a parameter of ours, or a third of it, comes from. */
#ifndef RINS_MODEL_NAME_MAP_H
#define RINS_MODEL_NAME_MAP_H

#include "src/model/safetensors.h"
#include "src/nn/params.h"

#include <stdbool.h>

typedef enum RinsLayout {
    RINS_LAYOUT_SAME,      /* the same numbers in the same order */
    RINS_LAYOUT_TRANSPOSE, /* Flax kernels: (in, out), heads as dimensions of their own */
    RINS_LAYOUT_CONV,      /* Flax convolution: (y, x, channel, out) */
    RINS_LAYOUT_ADD        /* as SAME, added to what a row before gave; may be absent */
} RinsLayout;

typedef struct RinsNameRow {
    const char *ours; /* "%d" stands for the layer */
    const char *theirs;
    RinsLayout layout;
    int third;       /* of ours: 0, 1, 2; -1: all of it */
    int part, parts; /* of theirs, along its first dimension; parts 0: all of it */
} RinsNameRow;

extern const RinsNameRow rins_open_clip_names[], rins_big_vision_names[]; /* ended by ours == NULL */

/* Gives the tensor of that name, NULL where there is none. */
typedef const RinsStTensor *RinsFindTensor(const void *source, const char *name);

/* Finds `name` (printf pattern of the layer) in a big_vision tree: with or without "params/" before it, and with all
   layers of a scanned encoder stacked in one array, of which *part of *parts is the layer then. */
const RinsStTensor *rins_name_map_find(RinsFindTensor *find, const void *source, const char *pattern, int layer,
                                       int *part, int *parts);

/* Values of `param` from the rows of `names`. RINS_ERR_MISMATCH names a tensor that is missing or has another shape. */
RinsStatus rins_name_map_read(const RinsNameRow *names, RinsFindTensor *find, const void *source,
                              const RinsParam *param, float *host);

#endif
