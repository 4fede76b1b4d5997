#include "src/model/two_tower.h"

static RinsPass pass_of(RinsModel *model, int64_t first, int64_t n, int64_t total) {
    return (RinsPass){.dev = model->dev,
                      .params = &model->params,
                      .arena = &model->arena,
                      .act_type = model->options.precision == RINS_PRECISION_BF16 ? RINS_BF16 : RINS_F32,
                      .act = model->config.act == RINS_GELU_ERF ? RINS_ACT_GELU_ERF : RINS_ACT_GELU_TANH,
                      .recompute = model->options.recompute,
                      .accumulate = first > 0,
                      .complete = first + n == total,
                      .sqsum = model->sqsum};
}

static RinsTensor rows_of(const RinsModel *model, float *buffer, int64_t first, int64_t n) {
    return rins_f32(buffer + first * model->embed_dim, n, model->embed_dim);
}

static size_t image_bytes(const RinsModel *model) {
    return (size_t)(model->config.image.size * model->config.image.size * 3);
}

/* Embeddings of inputs [first, first + n), from host memory, into rows of model->x. */
static RinsStatus image_fwd(RinsModel *model, const RinsPass *pass, const RinsPlan *plan, const uint8_t *pixels,
                            int64_t first, int64_t n, bool save) {
    const size_t each = image_bytes(model);
    model->dev->ops->copy_in(model->dev, model->pixels, pixels + (size_t)first * each, (size_t)n * each);
    rins_vit_fwd(pass, &model->vit, plan, model->pixels, rows_of(model, model->x, first, n), save);
    return model->arena.overflow ? RINS_FAIL(RINS_ERR_INTERNAL, "the activation arena overflowed its plan") : RINS_OK;
}

static RinsStatus text_fwd(RinsModel *model, const RinsPass *pass, const RinsPlan *plan, const int32_t *ids,
                           int64_t first, int64_t n, bool save) {
    const int64_t length = model->config.text.length;
    model->dev->ops->copy_in(model->dev, model->ids, ids + first * length, (size_t)(n * length) * sizeof *ids);
    rins_text_fwd(pass, &model->text, plan, model->ids, rows_of(model, model->y, first, n), save);
    return model->arena.overflow ? RINS_FAIL(RINS_ERR_INTERNAL, "the activation arena overflowed its plan") : RINS_OK;
}

static RinsStatus plans_of(RinsModel *model, RinsRounds rounds, const RinsPlan **image, const RinsPlan **text) {
    RINS_TRY(rins_plan_set_get(&model->image_plans, rounds.image, image));
    return rins_plan_set_get(&model->text_plans, rounds.text, text);
}

/* Of the n pairs of this process, the first row among those of all. */
static int64_t own_row(const RinsModel *model, int64_t n) {
    return rins_comm_rank(model->options.comm) * n;
}

/* Rows of all processes, in rank order, from the first n of `embedding`. `spare` is as large, and overwritten. */
static RinsStatus gather(RinsModel *model, float *embedding, float *spare, int64_t n) {
    RinsComm *comm = model->options.comm;
    if (!comm || model->alone) return RINS_OK;
    model->dev->ops->copy(model->dev, rows_of(model, spare, 0, n), rows_of(model, embedding, 0, n));
    RINS_TRY(model->dev->ops->sync(model->dev));
    return comm->allgather(comm, spare, embedding, (size_t)(n * model->embed_dim) * sizeof *embedding);
}

/* The loss of all pairs is the same on every process; the gradient of each process's weights is its own pairs' share of
   the sum, t's and b's is whole already and counts once. */
static RinsStatus sum_gradients(RinsModel *model) {
    RinsComm *comm = model->options.comm;
    const RinsOps *ops = model->dev->ops;
    const RinsParams *params = &model->params;
    const int scalars[] = {model->logit_scale, model->logit_bias};
    if (!comm || model->alone) return RINS_OK;
    for (int i = 0; i < 2 && comm->rank > 0; i++)
        ops->zero(model->dev, params->g + params->list[scalars[i]].offset, sizeof *params->g);
    RINS_TRY(ops->sync(model->dev));
    RINS_TRY(rins_comm_sum(comm, params->g, params->trainable));
    ops->zero(model->dev, model->sqsum, sizeof *model->sqsum);
    ops->sqsum_finite(model->dev, model->sqsum, params->g, params->trainable);
    RINS_TRY(ops->sync(model->dev));
    return rins_comm_from_first(comm, model->sqsum, sizeof *model->sqsum); /* threads may differ */
}

