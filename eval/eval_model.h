/* A model made ready to embed images and texts: its own files opened, or one that training already holds. */
#ifndef RINS_EVAL_EVAL_MODEL_H
#define RINS_EVAL_EVAL_MODEL_H

#include "data/pp.h"
#include "eval/prompts.h"
#include "src/model/model_dir.h"

typedef struct RinsEvalModelOptions {
    bool image, text;  /* towers that will be used; a text tower without `ids_only` needs a tokenizer */
    bool ids_only;     /* token ids are given, no tokenizer is opened */
    bool ids_at_least; /* a model without a tokenizer is opened for token ids, instead of an error */
    int precision;     /* RinsPrecision or RINS_PRECISION_AUTO */
    int64_t batch;     /* images or texts at once; 0: 32 */
    int threads;       /* 0: all the process may use */
    RinsRounds rounds;
    const char *tokenizer;    /* a SentencePiece model instead of the one beside the weights, NULL: that one */
    int cleaning;             /* a RinsCleaning instead of the model's, -1: the model's */
    RinsProgressFn *progress; /* may be NULL */
    void *progress_user;
} RinsEvalModelOptions;

/* Members may be filled by hand from a model that is open already (training does); what is not owned is
   borrowed. */
typedef struct RinsEvalModel {
    RinsModel *model;
    RinsTokenizer *tokenizer; /* NULL: no texts */
    RinsPp *pp;               /* NULL: no images */
    RinsRounds rounds;
    int64_t batch;
    RinsProgressFn *progress;
    void *progress_user;
    RinsDevice *owned_dev; /* NULL: nothing above is owned */
    RinsModelDir *owned_dir;
    RinsPrecision precision;
} RinsEvalModel;

RinsStatus rins_eval_model_open(RinsEvalModel **em, const char *path, const RinsEvalModelOptions *options);
void rins_eval_model_free(RinsEvalModel *em);

int64_t rins_eval_model_dim(const RinsEvalModel *em);

/* Fills pixels (size, size, 3) of image `index`. Called from several threads. A failure with a cause other
   than RINS_BAD_NONE makes the image bad; any other stops everything. */
typedef RinsStatus RinsPixelsFn(void *user, int64_t index, uint8_t *pixels, RinsBadCause *cause);

/* Embeds images [first, first + n), decoded ahead of the tower (embed_stream.h has the way for any number):
   out (n, dim), l2-normalised where `normalise`. causes[i]: RINS_BAD_NONE, or why image i could not be used;
   its row is NaN then. first_bad (may be NULL): malloc'd message of the first bad one, else NULL. */
RinsStatus rins_embed_images(RinsEvalModel *em, RinsPixelsFn *pixels, void *user, int64_t first, int64_t n,
                             bool normalise, float *out, RinsBadCause *causes, char **first_bad);

/* ids (n, length) -> out (n, dim). */
RinsStatus rins_embed_ids(RinsEvalModel *em, const int32_t *ids, int64_t n, bool normalise, float *out);
/* texts -> out (n, dim); an error names the text's place. */
RinsStatus rins_embed_texts(RinsEvalModel *em, const char *const *texts, int64_t n, bool normalise, float *out);

/* The model as prompts.h wants it. */
RinsPromptModel rins_eval_prompt_model(RinsEvalModel *em);

static inline void rins_eval_progress(const RinsEvalModel *em, const char *what, int64_t done, int64_t total) {
    if (em->progress) em->progress(em->progress_user, what, done, total);
}

#endif
