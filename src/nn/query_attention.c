#include "src/nn/query_attention.h"

#include <math.h>

static int64_t width_of(const RinsQueryAttention *layer) {
    return layer->qkv.in;
}

/* One head's rows of q (part 0), k (1) or v (2). */
static RinsLinear head_of(const RinsQueryAttention *layer, int64_t part, int64_t head) {
    const int64_t head_dim = width_of(layer) / layer->heads;
    return rins_linear_rows(layer->qkv, (part * layer->heads + head) * head_dim, head_dim);
}

/* Without the bias, on which nothing depends. */
static RinsLinear key_of(const RinsQueryAttention *layer, int64_t head) {
    RinsLinear key = head_of(layer, 1, head);
    key.bias = -1;
    return key;
}

/* Columns of one head: head_dim of t (R, D), or D of t (R, H D). */
static RinsTensor head_cols(const RinsQueryAttention *layer, RinsTensor t, int64_t head) {
    const int64_t cols = t.cols / layer->heads;
    return rins_cols_view(t, head * cols, cols);
}

/* t (R, H D) as rows of D, one a head. */
static RinsTensor head_rows(const RinsQueryAttention *layer, RinsTensor t) {
    assert(t.stride == t.cols);
    return rins_tensor(t.data, t.type, t.rows * layer->heads, t.cols / layer->heads);
}

void rins_query_push(const RinsPass *pass, const RinsQueryAttention *layer, RinsQuerySaved *saved, bool backward) {
    const int64_t width = width_of(layer), queries = layer->shared ? 1 : layer->batch;
    saved->q = rins_push_act(pass, queries, width);
    saved->folded = rins_push_act(pass, queries, layer->heads * width);
    saved->pooled = rins_push_act(pass, layer->batch, layer->heads * width);
    saved->lse = backward ? rins_push(pass, RINS_F32, layer->batch, layer->heads).data : NULL;
}

static RinsAttention attention_of(const RinsQueryAttention *layer, RinsTensor x, const RinsQuerySaved *saved) {
    return (RinsAttention){.q = head_rows(layer, saved->folded),
                           .k = x,
                           .v = x,
                           .out = head_rows(layer, saved->pooled),
                           .q_shared = layer->shared,
                           .lse = saved->lse,
                           .batch = layer->batch,
                           .heads = 1,
                           .head_dim = x.cols,
                           .lq = layer->heads,
                           .lk = x.rows / layer->batch,
                           .scale = 1.0f / sqrtf((float)(x.cols / layer->heads))};
}

void rins_query_attention_fwd(const RinsPass *pass, const RinsQueryAttention *layer, RinsTensor out, RinsTensor from,
                              RinsTensor x, const RinsQuerySaved *saved) {
    const RinsLinearExtra none = {0};
    rins_linear_fwd(pass, rins_linear_rows(layer->qkv, 0, width_of(layer)), saved->q, from, none);
    for (int64_t h = 0; h < layer->heads; h++) /* W_k^T q: the product that is otherwise an input's gradient */
        rins_linear_bwd_input(pass, key_of(layer, h), head_cols(layer, saved->folded, h), head_cols(layer, saved->q, h),
                              false, RINS_ABSENT, RINS_ABSENT);
    const RinsAttention attention = attention_of(layer, x, saved);
    pass->dev->ops->attention_fwd(pass->dev, &attention);
    for (int64_t h = 0; h < layer->heads; h++)
        rins_linear_fwd(pass, head_of(layer, 2, h), head_cols(layer, out, h), head_cols(layer, saved->pooled, h), none);
}

/* Gradients of the values' projection; dpooled (B, H D). */
static void values_bwd(const RinsPass *pass, const RinsQueryAttention *layer, RinsTensor dpooled, RinsTensor dout,
                       RinsTensor pooled, bool accumulate) {
    for (int64_t h = 0; h < layer->heads; h++) {
        const RinsLinear value = head_of(layer, 2, h);
        const RinsTensor dout_head = head_cols(layer, dout, h);
        rins_linear_bwd_weight(pass, value, dout_head, head_cols(layer, pooled, h), accumulate);
        rins_linear_bwd_input(pass, value, head_cols(layer, dpooled, h), dout_head, false, RINS_ABSENT, RINS_ABSENT);
    }
}

/* Gradients of the keys' projection; dq (R, D). */
static void keys_bwd(const RinsPass *pass, const RinsQueryAttention *layer, RinsTensor dq, RinsTensor dfolded,
                     RinsTensor q, bool accumulate) {
    const int64_t width = width_of(layer);
    for (int64_t h = 0; h < layer->heads; h++) {
        const RinsLinear key = key_of(layer, h);
        const RinsTensor dfolded_head = head_cols(layer, dfolded, h);
        rins_linear_bwd_weight(pass, key, head_cols(layer, q, h), dfolded_head, accumulate);
        rins_linear_fwd(pass, key, head_cols(layer, dq, h), dfolded_head, (RinsLinearExtra){0});
    }
    if (!accumulate)
        pass->dev->ops->zero(pass->dev, pass->params->g + layer->qkv.bias + width, (size_t)width * sizeof(float));
}

void rins_query_attention_bwd(const RinsPass *pass, const RinsQueryAttention *layer, RinsTensor dx, RinsTensor dfrom,
                              bool add_from, RinsTensor dout, RinsTensor from, RinsTensor x,
                              const RinsQuerySaved *saved, bool accumulate) {
    const size_t mark = rins_arena_mark(pass->arena);
    const int64_t width = width_of(layer);
    const RinsLinear query = rins_linear_rows(layer->qkv, 0, width);
    const RinsTensor dpooled = rins_push_act(pass, layer->batch, layer->heads * width);
    values_bwd(pass, layer, dpooled, dout, saved->pooled, accumulate);

    RinsTensor dfolded = rins_push_act(pass, layer->batch, layer->heads * width);
    RinsAttention attention = attention_of(layer, x, saved);
    attention.dout = head_rows(layer, dpooled);
    attention.dq = head_rows(layer, dfolded);
    attention.dk = attention.dv = dx;
    pass->dev->ops->attention_bwd(pass->dev, &attention);
    if (layer->shared) {
        const RinsTensor sum = rins_push(pass, RINS_F32, 1, layer->heads * width);
        pass->dev->ops->colsum(pass->dev, sum.data, dfolded, false);
        dfolded = rins_as_act(pass, sum);
    }
    const RinsTensor dq = rins_push_act(pass, saved->q.rows, width);
    keys_bwd(pass, layer, dq, dfolded, saved->q, accumulate);
    rins_linear_bwd_weight(pass, query, dq, from, accumulate);
    rins_linear_bwd_input(pass, query, dfrom, dq, add_from, RINS_ABSENT, RINS_ABSENT);
    rins_arena_release(pass->arena, mark);
}