/* Normalised embeddings -> loss, and gradients of the raw embeddings where asked for. */
static void pair_loss(RinsModel *model, int64_t n, bool backward) {
    const RinsOps *ops = model->dev->ops;
    const RinsTensor x = rows_of(model, model->x, 0, n), y = rows_of(model, model->y, 0, n);
    const RinsParam *list = model->params.list;
    const float *w = model->params.w;
    float *g = model->params.g;
    ops->l2norm_fwd(model->dev, x, model->x_norm, x);
    ops->l2norm_fwd(model->dev, y, model->y_norm, y);
    RinsPairLoss loss = {.x = x,
                         .y = y,
                         .t = w + list[model->logit_scale].offset,
                         .b = w + list[model->logit_bias].offset,
                         .loss = model->loss};
    if (backward) {
        loss.dx = rows_of(model, model->dx, 0, n);
        loss.dy = rows_of(model, model->dy, 0, n);
        loss.dt = g + list[model->logit_scale].offset;
        loss.db = g + list[model->logit_bias].offset;
    }
    if (model->options.loss == RINS_LOSS_SIGMOID)
        ops->siglip_fwd_bwd(model->dev, &loss);
    else
        ops->softmax_loss_fwd_bwd(model->dev, &loss);
    if (!backward) return;
    ops->l2norm_bwd(model->dev, loss.dx, loss.dx, x, model->x_norm);
    ops->l2norm_bwd(model->dev, loss.dy, loss.dy, y, model->y_norm);
}

static bool lent(const RinsParam *param) {
    return param->tower == RINS_TOWER_IMAGE && !param->frozen;
}

/* The image tower's gradients are written last and whole: until then their memory holds what the text tower saves. */
static void lend_image_gradients(RinsModel *model) {
    const RinsParams *params = &model->params;
    int64_t first = params->trainable;
    for (int i = params->n - 1; i >= 0; i--)
        if (lent(&params->list[i])) first = params->list[i].offset;
    rins_arena_lend(&model->arena, params->g + first, (size_t)(params->trainable - first) * sizeof(float));
}

/* Takes it back. What no gradient will overwrite, the padding between parameters, is zero again. */
static void take_image_gradients(RinsModel *model) {
    const RinsParams *params = &model->params;
    rins_arena_end_loan(&model->arena);
    for (int i = 0; i < params->n; i++) {
        const RinsParam *param = &params->list[i];
        const int64_t end = param->offset + param->count;
        const int64_t next =
            i + 1 < params->n && !params->list[i + 1].frozen ? params->list[i + 1].offset : params->trainable;
        if (lent(param) && next > end)
            model->dev->ops->zero(model->dev, params->g + end, (size_t)(next - end) * sizeof(float));
    }
}

/* Loss of the pairs of all processes, of which n are this one's, and the gradients of their embeddings. */
static RinsStatus step_loss(RinsModel *model, int64_t n) {
    RINS_TRY(gather(model, model->x, model->dx, n));
    RINS_TRY(gather(model, model->y, model->dy, n));
    pair_loss(model, n * rins_comm_world(model->options.comm), true);
    return RINS_OK;
}

/* Everything fits at once: one forward and one backward pass. */
static RinsStatus step_whole(RinsModel *model, const uint8_t *pixels, const int32_t *ids, int64_t n,
                             const RinsPlan *image_plan, const RinsPlan *text_plan) {
    const RinsPass pass = pass_of(model, 0, n, n);
    const bool image = !model->config.image.freeze, text = !model->config.text.freeze;
    const int64_t own = own_row(model, n);
    RINS_TRY(image_fwd(model, &pass, image_plan, pixels, 0, n, image));
    const size_t mark = rins_arena_mark(&model->arena);
    lend_image_gradients(model);
    RinsStatus status = text_fwd(model, &pass, text_plan, ids, 0, n, text);
    if (status == RINS_OK) status = step_loss(model, n);
    if (status == RINS_OK && text) rins_text_bwd(&pass, &model->text, text_plan, rows_of(model, model->dy, own, n));
    rins_arena_release(&model->arena, mark);
    take_image_gradients(model);
    RINS_TRY(status);
    if (image) rins_vit_bwd(&pass, &model->vit, image_plan, rows_of(model, model->dx, own, n));
    return RINS_OK;
}

static int64_t chunk_at(const RinsModel *model, int64_t first, int64_t n) {
    return n - first < model->chunk ? n - first : model->chunk;
}

