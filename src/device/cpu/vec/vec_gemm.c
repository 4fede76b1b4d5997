/* GEMM on OpenBLAS. The threads divide c into a grid of tiles and each runs serial sgemm on its own, panel by
   panel of rows, so that the epilogue finds the panel in cache. OpenBLAS runs serially inside a parallel
   region. */
#include "src/device/cpu/cpu_device.h"
#include "src/device/cpu/vec/vec_epilogue.h"
#include "src/device/cpu/vec/vec_ops.h"

#include <cblas.h>
#include <omp.h>

enum {
    PANEL_BYTES = 4 << 20, /* of c between product and epilogue: they stay in the last-level cache */
    MIN_PANEL = 384,       /* rows: below, packing b again for each panel costs too much */
    SUM_ROWS = 512         /* rows of a that are summed just before sgemm packs them */
};

typedef struct Grid {
    int m, n, k;
} Grid;

/* One thread's share of the product. */
typedef struct Tile {
    int64_t m, rows, n, cols, k, depth;
    int64_t sum_from, sum_rows; /* the part of [m, m + rows) whose a_row_sum it adds up */
} Tile;

/* The grid with the least estimated time: multiply-adds of the largest tile, and what packing and adding up
   partial products cost in terms of them (about 16 and 32 an element, measured on Zen 3). */
static Grid choose_grid(int64_t m, int64_t n, int64_t k, int threads) {
    Grid best = {1, 1, 1};
    double least = 1e300;
    for (int tm = 1; tm <= threads; tm++)
        for (int tn = 1; tm * tn <= threads; tn++) {
            const int tk = k >= 1024 ? threads / (tm * tn) : 1;
            const double rows = (double)(((m + tm - 1) / tm + 7) / 8 * 8);
            const double cols = (double)(((n + tn - 1) / tn + 15) / 16 * 16);
            const double depth = (double)((k + tk - 1) / tk);
            double time = rows * cols * depth + 16 * depth * (rows + cols);
            if (tk > 1) time += 32 * rows * cols;
            if (time >= least) continue;
            least = time;
            best = (Grid){tm, tn, tk};
        }
    return best;
}

static Tile tile_of(Grid grid, int thread, const RinsGemm *g, int64_t k_dim) {
    Tile t;
    const int im = thread / (grid.n * grid.k), in = thread / grid.k % grid.n, ik = thread % grid.k;
    rins_split(g->c.rows, 8, im, grid.m, &t.m, &t.rows);
    rins_split(g->c.cols, 16, in, grid.n, &t.n, &t.cols);
    rins_split(k_dim, 8, ik, grid.k, &t.k, &t.depth);
    rins_split(t.rows, 8, in, grid.n, &t.sum_from, &t.sum_rows);
    return t;
}

/* c (rows, cols; ld) (+)= op(a) . op(b) over [k, k + depth), at rows m and columns n. */
static void product(const RinsGemm *g, int64_t m, int64_t rows, int64_t n, int64_t cols, int64_t k,
                    int64_t depth, bool add, float *c, int64_t ld) {
    const float *a = (const float *)g->a.data + (g->trans_a ? k * g->a.stride + m : m * g->a.stride + k);
    const float *b = (const float *)g->b.data + (g->trans_b ? n * g->b.stride + k : k * g->b.stride + n);
    cblas_sgemm(CblasRowMajor, g->trans_a ? CblasTrans : CblasNoTrans, g->trans_b ? CblasTrans : CblasNoTrans,
                (blasint)rows, (blasint)cols, (blasint)depth, 1.0f, a, (blasint)g->a.stride, b,
                (blasint)g->b.stride, add ? 1.0f : 0.0f, c, (blasint)ld);
}

/* sum[i] += sum over [k, k + depth) of op(a)[m + i, k], first within the block, then on the whole. */
static void add_row_sums(const RinsGemm *g, int64_t m, int64_t rows, int64_t k, int64_t depth, float *sum) {
    for (int64_t i = 0; i < rows; i += VW) {
        const int64_t left = rows - i;
        vf block = {0};
        for (int64_t j = k; j < k + depth; j++) {
            if (g->trans_a) {
                block += act_load(&g->a, j, m + i, left);
                continue;
            }
            for (int64_t lane = 0; lane < left && lane < VW; lane++)
                block[lane] += ((const float *)g->a.data)[(m + i + lane) * g->a.stride + j];
        }
        if (left >= VW)
            vf_store(sum + i, vf_load(sum + i) + block);
        else
            vf_store_n(sum + i, vf_load_n(sum + i, left) + block, left);
    }
}

