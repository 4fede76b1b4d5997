/* Attention whose products are of bf16, as those of GEMM and by the same kernel; scores, probabilities until they
   are multiplied, and sums are fp32. Head by head, each thread its own heads; ROWS query rows hold their scores
   (ROWS, lk) at a time. Every operand is packed into the kernel's panels: k and v once per head.

   Lengths named `steps` are of two k each, what a slot of a panel holds. */
#include "src/device/cpu/attention_head.h"
#include "src/device/cpu/cpu_device.h"
#include "src/device/cpu/vec/vec_attention_rows.h"
#include "src/device/cpu/vec/vec_ops.h"
#include "src/device/cpu/vec/vec_panels.h"

#include <omp.h>

enum { ROWS = MR >= 32 ? 2 * MR : 4 * MR }; /* query rows: even, and a multiple of MR */

static int64_t steps_of(int64_t k) {
    return (k + STEP_K - 1) / STEP_K;
}

/* Floats of n lanes of an operand packed over k, the spare vector after a's last panel included. */
static int64_t left_floats(int64_t n, int64_t k) {
    return round_up(n, MR) * kernel_depth(steps_of(k)) + VW;
}
static int64_t right_floats(int64_t n, int64_t k) {
    return round_up(n, NR) * kernel_depth(steps_of(k));
}

/* Packs a (lanes, k), which is t or, with `along`, its transpose; t may be larger, and then is zero beyond k. */
static void pack_left(RinsTensor t, bool along, int64_t lanes, int64_t k, float *to) {
    const int64_t steps = steps_of(k), depth = kernel_depth(steps);
    const bool whole = !along && t.cols >= depth * STEP_K; /* what the kernel reads beyond k is there, too */
    PackFrom f = {t, along, 0, PANEL_ROWS, false, 0, whole ? depth : steps};
    vf unused[PACK_GROUP];
    while (f.lane < round_up(lanes, MR)) {
        const int count = kernel_pack_a(&f, lanes, to, unused);
        to += count * PANEL_ROWS * depth;
        f.lane += count * PANEL_ROWS;
    }
}

/* Packs b (k, lanes), which is t with `along`, else its transpose. */
static void pack_right(RinsTensor t, bool along, float *to) {
    const int64_t lanes = along ? t.cols : t.rows, steps = steps_of(along ? t.rows : t.cols);
    PackFrom f = {t, along, 0, VW, false, 0, steps};
    for (; f.lane < lanes; f.lane += NR, to += NR * kernel_depth(steps)) {
        pack_b_panel(&f, to);
        pack_b_tail(steps, to);
    }
}

/* c (m, n) (+)= a . b over k, both packed. c has room for whole tiles, its rows lie round_up(n, NR) apart. */
static void multiply(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *c, bool add) {
    const int64_t steps = steps_of(k), depth = kernel_depth(steps), ld = round_up(n, NR);
    for (int64_t j = 0; j < n; j += NR)
        for (int64_t i = 0; i < m; i += MR) {
            float *to = c + i * ld + j;
            kernel_multiply(steps, a + i * depth, b + j * depth, (Start){add ? to : NULL, ld}, to, ld, (Ahead){a, 0});
        }
}

static SoftmaxRow row_of(RinsTensor t, int64_t row) {
    return (SoftmaxRow){(uint16_t *)t.data + row * t.stride, t.type};
}

typedef struct Forward {
    float *k_t, *v;                       /* packed */
    float *left, *scores, *out, *inverse; /* of one block */
    uint16_t *p;
} Forward;

static int64_t carve_forward(const RinsAttention *a, float *scratch, Forward *f) {
    const int64_t hd = a->head_dim, lk = a->lk, wk = round_up(lk, NR);
    Carve c = {scratch, 0};
    f->k_t = carve(&c, right_floats(lk, hd));
    f->v = carve(&c, right_floats(hd, lk));
    f->left = carve(&c, left_floats(ROWS, hd > lk ? hd : lk));
    f->scores = carve(&c, ROWS * wk);
    f->p = (uint16_t *)carve(&c, ROWS * wk / 2);
    f->out = carve(&c, ROWS * round_up(hd, NR));
    f->inverse = carve(&c, ROWS);
    return c.used;
}

