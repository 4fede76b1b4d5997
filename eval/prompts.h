/* Prompts: class names put into templates, and class embeddings made of them. */
#ifndef RINS_EVAL_PROMPTS_H
#define RINS_EVAL_PROMPTS_H

#include "data/prompt_fill.h"
#include "src/base/config.h"

/* The built-in sets, NULL-terminated: clip_paper openai clip_best simple class_name_only. */
extern const char *const rins_prompt_set_names[];

/* Appends the templates of a set, or of a file with one template a line, each with at least one "{}". A
   word that is neither is RINS_ERR_ARG and names the nearest set. */
RinsStatus rins_templates_read(RinsStringList *templates, const char *set_or_file);

/* Hash of all prompts in order (FNV-1a 64 of the texts as they are, before cleaning, a zero byte after
   each). */
RinsStatus rins_prompt_hash(const RinsStringList *names, const RinsStringList *templates, uint64_t *hash);

/* Text to ids [length]; as data/loader.h has it. */
typedef RinsStatus RinsPromptTokenizeFn(void *user, const char *text, int32_t *ids);
/* ids (n, length) -> out (n, dim), l2-normalised. */
typedef RinsStatus RinsPromptEmbedFn(void *user, const int32_t *ids, int64_t n, float *out);
typedef void RinsProgressFn(void *user, const char *what, int64_t done, int64_t total);

typedef struct RinsPromptModel {
    RinsPromptTokenizeFn *tokenize;
    RinsPromptEmbedFn *embed;
    RinsProgressFn *progress; /* may be NULL */
    void *user;               /* of tokenize and embed */
    void *progress_user;
    int64_t length, dim, batch; /* at most `batch` texts are embedded at once */
} RinsPromptModel;

/* out (names, dim): the mean over the templates of the normalised embeddings, normalised again. Texts that
   give the same ids are embedded once; *distinct (may be NULL): how many were. */
RinsStatus rins_class_embeddings(const RinsPromptModel *model, const RinsStringList *names,
                                 const RinsStringList *templates, float *out, int64_t *distinct);

#endif
