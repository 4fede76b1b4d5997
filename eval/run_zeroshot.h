/* Zero-shot classification of a data set with a model: prompts, images, figures, report. */
#ifndef RINS_EVAL_RUN_ZEROSHOT_H
#define RINS_EVAL_RUN_ZEROSHOT_H

#include "eval/classes.h"
#include "eval/eval_model.h"
#include "eval/zeroshot.h"
#include "src/base/json_writer.h"

typedef struct RinsZeroshotTask {
    const char *data;      /* a source's spec (data/source.h) */
    const char *classes;   /* class name file; NULL: the data set's classnames.txt, else as classes.h has it */
    const char *templates; /* set or file; NULL: the data's zeroshot_classification_templates.txt or clip_paper */
    const char *labels;    /* labels.h; NULL: the data set's own */
    bool use_cache;        /* class embeddings are kept between commands; only for a model opened from a directory */
    const int *image_rounds, *text_rounds; /* every combination is evaluated; NULL: the model's own, once */
    int n_image_rounds, n_text_rounds;
    const char *html;  /* gallery to write, of the first combination; NULL: none */
    int html_images;   /* 0: 24, evenly spread */
    const char *model; /* how the report calls the model */
} RinsZeroshotTask;

typedef struct RinsZeroshotOutcome {
    RinsRounds rounds;
    RinsModelFlops flops; /* of one image and of one text */
    RinsZeroshot counts;
} RinsZeroshotOutcome;

typedef struct RinsZeroshotReport {
    char *dataset, *model, *prompt_set;
    uint64_t prompt_hash;
    int64_t n_templates, distinct_prompts; /* distinct: 0 where the embeddings were kept from before */
    int64_t samples, bad, unlabelled;      /* samples = n + bad + unlabelled */
    char *first_bad;
    RinsClasses *classes;
    float *embeddings;             /* (text rounds, classes, dim) */
    RinsZeroshotOutcome *outcomes; /* image rounds outermost */
    int n_outcomes;
} RinsZeroshotReport;

RinsStatus rins_run_zeroshot(RinsEvalModel *em, const RinsZeroshotTask *task, RinsZeroshotReport *report);
void rins_zeroshot_report_free(RinsZeroshotReport *report);

/* One object: task, dataset, model, n, metrics {acc1, acc5, mean_per_class_recall (null with several
   labels)}, acc1_interval, classes, bad, rounds, flops, prompts {set, templates, hash},
   confusions (the 10 most frequent; where `full` 50, and per_class). */
void rins_zeroshot_json(const RinsZeroshotReport *report, int outcome, bool full, RinsJsonWriter *json);

#endif