static void forward_block(const RinsHead *h, const Forward *f, int64_t row, int64_t rows, float scale) {
    const int64_t lk = h->k.rows, hd = h->k.cols, wk = round_up(lk, NR);
    const RinsTensor p = rins_tensor(f->p, RINS_BF16, rows, wk);
    pack_left(rins_rows_view(h->q, row, rows), false, rows, hd, f->left);
    multiply(rows, lk, hd, f->left, f->k_t, f->scores, false);
    for (int64_t i = 0; i < rows; i++) {
        float peak;
        const float sum = softmax_row(f->scores + i * wk, lk, wk, scale, row_of(p, i), &peak);
        f->inverse[i] = 1 / sum;
        if (h->lse) h->lse[row + i] = peak + logf(sum);
    }
    pack_left(p, false, rows, lk, f->left);
    multiply(rows, hd, lk, f->left, f->v, f->out, false);
    attention_store(rins_rows_view(h->out, row, rows), 1, f->inverse, f->out, round_up(hd, NR));
}

static void forward_head(const RinsAttention *a, int64_t index, float *scratch) {
    const RinsHead h = rins_head_view(a, index);
    Forward f;
    (void)carve_forward(a, scratch, &f);
    pack_right(h.k, false, f.k_t);
    pack_right(h.v, true, f.v);
    for (int64_t row = 0; row < a->lq; row += ROWS)
        forward_block(&h, &f, row, a->lq - row < ROWS ? a->lq - row : ROWS, a->scale);
}

void RINS_VEC(rins_attention_fwd)(RinsDevice *dev, const RinsAttention *a) {
    Forward unused;
    rins_count_attention(dev, a, false);
    if (!rins_cpu_reserve(dev, (size_t)carve_forward(a, NULL, &unused) * sizeof(float))) return;
#pragma omp parallel num_threads(dev->threads)
    {
        kernel_begin();
#pragma omp for schedule(guided)
        for (int64_t n = 0; n < a->batch * a->heads; n++)
            forward_head(a, n, rins_cpu_scratch(dev, omp_get_thread_num()));
        kernel_end();
    }
}

typedef struct Backward {
    float *k_t, *v_t, *k;                      /* packed; v_t is k_t where v is k */
    float *dk, *dv;                            /* (lk, width) sums over the blocks */
    float *left, *right, *s, *dp, *dq, *delta; /* of one block */
    uint16_t *p, *ds;
} Backward;

/* Of a packed: rows of scores across, or columns of them, whichever is more. */
static int64_t backward_left(const RinsAttention *a) {
    const int64_t hd = a->head_dim, lk = a->lk;
    const int64_t across = left_floats(ROWS, hd > lk ? hd : lk), along = left_floats(lk, ROWS);
    return across > along ? across : along;
}

static int64_t carve_backward(const RinsAttention *a, float *scratch, Backward *w) {
    const int64_t hd = a->head_dim, lk = a->lk, wk = round_up(lk, NR), wd = round_up(hd, NR);
    Carve c = {scratch, 0};
    w->k_t = carve(&c, right_floats(lk, hd));
    w->v_t = rins_attention_one_kv(a) ? w->k_t : carve(&c, right_floats(lk, hd));
    w->k = carve(&c, right_floats(hd, lk));
    w->dk = carve(&c, round_up(lk, MR) * wd);
    w->dv = carve(&c, round_up(lk, MR) * wd);
    w->left = carve(&c, backward_left(a));
    w->right = carve(&c, right_floats(hd, ROWS));
    w->s = carve(&c, ROWS * wk);
    w->dp = carve(&c, ROWS * wk);
    w->p = (uint16_t *)carve(&c, ROWS * wk / 2);
    w->ds = (uint16_t *)carve(&c, ROWS * wk / 2);
    w->dq = carve(&c, ROWS * wd);
    w->delta = carve(&c, ROWS);
    return c.used;
}

