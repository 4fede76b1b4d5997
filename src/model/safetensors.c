#define _GNU_SOURCE
#include "src/model/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_HEADER = 100000000 }; /* as the reference implementation */

static const struct {
    const char *name;
    size_t size;
} types[RINS_ST_N_TYPES] = {
    [RINS_ST_BOOL] = {"BOOL", 1},       [RINS_ST_U8] = {"U8", 1},           [RINS_ST_I8] = {"I8", 1},
    [RINS_ST_F8_E4M3] = {"F8_E4M3", 1}, [RINS_ST_F8_E5M2] = {"F8_E5M2", 1}, [RINS_ST_I16] = {"I16", 2},
    [RINS_ST_U16] = {"U16", 2},         [RINS_ST_F16] = {"F16", 2},         [RINS_ST_BF16] = {"BF16", 2},
    [RINS_ST_I32] = {"I32", 4},         [RINS_ST_U32] = {"U32", 4},         [RINS_ST_F32] = {"F32", 4},
    [RINS_ST_I64] = {"I64", 8},         [RINS_ST_U64] = {"U64", 8},         [RINS_ST_F64] = {"F64", 8},
};

const char *rins_st_type_name(RinsStType type) {
    return types[type].name;
}

void rins_st_shape_text(const int64_t *shape, int ndim, char *text, size_t room) {
    size_t used = (size_t)snprintf(text, room, "[");
    for (int i = 0; i < ndim && used < room; i++)
        used += (size_t)snprintf(text + used, room - used, "%s%lld", i ? ", " : "", (long long)shape[i]);
    if (used < room) snprintf(text + used, room - used, "]");
}

RinsStatus rins_st_set_size(RinsStTensor *t) {
    uint64_t count = 1, bytes;
    for (int i = 0; i < t->ndim; i++)
        if (__builtin_mul_overflow(count, (uint64_t)t->shape[i], &count)) goto overflow;
    if (__builtin_mul_overflow(count, (uint64_t)types[t->type].size, &bytes) || bytes > INT64_MAX) goto overflow;
    t->count = (int64_t)count;
    t->bytes = (size_t)bytes;
    return RINS_OK;
overflow:
    return RINS_FAIL(RINS_ERR_FORMAT, "tensor '%.200s' has more bytes than memory can address", t->name);
}

static RinsStatus parse_type(RinsStTensor *t, const json_t *value) {
    const char *text = json_string_value(value);
    for (int i = 0; text && i < RINS_ST_N_TYPES; i++)
        if (!strcmp(text, types[i].name)) {
            t->type = (RinsStType)i;
            return RINS_OK;
        }
    return RINS_FAIL(RINS_ERR_FORMAT, "tensor '%.200s' has the unknown dtype '%.40s'", t->name, text ? text : "(none)");
}

static RinsStatus parse_shape(RinsStTensor *t, const json_t *value) {
    const size_t ndim = json_array_size(value);
    if (!json_is_array(value) || ndim > RINS_ST_MAX_DIMS)
        return RINS_FAIL(RINS_ERR_FORMAT, "tensor '%.200s' has no shape of at most %d sizes", t->name,
                         RINS_ST_MAX_DIMS);
    t->ndim = (int)ndim;
    for (size_t i = 0; i < ndim; i++) {
        const json_t *item = json_array_get(value, i);
        if (!json_is_integer(item) || json_integer_value(item) < 0)
            return RINS_FAIL(RINS_ERR_FORMAT, "tensor '%.200s' has a size that is no natural number", t->name);
        t->shape[i] = json_integer_value(item);
    }
    return rins_st_set_size(t);
}