/* All embeddings of a batch larger than a chunk, without activations. */
static RinsStatus embed_chunks(RinsModel *model, const uint8_t *pixels, const int32_t *ids, int64_t n,
                               const RinsPlan *image_plan, const RinsPlan *text_plan) {
    for (int64_t i = 0; i < n; i += model->chunk) {
        const int64_t rows = chunk_at(model, i, n);
        const RinsPass pass = pass_of(model, i, rows, n);
        RINS_TRY(image_fwd(model, &pass, image_plan, pixels, i, rows, false));
        RINS_TRY(text_fwd(model, &pass, text_plan, ids, i, rows, false));
    }
    return RINS_OK;
}

/* Exact cached-embedding accumulation (Gao et al., arXiv 2101.06983): the loss sees the whole batch of embeddings,
   then each micro-batch runs forward again, now saving, and backward from its rows of the embeddings' gradient. */
static RinsStatus step_chunks(RinsModel *model, const uint8_t *pixels, const int32_t *ids, int64_t n,
                              const RinsPlan *image_plan, const RinsPlan *text_plan) {
    RINS_TRY(embed_chunks(model, pixels, ids, n, image_plan, text_plan));
    RINS_TRY(step_loss(model, n));
    const int64_t own = own_row(model, n);
    for (int64_t i = 0; i < n; i += model->chunk) {
        const int64_t rows = chunk_at(model, i, n);
        const RinsPass pass = pass_of(model, i, rows, n);
        const size_t mark = rins_arena_mark(&model->arena);
        if (!model->config.text.freeze) {
            RINS_TRY(text_fwd(model, &pass, text_plan, ids, i, rows, true));
            rins_text_bwd(&pass, &model->text, text_plan, rows_of(model, model->dy, own + i, rows));
            rins_arena_release(&model->arena, mark);
        }
        if (!model->config.image.freeze) {
            RINS_TRY(image_fwd(model, &pass, image_plan, pixels, i, rows, true));
            rins_vit_bwd(&pass, &model->vit, image_plan, rows_of(model, model->dx, own + i, rows));
            rins_arena_release(&model->arena, mark);
        }
    }
    return RINS_OK;
}

RinsStatus rins_two_tower_step(RinsModel *model, const uint8_t *pixels, const int32_t *ids, int64_t n,
                               RinsRounds rounds) {
    const RinsPlan *image_plan, *text_plan;
    RINS_TRY(plans_of(model, rounds, &image_plan, &text_plan));
    if (image_plan->n_steps > model->vit.encoder.max_steps || text_plan->n_steps > model->text.encoder.max_steps)
        return RINS_FAIL(RINS_ERR_ARG, "more rounds asked of a training step than the signature has");
    const RinsPass pass = pass_of(model, 0, n, n);
    model->dev->ops->zero(model->dev, model->sqsum, sizeof *model->sqsum);
    const size_t mark = rins_arena_mark(&model->arena);
    const RinsStatus status = n <= model->chunk ? step_whole(model, pixels, ids, n, image_plan, text_plan)
                                                : step_chunks(model, pixels, ids, n, image_plan, text_plan);
    rins_arena_release(&model->arena, mark);
    rins_grads_done(&pass, model->logit_scale, model->logit_bias);
    return status == RINS_OK ? sum_gradients(model) : status;
}

RinsStatus rins_two_tower_loss(RinsModel *model, const uint8_t *pixels, const int32_t *ids, int64_t n,
                               RinsRounds rounds) {
    const RinsPlan *image_plan, *text_plan;
    RINS_TRY(plans_of(model, rounds, &image_plan, &text_plan));
    RINS_TRY(embed_chunks(model, pixels, ids, n, image_plan, text_plan));
    pair_loss(model, n, false);
    return RINS_OK;
}

RinsStatus rins_two_tower_image(RinsModel *model, const uint8_t *pixels, int64_t n, int rounds, bool normalise) {
    const RinsPlan *plan;
    RINS_TRY(rins_plan_set_get(&model->image_plans, rounds, &plan));
    const RinsPass pass = pass_of(model, 0, n, n);
    RINS_TRY(image_fwd(model, &pass, plan, pixels, 0, n, false));
    const RinsTensor x = rows_of(model, model->x, 0, n);
    if (normalise) model->dev->ops->l2norm_fwd(model->dev, x, model->x_norm, x);
    return RINS_OK;
}

RinsStatus rins_two_tower_text(RinsModel *model, const int32_t *ids, int64_t n, int rounds, bool normalise) {
    const RinsPlan *plan;
    RINS_TRY(rins_plan_set_get(&model->text_plans, rounds, &plan));
    const RinsPass pass = pass_of(model, 0, n, n);
    RINS_TRY(text_fwd(model, &pass, plan, ids, 0, n, false));
    const RinsTensor y = rows_of(model, model->y, 0, n);
    if (normalise) model->dev->ops->l2norm_fwd(model->dev, y, model->y_norm, y);
    return RINS_OK;
}
