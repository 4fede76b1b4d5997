#define _GNU_SOURCE
#include "eval/npy.h"

#include "src/model/npz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = RINS_NPY_HEADER, PREFIX = 10 };

static void write_header(FILE *stream, int64_t rows, int64_t dim) {
    char text[HEADER - PREFIX + 1];
    const int n = snprintf(text, sizeof text, "{'descr': '<f4', 'fortran_order': False, 'shape': (%lld, %lld), }",
                           (long long)rows, (long long)dim);
    memset(text + n, ' ', sizeof text - (size_t)n);
    text[HEADER - PREFIX - 1] = '\n';
    const unsigned char prefix[PREFIX] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, HEADER - PREFIX, 0};
    fwrite(prefix, 1, PREFIX, stream);
    fwrite(text, 1, HEADER - PREFIX, stream);
}

RinsStatus rins_npy_begin(RinsNpyWriter *writer, const char *path, int64_t dim) {
    *writer = (RinsNpyWriter){.dim = dim};
    RINS_TRY(rins_atomic_open(&writer->file, path));
    if (fseek(writer->file.stream, 0, SEEK_CUR) != 0) { /* the number of rows is written last */
        rins_atomic_abort(&writer->file);
        return RINS_FAIL(RINS_ERR_IO, "cannot write '%s': a .npy cannot go into a pipe", path);
    }
    write_header(writer->file.stream, 0, dim);
    return RINS_OK;
}

void rins_npy_rows(RinsNpyWriter *writer, const float *rows, int64_t n) {
    fwrite(rows, sizeof *rows, (size_t)(n * writer->dim), writer->file.stream);
    writer->rows += n;
}

RinsStatus rins_npy_commit(RinsNpyWriter *writer) {
    if (fseek(writer->file.stream, 0, SEEK_SET) != 0)
        return RINS_FAIL(RINS_ERR_IO, "cannot go back in '%s': %s", writer->file.path, strerror(errno));
    write_header(writer->file.stream, writer->rows, writer->dim);
    return rins_atomic_commit(&writer->file);
}

void rins_npy_abort(RinsNpyWriter *writer) {
    rins_atomic_abort(&writer->file);
}

RinsStatus rins_npy_read(const char *path, float **data, int64_t *rows, int64_t *dim) {
    char *bytes = NULL;
    size_t size = 0, data_at;
    RinsStTensor t = {.name = path};
    *data = NULL;
    RINS_TRY(rins_file_read(path, 0, &bytes, &size));
    RinsStatus status = rins_npy_header((const uint8_t *)bytes, size, &t, &data_at);
    if (status != RINS_OK)
        status = rins_fail_context(status, "'%s'", path);
    else if (t.type != RINS_ST_F32)
        status = RINS_FAIL(RINS_ERR_UNSUPPORTED, "'%s' is not float32 (<f4)", path);
    else if (t.ndim < 1 || t.ndim > 2)
        status = RINS_FAIL(RINS_ERR_UNSUPPORTED, "'%s' is not a matrix", path);
    else if (size - data_at != t.bytes)
        status = RINS_FAIL(RINS_ERR_FORMAT, "'%s' holds %zu bytes of numbers, its shape is %zu", path, size - data_at,
                           t.bytes);
    if (status != RINS_OK) {
        free(bytes);
        return status;
    }
    *rows = t.ndim == 2 ? t.shape[0] : 1;
    *dim = t.shape[t.ndim - 1];
    *data = (float *)memmove(bytes, bytes + data_at, t.bytes); /* so that free() gets what malloc() gave */
    return RINS_OK;
}