static RinsStatus parse_tensor(RinsStTensor *t, const json_t *entry, const uint8_t *data, uint64_t room) {
    if (!json_is_object(entry) || json_object_size(entry) != 3)
        return RINS_FAIL(RINS_ERR_FORMAT, "tensor '%.200s' is not described by dtype, shape and data_offsets", t->name);
    RINS_TRY(parse_type(t, json_object_get(entry, "dtype")));
    RINS_TRY(parse_shape(t, json_object_get(entry, "shape")));
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(first) || !json_is_integer(last))
        return RINS_FAIL(RINS_ERR_FORMAT, "tensor '%.200s' has no pair of data_offsets", t->name);
    const json_int_t begin = json_integer_value(first), end = json_integer_value(last);
    if (begin < 0 || end < begin || (uint64_t)end > room)
        return RINS_FAIL(RINS_ERR_FORMAT,
                         "tensor '%.200s' lies at bytes %lld to %lld of %llu: the file is truncated or damaged",
                         t->name, (long long)begin, (long long)end, (unsigned long long)room);
    if ((uint64_t)(end - begin) != t->bytes)
        return RINS_FAIL(RINS_ERR_FORMAT, "tensor '%.200s' has %lld bytes where its shape needs %zu", t->name,
                         (long long)(end - begin), t->bytes);
    t->data = data + begin;
    return RINS_OK;
}

static int by_position(const void *a, const void *b) {
    const RinsStTensor *x = a, *y = b;
    if (x->data != y->data) return x->data < y->data ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const RinsStTensor *)a)->name, ((const RinsStTensor *)b)->name);
}

/* The tensors must tile the data: no overlap, no gap, nothing after the last. */
static RinsStatus check_tiling(RinsSafetensors *st, const uint8_t *data, uint64_t room) {
    qsort(st->list, st->n, sizeof *st->list, by_position);
    const uint8_t *at = data;
    for (size_t i = 0; i < st->n; i++) {
        const RinsStTensor *t = &st->list[i];
        if (t->data != at)
            return RINS_FAIL(RINS_ERR_FORMAT, "tensor '%.200s' %s", t->name,
                             t->data < at ? "overlaps another one" : "comes after bytes that belong to none");
        at += t->bytes;
    }
    if ((uint64_t)(at - data) != room)
        return RINS_FAIL(RINS_ERR_FORMAT, "%llu bytes after the last tensor belong to none",
                         (unsigned long long)(room - (uint64_t)(at - data)));
    qsort(st->list, st->n, sizeof *st->list, by_name);
    return RINS_OK;
}

static RinsStatus parse_entries(RinsSafetensors *st, const uint8_t *data, uint64_t room) {
    json_t *header = st->header, *entry;
    const char *name, *key;
    st->list = calloc(json_object_size(header) + 1, sizeof *st->list);
    if (!st->list) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %zu tensors", json_object_size(header));
    json_object_foreach(header, name, entry) {
        if (!strcmp(name, "__metadata__")) {
            json_t *value;
            if (!json_is_object(entry)) return RINS_FAIL(RINS_ERR_FORMAT, "__metadata__ is not an object");
            json_object_foreach(entry, key, value)
                if (!json_is_string(value)) return RINS_FAIL(RINS_ERR_FORMAT, "metadata '%.200s' is not a string", key);
            continue;
        }
        RinsStTensor *t = &st->list[st->n++];
        t->name = name;
        RINS_TRY(parse_tensor(t, entry, data, room));
    }
    return check_tiling(st, data, room);
}

