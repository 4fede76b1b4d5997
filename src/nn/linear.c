#include "src/nn/linear.h"

RinsLinear rins_linear(const RinsParams *params, int weight, int bias) {
    const RinsParam *w = &params->list[weight];
    return (RinsLinear){w->offset, bias < 0 ? -1 : params->list[bias].offset, w->spec.shape[0],
                        w->count / w->spec.shape[0]};
}

RinsLinear rins_linear_rows(RinsLinear whole, int64_t first, int64_t out) {
    assert(first >= 0 && first + out <= whole.out);
    return (RinsLinear){whole.weight + first * whole.in, whole.bias < 0 ? -1 : whole.bias + first, out, whole.in};
}

static RinsTensor weight_of(const RinsPass *pass, RinsLinear layer) {
    void *data = pass->act_type == RINS_BF16 ? (void *)(pass->params->low + layer.weight)
                                             : (void *)(pass->params->w + layer.weight);
    return rins_tensor(data, pass->act_type, layer.out, layer.in);
}

void rins_linear_fwd(const RinsPass *pass, RinsLinear layer, RinsTensor y, RinsTensor x, RinsLinearExtra extra) {
    assert(x.cols == layer.in && y.cols == layer.out && x.rows == y.rows);
    const RinsGemm gemm = {.a = x,
                           .b = weight_of(pass, layer),
                           .c = y,
                           .trans_b = true,
                           .bias = layer.bias < 0 ? NULL : pass->params->w + layer.bias,
                           .act = extra.act ? pass->act : RINS_ACT_NONE,
                           .pre = extra.pre,
                           .residual = extra.residual};
    pass->dev->ops->gemm(pass->dev, &gemm);
}

void rins_linear_bwd_input(const RinsPass *pass, RinsLinear layer, RinsTensor dx, RinsTensor dy, bool accumulate,
                           RinsTensor pre, RinsTensor act_out) {
    assert(dy.cols == layer.out && dx.cols == layer.in && dx.rows == dy.rows);
    const RinsGemm gemm = {.a = dy,
                           .b = weight_of(pass, layer),
                           .c = dx,
                           .accumulate = accumulate,
                           .act = pre.data ? pass->act : RINS_ACT_NONE,
                           .act_grad = pre,
                           .act_out = act_out};
    pass->dev->ops->gemm(pass->dev, &gemm);
}

void rins_linear_bwd_weight(const RinsPass *pass, RinsLinear layer, RinsTensor dy, RinsTensor x, bool accumulate) {
    assert(dy.cols == layer.out && x.cols == layer.in && x.rows == dy.rows);
    const RinsGemm gemm = {.a = dy,
                           .b = x,
                           .c = rins_f32(pass->params->g + layer.weight, layer.out, layer.in),
                           .trans_a = true,
                           .accumulate = accumulate,
                           .a_row_sum = layer.bias < 0 ? NULL : pass->params->g + layer.bias};
    pass->dev->ops->gemm(pass->dev, &gemm);
}

RinsStatus rins_linear_add(RinsParams *params, RinsTower tower, bool frozen, RinsParamSpec kernel, RinsParamSpec bias,
                           RinsLinear *layer, const char *prefix) {
    int weight, offset;
    bias.shape[0] = kernel.shape[0];
    RINS_TRY(rins_params_add(params, tower, frozen, &kernel, &weight, "%s.weight", prefix));
    RINS_TRY(rins_params_add(params, tower, frozen, &bias, &offset, "%s.bias", prefix));
    *layer = rins_linear(params, weight, offset);
    return RINS_OK;
}
