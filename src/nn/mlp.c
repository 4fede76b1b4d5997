#include "src/nn/mlp.h"

#include <stdio.h>

RinsStatus rins_mlp_add(RinsParams *params, RinsTower tower, bool frozen, int64_t width, int64_t hidden, RinsMlp *mlp,
                        const char *prefix, const char *norm) {
    char name[96];
    RinsParamSpec kernel = {
        .init = RINS_INIT_XAVIER_UNIFORM, .fan_in = width, .fan_out = hidden, .decay = true, .shape = {hidden, width}};
    const RinsParamSpec bias = {.init = RINS_INIT_NORMAL, .init_arg = 1e-6};
    mlp->hidden = hidden;
    RINS_TRY(rins_norm_add(params, tower, frozen, width, &mlp->norm, norm));
    snprintf(name, sizeof name, "%s.fc1", prefix);
    RINS_TRY(rins_linear_add(params, tower, frozen, kernel, bias, &mlp->fc1, name));
    kernel.shape[0] = width, kernel.shape[1] = hidden;
    snprintf(name, sizeof name, "%s.fc2", prefix);
    return rins_linear_add(params, tower, frozen, kernel, bias, &mlp->fc2, name);
}

void rins_mlp_fwd(const RinsPass *pass, const RinsMlp *mlp, RinsTensor y, RinsTensor x, RinsTensor pre) {
    const size_t mark = rins_arena_mark(pass->arena);
    RinsTensor hidden = rins_push_spread(pass, x.rows, mlp->hidden);
    RinsTensor normed = rins_push_act(pass, x.rows, x.cols);
    rins_norm_fwd(pass, mlp->norm, normed, x);
    rins_linear_fwd(pass, mlp->fc1, hidden, normed, (RinsLinearExtra){.act = true, .pre = pre});
    if (y.data) rins_linear_fwd(pass, mlp->fc2, y, hidden, (RinsLinearExtra){.residual = x});
    rins_arena_release(pass->arena, mark);
}

void rins_mlp_bwd(const RinsPass *pass, const RinsMlp *mlp, RinsTensor dy, RinsTensor x, RinsTensor pre,
                  bool accumulate) {
    const size_t mark = rins_arena_mark(pass->arena);
    const RinsTensor dy_act = rins_as_act(pass, dy);
    const RinsTensor dpre = rins_push_spread(pass, x.rows, mlp->hidden);
    const size_t hidden_mark = rins_arena_mark(pass->arena);
    const RinsTensor hidden = rins_push_spread(pass, x.rows, mlp->hidden);
    rins_linear_bwd_input(pass, mlp->fc2, dpre, dy_act, false, pre, hidden);
    rins_linear_bwd_weight(pass, mlp->fc2, dy_act, hidden, accumulate);
    rins_arena_release(pass->arena, hidden_mark);

    const RinsTensor normed = rins_push_act(pass, x.rows, x.cols);
    rins_norm_fwd(pass, mlp->norm, normed, x);
    rins_linear_bwd_weight(pass, mlp->fc1, dpre, normed, accumulate);
    const RinsTensor dnormed = rins_push(pass, RINS_F32, x.rows, x.cols);
    rins_linear_bwd_input(pass, mlp->fc1, dnormed, dpre, false, RINS_ABSENT, RINS_ABSENT);
    rins_norm_bwd(pass, mlp->norm, dy, dy, dnormed, x, accumulate);
    rins_arena_release(pass->arena, mark);
}
