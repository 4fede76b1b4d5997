/* Ops that walk over rows: layernorm, gelu, add, scale, colsum, cast, copy, zero. */
#include "tests/opcheck/opcheck.h"

typedef struct Shape {
    int64_t rows, cols, pad;
} Shape;

static const Shape shapes[] = {{1, 1, 0},   {3, 7, 1},    {17, 33, 5},   {7, 72, 0},    {129, 17, 3}, {2, 129, 2},
                               {33, 64, 0}, {64, 128, 0}, {5, 768, 768}, {130, 100, 4}, {1, 1152, 0}, {257, 31, 1}};
static const Shape bench_shapes[] = {{3136, 768, 0}, {16384, 128, 0}, {3136, 3072, 0}, {256, 128, 0}};

/* False beyond the last: test shapes come `variants` times. */
static bool pick(const Run *run, int index, int variants, Shape *s, int *variant) {
    const int n =
        run->bench ? (int)(sizeof bench_shapes / sizeof *bench_shapes) : (int)(sizeof shapes / sizeof *shapes);
    if (index >= n * (run->bench ? 1 : variants)) return false;
    *s = run->bench ? bench_shapes[index] : shapes[index % n];
    *variant = run->bench ? 0 : index / n;
    return true;
}

static RinsType act_type(int variant) {
    return variant & 1 ? RINS_BF16 : RINS_F32;
}
static double area(Shape s) {
    return 4.0 * (double)s.rows * (double)s.cols;
}

static bool run_layernorm_fwd(Run *run, int index) {
    Shape s;
    int variant;
    if (!pick(run, index, 2, &s, &variant)) return false;
    const RinsTensor x = make(run, RINS_F32, s.rows, s.cols, s.pad, 3);
    const float *gamma = make_vector(run, s.cols, 1), *beta = make_vector(run, s.cols, 1);
    const RinsTensor y = make_out(run, act_type(variant), s.rows, s.cols, s.pad);
    run->bytes = 2 * area(s);
    for (begin(run); more(run);) run->ops->layernorm_fwd(run->dev, y, x, gamma, beta, 1e-6f);
    return true;
}

/* Variants: bf16 dy; accumulate; residual gradient absent, apart, or in place; only parameter gradients; only dx. */
static bool run_layernorm_bwd(Run *run, int index) {
    Shape s;
    int variant;
    if (!pick(run, index, 12, &s, &variant)) return false;
    const RinsTensor none = {0}, x = make(run, RINS_F32, s.rows, s.cols, s.pad, 3);
    const RinsTensor dy = make(run, act_type(variant), s.rows, s.cols, s.pad, 1);
    const float *gamma = make_vector(run, s.cols, 1);
    const RinsTensor dx = make_out(run, RINS_F32, s.rows, s.cols, s.pad);
    const RinsTensor apart = make(run, RINS_F32, s.rows, s.cols, s.pad, 1);
    float *dgamma = make_vector_out(run, s.cols), *dbeta = make_vector_out(run, s.cols);
    const int kind = run->bench ? 2 : variant / 2 % 6;
    const RinsTensor dres = kind == 1 ? apart : kind >= 2 ? dx : none;
    const bool no_dx = kind == 3, no_parameters = kind == 4;
    run->bytes = (run->bench ? 4 : 3) * area(s);
    for (begin(run); more(run);)
        run->ops->layernorm_bwd(run->dev, no_dx ? none : dx, no_dx ? none : dres, no_parameters ? NULL : dgamma,
                                no_parameters ? NULL : dbeta, kind == 5, dy, x, gamma, 1e-6f);
    return true;
}

static bool run_gelu_fwd(Run *run, int index) {
    Shape s;
    int variant;
    if (!pick(run, index, 6, &s, &variant)) return false;
    static const RinsAct acts[] = {RINS_ACT_GELU_TANH, RINS_ACT_GELU_ERF, RINS_ACT_NONE};
    const RinsTensor x = make(run, act_type(variant), s.rows, s.cols, s.pad, 6);
    const RinsTensor y = make_out(run, act_type(variant), s.rows, s.cols, 2 * s.pad);
    run->bytes = 2 * area(s);
    for (begin(run); more(run);) run->ops->gelu_fwd(run->dev, y, x, acts[variant / 2]);
    return true;
}

