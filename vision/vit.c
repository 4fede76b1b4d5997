#include "vision/vit.h"

#include <math.h>

static RinsStatus add_embeddings(RinsParams *params, RinsVit *vit) {
    const int64_t width = vit->size.width, patch = vit->config.patch;
    const bool frozen = vit->config.freeze;
    const RinsParamSpec position = {
        .shape = {vit->patches, width}, .init = RINS_INIT_NORMAL, .init_arg = 1.0 / sqrt((double)width)};
    const RinsParamSpec cls = {.shape = {1, 1, width}, .init = RINS_INIT_CONST};
    const RinsParamSpec kernel = {.shape = {width, 3, patch, patch},
                                  .init = RINS_INIT_LECUN_TRUNCATED_NORMAL,
                                  .fan_in = 3 * patch * patch,
                                  .decay = true};
    vit->cls = -1;
    if (vit->config.pool == RINS_VIT_POOL_TOK)
        RINS_TRY(rins_params_add(params, RINS_TOWER_IMAGE, frozen, &cls, &vit->cls,
                                 "vision_model.embeddings.class_embedding"));
    RINS_TRY(rins_params_add(params, RINS_TOWER_IMAGE, frozen, &position, &vit->position,
                             "vision_model.embeddings.position_embedding.weight"));
    vit->patch_param = params->n;
    return rins_linear_add(params, RINS_TOWER_IMAGE, frozen, kernel, (RinsParamSpec){.init = RINS_INIT_CONST},
                           &vit->patch_embed, "vision_model.embeddings.patch_embedding");
}

RinsStatus rins_vit_add(RinsParams *params, RinsVit *vit, const RinsVitConfig *config, const RinsPlan *plan,
                        int64_t embed_dim) {
    *vit = (RinsVit){.config = *config, .embed_dim = embed_dim, .head_param = -1};
    RINS_TRY(rins_encoder_size(&config->encoder, &vit->size));
    if (config->patch > config->size)
        return RINS_FAIL(RINS_ERR_CONFIG, "model.image.patch %lld is larger than the image (%lld pixels)",
                         (long long)config->patch, (long long)config->size);
    vit->patches = (config->size / config->patch) * (config->size / config->patch);
    vit->length = vit->patches + (config->pool == RINS_VIT_POOL_TOK);
    const int64_t width = vit->size.width;
    const RinsParamSpec head = {
        .shape = {embed_dim, width}, .init = RINS_INIT_LECUN_TRUNCATED_NORMAL, .fan_in = width, .decay = true};
    if (embed_dim != width) {
        vit->head_param = params->n;
        RINS_TRY(rins_linear_add(params, RINS_TOWER_IMAGE, config->freeze, head,
                                 (RinsParamSpec){.init = RINS_INIT_CONST}, &vit->head, "vision_model.embed_head"));
    }
    if (config->pool == RINS_VIT_POOL_MAP)
        RINS_TRY(
            rins_map_head_add(params, RINS_TOWER_IMAGE, config->freeze, &vit->size, &vit->map, "vision_model.head"));
    RINS_TRY(rins_norm_add(params, RINS_TOWER_IMAGE, config->freeze, width, &vit->norm, "vision_model.post_layernorm"));
    RINS_TRY(rins_encoder_add(params, RINS_TOWER_IMAGE, config->freeze, &vit->size, plan, &vit->encoder,
                              "vision_model.encoder"));
    return add_embeddings(params, vit);
}

void rins_vit_free(RinsVit *vit) {
    rins_encoder_free(&vit->encoder);
}

/* Only the class token is pooled, so the last step works for it alone. */
static RinsSeq seq_of(const RinsVit *vit, int64_t batch) {
    return (RinsSeq){batch, vit->length, vit->config.pool == RINS_VIT_POOL_TOK ? 0 : -1};
}

/* Normalised, patchified pixels (batch * P, 3 patch^2) in `patches`. */
static void make_patches(const RinsPass *pass, const RinsVit *vit, const uint8_t *pixels, int64_t batch,
                         RinsTensor patches) {
    const size_t mark = rins_arena_mark(pass->arena);
    const int64_t size = vit->config.size;
    const RinsTensor values = rins_push_act(pass, batch, size * size * 3);
    pass->dev->ops->normalise_u8(pass->dev, values, pixels, vit->pixel_scale, vit->pixel_offset);
    pass->dev->ops->patchify(pass->dev, patches, values, size, vit->config.patch);
    rins_arena_release(pass->arena, mark);
}

