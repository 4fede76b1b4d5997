/* A run's records, one JSON object a line:

     metrics.jsonl  what training computed: the same bytes in every repetition, resumed or not
     timing.jsonl   how fast it went
     eval.jsonl     what evaluations found

   On resume each is cut back to the checkpoint's step, so that the final file is that of an uninterrupted run. */
#ifndef RINS_TRAIN_METRICS_H
#define RINS_TRAIN_METRICS_H

#include "data/image.h"
#include "src/base/json_writer.h"
#include "src/train/events.h"

typedef struct RinsMetrics {
    FILE *metrics, *timing, *eval;
    RinsJsonWriter line;
    RinsEvents events; /* TensorBoard's copy of the same figures; closed where not wanted */
} RinsMetrics;

typedef struct RinsStepMetrics {
    int64_t step, examples; /* examples seen, this step's included */
    double loss, lr, grad_norm, t, b;
    int image_rounds, text_rounds;
    double flops;            /* nominal (3 x forward), expected over stochastic rounds, since the start */
    double flops_executed;   /* what the ops did since the start, at the rounds drawn */
    int64_t bad[RINS_BAD_N]; /* bad samples met for this step's batch, by cause */
    int64_t duplicate_texts; /* texts of the batch equal to an earlier one */
} RinsStepMetrics;

typedef struct RinsStepTiming {
    double step_s, data_wait_s; /* seconds: the whole step, and of it waiting for data */
    double pairs_per_s;
} RinsStepTiming;

/* Opens the files of run directory `out`, keeping lines up to step `keep`. `events`: write TensorBoard events too. */
RinsStatus rins_metrics_open(RinsMetrics *metrics, const char *out, int64_t keep, bool events);

/* {"step", "examples", "loss", "lr", "grad_norm", "t", "b", "image_rounds", "text_rounds", "flops", "flops_executed",
   "bad", ["bad_causes": {...},] "duplicate_texts"}; floats with 9 significant digits, bad_causes where bad > 0. */
RinsStatus rins_metrics_step(RinsMetrics *metrics, const RinsStepMetrics *step, const RinsStepTiming *timing);

/* Appends `object` (the text of a JSON object, one line) to eval.jsonl with "step" as its first key. Numbers
   under "metrics" become TensorBoard scalars named eval/`tag`/key. */
RinsStatus rins_metrics_eval(RinsMetrics *metrics, int64_t step, const char *tag, const char *object);

/* Flushes everything to the disk: before a checkpoint is declared complete. */
RinsStatus rins_metrics_sync(RinsMetrics *metrics);

/* Harmless on a zeroed struct. */
void rins_metrics_close(RinsMetrics *metrics);

/* Cuts a file of {"step": N, ...} lines before its first line that is torn or beyond step `keep`. OK where there is no
   such file. *lost: lines that are gone. */
RinsStatus rins_jsonl_cut(const char *path, int64_t keep, int64_t *lost);

#endif
