#include "src/api/embedder.h"

#include "eval/lines.h"

#include <string.h>

static RinsStatus need_tokenizer(const RinsEmbedder *embedder) {
    RINS_TRY(rins_need_texts(embedder));
    if (embedder->em->tokenizer) return RINS_OK;
    return RINS_FAIL(RINS_ERR_IO, "the model has no spiece.model, which texts need; token ids can be embedded");
}

RinsStatus rins_embedder_texts(RinsEmbedder *embedder, const char *const *texts, size_t n, float *out) {
    RINS_TRY(need_tokenizer(embedder));
    for (size_t i = 0; i < n; i++)
        if (!texts[i]) return RINS_FAIL(RINS_ERR_ARG, "text %zu is NULL", i + 1);
    return rins_embed_texts(embedder->em, texts, (int64_t)n, true, out);
}

RinsStatus rins_embedder_ids(RinsEmbedder *embedder, const int32_t *ids, size_t n, float *out) {
    RINS_TRY(rins_need_texts(embedder));
    const size_t length = (size_t)rins_embedder_text_length(embedder);
    const int vocab = rins_embedder_vocab(embedder);
    for (size_t i = 0; i < n * length; i++)
        if (ids[i] < 0 || ids[i] >= vocab)
            return RINS_FAIL(RINS_ERR_ARG, "text %zu: token id %d is outside the vocabulary of %d", i / length + 1,
                             (int)ids[i], vocab);
    return rins_embed_ids(embedder->em, ids, (int64_t)n, true, out);
}

static RinsStatus read_templates(const char *const *templates, size_t n, RinsStringList *list) {
    if (n == 0) return rins_templates_read(list, "clip_paper");
    for (size_t i = 0; i < n; i++) {
        if (!templates[i]) return RINS_FAIL(RINS_ERR_ARG, "template %zu is NULL", i + 1);
        RINS_TRY(strstr(templates[i], "{}") ? rins_strings_add(list, templates[i])
                                            : rins_templates_read(list, templates[i]));
    }
    return RINS_OK;
}

RinsStatus rins_embedder_classes(RinsEmbedder *embedder, const char *const *names, size_t n,
                                 const char *const *templates, size_t n_templates, float *out) {
    RinsStringList name_list = {0}, template_list = {0};
    RinsStatus status = RINS_OK;
    RINS_TRY(need_tokenizer(embedder));
    RINS_TRY_DONE(read_templates(templates, n_templates, &template_list));
    for (size_t i = 0; i < n; i++) {
        if (!names[i]) {
            status = RINS_FAIL(RINS_ERR_ARG, "class name %zu is NULL", i + 1);
            goto done;
        }
        RINS_TRY_DONE(rins_strings_add(&name_list, names[i]));
    }
    if (n == 0) goto done;
    const RinsPromptModel model = rins_eval_prompt_model(embedder->em);
    status = rins_class_embeddings(&model, &name_list, &template_list, out, NULL);
done:
    rins_strings_free(&name_list), rins_strings_free(&template_list);
    return status;
}
