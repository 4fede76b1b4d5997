/* Fully connected layer, y = x W^T + b, with W (out, in) as PyTorch stores it. */
#ifndef RINS_NN_LINEAR_H
#define RINS_NN_LINEAR_H

#include "src/nn/pass.h"

/* W and b are elements of the flat buffers, so that a row range of a fused matrix is a layer as well. */
typedef struct RinsLinear {
    int64_t weight, bias; /* offsets of the first element; bias -1: none */
    int64_t out, in;
} RinsLinear;

RinsLinear rins_linear(const RinsParams *params, int weight, int bias);
/* Outputs [first, first + out) of `whole`: q, or one head's k or v, of a fused qkv. */
RinsLinear rins_linear_rows(RinsLinear whole, int64_t first, int64_t out);

/* What may follow the product, as in RinsGemm. */
typedef struct RinsLinearExtra {
    bool act; /* apply pass->act */
    RinsTensor pre, residual;
} RinsLinearExtra;

void rins_linear_fwd(const RinsPass *pass, RinsLinear layer, RinsTensor y, RinsTensor x, RinsLinearExtra extra);
/* dx (+)= dy W; where `pre` is given, times act'(pre), and act_out = act(pre). */
void rins_linear_bwd_input(const RinsPass *pass, RinsLinear layer, RinsTensor dx, RinsTensor dy, bool accumulate,
                           RinsTensor pre, RinsTensor act_out);
/* dW (+)= dy^T x, db (+)= column sums of dy. */
void rins_linear_bwd_weight(const RinsPass *pass, RinsLinear layer, RinsTensor dy, RinsTensor x, bool accumulate);

/* Adds PREFIX.weight (out, in) and PREFIX.bias (out) with the given initial values of kernel and bias. */
RinsStatus rins_linear_add(RinsParams *params, RinsTower tower, bool frozen, RinsParamSpec kernel, RinsParamSpec bias,
                           RinsLinear *layer, const char *prefix);

#endif
