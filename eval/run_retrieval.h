/* Image-text retrieval on a data set of captioned images with a model. */
#ifndef RINS_EVAL_RUN_RETRIEVAL_H
#define RINS_EVAL_RUN_RETRIEVAL_H

#include "eval/eval_model.h"
#include "eval/retrieval.h"
#include "src/base/json_writer.h"

typedef struct RinsRetrievalReport {
    char *dataset, *model;
    RinsRetrieval figures;
    RinsRounds rounds;
    int64_t images, texts; /* that took part */
    int64_t bad;           /* images that could not be read or have no caption; their captions are left out too */
    char *first_bad;
} RinsRetrievalReport;

/* data: a source's spec; images with several captions (rows of a table) are one image. model: how the
   report calls it. */
RinsStatus rins_run_retrieval(RinsEvalModel *em, const char *data, const char *model, RinsRetrievalReport *report);
/* Opens the data and looks for a caption: what fails here would fail in the middle of a run. */
RinsStatus rins_retrieval_check(const char *data);
void rins_retrieval_report_free(RinsRetrievalReport *report);

/* One object: task, dataset, model, n (images), texts, metrics {image_retrieval_recall@1/5/10,
   text_retrieval_recall@1/5/10, and of both mean_rank and median_rank}, bad, rounds. "image_retrieval"
   looks for images by text. */
void rins_retrieval_json(const RinsRetrievalReport *report, RinsJsonWriter *json);

#endif
