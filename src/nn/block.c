#include "src/nn/block.h"

#include <math.h>
#include <stdio.h>

static RinsStatus add_qkv(RinsParams *params, RinsTower tower, bool frozen, RinsParamSpec kernel, RinsParamSpec bias,
                          RinsBlock *block, const char *prefix) {
    static const char *const names[] = {"q_proj", "k_proj", "v_proj"};
    int weight = 0, offset = 0, index;
    for (int i = 0; i < 3; i++) {
        kernel.packed = i > 0;
        RINS_TRY(rins_params_add(params, tower, frozen, &kernel, &index, "%s.self_attn.%s.weight", prefix, names[i]));
        if (i == 0) weight = index;
    }
    for (int i = 0; i < 3; i++) {
        bias.packed = i > 0;
        RINS_TRY(rins_params_add(params, tower, frozen, &bias, &index, "%s.self_attn.%s.bias", prefix, names[i]));
        if (i == 0) offset = index;
    }
    block->qkv = rins_linear(params, weight, offset);
    block->qkv.out = 3 * block->width;
    return RINS_OK;
}

RinsStatus rins_block_add(RinsParams *params, RinsTower tower, bool frozen, const RinsEncoderSize *size,
                          RinsBlock *block, const char *prefix) {
    const int64_t width = size->width;
    const RinsParamSpec kernel = {
        .shape = {width, width}, .init = RINS_INIT_XAVIER_UNIFORM, .fan_in = width, .fan_out = width, .decay = true};
    const RinsParamSpec zero = {.shape = {width}, .init = RINS_INIT_CONST};
    char name[96], norm[96];
    *block = (RinsBlock){.width = width, .heads = size->heads, .first_param = params->n};
    snprintf(name, sizeof name, "%s.layer_norm1", prefix);
    RINS_TRY(rins_norm_add(params, tower, frozen, width, &block->norm1, name));
    RINS_TRY(add_qkv(params, tower, frozen, kernel, zero, block, prefix));
    snprintf(name, sizeof name, "%s.self_attn.out_proj", prefix);
    RINS_TRY(rins_linear_add(params, tower, frozen, kernel, zero, &block->out, name));
    snprintf(name, sizeof name, "%s.mlp", prefix);
    snprintf(norm, sizeof norm, "%s.layer_norm2", prefix);
    RINS_TRY(rins_mlp_add(params, tower, frozen, width, size->mlp, &block->mlp, name, norm));
    block->last_param = params->n - 1;
    return RINS_OK;
}

static RinsAttention attention_of(const RinsBlock *block, RinsSeq seq, const RinsBlockSaved *saved) {
    const int64_t head_dim = block->width / block->heads;
    return (RinsAttention){.q = saved->q,
                           .k = saved->k,
                           .v = saved->v,
                           .out = saved->attention,
                           .lse = saved->lse,
                           .batch = seq.batch,
                           .heads = block->heads,
                           .head_dim = head_dim,
                           .lq = seq.query < 0 ? seq.length : 1,
                           .lk = seq.length,
                           .scale = 1.0f / sqrtf((float)head_dim)};
}

/* Rows of t that query: all, or one of each sequence. */
static RinsTensor query_rows(RinsTensor t, RinsSeq seq) {
    return seq.query < 0 ? t : rins_every_view(t, seq.query, seq.length);
}

/* q, k and v, or their gradients: one fused matrix, or q apart where only one row queries. */
static void push_qkv(const RinsPass *pass, const RinsBlock *block, RinsSeq seq, RinsBlockSaved *s) {
    const int64_t width = block->width, rows = seq.batch * seq.length;
    const bool all = seq.query < 0;
    const RinsTensor fused = rins_push_act(pass, rows, (all ? 3 : 2) * width);
    s->q = all ? rins_cols_view(fused, 0, width) : rins_push_act(pass, seq.batch, width);
    s->k = rins_cols_view(fused, all ? width : 0, width);
    s->v = rins_cols_view(fused, all ? 2 * width : width, width);
}

static void push_saved(const RinsPass *pass, const RinsBlock *block, RinsSeq seq, RinsBlockSaved *s, bool keep_pre) {
    const int64_t width = block->width, queries = rins_seq_rows(seq);
    push_qkv(pass, block, seq, s);
    s->attention = rins_push_act(pass, queries, width);
    s->lse = keep_pre ? rins_push(pass, RINS_F32, block->heads, queries).data : NULL;
    s->mid = rins_push(pass, RINS_F32, queries, width);
    s->pre = keep_pre ? rins_push_act(pass, queries, block->mlp.hidden) : RINS_ABSENT;
}

/* k and v side by side, as they lie in memory: starts at k in both layouts. */
static RinsTensor fused_kv(const RinsBlockSaved *s) {
    RinsTensor kv = s->k;
    kv.cols *= 2;
    return kv;
}

static RinsTensor fused_qkv(const RinsBlockSaved *s) {
    RinsTensor qkv = s->q;
    qkv.cols *= 3;
    return qkv;
}

