#define _GNU_SOURCE
#include "eval/run_probe.h"

#include "eval/eval_rounds.h"
#include "eval/knn.h"
#include "eval/labelled_set.h"
#include "eval/lines.h"
#include "src/base/log.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 256 };

/* Labels of the training set become places among the classes that have an image. */
static RinsStatus number_classes(RinsLabelledSet *train, RinsStringList *classes) {
    const int n = (int)train->names.n;
    int *place = malloc((size_t)n * sizeof *place);
    RinsStatus status = place ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory for %d classes", n);
    for (int c = 0; place && c < n; c++) place[c] = -1;
    for (int64_t i = 0; place && i < train->n; i++) place[train->labels[i]] = 0;
    for (int c = 0; status == RINS_OK && c < n; c++) {
        if (place[c] < 0) continue;
        place[c] = (int)classes->n;
        status = rins_strings_add(classes, train->names.items[c]);
    }
    for (int64_t i = 0; status == RINS_OK && i < train->n; i++) train->labels[i] = place[train->labels[i]];
    free(place);
    return status;
}

/* Labels of the test set become places among the classes, found by name; images of others go out. */
static RinsStatus match_classes(RinsLabelledSet *test, const RinsStringList *classes, RinsProbeReport *report) {
    const int n = (int)test->names.n;
    int *place = malloc((size_t)n * sizeof *place), *images = calloc((size_t)n, sizeof *images);
    RinsStatus status = RINS_OK;
    if (!place || !images) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for %d classes", n);
        goto done;
    }
    for (int c = 0; c < n; c++) {
        place[c] = -1;
        for (size_t k = 0; place[c] < 0 && k < classes->n; k++)
            if (!strcmp(test->names.items[c], classes->items[k])) place[c] = (int)k;
    }
    const int64_t all = test->n;
    test->n = 0;
    for (int64_t i = 0; i < all; i++) {
        const int label = test->labels[i];
        if (place[label] < 0) {
            images[label]++;
            continue;
        }
        memmove(test->rows + test->n * test->dim, test->rows + i * test->dim, (size_t)test->dim * sizeof *test->rows);
        test->labels[test->n++] = place[label];
    }
    report->unseen_images = all - test->n, report->unseen_classes = 0;
    for (int c = 0; c < n; c++) report->unseen_classes += images[c] > 0;
    if (test->n == 0)
        status = RINS_FAIL(RINS_ERR_MISMATCH, "'%s' and '%s' have no class in common: '%s' against '%s', for one",
                           report->train, report->dataset, classes->items[0], test->names.items[test->labels[0]]);
done:
    free(place), free(images);
    return status;
}

/* Scores of test images, in blocks, are counted as they come. */
static RinsStatus count_test(const RinsProbeOutcome *from, const RinsNeighbours *neighbours,
                             const RinsLabelledSet *test, RinsZeroshot *counts) {
    RinsStatus status = RINS_OK;
    float *scores = malloc((size_t)BLOCK * (size_t)counts->classes * sizeof *scores);
    if (!scores) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for the scores of %d classes", counts->classes);
    for (int64_t first = 0; first < test->n; first += BLOCK) {
        const int64_t n = test->n - first < BLOCK ? test->n - first : BLOCK;
        const float *rows = test->rows + first * test->dim;
        RINS_TRY_DONE(neighbours ? rins_knn_scores(neighbours, rows, n, scores)
                                 : rins_probe_scores(&from->probe, rows, n, scores));
        RINS_TRY_DONE(rins_zeroshot_add_scores(counts, scores, n, NULL, test->labels + first));
    }
done:
    free(scores);
    return status;
}