static bool run_gelu_bwd(Run *run, int index) {
    Shape s;
    int variant;
    if (!pick(run, index, 6, &s, &variant)) return false;
    static const RinsAct acts[] = {RINS_ACT_GELU_TANH, RINS_ACT_GELU_ERF, RINS_ACT_NONE};
    const RinsTensor x = make(run, act_type(variant), s.rows, s.cols, s.pad, 6);
    const RinsTensor dy = make(run, act_type(variant), s.rows, s.cols, 0, 1);
    const RinsTensor dx = index % 3 ? make_out(run, act_type(variant), s.rows, s.cols, 2 * s.pad) : dy;
    run->bf16 = variant & 1;
    also_output(run, dx.data);
    run->bytes = 3 * area(s);
    for (begin(run); more(run);) run->ops->gelu_bwd(run->dev, dx, dy, x, acts[variant / 2]);
    return true;
}

static bool run_add(Run *run, int index) {
    Shape s;
    int variant;
    if (!pick(run, index, 3, &s, &variant)) return false;
    const RinsTensor a = make(run, RINS_F32, s.rows, s.cols, s.pad, 1), b = make(run, RINS_F32, s.rows, s.cols, 0, 1);
    const RinsTensor y = variant == 0 ? make_out(run, RINS_F32, s.rows, s.cols, 3) : variant == 1 ? a : b;
    also_output(run, y.data);
    run->bytes = 3 * area(s);
    for (begin(run); more(run);) run->ops->add(run->dev, y, a, b);
    return true;
}

static bool run_scale(Run *run, int index) {
    Shape s;
    int variant;
    if (!pick(run, index, 2, &s, &variant)) return false;
    const RinsTensor x = make(run, RINS_F32, s.rows, s.cols, s.pad, 1);
    const RinsTensor y = variant ? x : make_out(run, RINS_F32, s.rows, s.cols, 0);
    also_output(run, y.data);
    run->bytes = 2 * area(s);
    for (begin(run); more(run);) run->ops->scale(run->dev, y, x, -0.37f);
    return true;
}

static bool run_colsum(Run *run, int index) {
    Shape s;
    int variant;
    if (!pick(run, index, 4, &s, &variant)) return false;
    const RinsTensor x = make(run, act_type(variant), s.rows, s.cols, s.pad, 1);
    float *sum = make_vector_out(run, s.cols);
    run->bytes = area(s);
    for (begin(run); more(run);) run->ops->colsum(run->dev, sum, x, variant >= 2);
    return true;
}

static bool run_cast(Run *run, int index) {
    Shape s;
    int variant;
    if (!pick(run, index, 4, &s, &variant)) return false;
    const RinsTensor from = make(run, act_type(variant), s.rows, s.cols, s.pad, 100);
    const RinsTensor to = make_out(run, act_type(variant / 2 + 1), s.rows, s.cols, 1);
    run->bf16 = false; /* exact */
    run->bytes = 1.5 * area(s);
    for (begin(run); more(run);) run->ops->cast(run->dev, to, from);
    return true;
}

static bool run_copy(Run *run, int index) {
    Shape s;
    int variant;
    if (!pick(run, index, 2, &s, &variant)) return false;
    const RinsTensor from = make(run, act_type(variant), s.rows, s.cols, s.pad, 1);
    const RinsTensor to = make_out(run, act_type(variant), s.rows, s.cols, 1);
    run->bf16 = false;
    run->bytes = 2 * area(s);
    for (begin(run); more(run);) run->ops->copy(run->dev, to, from);
    return true;
}

static bool run_zero(Run *run, int index) {
    Shape s;
    int variant;
    if (!pick(run, index, 1, &s, &variant)) return false;
    float *data = make_vector_out(run, s.rows * s.cols + 1);
    run->bytes = area(s);
    for (begin(run); more(run);) run->ops->zero(run->dev, data, (size_t)area(s));
    return true;
}

const OpCheck layernorm_fwd_check = {"layernorm_fwd", 2e-6, run_layernorm_fwd};
const OpCheck layernorm_bwd_check = {"layernorm_bwd", 5e-6, run_layernorm_bwd};
const OpCheck gelu_fwd_check = {"gelu_fwd", 1e-6, run_gelu_fwd};
const OpCheck gelu_bwd_check = {"gelu_bwd", 1e-6, run_gelu_bwd};
const OpCheck add_check = {"add", 0, run_add};
const OpCheck scale_check = {"scale", 0, run_scale};
const OpCheck colsum_check = {"colsum", 2e-6, run_colsum};
const OpCheck cast_check = {"cast", 0, run_cast};
const OpCheck copy_check = {"copy", 0, run_copy};
const OpCheck zero_check = {"zero", 0, run_zero};
