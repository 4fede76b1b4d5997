/* GEMM on packed panels and register tiles. op(b) is packed once, by all threads, into panels of NR columns;
   each thread then packs its own rows of op(a), MC x KC at a time, and multiplies panel by panel. The sums of
   a tile of MR x NR stay in registers over KC; after the last block of k its epilogue finds them in L1. */
#include "src/device/cpu/cpu_device.h"
#include "src/device/cpu/vec/vec_epilogue.h"
#include "src/device/cpu/vec/vec_ops.h"
#include "src/device/cpu/vec/vec_pack.h"

#include <omp.h>

enum {
    MR = VW == 8 ? 6 : 14, /* 12 of AVX2's 16 registers hold sums, 28 of AVX-512's 32 */
    NR = 2 * VW,
    TILE = MR * NR,
    KC = 256,             /* a panel of b and one of a over KC fit into L1 */
    MC = 32 * MR,         /* of a, over KC, into L2 */
    SPLIT_K = 1024,       /* only longer sums are split between threads */
    THREAD_WORK = 1 << 16 /* multiply-adds for which it pays to wake a thread */
};

enum { PACKED_BYTES = 4 << 20 }; /* of b at a time, where nothing but c += must follow */

typedef struct Grid {
    int m, n, k;
} Grid;

/* One thread's share of the product. */
typedef struct Part {
    int64_t m, rows, n, cols, k, depth;
    int im, in, ik;
} Part;

typedef struct Plan {
    const RinsGemm *g;
    Grid grid;
    int64_t k_dim;
    int64_t chunk; /* of a part's depth, packed at a time */
    int64_t chunks;
    int64_t block;   /* of a chunk, at most KC, multiplied at a time */
    int64_t panels;  /* of b */
    float *packed;   /* grid.k times (panels, chunk, NR) */
    float *row_sums; /* grid.k times (M) */
    float *partial;  /* grid.k times c, where k is split */
    int64_t a_floats, tile_floats;
} Plan;

static int64_t round_up(int64_t n, int64_t unit) {
    return (n + unit - 1) / unit * unit;
}

/* The grid with the least estimated time: multiply-adds of the largest part, and what packing and adding up
   partial products cost in terms of them. */
static Grid choose_grid(int64_t m, int64_t n, int64_t k, int threads) {
    Grid best = {1, 1, 1};
    double least = 1e300;
    for (int tm = 1; tm <= threads; tm++)
        for (int tn = 1; tm * tn <= threads; tn++) {
            const int tk = k >= SPLIT_K ? threads / (tm * tn) : 1;
            const double rows = (double)round_up((m + tm - 1) / tm, MR);
            const double cols = (double)round_up((n + tn - 1) / tn, NR);
            const double depth = (double)((k + tk - 1) / tk);
            double time = rows * cols * depth + 8 * depth * (rows + cols / tm);
            if (tk > 1) time += 32 * rows * cols;
            if (time >= least) continue;
            least = time;
            best = (Grid){tm, tn, tk};
        }
    return best;
}

static Part part_of(const Plan *p, int index) {
    const Grid grid = p->grid;
    Part t = {.im = index / (grid.n * grid.k), .in = index / grid.k % grid.n, .ik = index % grid.k};
    rins_split(p->g->c.rows, MR, t.im, grid.m, &t.m, &t.rows);
    rins_split(p->g->c.cols, NR, t.in, grid.n, &t.n, &t.cols);
    rins_split(p->k_dim, 8, t.ik, grid.k, &t.k, &t.depth);
    return t;
}

/* k of chunk `index`, from where it starts in its part. */
static int64_t chunk_depth(const Plan *p, const Part *t, int64_t index) {
    const int64_t left = t->depth - index * p->chunk;
    return left < 0 ? 0 : left < p->chunk ? left : p->chunk;
}

static float *packed_panel(const Plan *p, const Part *t, int64_t panel) {
    return p->packed + (t->ik * p->panels + panel) * p->chunk * NR;
}

/* This thread's share of packing b; those with the same k share it. */
static void pack_b(const Plan *p, const Part *t, int64_t chunk) {
    const RinsGemm *g = p->g;
    int64_t first, count;
    rins_split(p->panels, 1, t->im * p->grid.n + t->in, p->grid.m * p->grid.n, &first, &count);
    PackFrom f = {g->b, !g->trans_b, 0, VW, t->k + chunk * p->chunk, chunk_depth(p, t, chunk)};
    for (int64_t panel = first; panel < first + count; panel++)
        for (int v = 0; v < 2; v++) {
            f.lane = panel * NR + v * VW;
            (void)pack_vector(&f, packed_panel(p, t, panel) + v * VW, NR);
        }
}

