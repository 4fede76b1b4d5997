/* GEMM on packed panels and tiles of sums. op(b) is packed once, by all threads, into panels of NR columns;
   each thread then takes rows of op(a), packs as many as fit into L2 over a slab of k, and multiplies panel by
   panel, KC of k at a time (vec_kernel.h). The sums of a tile of MR x NR stay in registers over KC and in
   L1 over the slab, where its epilogue finds them.

   Where threads share b, one that is through with its rows goes on with those of another that nobody has begun:
   on a busy machine one is often slower than the next. No sum depends on which thread forms it.

   Lengths along k are in steps: of one k where panels hold fp32, of two in the build for bf16 products. */
#include "src/device/cpu/cpu_device.h"
#include "src/device/cpu/vec/vec_epilogue.h"
#include "src/device/cpu/vec/vec_ops.h"
#include "src/device/cpu/vec/vec_panels.h"

#include <omp.h>
#include <stdatomic.h>

enum {
    SLAB = 1024,           /* of k, at most, over which sums stay in L1 */
    MC = 32 * MR,          /* rows of a packed at a time, at most */
    FEW_ROWS = 4 * MR,     /* fewer are not worth a pass over b */
    SPLIT_K = 1024,        /* only longer sums are split between threads */
    THREAD_WORK = 1 << 16, /* multiply-adds for which it pays to wake a thread */
    TAKE_WORK = 1 << 24    /* and those that are left to one thread */
};

enum { PACKED_BYTES = 8 << 20 }; /* of b at a time, where nothing but c += must follow */

typedef struct Grid {
    int m, n, k;
} Grid;

/* A part of the product: one thread's to begin with, then anyone's. */
typedef struct Part {
    int index;
    int64_t m, rows, n, cols, k, depth;
    int im, in, ik;
} Part;

/* How many rows of a part nobody has taken, in a cache line of its own. */
typedef union Left {
    _Atomic int64_t rows;
    char line[64];
} Left;

typedef struct Plan {
    const RinsGemm *g;
    Grid grid;
    int64_t k_dim;
    int64_t chunk; /* of a part's depth, packed at a time */
    int64_t chunks;
    int64_t slab;    /* of a chunk, packed of a at a time */
    int64_t block;   /* of a slab, at most KC, multiplied at a time */
    int64_t rows;    /* of a, packed at a time, at most */
    int64_t few;     /* up to twice as many are taken together */
    int64_t panels;  /* of b */
    float *packed;   /* grid.k times (panels, chunk, NR) */
    float *row_sums; /* grid.k times (M) */
    float *partial;  /* grid.k times c, where k is split */
    Left *left;      /* by part */
    int64_t a_floats, tile_floats;
} Plan;

/* The grid with the least estimated time: multiply-adds of the largest part, and what packing and adding up
   partial products cost in terms of them where SPEED is 1. */
static Grid choose_grid(int64_t m, int64_t n, int64_t k, int threads) {
    Grid best = {1, 1, 1};
    double least = 1e300;
    for (int tm = 1; tm <= threads; tm++)
        for (int tn = 1; tm * tn <= threads; tn++) {
            int tk = k >= SPLIT_K ? threads / (tm * tn) : 1;
            if (tk > 1 && tk > k / GRAIN) tk = (int)(k / GRAIN); /* no part of depth 0 */
            const double rows = (double)round_up((m + tm - 1) / tm, MR);
            const double cols = (double)round_up((n + tn - 1) / tn, NR);
            const double depth = (double)((k + tk - 1) / tk);
            double time = rows * cols * depth / SPEED + 8 * depth * (rows + cols / tm);
            if (tk > 1) time += 32 * rows * cols;
            if (time >= least) continue;
            least = time;
            best = (Grid){tm, tn, tk};
        }
    return best;
}

/* Whether threads wait for each other's b: else each works on its own. */
static bool shared_b(Grid grid) {
    return grid.m * grid.n > 1;
}