static void backward_block(const RinsHead *h, const Backward *w, int64_t row, int64_t rows, float scale) {
    const int64_t lk = h->k.rows, hd = h->k.cols, wk = round_up(lk, NR);
    const RinsTensor q = rins_rows_view(h->q, row, rows), dout = rins_rows_view(h->dout, row, rows);
    const RinsTensor p = rins_tensor(w->p, RINS_BF16, rows, wk), ds = rins_tensor(w->ds, RINS_BF16, rows, wk);
    const bool add = row > 0;
    pack_left(q, false, rows, hd, w->left);
    multiply(rows, lk, hd, w->left, w->k_t, w->s, false);
    pack_left(dout, false, rows, hd, w->left);
    multiply(rows, lk, hd, w->left, w->v_t, w->dp, false);
    attention_delta(rins_rows_view(h->out, row, rows), dout, w->delta);
    for (int64_t i = 0; i < rows; i++)
        softmax_backward_row(w->s + i * wk, w->dp + i * wk, lk, wk, scale, h->lse[row + i], w->delta[i], row_of(p, i),
                             row_of(ds, i));
    pack_left(p, true, lk, rows, w->left);
    pack_right(dout, true, w->right);
    multiply(lk, hd, rows, w->left, w->right, w->dv, add);
    pack_left(ds, true, lk, rows, w->left);
    pack_right(q, true, w->right);
    multiply(lk, hd, rows, w->left, w->right, w->dk, add);
    pack_left(ds, false, rows, lk, w->left);
    multiply(rows, hd, lk, w->left, w->k, w->dq, false);
    attention_store(rins_rows_view(h->dq, row, rows), scale, NULL, w->dq, round_up(hd, NR));
}

/* Rows ld floats apart; changes dv. */
static void store_kv(const RinsAttention *a, const RinsHead *h, const float *dk, float *dv, int64_t ld) {
    if (rins_attention_one_dkv(a)) {
        for (int64_t i = 0; i < a->lk * ld; i += VW)
            vf_store(dv + i, vf_fma(vf_set(a->scale), vf_load(dk + i), vf_load(dv + i)));
    } else {
        attention_store(h->dk, a->scale, NULL, dk, ld);
    }
    attention_store(h->dv, 1, NULL, dv, ld);
}

static void backward_head(const RinsAttention *a, int64_t index, float *scratch) {
    const RinsHead h = rins_head_view(a, index);
    Backward w;
    (void)carve_backward(a, scratch, &w);
    pack_right(h.k, false, w.k_t);
    if (w.v_t != w.k_t) pack_right(h.v, false, w.v_t);
    pack_right(h.k, true, w.k);
    for (int64_t row = 0; row < a->lq; row += ROWS)
        backward_block(&h, &w, row, a->lq - row < ROWS ? a->lq - row : ROWS, a->scale);
    store_kv(a, &h, w.dk, w.dv, round_up(a->head_dim, NR));
}

void RINS_VEC(rins_attention_bwd)(RinsDevice *dev, const RinsAttention *a) {
    Backward unused;
    rins_count_attention(dev, a, true);
    if (!rins_cpu_reserve(dev, (size_t)carve_backward(a, NULL, &unused) * sizeof(float))) return;
#pragma omp parallel num_threads(dev->threads)
    {
        kernel_begin();
#pragma omp for schedule(guided)
        for (int64_t n = 0; n < a->batch * a->heads; n++)
            backward_head(a, n, rins_cpu_scratch(dev, omp_get_thread_num()));
        kernel_end();
    }
}
