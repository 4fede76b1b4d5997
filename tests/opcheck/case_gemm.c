#include "tests/opcheck/opcheck.h"

typedef struct Shape {
    int64_t m, n, k;
} Shape;

/* What follows the product; bits may be combined. */
enum {
    ACCUMULATE = 1,
    BIAS = 2,
    PRE = 4,
    TANH = 8,
    ERF = 16,
    ACT_GRAD = 32,
    ACT_OUT = 64,
    RESIDUAL = 128,
    RESIDUAL_C = 256,
    RESIDUAL_FEW = 512,
    ROW_SUM = 1024,
    BF16_C = 2048
};

static const Shape shapes[] = {
    {1, 1, 1},     {3, 7, 1},      {1, 17, 33},    {7, 1, 5},      {17, 33, 72},
    {33, 72, 129}, {129, 3, 17},   {64, 64, 64},   {72, 129, 7},   {130, 65, 300},
    {6, 16, 700},  {257, 100, 48}, {96, 40, 2100}, {5, 300, 1030}, {5, 520, 2300},
};

static const int epilogues[] = {
    0,
    BIAS,
    ACCUMULATE,
    ACCUMULATE | ROW_SUM,
    ROW_SUM,
    BIAS | PRE | TANH,
    BIAS | ERF,
    TANH | ACT_GRAD,
    ERF | ACT_GRAD | ACT_OUT,
    TANH | ACT_GRAD | ACT_OUT | ROW_SUM,
    BIAS | RESIDUAL,
    BIAS | RESIDUAL_C,
    BIAS | PRE | TANH | RESIDUAL_FEW,
    BF16_C | BIAS | PRE | TANH,
    BF16_C | ACCUMULATE,
    ROW_SUM | BIAS | RESIDUAL,
    TANH | ACT_GRAD | ACT_OUT | RESIDUAL,
};

enum { N_SHAPES = sizeof shapes / sizeof shapes[0], N_EPILOGUES = sizeof epilogues / sizeof epilogues[0] };

static void gemm_case(Run *run, Shape s, bool trans_a, bool trans_b, RinsType type, int what, int64_t pad) {
    const RinsType out = what & BF16_C && type == RINS_BF16 ? RINS_BF16 : RINS_F32;
    RinsGemm g = {.trans_a = trans_a, .trans_b = trans_b, .accumulate = what & ACCUMULATE};
    const double size = run->whole ? 8 : 1;
    g.a = trans_a ? make(run, type, s.k, s.m, pad, size) : make(run, type, s.m, s.k, pad, size);
    g.b = trans_b ? make(run, type, s.n, s.k, 2 * pad, size) : make(run, type, s.k, s.n, 2 * pad, size);
    g.c = make_out(run, out, s.m, s.n, pad);
    if (what & BIAS) g.bias = make_vector(run, s.n, 1);
    g.act = what & TANH ? RINS_ACT_GELU_TANH : what & ERF ? RINS_ACT_GELU_ERF : RINS_ACT_NONE;
    if (what & PRE) g.pre = make_out(run, type, s.m, s.n, 3 * pad);
    if (what & ACT_GRAD) g.act_grad = make(run, type, s.m, s.n, pad, 2);
    if (what & ACT_OUT) g.act_out = make_out(run, type, s.m, s.n, pad);
    if (what & RESIDUAL) g.residual = make(run, RINS_F32, s.m, s.n, pad, 1);
    if (what & RESIDUAL_FEW) g.residual = make(run, RINS_F32, s.m % 3 ? 1 : s.m / 3, s.n, pad, 1);
    if (what & RESIDUAL_C && out == RINS_F32) g.residual = g.c;
    if (what & ROW_SUM) g.a_row_sum = make_vector_out(run, s.m);
    run->flops = 2.0 * (double)s.m * (double)s.n * (double)s.k;
    for (begin(run); more(run);) run->ops->gemm(run->dev, &g);
}

typedef struct BenchShape {
    Shape s;
    bool trans_a, trans_b;
    int what;
} BenchShape;

