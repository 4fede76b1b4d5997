/* What eval, embed and search share: opening the model as the flags say, and a bar for its progress. */
#ifndef RINS_TOOLS_EVAL_FLAGS_H
#define RINS_TOOLS_EVAL_FLAGS_H

#include "eval/eval_model.h"
#include "tools/flags.h"
#include "tools/progress.h"

/* The bar of whatever is counted at present. */
typedef struct RinsEvalBar {
    RinsProgress progress;
    const char *what; /* as the evaluation calls it, NULL: nothing is shown */
    int64_t done;
} RinsEvalBar;

void rins_eval_bar(void *user, const char *what, int64_t done, int64_t total); /* a RinsProgressFn; user: RinsEvalBar */
void rins_eval_bar_end(RinsEvalBar *bar);

typedef struct RinsEvalFlags {
    const char *model, *tokenizer;
    const char *rounds; /* image=R,text=R; NULL: as trained */
    int precision;      /* RinsPrecision or RINS_PRECISION_AUTO */
    int cleaning;       /* RinsCleaning + 1, 0: the model's */
    int64_t batch;
    RinsCommon common;
    RinsEvalBar bar;
} RinsEvalFlags;

extern const char *const rins_eval_cleanings[]; /* "model", then RINS_CLEANING_NAMES */

/* The shared rows of a command's flag table; `f`: RinsEvalFlags. */
#define RINS_EVAL_MODEL_FLAGS(f)                                                                                       \
    {"model", RINS_FLAG_STRING, &(f).model, "M", "run directory, checkpoint or Hugging Face SigLIP directory", true},  \
        {"precision", RINS_FLAG_CHOICE, &(f).precision, "P", "of the towers (fp32)", false, rins_precision_names},     \
        {"batch", RINS_FLAG_INT, &(f).batch, "N", "images or texts at once (default 32)", .min = 1, .max = 65536},     \
        {"tokenizer", RINS_FLAG_STRING, &(f).tokenizer, "F",                                                           \
         "SentencePiece model for texts instead of the model's own"},                                                  \
    {                                                                                                                  \
        "clean", RINS_FLAG_CHOICE, &(f).cleaning, "C", "text cleaning instead of the model's own", false,              \
            rins_eval_cleanings                                                                                        \
    }

/* The row of commands that work at one choice of rounds. */
#define RINS_EVAL_ROUNDS_FLAG(f)                                                                                       \
    { "rounds", RINS_FLAG_STRING, &(f).rounds, "R", "image=R,text=R" }

RinsStatus rins_eval_flags_open(RinsEvalFlags *flags, bool image, bool text, bool ids_only, RinsEvalModel **em);

#endif
