/* What frozen image embeddings are worth: a linear probe or nearest neighbours, fitted on one labelled data
   set and evaluated on another. */
#ifndef RINS_EVAL_RUN_PROBE_H
#define RINS_EVAL_RUN_PROBE_H

#include "eval/eval_model.h"
#include "eval/probe_fit.h"
#include "eval/zeroshot.h"
#include "src/base/config.h"
#include "src/base/json_writer.h"

typedef enum RinsProbeMethod { RINS_PROBE_LINEAR, RINS_PROBE_KNN } RinsProbeMethod;

typedef struct RinsProbeTask {
    RinsProbeMethod method;
    const char *train, *data; /* specs of sources with class labels; classes are told by their names */
    double l2;                /* linear: 0: chosen, see probe_fit.h */
    int k;                    /* knn.h */
    double temperature;
    const int *image_rounds; /* each is evaluated; NULL: the model's own, once */
    int n_image_rounds;
    bool use_cache;    /* embeddings are kept between commands */
    const char *model; /* how the report calls the model */
} RinsProbeTask;

typedef struct RinsProbeOutcome {
    RinsRounds rounds;
    RinsModelFlops flops; /* of one image */
    RinsZeroshot counts;
    RinsProbe probe; /* linear: its figures, without the weights */
} RinsProbeOutcome;

typedef struct RinsProbeReport {
    RinsProbeMethod method;
    int k;
    double temperature;
    char *dataset, *train, *model;
    RinsStringList classes; /* those that training has an image of; the candidates */
    int64_t train_n, train_bad, train_unlabelled;
    int64_t bad, unlabelled; /* images of the test set that are left out */
    int64_t unseen_images;   /* left out too: of classes that training does not have */
    int unseen_classes;
    RinsProbeOutcome *outcomes;
    int n_outcomes;
} RinsProbeReport;

/* RINS_ERR_MISMATCH where the two sets have no class in common. */
RinsStatus rins_run_probe(RinsEvalModel *em, const RinsProbeTask *task, RinsProbeReport *report);
void rins_probe_report_free(RinsProbeReport *report);

/* One object as of zero-shot classification: task (linear_probe or knn), dataset, model, n, metrics,
   acc1_interval, classes, bad, unlabelled, unseen {images, classes}, train {dataset, n, bad, unlabelled},
   rounds {image}, flops {image}, and either l2, held_out, sweep [{l2, acc1, loss, converged}], fit
   {iterations, gradient_norm, converged}, or k and temperature; where `full` also per_class and confusions.
 */
void rins_probe_json(const RinsProbeReport *report, int outcome, bool full, RinsJsonWriter *json);

#endif