static Part part_of(const Plan *p, int index) {
    const Grid grid = p->grid;
    Part t = {.index = index, .im = index / (grid.n * grid.k), .in = index / grid.k % grid.n, .ik = index % grid.k};
    rins_split(p->g->c.rows, MR, t.im, grid.m, &t.m, &t.rows);
    rins_split(p->g->c.cols, NR, t.in, grid.n, &t.n, &t.cols);
    rins_split(p->k_dim, GRAIN, t.ik, grid.k, &t.k, &t.depth);
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
    PackFrom f = {g->b, !g->trans_b, 0, VW, false, t->k + chunk * p->chunk, chunk_depth(p, t, chunk)};
    vf unused[PACK_GROUP];
    for (int64_t panel = first; panel < first + count; panel++) pack_b_tail(f.depth, packed_panel(p, t, panel));
    for (int64_t panel = first; panel < first + count; panel++) {
        f.lane = panel * NR;
        if (pack_groups(&f, VW, (first + count) * NR)) {
            float *to[PACK_GROUP];
            for (int q = 0; q < PACK_GROUP; q++) to[q] = packed_panel(p, t, panel + q / 2) + q % 2 * VW;
            pack_group(&f, to, VW, NR, unused);
            panel += PACK_GROUP / 2 - 1;
            continue;
        }
        pack_b_panel(&f, packed_panel(p, t, panel));
    }
}

/* Rows [m, m + rows) of op(a), with their sums where b's first columns are multiplied. */
static void pack_a(const Plan *p, const Part *t, int64_t m, int64_t rows, int64_t k, int64_t depth, float *to) {
    const RinsGemm *g = p->g;
    float *sums = g->a_row_sum && t->in == 0 ? p->row_sums + t->ik * g->c.rows : NULL;
    PackFrom f = {g->a, g->trans_a, m, PANEL_ROWS, sums, k, depth};
    while (f.lane < m + round_up(rows, MR)) {
        vf sum[PACK_GROUP];
        const int count = kernel_pack_a(&f, m + rows, to, sum);
        to += count * PANEL_ROWS * kernel_depth(depth);
        for (int q = 0; q < count; q++, f.lane += PANEL_ROWS)
            for (int i = 0; sums && i < PANEL_ROWS && f.lane + i < m + rows; i++)
                sums[f.lane + i] = sum[q][i] + (k > t->k ? sums[f.lane + i] : 0);
    }
}

VEC_INLINE void prefetch_tile(const RinsTensor *t, int64_t m, int64_t rows, int64_t n, const int write) {
    if (t->rows < m + rows) return;
    const int64_t size = t->type == RINS_BF16 ? sizeof(uint16_t) : sizeof(float);
    const char *p = (const char *)t->data + (m * t->stride + n) * size;
    for (int64_t i = 0; i < rows; i++, p += t->stride * size)
        __builtin_prefetch(p, write), __builtin_prefetch(p + NR * size - 1, write);
}

/* What the epilogue will touch, asked for before the product that comes first. */
VEC_INLINE void prefetch_epilogue(const RinsGemm *g, int kind, int64_t m, int64_t rows, int64_t n) {
    prefetch_tile(&g->c, m, rows, n, 1);
    if (kind & EPI_PRE) prefetch_tile(&g->pre, m, rows, n, 1);
    if (kind & EPI_ACT_OUT) prefetch_tile(&g->act_out, m, rows, n, 1);
    if (kind & EPI_ACT_GRAD) prefetch_tile(&g->act_grad, m, rows, n, 0);
    if (kind & EPI_RESIDUAL) prefetch_tile(&g->residual, m, rows, n, 0);
}

/* Rows [m, m + rows) of op(a), packed over a slab. */
typedef struct Slab {
    const float *a;
    int64_t m, rows, at, depth; /* at: from where in the chunk */
    bool first, last;           /* of the chunk */
} Slab;

/* A slab by one panel of b's columns into `tiles`, (rows / MR, MR, NR). Sums of whole columns start from the bias;
   those of whole tiles after which nothing is to follow go straight to c. (Where c += follows, starting from c would
   make one chain of all k, with an error of its length.) */
