#define _GNU_SOURCE
#include "src/model/npz.h"

#include "src/base/list.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NPY_HEADER = 65536, BLOCK = 1 << 20 };

static const struct {
    const char *descr;
    RinsStType type;
} npy_types[] = {
    {"<f4", RINS_ST_F32}, {"<f2", RINS_ST_F16}, {"<f8", RINS_ST_F64}, {"|V2", RINS_ST_BF16}, {"<V2", RINS_ST_BF16},
    {"<i4", RINS_ST_I32}, {"<i8", RINS_ST_I64}, {"|u1", RINS_ST_U8},  {"|b1", RINS_ST_BOOL},
};

static RinsStatus damaged(const char *what) {
    return RINS_FAIL(RINS_ERR_FORMAT, "no valid .npy array: %s", what);
}

/* What follows "'key':" in the header's dictionary, NULL where the key is absent. */
static const char *value_of(const char *header, const char *key) {
    const char *at = strstr(header, key);
    if (!at) return NULL;
    at += strlen(key);
    while (*at == ' ') at++;
    return at;
}

static RinsStatus parse_descr(const char *at, RinsStType *type) {
    for (size_t i = 0; at && (*at == '\'' || *at == '"') && i < sizeof npy_types / sizeof npy_types[0]; i++) {
        const size_t n = strlen(npy_types[i].descr);
        if (!strncmp(at + 1, npy_types[i].descr, n) && at[1 + n] == at[0]) {
            *type = npy_types[i].type;
            return RINS_OK;
        }
    }
    return RINS_FAIL(RINS_ERR_UNSUPPORTED, "arrays of type %.12s are not supported", at ? at : "(none)");
}

static RinsStatus parse_shape(const char *at, RinsStTensor *t) {
    if (!at || *at++ != '(') return damaged("it has no shape");
    t->ndim = 0;
    while (*at && *at != ')') {
        char *end;
        if (*at < '0' || *at > '9') return damaged("a size is no natural number");
        if (t->ndim == RINS_ST_MAX_DIMS) return damaged("it has too many dimensions");
        t->shape[t->ndim++] = strtoll(at, &end, 10);
        at = end;
        while (*at == ',' || *at == ' ') at++;
    }
    return *at == ')' ? RINS_OK : damaged("its shape does not end");
}

RinsStatus rins_npy_header(const uint8_t *bytes, size_t size, RinsStTensor *t, size_t *data_at) {
    if (size < 12 || memcmp(bytes, "\x93NUMPY", 6) != 0) return damaged("it does not begin as one");
    const size_t prefix = bytes[6] == 1 ? 10 : 12;
    size_t length = (size_t)(bytes[8] | bytes[9] << 8);
    if (prefix == 12) length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (bytes[6] < 1 || bytes[6] > 3 || length > MAX_NPY_HEADER) return damaged("its version or header is unknown");
    if (length > size - prefix) return damaged("it is truncated");
    char *header = strndup((const char *)bytes + prefix, length);
    if (!header) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a header of %zu bytes", length);
    RinsStatus status = parse_descr(value_of(header, "'descr':"), &t->type);
    if (status == RINS_OK) status = parse_shape(value_of(header, "'shape':"), t);
    if (status == RINS_OK) status = rins_st_set_size(t);
    const char *fortran = value_of(header, "'fortran_order':");
    if (status == RINS_OK && (!fortran || strncmp(fortran, "False", 5) != 0) && t->ndim > 1)
        status = RINS_FAIL(RINS_ERR_UNSUPPORTED, "the array is in Fortran order");
    free(header);
    *data_at = prefix + length;
    return status;
}

typedef struct Bytes {
    uint8_t *data;
    size_t size, room;
} Bytes;