/* The products of a B/16 step (batch 16) and of a small tower (width 128, 64 tokens, batch 256). */
static const BenchShape bench_shapes[] = {
    {{3136, 3072, 768}, false, false, 0},
    {{3136, 2304, 768}, false, true, BIAS},
    {{3136, 768, 768}, false, true, BIAS | RESIDUAL_C},
    {{3136, 3072, 768}, false, true, BIAS | PRE | TANH},
    {{3136, 768, 3072}, false, true, BIAS | RESIDUAL_C},
    {{3136, 3072, 768}, false, false, TANH | ACT_GRAD | ACT_OUT},
    {{3136, 768, 2304}, false, false, 0},
    {{3072, 768, 3136}, true, false, ROW_SUM},
    {{768, 3072, 3136}, true, false, ROW_SUM | ACCUMULATE},
    {{16384, 384, 128}, false, true, BIAS},
    {{16384, 512, 128}, false, true, BIAS | PRE | TANH},
    {{16384, 128, 512}, false, true, BIAS | RESIDUAL_C},
    {{16384, 128, 384}, false, false, 0},
    {{512, 128, 16384}, true, false, ROW_SUM},
    {{128, 512, 16384}, true, false, ROW_SUM},
    {{256, 128, 128}, false, true, BIAS},
    {{128, 128, 256}, true, false, ROW_SUM},
};

static bool run_gemm(Run *run, int index) {
    if (run->bench) {
        if (index >= (int)(sizeof bench_shapes / sizeof bench_shapes[0])) return false;
        const BenchShape *b = &bench_shapes[index];
        gemm_case(run, b->s, b->trans_a, b->trans_b, RINS_F32, b->what, 0);
        return true;
    }
    if (index >= N_SHAPES * N_EPILOGUES * 4) return false;
    const int shape = index % N_SHAPES, what = index / N_SHAPES % N_EPILOGUES, trans = index / N_SHAPES / N_EPILOGUES;
    const RinsType type = epilogues[what] & BF16_C || (shape + what) % 5 == 4 ? RINS_BF16 : RINS_F32;
    gemm_case(run, shapes[shape], trans & 1, trans & 2, type, epilogues[what],
              (shape + what) % 3 == 0 ? 0 : shape % 4 + 1);
    return true;
}

/* bf16 operands, each shape and order: what the forward and the backward pass make of them. */
static bool run_bf16(Run *run, int index) {
    static const int kinds[] = {BF16_C | BIAS | PRE | TANH, BF16_C | TANH | ACT_GRAD | ACT_OUT, BF16_C, BF16_C | BIAS,
                                BF16_C | BIAS | TANH};
    static const Shape large[] = {{3136, 3072, 768}, {3136, 768, 3072}, {3072, 768, 3136}, {16384, 512, 128}};
    if (run->bench) {
        if (index >= (int)(sizeof large / sizeof large[0])) return false;
        gemm_case(run, large[index], index == 2, index != 2, RINS_BF16, BIAS, 0);
        return true;
    }
    if (index >= N_SHAPES * 4 * (int)(sizeof kinds / sizeof kinds[0])) return false;
    const int shape = index % N_SHAPES, trans = index / N_SHAPES % 4;
    gemm_case(run, shapes[shape], trans & 1, trans & 2, RINS_BF16, kinds[index / N_SHAPES / 4], index % 3);
    return true;
}

/* Whole numbers in bf16, whose products and sums are exact in fp32: every bit must be right in any order of adding. */
static bool run_whole(Run *run, int index) {
    static const int kinds[] = {BIAS | RESIDUAL, ACCUMULATE | ROW_SUM};
    if (run->bench || index >= N_SHAPES * 4 * 2) return false;
    const int shape = index % N_SHAPES, trans = index / N_SHAPES % 4;
    run->whole = true;
    gemm_case(run, shapes[shape], trans & 1, trans & 2, RINS_BF16, kinds[index / N_SHAPES / 4], index % 3);
    return true;
}

/* The same where threads take a part's rows in several turns, over several packings of b. */
static bool run_long(Run *run, int index) {
    const Shape s = {134, 610, 7000};
    if (run->bench || index >= 2) return false;
    run->whole = true;
    if (index == 0)
        gemm_case(run, s, true, false, RINS_F32, ACCUMULATE | ROW_SUM, 0);
    else
        gemm_case(run, s, false, true, RINS_BF16, 0, 1);
    return true;
}

const OpCheck gemm_check = {"gemm", 3e-5, run_gemm};
const OpCheck gemm_bf16_check = {"gemm_bf16", 3e-5, run_bf16}, gemm_whole_check = {"gemm_whole", 0, run_whole};
const OpCheck gemm_long_check = {"gemm_long", 0, run_long};