/* The tile's product into c (ld), and its part of the row sums into `sum` (sum_rows), NULL: none. */
static void tile_product(const RinsGemm *g, const Tile *t, bool add, float *c, int64_t ld, float *sum) {
    if (!sum) {
        product(g, t->m, t->rows, t->n, t->cols, t->k, t->depth, add, c, ld);
        return;
    }
    for (int64_t k = t->k; k < t->k + t->depth; k += SUM_ROWS) {
        const int64_t depth = k + SUM_ROWS < t->k + t->depth ? SUM_ROWS : t->k + t->depth - k;
        add_row_sums(g, t->m + t->sum_from, t->sum_rows, k, depth, sum);
        product(g, t->m, t->rows, t->n, t->cols, k, depth, add || k > t->k, c, ld);
    }
}

static int64_t panel_rows(int64_t rows, int64_t cols) {
    int64_t panel = PANEL_BYTES / 4 / (cols > 0 ? cols : 1);
    if (panel < MIN_PANEL) panel = MIN_PANEL;
    const int64_t panels = (rows + panel - 1) / panel;
    return panels ? (rows + panels - 1) / panels : 1;
}

/* c may hold the residual, or be of another type than the sums: then they need a place of their own. */
static bool in_place(const RinsGemm *g) {
    return g->c.type == RINS_F32 && !g->accumulate && g->residual.data != g->c.data &&
           g->act_grad.data != g->c.data;
}

/* Rows with an epilogue, panel by panel. */
static void tile_panels(const RinsGemm *g, const Tile *t, float *scratch) {
    const int64_t panel = panel_rows(t->rows, t->cols);
    for (int64_t m = t->m; m < t->m + t->rows; m += panel) {
        const int64_t rows = m + panel < t->m + t->rows ? panel : t->m + t->rows - m;
        float *acc = in_place(g) ? (float *)g->c.data + m * g->c.stride + t->n : scratch;
        const int64_t ld = in_place(g) ? g->c.stride : t->cols;
        product(g, m, rows, t->n, t->cols, t->k, t->depth, false, acc, ld);
        epilogue_tile(g, m, rows, t->n, t->cols, acc, ld);
    }
}

static void store_row_sums(const RinsGemm *g, int64_t m, int64_t rows, const float *sum) {
    for (int64_t i = 0; i < rows; i++)
        g->a_row_sum[m + i] = (g->accumulate ? g->a_row_sum[m + i] : 0) + sum[i];
}

/* No split of k: each thread finishes its own tile. Scratch: row sums, then a panel. */
static void run_tile(const RinsDevice *dev, const RinsGemm *g, Grid grid, int64_t k_dim, int thread) {
    const Tile t = tile_of(grid, thread, g, k_dim);
    float *sum = rins_cpu_scratch(dev, omp_get_thread_num());
    if (t.rows <= 0 || t.cols <= 0) return;
    if (epilogue_wanted(g)) {
        tile_panels(g, &t, sum + g->c.rows);
        if (g->a_row_sum) {
            memset(sum, 0, (size_t)t.sum_rows * sizeof *sum);
            for (int64_t k = 0; k < k_dim; k += SUM_ROWS)
                add_row_sums(g, t.m + t.sum_from, t.sum_rows, k, k + SUM_ROWS < k_dim ? SUM_ROWS : k_dim - k,
                             sum);
        }
    } else {
        if (g->a_row_sum) memset(sum, 0, (size_t)t.sum_rows * sizeof *sum);
        tile_product(g, &t, g->accumulate, (float *)g->c.data + t.m * g->c.stride + t.n, g->c.stride,
                     g->a_row_sum ? sum : NULL);
    }
    if (g->a_row_sum) store_row_sums(g, t.m + t.sum_from, t.sum_rows, sum);
}