static RinsStatus classify(RinsEvalModel *em, const RinsProbeTask *task, RinsLabelledSet *train,
                           const RinsLabelledSet *test, RinsProbeOutcome *outcome) {
    const int classes = outcome->counts.classes;
    if (task->method == RINS_PROBE_KNN) {
        const RinsNeighbours neighbours = {train->rows, train->labels, train->n,         train->dim,
                                           classes,     task->k,       task->temperature};
        return count_test(outcome, &neighbours, test, &outcome->counts);
    }
    RINS_TRY(rins_probe_fit(&outcome->probe, train->rows, train->labels, train->n, train->dim, classes, task->l2,
                            rins_model_device(em->model)->threads));
    RINS_TRY(count_test(outcome, NULL, test, &outcome->counts));
    free(outcome->probe.weights), free(outcome->probe.bias), free(outcome->probe.mean);
    outcome->probe.weights = outcome->probe.bias = outcome->probe.mean = NULL;
    return RINS_OK;
}

/* Embeds both sets at the model's present rounds, fits and evaluates. */
static RinsStatus run_one(RinsEvalModel *em, const RinsProbeTask *task, RinsProbeReport *report) {
    RinsProbeOutcome *outcome = &report->outcomes[report->n_outcomes++];
    RinsLabelledSet train = {0}, test = {0};
    RinsStatus status = RINS_OK;
    RINS_TRY_DONE(rins_resolve_rounds(rins_model_config(em->model), em->rounds, &outcome->rounds));
    RINS_TRY_DONE(rins_model_flops(rins_model_config(em->model), outcome->rounds, &outcome->flops));
    RINS_TRY_DONE(rins_labelled_set_open(&train, em, task->train, task->use_cache));
    RINS_TRY_DONE(rins_labelled_set_open(&test, em, task->data, task->use_cache));
    rins_strings_free(&report->classes);
    RINS_TRY_DONE(number_classes(&train, &report->classes));
    RINS_TRY_DONE(match_classes(&test, &report->classes, report));
    report->train_n = train.n, report->train_bad = train.bad, report->train_unlabelled = train.unlabelled;
    report->bad = test.bad, report->unlabelled = test.unlabelled;
    RINS_TRY_DONE(rins_zeroshot_begin(&outcome->counts, NULL, (int)report->classes.n, train.dim));
    status = classify(em, task, &train, &test, outcome);
done:
    rins_labelled_set_free(&train), rins_labelled_set_free(&test);
    return status;
}

RinsStatus rins_run_probe(RinsEvalModel *em, const RinsProbeTask *task, RinsProbeReport *report) {
    const int n = task->image_rounds ? task->n_image_rounds : 1;
    const RinsRounds own = em->rounds;
    RinsStatus status = RINS_OK;
    if (!strcmp(task->train, task->data))
        rins_log(RINS_LOG_WARN, "'%s' is learnt from and evaluated on: the figures say little about other images",
                 task->data);
    *report = (RinsProbeReport){.method = task->method,
                                .k = task->k,
                                .temperature = task->temperature,
                                .dataset = strdup(task->data),
                                .train = strdup(task->train),
                                .model = task->model ? strdup(task->model) : NULL,
                                .outcomes = calloc((size_t)n, sizeof *report->outcomes)};
    if (!report->dataset || !report->train || !report->outcomes)
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for a report");
    for (int i = 0; status == RINS_OK && i < n; i++) {
        em->rounds.image = task->image_rounds ? task->image_rounds[i] : own.image;
        status = run_one(em, task, report);
    }
    em->rounds = own;
    if (status == RINS_OK && report->unseen_images)
        rins_log(RINS_LOG_WARN, "'%s': %lld images of %d classes that '%s' does not have are left out", task->data,
                 (long long)report->unseen_images, report->unseen_classes, task->train);
    if (status != RINS_OK) rins_probe_report_free(report);
    return status;
}

void rins_probe_report_free(RinsProbeReport *report) {
    for (int i = 0; i < report->n_outcomes; i++) {
        rins_zeroshot_end(&report->outcomes[i].counts);
        rins_probe_free(&report->outcomes[i].probe);
    }
    free(report->outcomes), free(report->dataset), free(report->train), free(report->model);
    rins_strings_free(&report->classes);
    *report = (RinsProbeReport){0};
}