RinsStatus rins_safetensors_parse(RinsSafetensors *st, const void *bytes, size_t size) {
    *st = (RinsSafetensors){0};
    const uint8_t *in = bytes;
    if (size < 8) return RINS_FAIL(RINS_ERR_FORMAT, "no safetensors file: it has %zu bytes", size);
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--) length = length << 8 | in[i];
    if (!memcmp(in, "version ", 8))
        return RINS_FAIL(RINS_ERR_FORMAT, "a Git LFS pointer, not the file itself: fetch it with 'git lfs pull'");
    if (length > MAX_HEADER)
        return RINS_FAIL(RINS_ERR_FORMAT, "no safetensors file: a header of %llu bytes is announced",
                         (unsigned long long)length);
    if (length > size - 8)
        return RINS_FAIL(RINS_ERR_FORMAT, "truncated: the header has %llu bytes, the file %zu",
                         (unsigned long long)length, size);
    json_error_t error;
    json_t *header = json_loadb((const char *)in + 8, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    if (!header) return RINS_FAIL(RINS_ERR_FORMAT, "the header is not valid JSON: %s", error.text);
    st->header = header;
    RinsStatus status = RINS_OK;
    if (!json_is_object(header)) status = RINS_FAIL(RINS_ERR_FORMAT, "the header is not a JSON object");
    if (status == RINS_OK) status = parse_entries(st, in + 8 + length, size - 8 - length);
    if (status != RINS_OK) rins_safetensors_close(st);
    return status;
}

RinsStatus rins_safetensors_open(RinsSafetensors *st, const char *path) {
    *st = (RinsSafetensors){0};
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return RINS_FAIL(RINS_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    struct stat info;
    void *map = MAP_FAILED;
    RinsStatus status = RINS_OK;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        status = RINS_FAIL(RINS_ERR_IO, "cannot read '%s': it is not a file", path);
    } else if (info.st_size < 8) {
        status =
            RINS_FAIL(RINS_ERR_FORMAT, "'%s' is no safetensors file: it has %lld bytes", path, (long long)info.st_size);
    } else {
        map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED) status = RINS_FAIL(RINS_ERR_IO, "cannot map '%s': %s", path, strerror(errno));
    }
    close(fd);
    if (status != RINS_OK) return status;
    status = rins_safetensors_parse(st, map, (size_t)info.st_size);
    if (status != RINS_OK) {
        munmap(map, (size_t)info.st_size);
        return rins_fail_context(status, "'%s'", path);
    }
    st->map = map;
    st->map_size = (size_t)info.st_size;
    return RINS_OK;
}

void rins_safetensors_close(RinsSafetensors *st) {
    if (st->map) munmap(st->map, st->map_size);
    free(st->list);
    json_decref(st->header);
    *st = (RinsSafetensors){0};
}

const RinsStTensor *rins_safetensors_find(const RinsSafetensors *st, const char *name) {
    const RinsStTensor key = {.name = name};
    return st->n ? bsearch(&key, st->list, st->n, sizeof key, by_name) : NULL;
}

const char *rins_safetensors_metadata(const RinsSafetensors *st, const char *key) {
    return json_string_value(json_object_get(json_object_get(st->header, "__metadata__"), key));
}

static float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float from_f16(uint16_t half) {
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023;
    if (exponent == 31) return from_bits(sign | 0x7f800000 | fraction << 13);
    if (exponent) return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
    const float small = (float)fraction * 0x1p-24f; /* subnormal or zero: exact in fp32 */
    return sign ? -small : small;
}

RinsStatus rins_st_to_f32(const RinsStTensor *t, float *out) {
    switch (t->type) {
    case RINS_ST_F32: memcpy(out, t->data, t->bytes); return RINS_OK;
    case RINS_ST_F16:
    case RINS_ST_BF16:
        for (int64_t i = 0; i < t->count; i++) {
            const uint16_t half = (uint16_t)(t->data[2 * i] | t->data[2 * i + 1] << 8);
            out[i] = t->type == RINS_ST_F16 ? from_f16(half) : from_bits((uint32_t)half << 16);
        }
        return RINS_OK;
    case RINS_ST_F64:
        for (int64_t i = 0; i < t->count; i++) {
            double value;
            memcpy(&value, t->data + 8 * i, sizeof value);
            out[i] = (float)value;
        }
        return RINS_OK;
    default:
        return RINS_FAIL(RINS_ERR_UNSUPPORTED, "tensor '%.200s' is %s; weights must be F32, F16, BF16 or F64", t->name,
                         types[t->type].name);
    }
}