/* Rows [m, m + rows) of op(a), with their sums where b's first columns are multiplied. */
static void pack_a(const Plan *p, const Part *t, int64_t m, int64_t rows, int64_t k, int64_t depth,
                   float *to) {
    const RinsGemm *g = p->g;
    float *sums = g->a_row_sum && t->in == 0 ? p->row_sums + t->ik * g->c.rows : NULL;
    PackFrom f = {g->a, g->trans_a, m, MR, k, depth};
    for (; f.lane < m + rows; f.lane += MR, to += MR * depth) {
        const vf sum = pack_vector(&f, to, MR);
        for (int i = 0; sums && i < MR && f.lane + i < m + rows; i++)
            sums[f.lane + i] = sum[i] + (k > t->k ? sums[f.lane + i] : 0);
    }
}

/* tile (MR, NR) (+)= a panel . b panel over k */
static void multiply(int64_t k, const float *a, const float *b, float *tile, bool add) {
    vf sum[MR][2];
#pragma GCC unroll 14
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 2
        for (int v = 0; v < 2; v++) sum[i][v] = add ? vf_load(tile + i * NR + v * VW) : (vf){0};
#pragma GCC unroll 4
    for (int64_t j = 0; j < k; j++, a += MR, b += NR) {
        const vf right[2] = {vf_load(b), vf_load(b + VW)};
#pragma GCC unroll 14
        for (int i = 0; i < MR; i++) {
            const vf left = vf_set(a[i]);
#pragma GCC unroll 2
            for (int v = 0; v < 2; v++) sum[i][v] = vf_fma(left, right[v], sum[i][v]);
        }
    }
#pragma GCC unroll 14
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 2
        for (int v = 0; v < 2; v++) vf_store(tile + i * NR + v * VW, sum[i][v]);
}

VEC_INLINE void prefetch_tile(const RinsTensor *t, int64_t m, int64_t rows, int64_t n, const int write) {
    if (t->type != RINS_F32 || t->rows < m + rows) return;
    for (int64_t i = 0; i < rows; i++) {
        const float *p = (const float *)t->data + (m + i) * t->stride + n;
        __builtin_prefetch(p, write), __builtin_prefetch(p + NR - 1, write);
    }
}

/* A block of packed rows by the part's columns. `out` is g, or writes to the part's own partial product;
   `from` and `last`: where this block begins and ends the sums. */
static void multiply_block(const Plan *p, const Part *t, const RinsGemm *out, int kind, int64_t m,
                           int64_t rows, int64_t at, int64_t depth, bool from, bool last, const float *a,
                           float *tiles) {
    const int64_t step = from && last ? 0 : TILE;
    for (int64_t n = t->n; n < t->n + t->cols; n += NR) {
        const float *b = packed_panel(p, t, n / NR) + at * NR;
        const int64_t cols = t->n + t->cols - n < NR ? t->n + t->cols - n : NR;
        for (int64_t i = 0; i < rows; i += MR, tiles += step) {
            const int64_t tall = rows - i < MR ? rows - i : MR;
            if (last) {
                prefetch_tile(&out->c, m + i, tall, n, 1);
                if (kind & EPI_PRE) prefetch_tile(&out->pre, m + i, tall, n, 1);
                if (kind & EPI_ACT_GRAD) prefetch_tile(&out->act_grad, m + i, tall, n, 0);
                if (kind & EPI_ACT_OUT) prefetch_tile(&out->act_out, m + i, tall, n, 1);
                if (kind & EPI_RESIDUAL) prefetch_tile(&out->residual, m + i, tall, n, 0);
            }
            multiply(depth, a + i * depth, b, tiles, !from);
            if (last) epilogue_tile(out, kind, (Sums){tiles, NR, m + i, tall, n, cols});
        }
    }
}

static void multiply_chunk(const Plan *p, const Part *t, int64_t chunk, float *scratch) {
    float *a = scratch, *tiles = scratch + p->a_floats;
    const int64_t depth = chunk_depth(p, t, chunk);
    RinsGemm out = *p->g;
    if (p->grid.k > 1)
        out = (RinsGemm){.c = rins_f32(p->partial + t->ik * out.c.rows * out.c.cols, out.c.rows, out.c.cols)};
    const int kind = epilogue_kind(&out) | (chunk > 0 ? EPI_ADD : 0);
    const int64_t blocks = (t->rows + MC - 1) / MC, high = round_up((t->rows + blocks - 1) / blocks, MR);
    for (int64_t m = t->m; m < t->m + t->rows; m += high) {
        const int64_t rows = m + high < t->m + t->rows ? high : t->m + t->rows - m;
        int64_t at = 0;
        do {
            const int64_t deep = at + p->block < depth ? p->block : depth - at;
            pack_a(p, t, m, rows, t->k + chunk * p->chunk + at, deep, a);
            multiply_block(p, t, &out, kind, m, rows, at, deep, at == 0, at + deep >= depth, a, tiles);
            at += deep;
        } while (at < depth);
    }
}