static void multiply_panel(const Plan *p, const Part *t, const Slab *s, const RinsGemm *out, int kind, int64_t n,
                           float *tiles) {
    const int64_t cols = t->n + t->cols - n < NR ? t->n + t->cols - n : NR, tall = round_up(s->rows, MR);
    const float *b = packed_panel(p, t, n / NR) + s->at * NR;
    const bool more = n + NR < t->n + t->cols;
    const float *bias = cols == NR && kind & EPI_BIAS ? out->bias + n : NULL;
    if (bias) kind &= ~EPI_BIAS;
    const bool plain = cols == NR && kind == 0 && out->act == RINS_ACT_NONE;
    for (int64_t k = 0; k < s->depth; k += p->block) {
        const int64_t deep = s->depth - k < p->block ? s->depth - k : p->block;
        const bool first = s->first && k == 0, last = s->last && k + deep >= s->depth;
        /* The panel that follows, a share of it beside each tile. */
        Ahead ahead = {b + (k + deep) * NR, 0};
        if (k + deep >= s->depth) ahead.at = more ? packed_panel(p, t, n / NR + 1) + s->at * NR : b;
        const int64_t share = deep * NR * MR / tall;
        ahead.step = (share * AHEAD_K + deep - 1) / deep;
        for (int64_t i = 0; i < s->rows; i += MR, ahead.at += share) {
            const int64_t high = s->rows - i < MR ? s->rows - i : MR, m = s->m + i;
            const bool straight = plain && last && high == MR;
            float *tile = tiles + i * NR, *to = straight ? (float *)out->c.data + m * out->c.stride + n : tile;
            const Start start = first ? (Start){bias, 0} : (Start){tile, NR};
            if (k == 0 && s->last) prefetch_epilogue(out, kind, m, high, n);
            kernel_multiply(deep, s->a + k * tall + i * kernel_depth(deep), b + k * NR, start, to,
                            straight ? out->c.stride : NR, ahead);
            if (last && !straight) epilogue_tile(out, kind, (Sums){tile, NR, m, high, n, cols});
        }
    }
}

/* The next rows of a part that nobody has, fewer of them towards its end: [m, m + the number returned). */
static int64_t take_rows(const Plan *p, const Part *t, int64_t *m) {
    _Atomic int64_t *shared = &p->left[t->index].rows;
    int64_t left = atomic_load_explicit(shared, memory_order_relaxed), rows;
    do {
        if (left <= 0) return 0;
        const int64_t half = round_up(left / 2, MR), wanted = half > p->few ? half : left;
        rows = wanted < p->rows ? wanted : p->rows;
    } while (
        !atomic_compare_exchange_weak_explicit(shared, &left, left - rows, memory_order_relaxed, memory_order_relaxed));
    *m = t->m + t->rows - left;
    return rows;
}

