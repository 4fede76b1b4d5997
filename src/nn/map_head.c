#include "src/nn/map_head.h"

#include <math.h>
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

static RinsAttention attention_of(const RinsMapHead *head, int64_t batch) {
    const int64_t width = head->width, head_dim = width / head->heads;
    return (RinsAttention){.q = head->saved.q,
                           .k = rins_cols_view(head->saved.kv, 0, width),
                           .v = rins_cols_view(head->saved.kv, width, width),
                           .out = head->saved.attention,
                           .q_shared = true,
                           .lse = head->saved.lse,
                           .batch = batch,
                           .heads = head->heads,
                           .head_dim = head_dim,
                           .lq = 1,
                           .lk = head->saved.kv.rows / batch,
                           .scale = 1.0f / sqrtf((float)head_dim)};
}

void rins_map_head_fwd(const RinsPass *pass, RinsMapHead *head, int64_t batch, RinsTensor y, RinsTensor x, bool save) {
    const size_t mark = rins_arena_mark(pass->arena);
    const int64_t width = head->width;
    head->saved.x = x;
    head->saved.kv = rins_push_act(pass, x.rows, 2 * width);
    head->saved.q = rins_push_act(pass, 1, width);
    head->saved.attention = rins_push_act(pass, batch, width);
    head->saved.lse = save ? rins_push(pass, RINS_F32, batch, head->heads).data : NULL;
    head->saved.mid = rins_push(pass, RINS_F32, batch, width);
    head->saved.pre = save ? rins_push_act(pass, batch, head->mlp.hidden) : RINS_ABSENT;
    const size_t scratch = rins_arena_mark(pass->arena);
    const RinsLinearExtra none = {0};
    rins_linear_fwd(pass, rins_linear_rows(head->qkv, 0, width), head->saved.q, rins_as_act(pass, probe_of(pass, head)),
                    none);
    rins_linear_fwd(pass, rins_linear_rows(head->qkv, width, 2 * width), head->saved.kv, x, none);
    const RinsAttention attention = attention_of(head, batch);
    pass->dev->ops->attention_fwd(pass->dev, &attention);
    rins_linear_fwd(pass, head->out, head->saved.mid, head->saved.attention, none);
    rins_mlp_fwd(pass, &head->mlp, y, head->saved.mid, head->saved.pre);
    rins_arena_release(pass->arena, save ? scratch : mark);
}

/* The probe's query is shared by the batch: its gradient is the sum over it. */
static void probe_bwd(const RinsPass *pass, const RinsMapHead *head, RinsTensor dq_each) {
    const size_t mark = rins_arena_mark(pass->arena);
    const RinsLinear q = rins_linear_rows(head->qkv, 0, head->width);
    const RinsTensor dq_sum = rins_push(pass, RINS_F32, 1, head->width);
    pass->dev->ops->colsum(pass->dev, dq_sum.data, dq_each, false);
    const RinsTensor dq = rins_as_act(pass, dq_sum), probe = rins_as_act(pass, probe_of(pass, head));
    const RinsTensor dprobe = rins_f32(rins_grad(pass, head->probe), 1, head->width);
    rins_linear_bwd_weight(pass, q, dq, probe, pass->accumulate);
    rins_linear_bwd_input(pass, q, dprobe, dq, pass->accumulate, RINS_ABSENT, RINS_ABSENT);
    rins_arena_release(pass->arena, mark);
}

void rins_map_head_bwd(const RinsPass *pass, RinsMapHead *head, int64_t batch, RinsTensor dx, RinsTensor dy) {
    const size_t mark = rins_arena_mark(pass->arena);
    const int64_t width = head->width;
    rins_mlp_bwd(pass, &head->mlp, dy, head->saved.mid, head->saved.pre, pass->accumulate);
    const RinsTensor dmid = rins_as_act(pass, dy);
    rins_linear_bwd_weight(pass, head->out, dmid, head->saved.attention, pass->accumulate);
    RinsAttention attention = attention_of(head, batch);
    const RinsTensor dkv = rins_push_act(pass, dx.rows, 2 * width);
    attention.dout = rins_push_act(pass, batch, width);
    attention.dq = rins_push_act(pass, batch, width);
    attention.dk = rins_cols_view(dkv, 0, width);
    attention.dv = rins_cols_view(dkv, width, width);
    rins_linear_bwd_input(pass, head->out, attention.dout, dmid, false, RINS_ABSENT, RINS_ABSENT);
    pass->dev->ops->attention_bwd(pass->dev, &attention);
    probe_bwd(pass, head, attention.dq);
    const RinsLinear kv = rins_linear_rows(head->qkv, width, 2 * width);
    rins_linear_bwd_weight(pass, kv, dkv, head->saved.x, pass->accumulate);
    rins_linear_bwd_input(pass, kv, dx, dkv, false, RINS_ABSENT, RINS_ABSENT);
    rins_arena_release(pass->arena, mark);
    rins_grads_done(pass, head->first_param, head->last_param);
}
