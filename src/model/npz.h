/* NumPy .npz archives (big_vision's checkpoints): a zip of .npy members. Format: numpy.lib.format, versions 1 to 3. */
#ifndef RINS_MODEL_NPZ_H
#define RINS_MODEL_NPZ_H

#include "src/model/safetensors.h"

#include <stdbool.h>

typedef struct RinsNpz {
    RinsStTensor *list; /* sorted by name, which is the member's without ".npy" */
    size_t n;
} RinsNpz;

/* Reads all arrays, or only their names, types and shapes. RINS_ERR_FORMAT for damaged archives and arrays,
   RINS_ERR_UNSUPPORTED for types other than float16/32/64, bfloat16 (stored as raw 2-byte items) and whole numbers. */
RinsStatus rins_npz_open(RinsNpz *npz, const char *path, bool headers_only);
void rins_npz_close(RinsNpz *npz);

const RinsStTensor *rins_npz_find(const RinsNpz *npz, const char *name);

/* Type, shape, count and bytes from the header of a .npy; *data_at is where its data starts. Pure, for tests. */
RinsStatus rins_npy_header(const uint8_t *bytes, size_t size, RinsStTensor *tensor, size_t *data_at);

#endif
