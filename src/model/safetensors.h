/* safetensors files: 8 bytes little-endian header length, a JSON header, then the tensors' bytes without gaps.
   Format: github.com/huggingface/safetensors (README, "Format"). The parser is pure (bytes in, views out) and strict:
   whatever it accepts can be read within bounds. */
#ifndef RINS_MODEL_SAFETENSORS_H
#define RINS_MODEL_SAFETENSORS_H

#include "src/base/file.h"
#include "src/base/status.h"

#include <stddef.h>
#include <stdint.h>

typedef enum RinsStType {
    RINS_ST_BOOL,
    RINS_ST_U8,
    RINS_ST_I8,
    RINS_ST_F8_E4M3,
    RINS_ST_F8_E5M2,
    RINS_ST_I16,
    RINS_ST_U16,
    RINS_ST_F16,
    RINS_ST_BF16,
    RINS_ST_I32,
    RINS_ST_U32,
    RINS_ST_F32,
    RINS_ST_I64,
    RINS_ST_U64,
    RINS_ST_F64,
    RINS_ST_N_TYPES
} RinsStType;

enum { RINS_ST_MAX_DIMS = 8 };

typedef struct RinsStTensor {
    const char *name; /* owned by the file */
    RinsStType type;
    int ndim;
    int64_t shape[RINS_ST_MAX_DIMS];
    int64_t count;       /* elements; 1 for a scalar (ndim 0) */
    const uint8_t *data; /* little-endian, any alignment; inside the parsed bytes */
    size_t bytes;
} RinsStTensor;

typedef struct RinsSafetensors {
    RinsStTensor *list; /* sorted by name */
    size_t n;
    void *header; /* the parsed JSON, which owns the names */
    void *map;    /* set by _open */
    size_t map_size;
} RinsSafetensors;

/* Reads the header of `bytes`, which must outlive `st`. RINS_ERR_FORMAT says what is wrong: truncation, header over
   100 MB, malformed JSON, unknown dtype, sizes that disagree, overlaps, gaps, bytes after the end. */
RinsStatus rins_safetensors_parse(RinsSafetensors *st, const void *bytes, size_t size);

/* Maps a file and parses it; errors name the file. */
RinsStatus rins_safetensors_open(RinsSafetensors *st, const char *path);

/* Harmless on a zeroed struct. */
void rins_safetensors_close(RinsSafetensors *st);

/* NULL where absent. */
const RinsStTensor *rins_safetensors_find(const RinsSafetensors *st, const char *name);

/* The string under "__metadata__", NULL where absent. */
const char *rins_safetensors_metadata(const RinsSafetensors *st, const char *key);

/* All elements as fp32: F32, F16 and BF16 exactly, F64 rounded. RINS_ERR_UNSUPPORTED for other types. */
RinsStatus rins_st_to_f32(const RinsStTensor *tensor, float *out);

const char *rins_st_type_name(RinsStType type); /* "F32" ... */

/* Sets count and bytes from shape and type. RINS_ERR_FORMAT where they overflow. */
RinsStatus rins_st_set_size(RinsStTensor *tensor);

/* "[2, 3]" into text; for messages. */
void rins_st_shape_text(const int64_t *shape, int ndim, char *text, size_t room);

/* Streaming writer: all names and shapes first, then the data, tensor by tensor in the order given. The file appears
   only when finished (RinsAtomicFile); same tensors, same bytes. */
typedef struct RinsStWriter {
    RinsAtomicFile file;
    uint64_t expected, written;
} RinsStWriter;

typedef struct RinsStMeta {
    const char *key, *value;
} RinsStMeta;

/* `tensors`: name, type, ndim and shape are used. `meta` goes under "__metadata__" in the order given; transformers
   wants {"format", "pt"}. Data starts at a multiple of 8. */
RinsStatus rins_st_writer_open(RinsStWriter *writer, const char *path, const RinsStTensor *tensors, size_t n,
                               const RinsStMeta *meta, size_t n_meta);
void rins_st_writer_put(RinsStWriter *writer, const void *data, size_t bytes);
/* RINS_ERR_INTERNAL where the bytes put are not what the header promised. */
RinsStatus rins_st_writer_commit(RinsStWriter *writer);
/* Drops the unfinished file; harmless after a commit and on a zeroed struct. */
void rins_st_writer_abort(RinsStWriter *writer);

#endif