/* Appends up to `limit` bytes of the present member. Sizes of members are believed only once read. */
static RinsStatus read_member(struct archive *zip, Bytes *out, size_t limit) {
    while (out->size < limit) {
        if (out->room - out->size < BLOCK) {
            const size_t room = out->room < BLOCK ? 2 * BLOCK : 2 * out->room;
            uint8_t *grown = realloc(out->data, room);
            if (!grown) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %zu bytes", room);
            out->data = grown;
            out->room = room;
        }
        const size_t space = out->room - out->size, want = limit - out->size < space ? limit - out->size : space;
        const la_ssize_t got = archive_read_data(zip, out->data + out->size, want);
        if (got < 0) return RINS_FAIL(RINS_ERR_FORMAT, "damaged archive: %s", archive_error_string(zip));
        if (got == 0) break;
        out->size += (size_t)got;
    }
    return RINS_OK;
}

static RinsStatus parse_member(RinsNpz *npz, struct archive *zip, const char *member, bool headers_only) {
    const size_t n = strlen(member);
    if (n < 5 || strcmp(member + n - 4, ".npy") != 0) return RINS_OK;
    RinsStTensor *grown = rins_list_grow(npz->list, npz->n, sizeof *grown);
    if (!grown) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %zu arrays", npz->n + 1);
    npz->list = grown;
    Bytes bytes = {0};
    size_t data_at;
    RinsStTensor t = {.name = strndup(member, n - 4)};
    RinsStatus status = t.name ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory for '%s'", member);
    if (status == RINS_OK) status = read_member(zip, &bytes, headers_only ? MAX_NPY_HEADER : SIZE_MAX);
    if (status == RINS_OK) status = rins_npy_header(bytes.data, bytes.size, &t, &data_at);
    if (status == RINS_OK && !headers_only && bytes.size - data_at != t.bytes)
        status = damaged("its size is not its shape's");
    if (status != RINS_OK) {
        free((void *)(uintptr_t)t.name);
        free(bytes.data);
        return rins_fail_context(status, "array '%.200s'", member);
    }
    if (headers_only)
        free(bytes.data);
    else
        t.data = memmove(bytes.data, bytes.data + data_at, t.bytes); /* so that free() gets what malloc() gave */
    npz->list[npz->n++] = t;
    return RINS_OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const RinsStTensor *)a)->name, ((const RinsStTensor *)b)->name);
}

RinsStatus rins_npz_open(RinsNpz *npz, const char *path, bool headers_only) {
    *npz = (RinsNpz){0};
    RinsStatus status = RINS_OK;
    struct archive *zip = archive_read_new();
    struct archive_entry *entry;
    if (!zip) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to open '%s'", path);
    archive_read_support_format_zip_seekable(zip);
    if (archive_read_open_filename(zip, path, BLOCK) != ARCHIVE_OK) {
        status = RINS_FAIL(RINS_ERR_IO, "cannot open '%s': %s", path, archive_error_string(zip));
        goto done;
    }
    int next;
    while (status == RINS_OK && (next = archive_read_next_header(zip, &entry)) != ARCHIVE_EOF) {
        const char *member = archive_entry_pathname(entry);
        if (next != ARCHIVE_OK || !member)
            status = RINS_FAIL(RINS_ERR_FORMAT, "damaged archive: %s", archive_error_string(zip));
        else
            status = parse_member(npz, zip, member, headers_only);
    }
    if (status == RINS_OK && npz->n == 0) status = RINS_FAIL(RINS_ERR_FORMAT, "there are no arrays in it");
    if (status != RINS_OK) status = rins_fail_context(status, "'%s'", path);
    if (npz->n > 1) qsort(npz->list, npz->n, sizeof *npz->list, by_name);
done:
    archive_read_free(zip);
    if (status != RINS_OK) rins_npz_close(npz);
    return status;
}

void rins_npz_close(RinsNpz *npz) {
    for (size_t i = 0; i < npz->n; i++) {
        free((void *)(uintptr_t)npz->list[i].name);
        free((void *)(uintptr_t)npz->list[i].data);
    }
    free(npz->list);
    *npz = (RinsNpz){0};
}

const RinsStTensor *rins_npz_find(const RinsNpz *npz, const char *name) {
    const RinsStTensor key = {.name = name};
    return npz->n ? bsearch(&key, npz->list, npz->n, sizeof key, by_name) : NULL;
}
