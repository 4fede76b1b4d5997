#include "tests/opcheck/opcheck.h"

#include <math.h>

typedef struct Shape {
    int64_t batch, heads, head_dim, lq, lk;
    bool shared; /* q */
    bool one;    /* k and v are one tensor, the gradients' one and fp32 */
} Shape;

static const Shape shapes[] = {
    {1, 1, 1, 1, 1, false},           {2, 3, 4, 3, 5, false},          {1, 2, 64, 17, 17, false},
    {2, 1, 72, 33, 33, false},        {3, 2, 32, 16, 16, false},       {2, 4, 16, 64, 64, false},
    {2, 2, 64, 1, 49, false},         {3, 2, 64, 1, 196, true},        {1, 2, 96, 7, 129, false},
    {2, 3, 20, 65, 31, false},        {2, 2, 8, 2, 9, true},           {1, 1, 64, 196, 196, false},
    {1, 1, 33, 257, 130, false},      {1, 2, 1, 4, 1, false},          {1, 1, 256, 5, 127, false},
    {1, 1, 3, 57, 1023, false},       {1, 2, 31, 113, 15, true},       {1, 1, 24, 65, 1024, false},
    {2, 1, 192, 3, 50, true, true},   {3, 1, 100, 6, 17, false, true}, {2, 3, 20, 1, 33, false, true},
    {1, 1, 768, 12, 196, true, true},
};

static const Shape bench_shapes[] = {
    {16, 12, 64, 196, 196, false},    {16, 12, 64, 64, 64, false},  {256, 2, 64, 64, 64, false},
    {256, 4, 32, 64, 64, false},      {256, 2, 64, 16, 16, false},  {16, 1, 768, 12, 196, true, true},
    {256, 1, 128, 2, 64, true, true}, {4, 16, 72, 729, 729, false},
};

static bool attention_case(Run *run, int index, bool backward) {
    const int n =
        run->bench ? (int)(sizeof bench_shapes / sizeof *bench_shapes) : (int)(sizeof shapes / sizeof *shapes);
    if (index >= (run->bench ? n : 2 * n)) return false;
    const Shape s = run->bench ? bench_shapes[index] : shapes[index % n];
    const RinsType type = index >= n ? RINS_BF16 : RINS_F32;
    const int64_t width = s.heads * s.head_dim, rows_q = s.batch * s.lq, rows_k = s.batch * s.lk;
    const int64_t pad = index % 2 ? 0 : 2 * width; /* as a view of fused q, k, v */
    RinsAttention a = {.q_shared = s.shared,
                       .batch = s.batch,
                       .heads = s.heads,
                       .head_dim = s.head_dim,
                       .lq = s.lq,
                       .lk = s.lk,
                       .scale = (float)(1 / sqrt((double)s.head_dim))};
    a.q = make(run, type, s.shared ? s.lq : rows_q, width, pad, 2);
    a.k = make(run, type, rows_k, width, pad, s.one ? 1 : 2);
    a.v = s.one ? a.k : make(run, type, rows_k, width, pad, 2);
    const double flops = (double)(s.batch * s.heads * s.lq * s.lk * s.head_dim);
    run->flops = (backward ? 10 : 4) * flops;
    if (!backward) {
        a.out = make_out(run, type, rows_q, width, index % 3);
        if (index % 4 != 3) a.lse = make_vector_out(run, s.batch * s.heads * s.lq);
        for (begin(run); more(run);) run->ops->attention_fwd(run->dev, &a);
        return true;
    }
    a.out = make(run, type, rows_q, width, index % 3, 1);
    a.lse = make_vector(run, s.batch * s.heads * s.lq, 1);
    run->ops->attention_fwd(run->dev, &a);
    a.dout = make(run, type, rows_q, width, index % 2, 1);
    a.dq = make_out(run, type, rows_q, width, pad);
    a.dk = make_out(run, s.one ? RINS_F32 : type, rows_k, width, pad);
    a.dv = s.one ? a.dk : make_out(run, type, rows_k, width, pad);
    for (begin(run); more(run);) run->ops->attention_bwd(run->dev, &a);
    return true;
}

static bool run_forward(Run *run, int index) {
    return attention_case(run, index, false);
}
static bool run_backward(Run *run, int index) {
    return attention_case(run, index, true);
}

const OpCheck attention_fwd_check = {"attention_fwd", 1e-5, run_forward};
/* Kernels with bf16 products round the probabilities and their gradients, which alone is worth up to 1.6 steps. */
const OpCheck attention_bwd_check = {"attention_bwd", 2e-5, run_backward, 2};