static void project_qkv(const RinsPass *pass, const RinsBlock *block, RinsSeq seq, const RinsBlockSaved *s,
                        RinsTensor normed) {
    const int64_t width = block->width;
    if (seq.query < 0) {
        rins_linear_fwd(pass, block->qkv, fused_qkv(s), normed, (RinsLinearExtra){0});
        return;
    }
    rins_linear_fwd(pass, rins_linear_rows(block->qkv, width, 2 * width), fused_kv(s), normed, (RinsLinearExtra){0});
    rins_linear_fwd(pass, rins_linear_rows(block->qkv, 0, width), s->q, query_rows(normed, seq), (RinsLinearExtra){0});
}

void rins_block_fwd(const RinsPass *pass, const RinsBlock *block, RinsSeq seq, RinsTensor y, RinsTensor x,
                    RinsBlockSaved *saved) {
    const size_t begin = rins_arena_mark(pass->arena);
    RinsBlockSaved local, *s = saved ? saved : &local;
    s->x = x;
    push_saved(pass, block, seq, s, saved != NULL);
    const size_t mark = rins_arena_mark(pass->arena);
    const RinsTensor normed = rins_push_act(pass, x.rows, x.cols);
    rins_norm_fwd(pass, block->norm1, normed, x);
    project_qkv(pass, block, seq, s, normed);
    const RinsAttention attention = attention_of(block, seq, s);
    pass->dev->ops->attention_fwd(pass->dev, &attention);
    rins_linear_fwd(pass, block->out, s->mid, s->attention, (RinsLinearExtra){.residual = query_rows(x, seq)});
    rins_arena_release(pass->arena, mark);
    rins_mlp_fwd(pass, &block->mlp, y, s->mid, s->pre);
    if (!saved) rins_arena_release(pass->arena, begin);
}

/* Gradients of the qkv projection: its weights', and dnormed (B L, D) fp32 overwritten. */
static void project_qkv_bwd(const RinsPass *pass, const RinsBlock *block, RinsSeq seq, RinsTensor dnormed,
                            const RinsBlockSaved *d, RinsTensor normed, bool accumulate) {
    const int64_t width = block->width;
    if (seq.query < 0) {
        rins_linear_bwd_weight(pass, block->qkv, fused_qkv(d), normed, accumulate);
        rins_linear_bwd_input(pass, block->qkv, dnormed, fused_qkv(d), false, RINS_ABSENT, RINS_ABSENT);
        return;
    }
    const RinsLinear q = rins_linear_rows(block->qkv, 0, width), kv = rins_linear_rows(block->qkv, width, 2 * width);
    rins_linear_bwd_weight(pass, kv, fused_kv(d), normed, accumulate);
    rins_linear_bwd_weight(pass, q, d->q, query_rows(normed, seq), accumulate);
    rins_linear_bwd_input(pass, kv, dnormed, fused_kv(d), false, RINS_ABSENT, RINS_ABSENT);
    rins_linear_bwd_input(pass, q, query_rows(dnormed, seq), d->q, true, RINS_ABSENT, RINS_ABSENT);
}

/* d.attention is out_proj's input gradient; d.q, d.k, d.v are filled. */
static void attention_bwd(const RinsPass *pass, const RinsBlock *block, RinsSeq seq, const RinsBlockSaved *saved,
                          const RinsBlockSaved *d) {
    RinsAttention attention = attention_of(block, seq, saved);
    attention.dout = d->attention;
    attention.dq = d->q;
    attention.dk = d->k;
    attention.dv = d->v;
    pass->dev->ops->attention_bwd(pass->dev, &attention);
}

void rins_block_bwd(const RinsPass *pass, const RinsBlock *block, RinsSeq seq, RinsTensor dx, RinsTensor dy,
                    const RinsBlockSaved *saved, bool accumulate) {
    const int64_t rows = seq.batch * seq.length;
    rins_mlp_bwd(pass, &block->mlp, dy, saved->mid, saved->pre, accumulate); /* dy is now dmid */

    const size_t mark = rins_arena_mark(pass->arena);
    RinsBlockSaved d = {0};
    push_qkv(pass, block, seq, &d);
    const size_t attention_mark = rins_arena_mark(pass->arena);
    d.attention = rins_push_act(pass, dy.rows, block->width);
    const RinsTensor dmid = rins_as_act(pass, dy);
    rins_linear_bwd_weight(pass, block->out, dmid, saved->attention, accumulate);
    rins_linear_bwd_input(pass, block->out, d.attention, dmid, false, RINS_ABSENT, RINS_ABSENT);
    attention_bwd(pass, block, seq, saved, &d);
    rins_arena_release(pass->arena, attention_mark);

    const RinsTensor dnormed = rins_push(pass, RINS_F32, rows, block->width);
    const RinsTensor normed = rins_push_act(pass, rows, block->width);
    rins_norm_fwd(pass, block->norm1, normed, saved->x);
    project_qkv_bwd(pass, block, seq, dnormed, &d, normed, accumulate);
    if (seq.query < 0) {
        rins_norm_bwd(pass, block->norm1, dx, dy, dnormed, saved->x, accumulate);
    } else {
        rins_norm_bwd(pass, block->norm1, dx, RINS_ABSENT, dnormed, saved->x, accumulate);
        pass->dev->ops->add(pass->dev, query_rows(dx, seq), query_rows(dx, seq), dy);
    }
    rins_arena_release(pass->arena, mark);
}
