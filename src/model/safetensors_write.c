#include "src/model/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* The header as JSON text in the order given, padded with spaces so that data starts at a multiple of 8. */
static RinsStatus header_text(const RinsStTensor *tensors, size_t n, const RinsStMeta *meta, size_t n_meta, char **text,
                              size_t *length, uint64_t *total) {
    RinsStatus status = RINS_ERR_MEMORY;
    json_t *header = json_object(), *entry;
    char *dumped = NULL, *padded;
    if (n_meta) json_object_set_new(header, "__metadata__", entry = json_object());
    for (size_t i = 0; i < n_meta; i++) json_object_set_new(entry, meta[i].key, json_string(meta[i].value));
    *total = 0;
    for (size_t i = 0; i < n; i++) {
        RinsStTensor t = tensors[i];
        RINS_TRY_DONE(rins_st_set_size(&t));
        if (json_object_get(header, t.name)) {
            status = RINS_FAIL(RINS_ERR_INTERNAL, "tensor '%.200s' is listed twice", t.name);
            goto done;
        }
        json_t *shape = json_array();
        for (int d = 0; d < t.ndim; d++) json_array_append_new(shape, json_integer(t.shape[d]));
        entry = json_pack("{s:s, s:o, s:[I,I]}", "dtype", rins_st_type_name(t.type), "shape", shape, "data_offsets",
                          (json_int_t)*total, (json_int_t)(*total + t.bytes));
        status = RINS_ERR_MEMORY;
        if (json_object_set_new(header, t.name, entry) != 0) goto done;
        *total += t.bytes;
    }
    dumped = json_dumps(header, JSON_COMPACT);
    if (!dumped) goto done;
    *length = (strlen(dumped) + 7) / 8 * 8;
    if (!(padded = malloc(*length + 1))) goto done;
    snprintf(padded, *length + 1, "%-*s", (int)*length, dumped);
    *text = padded;
    status = RINS_OK;
done:
    free(dumped);
    json_decref(header);
    return status == RINS_ERR_MEMORY ? RINS_FAIL(status, "no memory for the header of %zu tensors", n) : status;
}

RinsStatus rins_st_writer_open(RinsStWriter *writer, const char *path, const RinsStTensor *tensors, size_t n,
                               const RinsStMeta *meta, size_t n_meta) {
    char *text = NULL;
    size_t length = 0;
    *writer = (RinsStWriter){0};
    RINS_TRY(header_text(tensors, n, meta, n_meta, &text, &length, &writer->expected));
    RinsStatus status = rins_atomic_open(&writer->file, path);
    if (status == RINS_OK) {
        uint8_t size[8];
        for (int i = 0; i < 8; i++) size[i] = (uint8_t)((uint64_t)length >> 8 * i);
        fwrite(size, 1, 8, writer->file.stream);
        fwrite(text, 1, length, writer->file.stream);
    }
    free(text);
    return status;
}

void rins_st_writer_put(RinsStWriter *writer, const void *data, size_t bytes) {
    fwrite(data, 1, bytes, writer->file.stream);
    writer->written += bytes;
}

RinsStatus rins_st_writer_commit(RinsStWriter *writer) {
    if (writer->written == writer->expected) return rins_atomic_commit(&writer->file);
    RinsStatus status =
        RINS_FAIL(RINS_ERR_INTERNAL, "%llu bytes of tensors were written to '%s', the header says %llu",
                  (unsigned long long)writer->written, writer->file.path, (unsigned long long)writer->expected);
    rins_st_writer_abort(writer);
    return status;
}

void rins_st_writer_abort(RinsStWriter *writer) {
    rins_atomic_abort(&writer->file);
}
