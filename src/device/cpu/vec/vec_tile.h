/* Matrix products on tiles that lie in cache: c (m, n) (+)= a (m, k) . b (k, n), all fp32.

   a is read one element at a time, so it may lie in any order: a[i * a_row + j * a_col]. b is a panel whose
   rows are contiguous in n: b[j * ldb + n]. The inner tile is TILE_ROWS x (2 vectors): 12 of AVX2's 16
   registers hold sums, 24 of AVX-512's 32. */
#ifndef RINS_VEC_TILE_H
#define RINS_VEC_TILE_H

#include "src/device/cpu/vec/vec_act.h"

#include <stdbool.h>

enum {
    TILE_ROWS = VW == 8 ? 6 : 12,
    TILE_COLS = 2 * VW,
};

typedef struct TileA {
    const float *data;
    int64_t row, col; /* steps in elements */
} TileA;

/* rows <= TILE_ROWS and vectors (1 or 2) are constants where this is inlined. */
VEC_INLINE void tile_fixed(int rows, int vectors, int64_t k, TileA a, const float *b, int64_t ldb, float *c,
                           int64_t ldc, bool add) {
    vf sum[TILE_ROWS][2];
#pragma GCC unroll 12
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) sum[i][v] = (vf){0};
    for (int64_t j = 0; j < k; j++) {
        const float *pa = a.data + j * a.col, *pb = b + j * ldb;
        vf right[2];
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) right[v] = vf_load(pb + v * VW);
#pragma GCC unroll 12
        for (int i = 0; i < rows; i++) {
            const vf left = vf_set(pa[i * a.row]);
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++) sum[i][v] = vf_fma(left, right[v], sum[i][v]);
        }
    }
#pragma GCC unroll 12
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) {
            float *to = c + i * ldc + v * VW;
            vf_store(to, add ? vf_load(to) + sum[i][v] : sum[i][v]);
        }
}

#define TILE_CASE(n)                                                                                                   \
    case n: tile_fixed(n, vectors, k, a, b, ldb, c, ldc, add); break

VEC_INLINE void tile_rows(int rows, int vectors, int64_t k, TileA a, const float *b, int64_t ldb, float *c, int64_t ldc,
                          bool add) {
    switch (rows) {
        TILE_CASE(1);
        TILE_CASE(2);
        TILE_CASE(3);
        TILE_CASE(4);
        TILE_CASE(5);
        TILE_CASE(6);
#if defined(__AVX512F__) || defined(RINS_VEC_EMULATE)
        TILE_CASE(7);
        TILE_CASE(8);
        TILE_CASE(9);
        TILE_CASE(10);
        TILE_CASE(11);
        TILE_CASE(12);
#endif
    }
}

/* One panel: c (m, cols) with cols a vector or two. Writes whole vectors: c has room for them. */
static void tile_panel(int64_t m, int64_t cols, int64_t k, TileA a, const float *b, int64_t ldb, float *c, int64_t ldc,
                       bool add) {
    for (int64_t i = 0; i < m; i += TILE_ROWS) {
        const int rows = (int)(m - i < TILE_ROWS ? m - i : TILE_ROWS);
        const TileA part = {a.data + i * a.row, a.row, a.col};
        if (cols > VW)
            tile_rows(rows, 2, k, part, b, ldb, c + i * ldc, ldc, add);
        else
            tile_rows(rows, 1, k, part, b, ldb, c + i * ldc, ldc, add);
    }
}

/* n rounded up to whole vectors: the width of c, and of packed b. */
static inline int64_t tile_width(int64_t n) {
    return (n + VW - 1) / VW * VW;
}

/* Floats of b (k, n) packed. */
static inline int64_t tile_packed(int64_t k, int64_t n) {
    return k * tile_width(n);
}

/* The whole product with b packed: panels of TILE_COLS columns one after the other, each (k, its width). c
   has tile_width(n) columns; those beyond n hold sums over the padding of b, which is zero. */
static void tile_product(int64_t m, int64_t n, int64_t k, TileA a, const float *packed, float *c, int64_t ldc,
                         bool add) {
    const int64_t width = tile_width(n);
    for (int64_t at = 0; at < width; at += TILE_COLS) {
        const int64_t cols = width - at < TILE_COLS ? width - at : TILE_COLS;
        tile_panel(m, cols, k, a, packed + at * k, cols, c + at, ldc, add);
    }
}

/* The whole product with b (k, tile_width(n)) unpacked, for small k. */
static void tile_product_rows(int64_t m, int64_t n, int64_t k, TileA a, const float *b, int64_t ldb, float *c,
                              int64_t ldc, bool add) {
    const int64_t width = tile_width(n);
    for (int64_t at = 0; at < width; at += TILE_COLS)
        tile_panel(m, width - at < TILE_COLS ? width - at : TILE_COLS, k, a, b + at, ldb, c + at, ldc, add);
}

/* Packs b = t (k, n). */
static void tile_pack(RinsTensor t, float *to) {
    const int64_t width = tile_width(t.cols);
    for (int64_t at = 0; at < width; at += TILE_COLS) {
        const int64_t cols = width - at < TILE_COLS ? width - at : TILE_COLS;
        float *panel = to + at * t.rows;
        for (int64_t j = 0; j < t.rows; j++)
            for (int64_t v = 0; v < cols; v += VW)
                vf_store(panel + j * cols + v, act_load(&t, j, at + v, t.cols - at - v));
    }
}

/* Packs b = t^T: t (n, k) becomes (k, n). */
static void tile_pack_transposed(RinsTensor t, float *to) {
    const int64_t k = t.cols, width = tile_width(t.rows);
    for (int64_t at = 0; at < width; at += VW) { /* VW columns of b are VW rows of t */
        const int64_t panel_at = at / TILE_COLS * TILE_COLS;
        const int64_t cols = width - panel_at < TILE_COLS ? width - panel_at : TILE_COLS;
        float *panel = to + panel_at * k + (at - panel_at);
        for (int64_t j = 0; j < k; j += VW) {
            vf row[VW];
#pragma GCC unroll 16
            for (int i = 0; i < VW; i++) row[i] = at + i < t.rows ? act_load(&t, at + i, j, k - j) : (vf){0};
            vf_transpose(row);
            for (int i = 0; i < VW && j + i < k; i++) vf_store(panel + (j + i) * cols, row[i]);
        }
    }
}

#endif
