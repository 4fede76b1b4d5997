#include "text/text_tower.h"

#include <math.h>

RinsStatus rins_text_add(RinsParams *params, RinsText *text, const RinsTextConfig *config, const RinsPlan *plan,
                         int64_t embed_dim) {
    *text = (RinsText){.config = *config, .embed_dim = embed_dim};
    RINS_TRY(rins_encoder_size(&config->encoder, &text->size));
    const int64_t width = text->size.width;
    const double deviation = 1.0 / sqrt((double)width);
    const RinsParamSpec head = {
        .shape = {embed_dim, width}, .init = RINS_INIT_LECUN_TRUNCATED_NORMAL, .fan_in = width, .decay = true};
    const RinsParamSpec position = {.shape = {config->length, width}, .init = RINS_INIT_NORMAL, .init_arg = deviation};
    const RinsParamSpec token = {.shape = {config->vocab, width}, .init = RINS_INIT_NORMAL, .init_arg = deviation};
    text->head_param = params->n;
    RINS_TRY(rins_linear_add(params, RINS_TOWER_TEXT, config->freeze, head, (RinsParamSpec){.init = RINS_INIT_CONST},
                             &text->head, "text_model.head"));
    RINS_TRY(rins_norm_add(params, RINS_TOWER_TEXT, config->freeze, width, &text->norm, "text_model.final_layer_norm"));
    RINS_TRY(rins_encoder_add(params, RINS_TOWER_TEXT, config->freeze, &text->size, plan, &text->encoder,
                              "text_model.encoder"));
    RINS_TRY(rins_params_add(params, RINS_TOWER_TEXT, config->freeze, &position, &text->position,
                             "text_model.embeddings.position_embedding.weight"));
    return rins_params_add(params, RINS_TOWER_TEXT, config->freeze, &token, &text->token,
                           "text_model.embeddings.token_embedding.weight");
}

void rins_text_free(RinsText *text) {
    rins_encoder_free(&text->encoder);
}

/* One pooled token: the encoder's last step works for it alone. The mean needs all rows. */
static RinsSeq seq_of(const RinsText *text, int64_t batch) {
    const int64_t length = text->config.length;
    const int64_t query = text->config.pool == RINS_TEXT_POOL_MEAN    ? -1
                          : text->config.pool == RINS_TEXT_POOL_FIRST ? 0
                                                                      : length - 1;
    return (RinsSeq){batch, length, query};
}

void rins_text_fwd(const RinsPass *pass, RinsText *text, const RinsPlan *plan, const int32_t *ids, RinsTensor embedding,
                   bool save) {
    const size_t mark = rins_arena_mark(pass->arena);
    const int64_t batch = embedding.rows, length = text->config.length, width = text->size.width;
    const RinsSeq seq = seq_of(text, batch);
    const RinsTensor tokens = rins_push(pass, RINS_F32, batch * length, width);
    const RinsTensor encoded = rins_push(pass, RINS_F32, rins_seq_rows(seq), width);
    const RinsTensor pooled = rins_push_act(pass, batch, width);
    pass->dev->ops->embed_fwd(pass->dev, tokens, ids,
                              rins_f32(rins_weight(pass, text->token), text->config.vocab, width),
                              rins_f32(rins_weight(pass, text->position), length, width));
    rins_encoder_fwd(pass, &text->encoder, plan, seq, encoded, tokens, save);
    const size_t scratch = rins_arena_mark(pass->arena);
    if (seq.query >= 0) {
        rins_norm_fwd(pass, text->norm, pooled, encoded);
    } else {
        const RinsTensor normed = rins_push(pass, RINS_F32, encoded.rows, width);
        const RinsTensor mean = pooled.type == RINS_F32 ? pooled : rins_push(pass, RINS_F32, batch, width);
        rins_norm_fwd(pass, text->norm, normed, encoded);
        pass->dev->ops->pool_fwd(pass->dev, mean, normed, length, -1);
        if (mean.data != pooled.data) pass->dev->ops->cast(pass->dev, pooled, mean);
    }
    rins_linear_fwd(pass, text->head, embedding, pooled, (RinsLinearExtra){0});
    text->saved.ids = ids;
    text->saved.encoded = encoded;
    text->saved.pooled = pooled;
    text->saved.batch = batch;
    rins_arena_release(pass->arena, save ? scratch : mark);
}

void rins_text_bwd(const RinsPass *pass, RinsText *text, const RinsPlan *plan, RinsTensor dembedding) {
    const size_t mark = rins_arena_mark(pass->arena);
    const int64_t batch = text->saved.batch, length = text->config.length, width = text->size.width;
    const RinsSeq seq = seq_of(text, batch);
    const RinsTensor dtokens = rins_push(pass, RINS_F32, batch * length, width);
    const RinsTensor dencoded = seq.query < 0 ? dtokens : rins_push(pass, RINS_F32, batch, width);
    const size_t scratch = rins_arena_mark(pass->arena);
    const RinsTensor dpooled = rins_push(pass, RINS_F32, batch, width);
    const RinsTensor dy = rins_as_act(pass, dembedding);
    rins_linear_bwd_weight(pass, text->head, dy, text->saved.pooled, pass->accumulate);
    rins_linear_bwd_input(pass, text->head, dpooled, dy, false, RINS_ABSENT, RINS_ABSENT);
    rins_grads_done(pass, text->head_param, text->head_param + 1);
    RinsTensor dnormed = dpooled;
    if (seq.query < 0) {
        dnormed = rins_push(pass, RINS_F32, batch * length, width);
        pass->dev->ops->pool_bwd(pass->dev, dnormed, dpooled, length, -1);
    }
    rins_norm_bwd(pass, text->norm, dencoded, RINS_ABSENT, dnormed, text->saved.encoded, pass->accumulate);
    rins_grads_done(pass, text->norm.gamma, text->norm.beta);
    rins_arena_release(pass->arena, scratch);
    rins_encoder_bwd(pass, &text->encoder, plan, seq, dtokens, dencoded);
    pass->dev->ops->embed_bwd(pass->dev, rins_f32(rins_grad(pass, text->token), text->config.vocab, width),
                              rins_f32(rins_grad(pass, text->position), length, width), dtokens, text->saved.ids,
                              pass->accumulate);
    rins_grads_done(pass, text->position, text->token);
    rins_arena_release(pass->arena, mark);
}

double rins_text_flops(const RinsTextConfig *config, const RinsEncoderSize *size, const RinsPlan *plan,
                       int64_t embed_dim) {
    return rins_encoder_flops(size, plan, (double)config->length) + 2 * (double)size->width * (double)embed_dim;
}