static void store_row_sums(const Plan *p, int64_t m, int64_t rows) {
    for (int64_t i = m; i < m + rows; i++) {
        float sum = p->g->accumulate ? p->g->a_row_sum[i] : 0;
        for (int k = 0; k < p->grid.k; k++) sum += p->row_sums[k * p->g->c.rows + i];
        p->g->a_row_sum[i] = sum;
    }
}

/* Where k is split: rows of the partial products added up, in their order, and the epilogue. */
static void add_partials(const Plan *p, int64_t m, int64_t rows) {
    const RinsGemm *g = p->g;
    const int64_t cols = g->c.cols, all = g->c.rows * cols;
    float *sum = p->partial + m * cols;
    for (int k = 1; k < p->grid.k; k++) {
        const float *other = sum + k * all;
        for (int64_t i = 0; i < rows * cols; i++) sum[i] += other[i];
    }
    epilogue_tile(g, epilogue_kind(g), (Sums){sum, cols, m, rows, 0, cols});
}

/* One thread's work. */
static void run_plan(const RinsDevice *dev, const Plan *p, int thread, int team) {
    const int parts = p->grid.m * p->grid.n * p->grid.k;
    const bool shared = p->grid.m * p->grid.n > 1;
    float *scratch = rins_cpu_scratch(dev, thread);
    for (int64_t chunk = 0; chunk < p->chunks; chunk++) {
        for (int i = thread; i < parts; i += team) {
            const Part t = part_of(p, i);
            pack_b(p, &t, chunk);
        }
        if (shared) {
#pragma omp barrier
        }
        for (int i = thread; i < parts; i += team) {
            const Part t = part_of(p, i);
            if (t.rows > 0 && t.cols > 0) multiply_chunk(p, &t, chunk, scratch);
        }
        if (shared && chunk + 1 < p->chunks) {
#pragma omp barrier
        }
    }
    if (p->grid.k == 1 && !p->g->a_row_sum) return;
#pragma omp barrier
    int64_t first, count;
    rins_split(p->g->c.rows, 1, thread, team, &first, &count);
    if (p->grid.k > 1) add_partials(p, first, count);
    if (p->g->a_row_sum) store_row_sums(p, first, count);
}

/* Sizes and space; false where there is no memory. */
static bool make_plan(RinsDevice *dev, const RinsGemm *g, int threads, Plan *p) {
    *p = (Plan){.g = g, .k_dim = g->trans_a ? g->a.rows : g->a.cols};
    p->grid = choose_grid(g->c.rows, g->c.cols, p->k_dim, threads);
    p->panels = (g->c.cols + NR - 1) / NR;
    const int64_t depth = round_up((p->k_dim + p->grid.k - 1) / p->grid.k, 8) + (p->grid.k > 1 ? 8 : 0);
    p->chunk = depth;
    if (p->grid.k > 1 || !epilogue_wanted(g)) {
        const int64_t most = PACKED_BYTES / 4 / (p->panels * NR * p->grid.k) / KC * KC;
        if (p->chunk > most) p->chunk = most < KC ? KC : most;
    }
    p->chunks = (depth + p->chunk - 1) / p->chunk;
    p->chunk = round_up((depth + p->chunks - 1) / p->chunks, 8);
    const int64_t blocks = (p->chunk + KC - 1) / KC;
    p->block = round_up((p->chunk + blocks - 1) / blocks, 8);
    const int64_t cols = round_up((p->panels + p->grid.n - 1) / p->grid.n, 1) * NR;
    p->a_floats = round_up(MC * p->block + VW, 16);
    p->tile_floats = blocks > 1 ? MC * cols : TILE;
    const int64_t packed = p->grid.k * p->panels * p->chunk * NR, sums = round_up(p->grid.k * g->c.rows, 16);
    const int64_t partial = p->grid.k > 1 ? p->grid.k * g->c.rows * g->c.cols : 0;
    if (!rins_cpu_reserve(dev, (size_t)(p->a_floats + p->tile_floats) * sizeof(float))) return false;
    p->packed = rins_cpu_shared(dev, (size_t)(packed + sums + partial) * sizeof(float));
    if (!p->packed) return false;
    p->row_sums = p->packed + packed;
    p->partial = p->row_sums + sums;
    return true;
}

void RINS_VEC(rins_gemm)(RinsDevice *dev, const RinsGemm *g) {
    rins_count_gemm(dev, g);
    const double work = (double)g->c.rows * (double)g->c.cols * (double)(g->trans_a ? g->a.rows : g->a.cols);
    int threads = dev->threads;
    if (work < (double)threads * THREAD_WORK)
        threads = work < 2.0 * THREAD_WORK ? 1 : (int)(work / THREAD_WORK);
    Plan plan;
    if (g->c.rows <= 0 || g->c.cols <= 0 || !make_plan(dev, g, threads, &plan)) return;
#pragma omp parallel num_threads(threads) if (threads > 1)
    run_plan(dev, &plan, omp_get_thread_num(), omp_get_num_threads());
}
