#include "src/nn/map_head.h"

#include <stdio.h>

RinsStatus rins_map_head_add(RinsParams *params, RinsTower tower, bool frozen, const RinsEncoderSize *size,
                             RinsMapHead *head, const char *prefix) {
    const int64_t width = size->width;
    /* Each of q, k and v is drawn as a (D, D) matrix of its own; the table holds them as one. */
    RinsParamSpec kernel = {.shape = {3 * width, width},
                            .init = RINS_INIT_XAVIER_UNIFORM,
                            .fan_in = width,
                            .fan_out = width,
                            .decay = true};
    const RinsParamSpec zero = {.shape = {3 * width}, .init = RINS_INIT_CONST};
    const RinsParamSpec probe = {
        .shape = {1, 1, width}, .init = RINS_INIT_XAVIER_UNIFORM, .fan_in = 1, .fan_out = width};
    char name[96], norm[96];
    int weight, bias;
    *head = (RinsMapHead){.width = width, .heads = size->heads, .first_param = params->n};
    RINS_TRY(rins_params_add(params, tower, frozen, &probe, &head->probe, "%s.probe", prefix));
    RINS_TRY(rins_params_add(params, tower, frozen, &kernel, &weight, "%s.attention.in_proj_weight", prefix));
    RINS_TRY(rins_params_add(params, tower, frozen, &zero, &bias, "%s.attention.in_proj_bias", prefix));
    head->qkv = rins_linear(params, weight, bias);
    kernel.shape[0] = width;
    snprintf(name, sizeof name, "%s.attention.out_proj", prefix);
    RINS_TRY(rins_linear_add(params, tower, frozen, kernel, zero, &head->out, name));
    snprintf(name, sizeof name, "%s.mlp", prefix);
    snprintf(norm, sizeof norm, "%s.layernorm", prefix);
    RINS_TRY(rins_mlp_add(params, tower, frozen, width, size->mlp, &head->mlp, name, norm));
    head->last_param = params->n - 1;
    return RINS_OK;
}

static RinsTensor probe_of(const RinsPass *pass, const RinsMapHead *head) {
    return rins_f32(rins_weight(pass, head->probe), 1, head->width);
}

static RinsQueryAttention attention_of(const RinsMapHead *head, int64_t batch) {
    return (RinsQueryAttention){.qkv = head->qkv, .heads = head->heads, .batch = batch, .shared = true};
}

void rins_map_head_fwd(const RinsPass *pass, RinsMapHead *head, int64_t batch, RinsTensor y, RinsTensor x, bool save) {
    const size_t mark = rins_arena_mark(pass->arena);
    const int64_t width = head->width;
    const RinsQueryAttention attention = attention_of(head, batch);
    head->saved.x = x;
    rins_query_push(pass, &attention, &head->saved.query, save);
    head->saved.attention = rins_push_act(pass, batch, width);
    head->saved.mid = rins_push(pass, RINS_F32, batch, width);
    head->saved.pre = save ? rins_push_spread(pass, batch, head->mlp.hidden) : RINS_ABSENT;
    const size_t scratch = rins_arena_mark(pass->arena);
    rins_query_attention_fwd(pass, &attention, head->saved.attention, rins_as_act(pass, probe_of(pass, head)), x,
                             &head->saved.query);
    rins_linear_fwd(pass, head->out, head->saved.mid, head->saved.attention, (RinsLinearExtra){0});
    rins_mlp_fwd(pass, &head->mlp, y, head->saved.mid, head->saved.pre);
    rins_arena_release(pass->arena, save ? scratch : mark);
}

void rins_map_head_bwd(const RinsPass *pass, RinsMapHead *head, int64_t batch, RinsTensor dx, RinsTensor dy) {
    const size_t mark = rins_arena_mark(pass->arena);
    const RinsQueryAttention attention = attention_of(head, batch);
    rins_mlp_bwd(pass, &head->mlp, dy, head->saved.mid, head->saved.pre, pass->accumulate);
    const RinsTensor dmid = rins_as_act(pass, dy);
    rins_linear_bwd_weight(pass, head->out, dmid, head->saved.attention, pass->accumulate);
    const RinsTensor dattention = rins_push_act(pass, batch, head->width);
    rins_linear_bwd_input(pass, head->out, dattention, dmid, false, RINS_ABSENT, RINS_ABSENT);
    const RinsTensor dprobe = rins_f32(rins_grad(pass, head->probe), 1, head->width);
    rins_query_attention_bwd(pass, &attention, dx, dprobe, pass->accumulate, dattention,
                             rins_as_act(pass, probe_of(pass, head)), head->saved.x, &head->saved.query,
                             pass->accumulate);
    rins_arena_release(pass->arena, mark);
    rins_grads_done(pass, head->first_param, head->last_param);
}
