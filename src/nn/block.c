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

/* Where all rows query. */
static RinsAttention attention_of(const RinsBlock *block, RinsSeq seq, const RinsBlockSaved *saved) {
    const int64_t width = block->width, head_dim = width / block->heads;
    return (RinsAttention){.q = rins_cols_view(saved->qkv, 0, width),
                           .k = rins_cols_view(saved->qkv, width, width),
                           .v = rins_cols_view(saved->qkv, 2 * width, width),
                           .out = saved->attention,
                           .lse = saved->lse,
                           .batch = seq.batch,
                           .heads = block->heads,
                           .head_dim = head_dim,
                           .lq = seq.length,
                           .lk = seq.length,
                           .scale = 1.0f / sqrtf((float)head_dim)};
}

/* Where one row of every sequence queries. */
static RinsQueryAttention query_of(const RinsBlock *block, RinsSeq seq) {
    return (RinsQueryAttention){.qkv = block->qkv, .heads = block->heads, .batch = seq.batch};
}

/* Rows of t that query: all, or one of each sequence. */
static RinsTensor query_rows(RinsTensor t, RinsSeq seq) {
    return seq.query < 0 ? t : rins_every_view(t, seq.query, seq.length);
}

static void push_saved(const RinsPass *pass, const RinsBlock *block, RinsSeq seq, RinsBlockSaved *s, bool backward) {
    const int64_t width = block->width, queries = rins_seq_rows(seq);
    if (seq.query < 0) {
        s->qkv = rins_push_act(pass, queries, 3 * width);
        s->lse = backward ? rins_push(pass, RINS_F32, block->heads, queries).data : NULL;
    } else {
        const RinsQueryAttention query = query_of(block, seq);
        rins_query_push(pass, &query, &s->query, backward);
    }
    s->attention = rins_push_act(pass, queries, width);
    s->mid = rins_push(pass, RINS_F32, queries, width);
    s->pre = backward ? rins_push_spread(pass, queries, block->mlp.hidden) : RINS_ABSENT;
}

static void self_attention_fwd(const RinsPass *pass, const RinsBlock *block, RinsSeq seq, RinsTensor normed,
                               const RinsBlockSaved *s) {
    if (seq.query >= 0) {
        const RinsQueryAttention query = query_of(block, seq);
        rins_query_attention_fwd(pass, &query, s->attention, query_rows(normed, seq), normed, &s->query);
        return;
    }
    const RinsAttention attention = attention_of(block, seq, s);
    rins_linear_fwd(pass, block->qkv, s->qkv, normed, (RinsLinearExtra){0});
    pass->dev->ops->attention_fwd(pass->dev, &attention);
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
    self_attention_fwd(pass, block, seq, normed, s);
    rins_linear_fwd(pass, block->out, s->mid, s->attention, (RinsLinearExtra){.residual = query_rows(x, seq)});
    rins_arena_release(pass->arena, mark);
    rins_mlp_fwd(pass, &block->mlp, y, s->mid, s->pre);
    if (!saved) rins_arena_release(pass->arena, begin);
}

/* dmid (B Lq, D) fp32 -> dattention act type. */
static void out_proj_bwd(const RinsPass *pass, const RinsBlock *block, RinsTensor dattention, RinsTensor dmid,
                         const RinsBlockSaved *saved, bool accumulate) {
    const size_t mark = rins_arena_mark(pass->arena);
    const RinsTensor dmid_act = rins_as_act(pass, dmid);
    rins_linear_bwd_weight(pass, block->out, dmid_act, saved->attention, accumulate);
    rins_linear_bwd_input(pass, block->out, dattention, dmid_act, false, RINS_ABSENT, RINS_ABSENT);
    rins_arena_release(pass->arena, mark);
}

/* dqkv (B L, 3D) act type, from dmid. */
static void attention_bwd(const RinsPass *pass, const RinsBlock *block, RinsSeq seq, RinsTensor dqkv, RinsTensor dmid,
                          const RinsBlockSaved *saved, bool accumulate) {
    const size_t mark = rins_arena_mark(pass->arena);
    const int64_t width = block->width;
    RinsAttention attention = attention_of(block, seq, saved);
    attention.dout = rins_push_act(pass, dmid.rows, width);
    attention.dq = rins_cols_view(dqkv, 0, width);
    attention.dk = rins_cols_view(dqkv, width, width);
    attention.dv = rins_cols_view(dqkv, 2 * width, width);
    out_proj_bwd(pass, block, attention.dout, dmid, saved, accumulate);
    pass->dev->ops->attention_bwd(pass->dev, &attention);
    rins_arena_release(pass->arena, mark);
}

/* LN1's output, computed again, and space for its gradient, fp32. */
static RinsTensor push_normed(const RinsPass *pass, const RinsBlock *block, RinsTensor x, RinsTensor *dnormed) {
    *dnormed = rins_push(pass, RINS_F32, x.rows, x.cols);
    const RinsTensor normed = rins_push_act(pass, x.rows, x.cols);
    rins_norm_fwd(pass, block->norm1, normed, x);
    return normed;
}

static void all_rows_bwd(const RinsPass *pass, const RinsBlock *block, RinsSeq seq, RinsTensor dx, RinsTensor dmid,
                         const RinsBlockSaved *saved, bool accumulate) {
    const RinsTensor dqkv = rins_push_act(pass, dx.rows, 3 * block->width);
    attention_bwd(pass, block, seq, dqkv, dmid, saved, accumulate);
    RinsTensor dnormed;
    const RinsTensor normed = push_normed(pass, block, saved->x, &dnormed);
    rins_linear_bwd_weight(pass, block->qkv, dqkv, normed, accumulate);
    rins_linear_bwd_input(pass, block->qkv, dnormed, dqkv, false, RINS_ABSENT, RINS_ABSENT);
    rins_norm_bwd(pass, block->norm1, dx, dmid, dnormed, saved->x, accumulate);
}

static void query_row_bwd(const RinsPass *pass, const RinsBlock *block, RinsSeq seq, RinsTensor dx, RinsTensor dmid,
                          const RinsBlockSaved *saved, bool accumulate) {
    const RinsQueryAttention query = query_of(block, seq);
    const RinsTensor dattention = rins_push_act(pass, dmid.rows, block->width);
    out_proj_bwd(pass, block, dattention, dmid, saved, accumulate);
    RinsTensor dnormed;
    const RinsTensor normed = push_normed(pass, block, saved->x, &dnormed);
    rins_query_attention_bwd(pass, &query, dnormed, query_rows(dnormed, seq), true, dattention, query_rows(normed, seq),
                             normed, &saved->query, accumulate);
    rins_norm_bwd(pass, block->norm1, dx, RINS_ABSENT, dnormed, saved->x, accumulate);
    pass->dev->ops->add(pass->dev, query_rows(dx, seq), query_rows(dx, seq), dmid);
}

void rins_block_bwd(const RinsPass *pass, const RinsBlock *block, RinsSeq seq, RinsTensor dx, RinsTensor dy,
                    const RinsBlockSaved *saved, bool accumulate) {
    rins_mlp_bwd(pass, &block->mlp, dy, saved->mid, saved->pre, accumulate); /* dy is now dmid */
    const size_t mark = rins_arena_mark(pass->arena);
    if (seq.query < 0)
        all_rows_bwd(pass, block, seq, dx, dy, saved, accumulate);
    else
        query_row_bwd(pass, block, seq, dx, dy, saved, accumulate);
    rins_arena_release(pass->arena, mark);
}