/* Patch rows [1, L) of every image between a (B P, D) matrix and the (B L, D) tokens. */
static void copy_patch_rows(const RinsPass *pass, const RinsVit *vit, RinsTensor tokens, RinsTensor rows, int64_t batch,
                            bool to_tokens) {
    for (int64_t b = 0; b < batch; b++) {
        const RinsTensor inside = rins_rows_view(tokens, b * vit->length + 1, vit->patches);
        const RinsTensor outside = rins_rows_view(rows, b * vit->patches, vit->patches);
        pass->dev->ops->copy(pass->dev, to_tokens ? inside : outside, to_tokens ? outside : inside);
    }
}

static void embed(const RinsPass *pass, const RinsVit *vit, const uint8_t *pixels, int64_t batch, RinsTensor tokens) {
    const size_t mark = rins_arena_mark(pass->arena);
    const RinsTensor patches = rins_push_act(pass, batch * vit->patches, vit->patch_embed.in);
    make_patches(pass, vit, pixels, batch, patches);
    const RinsLinearExtra positions = {.residual =
                                           rins_f32(rins_weight(pass, vit->position), vit->patches, vit->size.width)};
    if (vit->cls < 0) {
        rins_linear_fwd(pass, vit->patch_embed, tokens, patches, positions);
    } else { /* the class token has no position, as in big_vision */
        const RinsTensor rows = rins_push(pass, RINS_F32, batch * vit->patches, vit->size.width);
        const RinsTensor cls = rins_f32(rins_weight(pass, vit->cls), 1, vit->size.width);
        rins_linear_fwd(pass, vit->patch_embed, rows, patches, positions);
        copy_patch_rows(pass, vit, tokens, rows, batch, true);
        for (int64_t b = 0; b < batch; b++)
            pass->dev->ops->copy(pass->dev, rins_rows_view(tokens, b * vit->length, 1), cls);
    }
    rins_arena_release(pass->arena, mark);
}

static void pool(const RinsPass *pass, RinsVit *vit, int64_t batch, RinsTensor pooled, RinsTensor normed, bool save) {
    if (vit->config.pool == RINS_VIT_POOL_MAP)
        rins_map_head_fwd(pass, &vit->map, batch, pooled, normed, save);
    else if (vit->config.pool == RINS_VIT_POOL_GAP)
        pass->dev->ops->pool_fwd(pass->dev, pooled, normed, vit->length, -1);
    else
        pass->dev->ops->copy(pass->dev, pooled, normed);
}

void rins_vit_fwd(const RinsPass *pass, RinsVit *vit, const RinsPlan *plan, const uint8_t *pixels, RinsTensor embedding,
                  bool save) {
    const size_t mark = rins_arena_mark(pass->arena);
    const int64_t batch = embedding.rows, width = vit->size.width;
    const RinsSeq seq = seq_of(vit, batch);
    const bool map = vit->config.pool == RINS_VIT_POOL_MAP, head = vit->head_param >= 0;
    const RinsTensor tokens = rins_push(pass, RINS_F32, batch * vit->length, width);
    const RinsTensor encoded = rins_push(pass, RINS_F32, rins_seq_rows(seq), width);
    const RinsTensor normed = rins_push(pass, map ? pass->act_type : RINS_F32, encoded.rows, width);
    const RinsTensor pooled = head ? rins_push(pass, RINS_F32, batch, width) : embedding;
    embed(pass, vit, pixels, batch, tokens);
    rins_encoder_fwd(pass, &vit->encoder, plan, seq, encoded, tokens, save);
    rins_norm_fwd(pass, vit->norm, normed, encoded);
    pool(pass, vit, batch, pooled, normed, save);
    if (head) {
        const size_t cast_mark = rins_arena_mark(pass->arena);
        rins_linear_fwd(pass, vit->head, embedding, rins_as_act(pass, pooled), (RinsLinearExtra){0});
        rins_arena_release(pass->arena, cast_mark);
    }
    vit->saved.pixels = pixels;
    vit->saved.encoded = encoded;
    vit->saved.pooled = pooled;
    vit->saved.batch = batch;
    if (!save) rins_arena_release(pass->arena, mark);
}

/* Gradient of the linear head: dpooled (B, D). */
static void head_bwd(const RinsPass *pass, RinsVit *vit, RinsTensor dpooled, RinsTensor dembedding) {
    const size_t mark = rins_arena_mark(pass->arena);
    const RinsTensor dy = rins_as_act(pass, dembedding);
    rins_linear_bwd_weight(pass, vit->head, dy, rins_as_act(pass, vit->saved.pooled), pass->accumulate);
    rins_linear_bwd_input(pass, vit->head, dpooled, dy, false, RINS_ABSENT, RINS_ABSENT);
    rins_arena_release(pass->arena, mark);
    rins_grads_done(pass, vit->head_param, vit->head_param + 1);
}

