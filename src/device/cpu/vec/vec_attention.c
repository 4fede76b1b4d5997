/* Attention head by head, each thread its own heads. A block of BLOCK query rows holds its scores (BLOCK, lk)
   in scratch, never more; k and v are packed once per head. fp32 inside, whatever the act type. */
#include "src/device/cpu/attention_head.h"
#include "src/device/cpu/cpu_device.h"
#include "src/device/cpu/vec/vec_attention_rows.h"
#include "src/device/cpu/vec/vec_ops.h"
#include "src/device/cpu/vec/vec_tile.h"

#include <omp.h>

enum { BLOCK = 48 }; /* query rows at most: a multiple of TILE_ROWS; with the head_dim of heads they stay in L1 */

static int64_t block_rows(const RinsAttention *a) {
    return a->lq < BLOCK ? a->lq : BLOCK;
}

/* to (t.rows, tile_width) = factor * t, columns beyond t zero. */
static void load_block(RinsTensor t, float factor, float *to) {
    const int64_t width = tile_width(t.cols);
    for (int64_t r = 0; r < t.rows; r++)
        for (int64_t c = 0; c < width; c += VW) vf_store(to + r * width + c, factor * act_load(&t, r, c, t.cols - c));
}

typedef struct Forward {
    float *k_t, *v;                    /* packed */
    float *q, *scores, *out, *inverse; /* of one block */
} Forward;

static int64_t carve_forward(const RinsAttention *a, float *scratch, Forward *f) {
    const int64_t rows = block_rows(a), wd = tile_width(a->head_dim), wk = tile_width(a->lk);
    Carve c = {scratch, 0};
    f->k_t = carve(&c, a->head_dim * wk);
    f->v = carve(&c, a->lk * wd);
    f->q = carve(&c, rows * wd);
    f->scores = carve(&c, rows * wk);
    f->out = carve(&c, rows * wd);
    f->inverse = carve(&c, rows);
    return c.used;
}

static void forward_block(const RinsHead *h, const Forward *f, int64_t row, int64_t rows, float scale) {
    const int64_t lk = h->k.rows, hd = h->k.cols, wk = tile_width(lk), wd = tile_width(hd);
    load_block(rins_rows_view(h->q, row, rows), scale, f->q);
    tile_product(rows, lk, hd, (TileA){f->q, wd, 1}, f->k_t, f->scores, wk, false);
    for (int64_t i = 0; i < rows; i++) {
        float *s = f->scores + i * wk, peak;
        const float sum = softmax_row(s, lk, wk, 1, (SoftmaxRow){s, RINS_F32}, &peak);
        f->inverse[i] = 1 / sum;
        if (h->lse) h->lse[row + i] = peak + logf(sum);
    }
    tile_product(rows, hd, lk, (TileA){f->scores, wk, 1}, f->v, f->out, wd, false);
    attention_store(rins_rows_view(h->out, row, rows), 1, f->inverse, f->out, wd);
}

/* Few query rows: k and v are read once as they lie. Scores are dot products of rows. */
static void forward_thin(const RinsHead *h, const Forward *f, float scale) {
    const int64_t lk = h->k.rows, hd = h->k.cols, wd = tile_width(hd);
    float *q = f->q, *out = f->out, *s = f->scores;
    for (int64_t i = 0; i < h->q.rows; i++) {
        load_block(rins_rows_view(h->q, i, 1), scale, q);
        for (int64_t j = 0; j < lk; j++) {
            vf sum = {0};
            for (int64_t c = 0; c < hd; c += VW) sum = vf_fma(vf_load(q + c), act_load(&h->k, j, c, hd - c), sum);
            s[j] = vf_sum(sum);
        }
        float peak;
        const float total = softmax_row(s, lk, tile_width(lk), 1, (SoftmaxRow){s, RINS_F32}, &peak);
        if (h->lse) h->lse[i] = peak + logf(total);
        memset(out, 0, (size_t)wd * sizeof *out);
        for (int64_t j = 0; j < lk; j++)
            for (int64_t c = 0; c < hd; c += VW)
                vf_store(out + c, vf_fma(vf_set(s[j]), act_load(&h->v, j, c, hd - c), vf_load(out + c)));
        attention_store(rins_rows_view(h->out, i, 1), 1 / total, NULL, out, wd);
    }
}

static void forward_head(const RinsAttention *a, int64_t index, float *scratch) {
    const RinsHead h = rins_head_view(a, index);
    Forward f;
    (void)carve_forward(a, scratch, &f);
    if (a->lq < FEWEST_QUERIES) {
        forward_thin(&h, &f, a->scale);
        return;
    }
    tile_pack_transposed(h.k, f.k_t);
    tile_pack(h.v, f.v);
    for (int64_t row = 0; row < a->lq; row += BLOCK)
        forward_block(&h, &f, row, a->lq - row < BLOCK ? a->lq - row : BLOCK, a->scale);
}

