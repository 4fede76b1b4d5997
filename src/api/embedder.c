#include "src/api/embedder.h"

#include <stdlib.h>

enum { MAX_BATCH = 65536, MAX_ROUNDS = 1000 };

const char *rins_version(void) {
    return RINS_VERSION;
}

static RinsStatus check(const char *model, const RinsEmbedderOptions *options) {
    if (!model) return RINS_FAIL(RINS_ERR_ARG, "the model's path is NULL");
    if (options->batch < 0 || options->batch > MAX_BATCH)
        return RINS_FAIL(RINS_ERR_ARG, "a batch of %d: give 1 to %d, or 0 for 32", options->batch, MAX_BATCH);
    if (options->skip_images && options->skip_texts)
        return RINS_FAIL(RINS_ERR_ARG, "both towers are skipped: nothing is left to embed");
    return RINS_OK;
}

static RinsStatus read_scalar(const RinsParams *params, const char *name, float *value) {
    const int index = rins_params_find(params, name);
    if (index < 0) return RINS_FAIL(RINS_ERR_MISMATCH, "the model has no %s", name);
    return rins_params_get(params, params->w, index, value);
}

RinsStatus rins_embedder_open(RinsEmbedder **embedder, const char *model, const RinsEmbedderOptions *options) {
    static const RinsEmbedderOptions defaults = {0};
    if (!embedder) return RINS_FAIL(RINS_ERR_ARG, "there is no place for the embedder: its pointer is NULL");
    *embedder = NULL;
    if (!options) options = &defaults;
    RINS_TRY(check(model, options));
    const RinsEvalModelOptions wanted = {
        .image = !options->skip_images,
        .text = !options->skip_texts,
        .ids_at_least = true,
        .precision = options->bf16 ? RINS_PRECISION_BF16 : RINS_PRECISION_FP32,
        .batch = options->batch,
        .threads = options->threads,
        .cleaning = -1,
    };
    RinsEmbedder *made = calloc(1, sizeof *made);
    if (!made) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a model");
    RinsStatus status = rins_eval_model_open(&made->em, model, &wanted);
    if (status == RINS_OK) status = read_scalar(rins_model_params(made->em->model), "logit_scale", &made->t);
    if (status == RINS_OK) status = read_scalar(rins_model_params(made->em->model), "logit_bias", &made->b);
    if (status == RINS_OK)
        *embedder = made;
    else
        rins_embedder_close(made);
    return status;
}

void rins_embedder_close(RinsEmbedder *embedder) {
    if (!embedder) return;
    rins_eval_model_free(embedder->em);
    free(embedder);
}

static const RinsModelConfig *config_of(const RinsEmbedder *embedder) {
    return rins_model_config(embedder->em->model);
}

int rins_embedder_dim(const RinsEmbedder *embedder) {
    return (int)rins_eval_model_dim(embedder->em);
}
int rins_embedder_image_size(const RinsEmbedder *embedder) {
    return (int)config_of(embedder)->image.size;
}
int rins_embedder_text_length(const RinsEmbedder *embedder) {
    return (int)config_of(embedder)->text.length;
}
int rins_embedder_vocab(const RinsEmbedder *embedder) {
    return (int)config_of(embedder)->text.vocab;
}

void rins_embedder_scale(const RinsEmbedder *embedder, float *t, float *b) {
    *t = embedder->t;
    *b = embedder->b;
}

RinsStatus rins_embedder_set_rounds(RinsEmbedder *embedder, int image, int text) {
    if (image < 0 || image > MAX_ROUNDS || text < 0 || text > MAX_ROUNDS)
        return RINS_FAIL(RINS_ERR_ARG, "%d and %d rounds: give 1 to %d, or 0 for as trained", image, text, MAX_ROUNDS);
    const RinsRounds rounds = {image, text};
    RinsModelFlops flops; /* counting them makes the plans, which refuses rounds that cannot be */
    const RinsStatus status = rins_model_flops(config_of(embedder), rounds, &flops);
    if (status == RINS_ERR_MEMORY) return status;
    if (status != RINS_OK) return rins_fail_context(RINS_ERR_ARG, "%d and %d rounds", image, text);
    embedder->em->rounds = rounds;
    return RINS_OK;
}

RinsStatus rins_need_images(const RinsEmbedder *embedder) {
    if (embedder->em->pp) return RINS_OK;
    return RINS_FAIL(RINS_ERR_ARG, "the model was opened with skip_images");
}

RinsStatus rins_need_texts(const RinsEmbedder *embedder) {
    if (rins_model_options(embedder->em->model)->text) return RINS_OK;
    return RINS_FAIL(RINS_ERR_ARG, "the model was opened with skip_texts");
}
