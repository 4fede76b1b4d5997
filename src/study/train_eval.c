#include "src/study/train_eval.h"

#include "eval/classes.h"
#include "eval/lines.h"
#include "eval/run_retrieval.h"
#include "eval/zeroshot_entry.h"

#include <stdlib.h>
#include <string.h>

enum { EVAL_BATCH = 64 };

static RinsStatus name_classes(RinsStringList *names, const RinsSource *source) {
    const int n = rins_source_classes(source);
    RinsClasses *classes = NULL;
    RinsStatus status = RINS_OK;
    const char **labels = calloc((size_t)n, sizeof *labels);
    if (!labels) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %d class names", n);
    for (int i = 0; i < n; i++) labels[i] = rins_source_class_name(source, i);
    RINS_TRY_DONE(rins_classes_open(&classes, labels, n, NULL));
    for (int i = 0; i < n; i++) RINS_TRY_DONE(rins_strings_add(names, classes->names.items[classes->of_label[i]]));
done:
    rins_classes_free(classes);
    free(labels);
    return status;
}

static RinsStatus find_classes(RinsStringList *names, const RinsSourceList *train) {
    for (size_t i = 0; i < train->n; i++) {
        RinsSource *source;
        RinsStatus status = rins_source_open(&source, train->items[i].source);
        if (status != RINS_OK) return rins_fail_context(status, "data.train");
        const bool labelled = rins_source_classes(source) > 0, second = names->n > 0;
        if (labelled && second)
            rins_strings_free(names); /* labels mean something else in each */
        else if (labelled)
            status = name_classes(names, source);
        rins_source_free(source);
        if (status != RINS_OK || (labelled && second)) return status;
    }
    return RINS_OK;
}

RinsStatus rins_train_words_open(RinsTrainWords *words, const RinsRunConfig *config) {
    *words = (RinsTrainWords){0};
    if (!config->data.caption_templates) return RINS_OK;
    RinsStatus status = rins_templates_read(&words->templates, config->data.caption_templates);
    if (status != RINS_OK) status = rins_fail_context(status, "data.caption_templates");
    if (status == RINS_OK) status = find_classes(&words->class_names, &config->data.train);
    if (status != RINS_OK) rins_train_words_free(words);
    return status;
}

void rins_train_words_free(RinsTrainWords *words) {
    rins_strings_free(&words->templates);
    rins_strings_free(&words->class_names);
}

RinsStatus rins_train_eval_check(const RinsRunConfig *config) {
    const RinsEvalConfig *eval = &config->train.eval;
    for (size_t i = 0; i < eval->zeroshot.n; i++) {
        RinsZeroshotEntry entry;
        RinsStatus status = rins_zeroshot_entry_parse(&entry, eval->zeroshot.items[i]);
        if (status == RINS_OK) status = rins_zeroshot_entry_check(&entry);
        rins_zeroshot_entry_free(&entry);
        if (status != RINS_OK) return rins_fail_context(status, "train.eval.zeroshot");
    }
    for (size_t i = 0; i < eval->retrieval.n; i++) {
        const RinsStatus status = rins_retrieval_check(eval->retrieval.items[i]);
        if (status != RINS_OK) return rins_fail_context(status, "train.eval.retrieval");
    }
    return RINS_OK;
}

/* Hands one finished JSON object to the run's records; `tag` names it in TensorBoard. */
static RinsStatus report(RinsMetrics *metrics, int64_t step, const char *task, const char *data, RinsJsonWriter *json) {
    char tag[128], *text;
    const char *slash = strrchr(data, '/');
    snprintf(tag, sizeof tag, "%s/%s", task, slash && slash[1] ? slash + 1 : data);
    RinsStatus status = rins_json_take(json, &text);
    if (status == RINS_OK) {
        status = rins_metrics_eval(metrics, step, tag, text);
        free(text);
    }
    rins_json_writer_free(json);
    return status;
}

static RinsStatus run_zeroshot(RinsEvalModel *em, const char *text, int64_t step, const char *name,
                               RinsMetrics *metrics) {
    RinsZeroshotEntry entry;
    RinsZeroshotReport result = {0};
    RinsStatus status = rins_zeroshot_entry_parse(&entry, text);
    if (status == RINS_OK) {
        entry.task.model = name;
        status = rins_run_zeroshot(em, &entry.task, &result);
    }
    if (status == RINS_OK) {
        RinsJsonWriter json = {0};
        rins_zeroshot_json(&result, 0, false, &json);
        status = report(metrics, step, "zeroshot", entry.task.data, &json);
    }
    rins_zeroshot_report_free(&result);
    rins_zeroshot_entry_free(&entry);
    return status == RINS_OK ? status : rins_fail_context(status, "train.eval.zeroshot");
}

static RinsStatus run_retrieval(RinsEvalModel *em, const char *data, int64_t step, const char *name,
                                RinsMetrics *metrics) {
    RinsRetrievalReport result = {0};
    RinsStatus status = rins_run_retrieval(em, data, name, &result);
    if (status == RINS_OK) {
        RinsJsonWriter json = {0};
        rins_retrieval_json(&result, &json);
        status = report(metrics, step, "retrieval", data, &json);
    }
    rins_retrieval_report_free(&result);
    return status == RINS_OK ? status : rins_fail_context(status, "train.eval.retrieval");
}

RinsStatus rins_train_eval(void *user, RinsModel *model, int64_t step, RinsMetrics *metrics) {
    const RinsTrainEval *hook = user;
    const RinsRunConfig *config = rins_training_config(hook->training);
    const RinsTrainingData *data = rins_training_data(hook->training);
    const RinsEvalConfig *eval = &config->train.eval;
    RinsEvalModel em = {
        .model = model,
        .tokenizer = data->tokenizer,
        .pp = data->eval_pp,
        .batch = config->train.batch < EVAL_BATCH ? config->train.batch : EVAL_BATCH,
        .progress = hook->progress,
        .progress_user = hook->progress_user,
        .precision = (RinsPrecision)config->precision,
    };
    char name[32];
    snprintf(name, sizeof name, "step-%09lld", (long long)step);
    for (size_t i = 0; i < eval->zeroshot.n; i++)
        RINS_TRY(run_zeroshot(&em, eval->zeroshot.items[i], step, name, metrics));
    for (size_t i = 0; i < eval->retrieval.n; i++)
        RINS_TRY(run_retrieval(&em, eval->retrieval.items[i], step, name, metrics));
    return RINS_OK;
}
