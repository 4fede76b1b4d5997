/* A typed, strided matrix view: what every op takes. It owns nothing. */
#ifndef RINS_BASE_TENSOR_H
#define RINS_BASE_TENSOR_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

typedef enum RinsType { RINS_F32, RINS_BF16 } RinsType;

static inline size_t rins_type_size(RinsType type) {
    return type == RINS_BF16 ? 2 : 4;
}

/* Row-major (rows, cols); element (r, c) is at data[r * stride + c], stride counted in elements.
   A wide stride views one column range of a fused matrix, or one row of every sequence. */
typedef struct RinsTensor {
    void *data; /* memory of the device that the op runs on; NULL means "absent" where an op allows it */
    RinsType type;
    int64_t rows, cols, stride;
} RinsTensor;

#define RINS_ABSENT ((RinsTensor){0})

static inline RinsTensor rins_tensor(void *data, RinsType type, int64_t rows, int64_t cols) {
    return (RinsTensor){data, type, rows, cols, cols};
}

static inline RinsTensor rins_f32(const float *data, int64_t rows, int64_t cols) {
    return rins_tensor((void *)(uintptr_t)data, RINS_F32, rows, cols);
}

/* Columns [first, first + cols) of t. */
static inline RinsTensor rins_cols_view(RinsTensor t, int64_t first, int64_t cols) {
    assert(first >= 0 && first + cols <= t.cols);
    char *base = t.data ? (char *)t.data + (size_t)first * rins_type_size(t.type) : NULL;
    return (RinsTensor){base, t.type, t.rows, cols, t.stride};
}

/* Rows [first, first + rows) of t. */
static inline RinsTensor rins_rows_view(RinsTensor t, int64_t first, int64_t rows) {
    assert(first >= 0 && first + rows <= t.rows);
    char *base = t.data ? (char *)t.data + (size_t)(first * t.stride) * rins_type_size(t.type) : NULL;
    return (RinsTensor){base, t.type, rows, t.cols, t.stride};
}

/* Row `index` of each of the rows / every groups: (rows / every, cols). The pooled token of every sequence. */
static inline RinsTensor rins_every_view(RinsTensor t, int64_t index, int64_t every) {
    assert(t.rows % every == 0 && index >= 0 && index < every);
    char *base = t.data ? (char *)t.data + (size_t)(index * t.stride) * rins_type_size(t.type) : NULL;
    return (RinsTensor){base, t.type, t.rows / every, t.cols, t.stride * every};
}

#endif
