/* Embeddings of a list or a source, as .npy: row i is input i, always. */
#ifndef RINS_EVAL_RUN_EMBED_H
#define RINS_EVAL_RUN_EMBED_H

#include "eval/eval_model.h"

typedef struct RinsEmbedTask {
    bool image;         /* else texts */
    bool ids;           /* texts are rows of token ids */
    bool raw;           /* not normalised */
    bool skip_bad;      /* a bad input becomes a row of NaN and is listed; else it ends the run */
    const char *input;  /* embed_input.h */
    const char *out;    /* embed_output.h */
    int64_t shard_size; /* rows, 0: one file */
    const char *model;  /* as called */
} RinsEmbedTask;

typedef struct RinsEmbedReport {
    int64_t rows, bad, kept; /* all rows, bad ones among them, and rows that an earlier run had made */
    char *first_bad;         /* of this run: malloc'd, or NULL */
} RinsEmbedReport;

/* Errors of embed_input.h and embed_output.h; RINS_ERR_FORMAT names the row of a bad input without skip_bad.
   With shards the complete ones stay after any failure, and the same call goes on behind them. */
RinsStatus rins_run_embed(RinsEvalModel *em, const RinsEmbedTask *task, RinsEmbedReport *report);
void rins_embed_report_free(RinsEmbedReport *report);

#endif