/* What nobody has taken of a part's rows, over one chunk. */
static void multiply_chunk(const Plan *p, const Part *t, int64_t chunk, float *scratch) {
    float *a = scratch, *tiles = scratch + p->a_floats;
    const int64_t depth = chunk_depth(p, t, chunk);
    RinsGemm out = *p->g;
    if (p->grid.k > 1)
        out = (RinsGemm){.c = rins_f32(p->partial + t->ik * out.c.rows * out.c.cols, out.c.rows, out.c.cols)};
    const int kind = epilogue_kind(&out) | (chunk > 0 ? EPI_ADD : 0);
    Slab s = {.a = a};
    while ((s.rows = take_rows(p, t, &s.m)) > 0) {
        const int64_t tall = round_up(s.rows, MR);
        s.at = 0;
        do {
            s.depth = s.at + p->slab < depth ? p->slab : depth - s.at;
            s.first = s.at == 0, s.last = s.at + s.depth >= depth;
            for (int64_t k = 0; k < s.depth; k += p->block) {
                const int64_t deep = s.depth - k < p->block ? s.depth - k : p->block;
                pack_a(p, t, s.m, s.rows, t->k + chunk * p->chunk + s.at + k, deep, a + k * tall);
            }
            const int64_t step = s.first && s.last ? 0 : tall * NR;
            float *tile = tiles;
            for (int64_t n = t->n; n < t->n + t->cols; n += NR, tile += step)
                multiply_panel(p, t, &s, &out, kind, n, tile);
            s.at += s.depth;
        } while (s.at < depth);
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
    const bool shared = shared_b(p->grid);
    float *scratch = rins_cpu_scratch(dev, thread);
    kernel_begin();
    for (int64_t chunk = 0; chunk < p->chunks; chunk++) {
        for (int i = thread; i < parts; i += team) {
            const Part t = part_of(p, i);
            pack_b(p, &t, chunk);
            atomic_store_explicit(&p->left[i].rows, t.cols > 0 ? t.rows : 0, memory_order_relaxed);
        }
        if (shared) {
#pragma omp barrier
        }
        for (int i = 0; i < parts; i++) {
            const int index = (thread + i) % parts;
            if (!shared && index % team != thread) continue;
            if (atomic_load_explicit(&p->left[index].rows, memory_order_relaxed) <= 0) continue;
            const Part t = part_of(p, index);
            multiply_chunk(p, &t, chunk, scratch);
        }
        if (shared && chunk + 1 < p->chunks) {
#pragma omp barrier
        }
    }
    kernel_end();
    if (p->grid.k == 1 && !p->g->a_row_sum) return;
#pragma omp barrier
    int64_t first, count;
    rins_split(p->g->c.rows, 1, thread, team, &first, &count);
    if (p->grid.k > 1) add_partials(p, first, count);
    if (p->g->a_row_sum) store_row_sums(p, first, count);
}

/* Sizes and space; false where there is no memory. */
static bool make_plan(RinsDevice *dev, const RinsGemm *g, int threads, Plan *p) {
    *p = (Plan){.g = g, .k_dim = ((g->trans_a ? g->a.rows : g->a.cols) + STEP_K - 1) / STEP_K};
    p->grid = choose_grid(g->c.rows, g->c.cols, p->k_dim, threads);
    p->panels = (g->c.cols + NR - 1) / NR;
    const int64_t depth = round_up((p->k_dim + p->grid.k - 1) / p->grid.k, GRAIN) + (p->grid.k > 1 ? GRAIN : 0);
    p->chunk = depth;
    if (p->grid.k > 1 || !epilogue_wanted(g)) {
        const int64_t fit = PACKED_BYTES / 4 / (p->panels * NR * p->grid.k) / KC * KC;
        if (p->chunk > fit) p->chunk = fit < KC ? KC : fit;
    }
    p->chunks = (depth + p->chunk - 1) / p->chunk;
    p->chunk = round_up((depth + p->chunks - 1) / p->chunks, GRAIN);
    const int64_t slabs = (p->chunk + SLAB - 1) / SLAB;
    p->slab = round_up((p->chunk + slabs - 1) / slabs, GRAIN);
    const int64_t blocks = (p->slab + KC - 1) / KC;
    p->block = round_up((p->slab + blocks - 1) / blocks, GRAIN);
    const int64_t most = p->slab * MC > A_FLOATS ? A_FLOATS / p->slab / MR * MR : MC;
    const int64_t rows = (g->c.rows + p->grid.m - 1) / p->grid.m, takes = (rows + most - 1) / most;
    p->rows = round_up((rows + takes - 1) / takes, MR);
    const int64_t cols = (p->panels + p->grid.n - 1) / p->grid.n * NR;
    p->few = round_up(TAKE_WORK / (cols * p->chunk * STEP_K), MR);
    if (p->few < FEW_ROWS) p->few = FEW_ROWS;
    if (p->few > p->rows || !shared_b(p->grid)) p->few = p->rows;
    p->a_floats = round_up(p->rows * round_up(p->slab, p->block) + VW, 16);
    p->tile_floats = p->rows * (slabs > 1 ? cols : NR);
    const int64_t packed = p->grid.k * p->panels * p->chunk * NR, sums = round_up(p->grid.k * g->c.rows, 16);
    const int64_t partial = p->grid.k > 1 ? round_up(p->grid.k * g->c.rows * g->c.cols, 16) : 0;
    const int64_t left = p->grid.m * p->grid.n * p->grid.k * (int64_t)(sizeof(Left) / sizeof(float));
    if (!rins_cpu_reserve(dev, (size_t)(p->a_floats + p->tile_floats) * sizeof(float))) return false;
    p->packed = rins_cpu_shared(dev, (size_t)(packed + sums + partial + left) * sizeof(float));
    if (!p->packed) return false;
    p->row_sums = p->packed + packed;
    p->partial = p->row_sums + sums;
    p->left = (Left *)(p->partial + partial);
    return true;
}

void RINS_VEC(rins_gemm)(RinsDevice *dev, const RinsGemm *g) {
    rins_count_gemm(dev, g);
    const double work = (double)g->c.rows * (double)g->c.cols * (double)(g->trans_a ? g->a.rows : g->a.cols);
    int threads = dev->threads;
    if (work < (double)threads * THREAD_WORK) threads = work < 2.0 * THREAD_WORK ? 1 : (int)(work / THREAD_WORK);
    Plan plan;
    if (g->c.rows <= 0 || g->c.cols <= 0 || !make_plan(dev, g, threads, &plan)) return;
#pragma omp parallel num_threads(threads) if (threads > 1)
    run_plan(dev, &plan, omp_get_thread_num(), omp_get_num_threads());
}