static void pool_bwd(const RinsPass *pass, RinsVit *vit, RinsTensor dnormed, RinsTensor dpooled) {
    const int64_t batch = vit->saved.batch;
    if (vit->config.pool == RINS_VIT_POOL_MAP)
        rins_map_head_bwd(pass, &vit->map, batch, dnormed, dpooled);
    else if (vit->config.pool == RINS_VIT_POOL_GAP)
        pass->dev->ops->pool_bwd(pass->dev, dnormed, dpooled, vit->length, -1);
    else
        pass->dev->ops->copy(pass->dev, dnormed, dpooled);
}

/* Gradients of positions, patch kernel and class token; pixels need none. */
static void embed_bwd(const RinsPass *pass, RinsVit *vit, RinsTensor dtokens) {
    const size_t mark = rins_arena_mark(pass->arena);
    const int64_t batch = vit->saved.batch, width = vit->size.width;
    RinsTensor drows = dtokens;
    if (vit->cls >= 0) {
        drows = rins_push(pass, RINS_F32, batch * vit->patches, width);
        copy_patch_rows(pass, vit, dtokens, drows, batch, false);
        pass->dev->ops->colsum(pass->dev, rins_grad(pass, vit->cls), rins_every_view(dtokens, 0, vit->length),
                               pass->accumulate);
    }
    pass->dev->ops->colsum(pass->dev, rins_grad(pass, vit->position),
                           rins_tensor(drows.data, RINS_F32, batch, vit->patches * width), pass->accumulate);
    const RinsTensor patches = rins_push_act(pass, batch * vit->patches, vit->patch_embed.in);
    make_patches(pass, vit, vit->saved.pixels, batch, patches);
    rins_linear_bwd_weight(pass, vit->patch_embed, rins_as_act(pass, drows), patches, pass->accumulate);
    rins_arena_release(pass->arena, mark);
    rins_grads_done(pass, vit->cls >= 0 ? vit->cls : vit->position, vit->patch_param + 1);
}

void rins_vit_bwd(const RinsPass *pass, RinsVit *vit, const RinsPlan *plan, RinsTensor dembedding) {
    const size_t mark = rins_arena_mark(pass->arena);
    const int64_t batch = vit->saved.batch, width = vit->size.width;
    const RinsSeq seq = seq_of(vit, batch);
    RinsTensor dpooled = dembedding;
    if (vit->head_param >= 0) {
        dpooled = rins_push(pass, RINS_F32, batch, width);
        head_bwd(pass, vit, dpooled, dembedding);
    }
    const RinsTensor dencoded = rins_push(pass, RINS_F32, vit->saved.encoded.rows, width);
    const RinsTensor dtokens = seq.query < 0 ? dencoded : rins_push(pass, RINS_F32, batch * vit->length, width);
    const size_t normed_mark = rins_arena_mark(pass->arena);
    const RinsTensor dnormed = rins_push(pass, RINS_F32, dencoded.rows, width);
    pool_bwd(pass, vit, dnormed, dpooled);
    rins_norm_bwd(pass, vit->norm, dencoded, RINS_ABSENT, dnormed, vit->saved.encoded, pass->accumulate);
    rins_arena_release(pass->arena, normed_mark);
    rins_grads_done(pass, vit->norm.gamma, vit->norm.beta);
    rins_encoder_bwd(pass, &vit->encoder, plan, seq, dtokens, dencoded);
    embed_bwd(pass, vit, dtokens);
    rins_arena_release(pass->arena, mark);
}

double rins_vit_flops(const RinsVitConfig *config, const RinsEncoderSize *size, const RinsPlan *plan,
                      int64_t embed_dim) {
    const double patches = (double)((config->size / config->patch) * (config->size / config->patch));
    const double length = patches + (config->pool == RINS_VIT_POOL_TOK), width = (double)size->width;
    double flops = 2 * patches * width * 3 * (double)(config->patch * config->patch);
    flops += rins_encoder_flops(size, plan, length);
    if (config->pool == RINS_VIT_POOL_MAP) /* nominal: as if keys and values of all tokens were projected */
        flops += 4 * length * width * width + 4 * length * width + 4 * width * width + 4 * width * (double)size->mlp;
    if (embed_dim != size->width) flops += 2 * width * (double)embed_dim;
    return flops;
}
