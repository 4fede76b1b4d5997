#define _GNU_SOURCE
#include "eval/npy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 128, PREFIX = 10 }; /* data starts at HEADER: a multiple of 64 */
static const char magic[] = "\x93NUMPY\x01";

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

/* Shape from a header dictionary, which lists its keys in any order. */
static RinsStatus parse_header(const char *text, const char *path, int64_t *rows, int64_t *dim) {
    if (!strstr(text, "'<f4'")) return RINS_FAIL(RINS_ERR_UNSUPPORTED, "'%s' is not float32 (<f4)", path);
    if (!strstr(text, "'fortran_order': False")) return RINS_FAIL(RINS_ERR_UNSUPPORTED, "'%s' is not in C order", path);
    const char *shape = strstr(text, "'shape':");
    shape = shape ? strchr(shape, '(') : NULL;
    if (!shape) return RINS_FAIL(RINS_ERR_FORMAT, "'%s' has no shape", path);
    char *end;
    int64_t sizes[3];
    int n = 0;
    for (const char *at = shape + 1; n < 3; at = end + strspn(end, " ,")) {
        sizes[n] = strtoll(at, &end, 10);
        if (end == at) break;
        if (sizes[n] < 0) return RINS_FAIL(RINS_ERR_FORMAT, "'%s' has a negative size", path);
        n++;
    }
    if (n < 1 || n > 2) return RINS_FAIL(RINS_ERR_UNSUPPORTED, "'%s' is not a matrix", path);
    *rows = n == 2 ? sizes[0] : 1;
    *dim = sizes[n - 1];
    return RINS_OK;
}

RinsStatus rins_npy_read(const char *path, float **data, int64_t *rows, int64_t *dim) {
    char *bytes = NULL, *header = NULL;
    size_t size = 0;
    RinsStatus status = RINS_OK;
    *data = NULL;
    RINS_TRY(rins_file_read(path, 0, &bytes, &size));
    const bool known = size >= PREFIX + 2 && !memcmp(bytes, magic, 6) && (bytes[6] == 1 || bytes[6] == 2);
    const size_t prefix = known && bytes[6] == 2 ? PREFIX + 2 : PREFIX;
    const unsigned char *length = (const unsigned char *)bytes + 8;
    const size_t n = !known ? 0
                     : bytes[6] == 1
                         ? length[0] | (size_t)length[1] << 8
                         : length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 | (size_t)length[3] << 24;
    if (!known || n > size - prefix) {
        status = RINS_FAIL(RINS_ERR_FORMAT, "'%s' is not a .npy file", path);
        goto done;
    }
    header = strndup(bytes + prefix, n);
    if (!header) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for the header of '%s'", path);
        goto done;
    }
    RINS_TRY_DONE(parse_header(header, path, rows, dim));
    const size_t have = (size - prefix - n) / sizeof(float);
    if ((*rows && (uint64_t)*dim > have / (uint64_t)*rows) || (uint64_t)*rows * (uint64_t)*dim != have) {
        status = RINS_FAIL(RINS_ERR_FORMAT, "'%s' holds %zu numbers, its shape is (%lld, %lld)", path, have,
                           (long long)*rows, (long long)*dim);
        goto done;
    }
    memmove(bytes, bytes + prefix + n, have * sizeof(float));
    *data = (float *)(void *)bytes;
    bytes = NULL;
done:
    free(bytes), free(header);
    return status;
}
