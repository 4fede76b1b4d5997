#include "eval/eval_model.h"

#include <stdlib.h>

enum { DEFAULT_BATCH = 32 };

static RinsStatus open_text(RinsEvalModel *em, const RinsEvalModelOptions *options) {
    RinsModelDir *dir = em->owned_dir;
    if (options->tokenizer) RINS_TRY(rins_model_dir_set_tokenizer(dir, options->tokenizer));
    if (!dir->tokenizer_path && options->ids_at_least) return RINS_OK;
    if (!dir->tokenizer_path)
        return RINS_FAIL(RINS_ERR_IO, "'%s' has no spiece.model, which texts need: give one with --tokenizer F",
                         dir->path);
    if (options->cleaning >= 0) dir->tokenizer.cleaning = (RinsCleaning)options->cleaning; /* caches look there */
    RINS_TRY(rins_tokenizer_open(&em->tokenizer, dir->tokenizer_path, &dir->tokenizer));
    if (rins_tokenizer_vocab(em->tokenizer) > dir->config.text.vocab)
        return RINS_FAIL(RINS_ERR_MISMATCH, "'%s' has %lld pieces, the model's vocabulary only %lld",
                         dir->tokenizer_path, (long long)rins_tokenizer_vocab(em->tokenizer),
                         (long long)dir->config.text.vocab);
    if (rins_tokenizer_length(em->tokenizer) != dir->config.text.length)
        return RINS_FAIL(RINS_ERR_MISMATCH, "'%s': texts of %lld tokens, but the text tower takes %lld", dir->path,
                         (long long)rins_tokenizer_length(em->tokenizer), (long long)dir->config.text.length);
    return RINS_OK;
}

static RinsStatus open_image(RinsEvalModel *em, RinsModelOptions *options) {
    const RinsModelDir *dir = em->owned_dir;
    RINS_TRY(rins_pp_parse(&em->pp, dir->image_pp));
    if (rins_pp_size(em->pp) != dir->config.image.size)
        return RINS_FAIL(RINS_ERR_MISMATCH, "'%s': preprocessing '%s' gives images of %d, the model takes %lld",
                         dir->path, dir->image_pp, rins_pp_size(em->pp), (long long)dir->config.image.size);
    rins_pp_value_range(em->pp, options->pixel_scale, options->pixel_offset);
    return RINS_OK;
}

RinsStatus rins_eval_model_open(RinsEvalModel **em, const char *path, const RinsEvalModelOptions *options) {
    RinsStatus status = RINS_OK;
    *em = NULL;
    RinsEvalModel *made = calloc(1, sizeof *made);
    if (!made) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a model");
    made->rounds = options->rounds;
    made->batch = options->batch > 0 ? options->batch : DEFAULT_BATCH;
    made->progress = options->progress, made->progress_user = options->progress_user;
    RINS_TRY_DONE(rins_device_open(&made->owned_dev, "cpu", options->threads));
    RINS_TRY_DONE(rins_precision_choose(options->precision, made->owned_dev, &made->precision));
    RINS_TRY_DONE(rins_model_dir_open(&made->owned_dir, path));
    RinsModelOptions model = {
        .image = options->image, .text = options->text, .precision = made->precision, .batch = made->batch};
    if (options->image) RINS_TRY_DONE(open_image(made, &model));
    if (options->text && !options->ids_only) RINS_TRY_DONE(open_text(made, options));
    RINS_TRY_DONE(rins_model_new(&made->model, made->owned_dev, &made->owned_dir->config, &model));
    RINS_TRY_DONE(rins_model_dir_load(made->owned_dir, made->model));
done:
    if (status == RINS_OK)
        *em = made;
    else
        rins_eval_model_free(made);
    return status;
}

void rins_eval_model_free(RinsEvalModel *em) {
    if (!em) return;
    rins_model_free(em->model);
    rins_tokenizer_free(em->tokenizer);
    rins_pp_free(em->pp);
    rins_model_dir_free(em->owned_dir);
    rins_device_close(em->owned_dev);
    free(em);
}

int64_t rins_eval_model_dim(const RinsEvalModel *em) {
    return rins_model_embed_dim(em->model);
}

RinsStatus rins_embed_ids(RinsEvalModel *em, const int32_t *ids, int64_t n, bool normalise, float *out) {
    return rins_model_encode_text(em->model, ids, n, em->rounds.text, normalise, out);
}

RinsStatus rins_embed_texts(RinsEvalModel *em, const char *const *texts, int64_t n, bool normalise, float *out) {
    const int64_t length = rins_tokenizer_length(em->tokenizer), dim = rins_eval_model_dim(em);
    RinsStatus status = RINS_OK;
    int32_t *ids = malloc((size_t)(em->batch * length) * sizeof *ids);
    if (!ids) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for token ids");
    for (int64_t at = 0; at < n; at += em->batch) {
        const int64_t count = n - at < em->batch ? n - at : em->batch;
        for (int64_t i = 0; i < count; i++) {
            status = rins_tokenizer_encode(em->tokenizer, texts[at + i], ids + i * length);
            if (status != RINS_OK) {
                status = rins_fail_context(status, "text %lld", (long long)(at + i + 1));
                goto done;
            }
        }
        RINS_TRY_DONE(rins_embed_ids(em, ids, count, normalise, out + at * dim));
    }
done:
    free(ids);
    return status;
}

static RinsStatus prompt_tokenize(void *user, const char *text, int32_t *ids) {
    return rins_tokenizer_encode(((RinsEvalModel *)user)->tokenizer, text, ids);
}

static RinsStatus prompt_embed(void *user, const int32_t *ids, int64_t n, float *out) {
    return rins_embed_ids(user, ids, n, true, out);
}

RinsPromptModel rins_eval_prompt_model(RinsEvalModel *em) {
    return (RinsPromptModel){.tokenize = prompt_tokenize,
                             .embed = prompt_embed,
                             .progress = em->progress,
                             .user = em,
                             .progress_user = em->progress_user,
                             .length = rins_tokenizer_length(em->tokenizer),
                             .dim = rins_eval_model_dim(em),
                             .batch = em->batch};
}