/* Split k, first half: partial products and row sums into the scratch of each part. */
static void run_partial(const RinsDevice *dev, const RinsGemm *g, Grid grid, int64_t k_dim, int thread) {
    const Tile t = tile_of(grid, thread, g, k_dim);
    float *sum = rins_cpu_scratch(dev, thread);
    if (t.rows <= 0 || t.cols <= 0) return;
    memset(sum, 0, (size_t)t.sum_rows * sizeof *sum);
    tile_product(g, &t, false, sum + g->c.rows, t.cols, g->a_row_sum ? sum : NULL);
}

/* Second half, after a barrier: each part adds up some rows of its tile, over the parts in their order. */
static void run_reduce(const RinsDevice *dev, const RinsGemm *g, Grid grid, int64_t k_dim, int thread) {
    const Tile t = tile_of(grid, thread, g, k_dim);
    if (t.rows <= 0 || t.cols <= 0) return;
    const int ik = thread % grid.k;
    int64_t from, rows;
    rins_split(t.rows, 1, ik, grid.k, &from, &rows);
    for (int64_t m = from; m < from + rows; m++) {
        float *acc = (float *)rins_cpu_scratch(dev, thread) + g->c.rows + m * t.cols;
        for (int64_t n = 0; n < t.cols; n++) {
            float value = 0;
            for (int p = 0; p < grid.k; p++)
                value += ((const float *)rins_cpu_scratch(dev, thread - ik + p))[g->c.rows + m * t.cols + n];
            acc[n] = value;
        }
        epilogue_tile(g, t.m + m, 1, t.n, t.cols, acc, t.cols);
    }
    if (!g->a_row_sum || ik) return;
    float *sum = rins_cpu_scratch(dev, thread);
    for (int p = 1; p < grid.k; p++)
        for (int64_t i = 0; i < t.sum_rows; i++)
            sum[i] += ((const float *)rins_cpu_scratch(dev, thread + p))[i];
    store_row_sums(g, t.m + t.sum_from, t.sum_rows, sum);
}

static void run_grid(RinsDevice *dev, const RinsGemm *g, int64_t k_dim) {
    const Grid grid = choose_grid(g->c.rows, g->c.cols, k_dim, dev->threads);
    const Tile first = tile_of(grid, grid.m * grid.n * grid.k - 1, g, k_dim); /* the last is the largest */
    const int64_t panel = grid.k > 1 ? first.rows + 8 : panel_rows(first.rows + 8, first.cols + 16);
    const size_t floats = (size_t)g->c.rows + (size_t)(panel * (first.cols + 16));
    if (!rins_cpu_reserve(dev, floats * sizeof(float))) return;
#pragma omp parallel num_threads(dev->threads)
    {
        const int tiles = grid.m * grid.n * grid.k;
        const int thread = omp_get_thread_num(), team = omp_get_num_threads();
        for (int tile = thread; tile < tiles; tile += team)
            if (grid.k > 1)
                run_partial(dev, g, grid, k_dim, tile);
            else
                run_tile(dev, g, grid, k_dim, tile);
        if (grid.k > 1) {
#pragma omp barrier
            for (int tile = thread; tile < tiles; tile += team) run_reduce(dev, g, grid, k_dim, tile);
        }
    }
}

/* fp32 copy of an act type operand at `to`, all threads. */
static RinsTensor widen(RinsDevice *dev, RinsTensor t, float *to) {
    const RinsTensor wide = rins_f32(to, t.rows, t.cols);
    dev->ops->cast(dev, wide, t);
    return wide;
}

void RINS_VEC(rins_gemm_blas)(RinsDevice *dev, const RinsGemm *g) {
    RinsGemm wide = *g;
    if (g->a.type == RINS_BF16) {
        const size_t na = (size_t)(g->a.rows * g->a.cols), nb = (size_t)(g->b.rows * g->b.cols);
        float *copy = rins_cpu_shared(dev, (na + nb) * sizeof(float));
        if (!copy) return;
        wide.a = widen(dev, g->a, copy);
        wide.b = widen(dev, g->b, copy + na);
    }
    rins_count_gemm(dev, g);
    /* A team of one is no parallel region to OpenBLAS. */
    const int usual = omp_get_max_threads();
    if (dev->threads == 1) omp_set_num_threads(1);
    run_grid(dev, &wide, g->trans_a ? g->a.rows : g->a.cols);
    if (dev->threads == 1) omp_set_num_threads(usual);
}