void RINS_VEC(rins_attention_fwd)(RinsDevice *dev, const RinsAttention *a) {
    Forward unused;
    rins_count_attention(dev, a, false);
    if (!rins_cpu_reserve(dev, (size_t)carve_forward(a, NULL, &unused) * sizeof(float))) return;
#pragma omp parallel for num_threads(dev->threads) schedule(guided)
    for (int64_t n = 0; n < a->batch * a->heads; n++) forward_head(a, n, rins_cpu_scratch(dev, omp_get_thread_num()));
}

typedef struct Backward {
    float *k_t, *v_t, *k;          /* packed; v_t is k_t where v is k */
    float *dk, *dv;                /* (lk, width) sums over the blocks; one where the tensors are one */
    float *q, *dout, *dq, *p, *ds; /* of one block */
    float *delta;
} Backward;

static int64_t carve_backward(const RinsAttention *a, float *scratch, Backward *w) {
    const int64_t rows = block_rows(a), lk = a->lk, hd = a->head_dim, wd = tile_width(hd), wk = tile_width(lk);
    Carve c = {scratch, 0};
    w->k_t = carve(&c, hd * wk);
    w->v_t = rins_attention_one_kv(a) ? w->k_t : carve(&c, hd * wk);
    w->k = carve(&c, lk * wd);
    w->dv = carve(&c, lk * wd);
    w->dk = rins_attention_one_dkv(a) ? w->dv : carve(&c, lk * wd);
    w->q = carve(&c, rows * wd);
    w->dout = carve(&c, rows * wd);
    w->dq = carve(&c, rows * wd);
    w->p = carve(&c, rows * wk);
    w->ds = carve(&c, rows * wk);
    w->delta = carve(&c, rows);
    return c.used;
}

static void backward_block(const RinsHead *h, const Backward *w, int64_t row, int64_t rows, float scale) {
    const int64_t lk = h->k.rows, hd = h->k.cols, wk = tile_width(lk), wd = tile_width(hd);
    const bool add = row > 0;
    load_block(rins_rows_view(h->q, row, rows), scale, w->q);
    load_block(rins_rows_view(h->dout, row, rows), 1, w->dout);
    attention_delta(rins_rows_view(h->out, row, rows), rins_rows_view(h->dout, row, rows), w->delta);
    tile_product(rows, lk, hd, (TileA){w->q, wd, 1}, w->k_t, w->p, wk, false);
    tile_product(rows, lk, hd, (TileA){w->dout, wd, 1}, w->v_t, w->ds, wk, false);
    for (int64_t i = 0; i < rows; i++) {
        float *p = w->p + i * wk, *ds = w->ds + i * wk;
        softmax_backward_row(p, ds, lk, lk, 1, h->lse[row + i], w->delta[i], (SoftmaxRow){p, RINS_F32},
                             (SoftmaxRow){ds, RINS_F32});
    }
    tile_product_rows(lk, hd, rows, (TileA){w->p, 1, wk}, w->dout, wd, w->dv, wd, add);
    tile_product_rows(lk, hd, rows, (TileA){w->ds, 1, wk}, w->q, wd, w->dk, wd, add || w->dk == w->dv);
    tile_product(rows, hd, lk, (TileA){w->ds, wk, 1}, w->k, w->dq, wd, false);
    attention_store(rins_rows_view(h->dq, row, rows), scale, NULL, w->dq, wd);
}

static void backward_head(const RinsAttention *a, int64_t index, float *scratch) {
    const RinsHead h = rins_head_view(a, index);
    Backward w;
    (void)carve_backward(a, scratch, &w);
    tile_pack_transposed(h.k, w.k_t);
    if (w.v_t != w.k_t) tile_pack_transposed(h.v, w.v_t);
    tile_pack(h.k, w.k);
    for (int64_t row = 0; row < a->lq; row += BLOCK)
        backward_block(&h, &w, row, a->lq - row < BLOCK ? a->lq - row : BLOCK, a->scale);
    attention_store(h.dv, 1, NULL, w.dv, tile_width(a->head_dim));
    if (w.dk != w.dv) attention_store(h.dk, 1, NULL, w.dk, tile_width(a->head_dim)); /* q carries the scale already */
}

void RINS_VEC(rins_attention_bwd)(RinsDevice *dev, const RinsAttention *a) {
    Backward unused;
    rins_count_attention(dev, a, true);
    if (!rins_cpu_reserve(dev, (size_t)carve_backward(a, NULL, &unused) * sizeof(float))) return;
#pragma omp parallel for num_threads(dev->threads) schedule(guided)
    for (int64_t n = 0; n < a->batch * a->heads; n++) backward_head(a, n, rins_cpu_scratch(dev, omp_get_thread_num()));
}
