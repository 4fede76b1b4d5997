#include "src/nn/norm.h"

#define LN_EPS 1e-6f

void rins_norm_fwd(const RinsPass *pass, RinsNorm norm, RinsTensor y, RinsTensor x) {
    pass->dev->ops->layernorm_fwd(pass->dev, y, x, rins_weight(pass, norm.gamma), rins_weight(pass, norm.beta), LN_EPS);
}

void rins_norm_bwd(const RinsPass *pass, RinsNorm norm, RinsTensor dx, RinsTensor dres, RinsTensor dy, RinsTensor x,
                   bool accumulate) {
    pass->dev->ops->layernorm_bwd(pass->dev, dx, dres, rins_grad(pass, norm.gamma), rins_grad(pass, norm.beta),
                                  accumulate, dy, x, rins_weight(pass, norm.gamma), LN_EPS);
}

RinsStatus rins_norm_add(RinsParams *params, RinsTower tower, bool frozen, int64_t width, RinsNorm *norm,
                         const char *prefix) {
    const RinsParamSpec gamma = {.shape = {width}, .init = RINS_INIT_CONST, .init_arg = 1};
    const RinsParamSpec beta = {.shape = {width}, .init = RINS_INIT_CONST};
    RINS_TRY(rins_params_add(params, tower, frozen, &gamma, &norm->gamma, "%s.weight", prefix));
    return rins_params_add(params, tower, frozen, &beta, &norm->beta, "%s.bias", prefix);
}
