/* The losses and the optimiser. */
#include "tests/opcheck/opcheck.h"

#include <math.h>

static bool loss_case(Run *run, int index, bool softmax) {
    static const int64_t shapes[][2] = {{1, 1},    {2, 3},    {7, 17},   {33, 64}, {129, 72},
                                        {64, 128}, {600, 16}, {513, 33}, {1030, 5}};
    static const int64_t bench_shapes[][2] = {{256, 128}, {2048, 768}, {8192, 768}};
    if (index >= (run->bench ? 3 : 18)) return false;
    const int64_t n = run->bench ? bench_shapes[index][0] : shapes[index % 9][0];
    const int64_t e = run->bench ? bench_shapes[index][1] : shapes[index % 9][1];
    const bool forward_only = index >= 9;
    RinsPairLoss p = {.x = make(run, RINS_F32, n, e, index % 2, 1.7 / sqrt((double)e)),
                      .y = make(run, RINS_F32, n, e, index % 3, 1.7 / sqrt((double)e)),
                      .t = make_value(run, index % 4 == 3 ? 0.2f : 2.3f),
                      .b = make_value(run, index % 2 ? -3.1f : 0.4f),
                      .loss = make_vector_out(run, 1)};
    if (!forward_only) {
        p.dx = make_out(run, RINS_F32, n, e, 2);
        p.dy = make_out(run, RINS_F32, n, e, index % 3);
        p.dt = make_vector_out(run, 1);
        p.db = make_vector_out(run, 1);
    }
    run->flops = (forward_only ? 2.0 : 6.0) * (double)n * (double)n * (double)e;
    for (begin(run); more(run);)
        if (softmax)
            run->ops->softmax_loss_fwd_bwd(run->dev, &p);
        else
            run->ops->siglip_fwd_bwd(run->dev, &p);
    return true;
}

static bool run_siglip(Run *run, int index) {
    return loss_case(run, index, false);
}
static bool run_softmax(Run *run, int index) {
    return loss_case(run, index, true);
}

static const int64_t lengths[] = {1, 3, 7, 17, 33, 72, 129, 1000, 4099};

static bool run_sqsum(Run *run, int index) {
    if (index >= (run->bench ? 1 : 9)) return false;
    const int64_t n = run->bench ? 20000000 : lengths[index];
    const float *x = make_vector(run, n, 3);
    double *sum = make_double_out(run, 0.5);
    run->bytes = 4.0 * (double)n;
    for (begin(run); more(run);) run->ops->sqsum_finite(run->dev, sum, x, n);
    return true;
}

/* Variants: no clip, a clip that acts, one that does not, a norm that is not finite; with and without a bf16 copy. */
static bool run_adamw(Run *run, int index) {
    if (index >= (run->bench ? 1 : 72)) return false;
    const int64_t n = run->bench ? 20000000 : lengths[index % 9];
    const int kind = index / 9 % 4;
    const double sqsum = kind == 3 ? INFINITY : 4.0;
    RinsAdamW s = {.w = make_vector_out(run, n),
                   .m = make_vector_out(run, n),
                   .g = make_vector(run, n, 1),
                   .n = n,
                   .lr = 1e-2f,
                   .b1 = 0.9f,
                   .b2 = 0.95f,
                   .eps = 1e-8f,
                   .weight_decay = index % 2 ? 0.1f : 0,
                   .clip = kind == 0   ? 0
                           : kind == 1 ? 1
                                       : 10,
                   .bias1 = 0.271,
                   .bias2 = 0.143,
                   .sqsum = make_copy(run, &sqsum, sizeof sqsum)};
    run->positive = true; /* as second moments are */
    s.v = make_vector_out(run, n);
    run->positive = false;
    if (index >= 36) s.low = make_out(run, RINS_BF16, 1, n, 0).data;
    run->bytes = 28.0 * (double)n;
    for (begin(run); more(run);) run->ops->adamw(run->dev, &s);
    return true;
}

const OpCheck siglip_check = {"siglip", 1e-5, run_siglip};
const OpCheck softmax_check = {"softmax_loss", 1e-5, run_softmax};
const OpCheck sqsum_check = {"sqsum_finite", 1e-12, run_sqsum};
const OpCheck adamw_check = {"adamw", 2e-6, run_adamw};
