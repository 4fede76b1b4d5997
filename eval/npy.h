/* NumPy .npy files: float32, C order, (rows, dim). Format 1.0 of numpy/lib/format.py. */
#ifndef RINS_EVAL_NPY_H
#define RINS_EVAL_NPY_H

#include "src/base/file.h"

enum { RINS_NPY_HEADER = 128 }; /* bytes before the data of what is written: a multiple of 64 */

/* Rows are streamed; their number is written into the header at the end. The file appears whole or not at
   all. */
typedef struct RinsNpyWriter {
    RinsAtomicFile file;
    int64_t rows, dim;
} RinsNpyWriter;

RinsStatus rins_npy_begin(RinsNpyWriter *writer, const char *path, int64_t dim);
/* Write errors are reported by the commit. */
void rins_npy_rows(RinsNpyWriter *writer, const float *rows, int64_t n);
RinsStatus rins_npy_commit(RinsNpyWriter *writer);
void rins_npy_abort(RinsNpyWriter *writer); /* harmless after a commit and on a zeroed writer */

/* Reads a whole float32 C-order matrix; *data is malloc'd. A vector counts as one row. RINS_ERR_FORMAT
   for damaged files, RINS_ERR_UNSUPPORTED for other types, orders and shapes. */
RinsStatus rins_npy_read(const char *path, float **data, int64_t *rows, int64_t *dim);

#endif
