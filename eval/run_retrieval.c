#define _GNU_SOURCE
#include "eval/run_retrieval.h"

#include "eval/eval_rounds.h"
#include "eval/source_pixels.h"
#include "src/base/list.h"
#include "src/base/log.h"

#include <stdlib.h>
#include <string.h>

/* All embeddings are kept: (images + texts) * dim floats. */
typedef struct Run {
    RinsEvalModel *em;
    RinsSource *source;
    int64_t dim, images, texts;
    float *image_rows, *text_rows;
    int64_t *image_of; /* [texts] */
    int32_t *ids;      /* one batch of texts */
    int64_t pending;
} Run;

static RinsStatus flush_texts(Run *run) {
    const int64_t n = run->pending;
    run->pending = 0;
    return n ? rins_embed_ids(run->em, run->ids, n, true, run->text_rows + (run->texts - n) * run->dim) : RINS_OK;
}

static RinsStatus add_text(Run *run, const char *text, int64_t image) {
    const size_t n = (size_t)run->texts;
    float *rows = rins_list_grow(run->text_rows, n, (size_t)run->dim * sizeof *rows);
    if (rows) run->text_rows = rows;
    int64_t *image_of = rins_list_grow(run->image_of, n, sizeof *image_of);
    if (image_of) run->image_of = image_of;
    if (!rows || !image_of) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %zu texts", n + 1);
    RINS_TRY(rins_tokenizer_encode(run->em->tokenizer, text,
                                   run->ids + run->pending * rins_tokenizer_length(run->em->tokenizer)));
    run->image_of[run->texts++] = image;
    return ++run->pending == run->em->batch ? flush_texts(run) : RINS_OK;
}

/* Captions of the images that were read; those move together, so that bad ones are no candidates. */
static RinsStatus embed_texts(Run *run, RinsRetrievalReport *report, const RinsBadCause *causes) {
    RinsSample sample = {0};
    RinsStatus status = RINS_OK;
    const int64_t total = run->images;
    run->images = 0;
    rins_eval_progress(run->em, "images' captions", 0, total);
    for (int64_t i = 0; i < total; i++) {
        RinsBadCause cause = causes[i];
        if (cause == RINS_BAD_NONE) {
            status = rins_source_read_text(run->source, i, &sample, &cause);
            if (status != RINS_OK && cause == RINS_BAD_NONE) goto done;
        }
        if (status == RINS_OK && cause == RINS_BAD_NONE && sample.n_captions > 0) {
            memmove(run->image_rows + run->images * run->dim, run->image_rows + i * run->dim,
                    (size_t)run->dim * sizeof(float));
            for (int k = 0; k < sample.n_captions; k++) RINS_TRY_DONE(add_text(run, sample.captions[k], run->images));
            run->images++;
        } else {
            if (!report->first_bad && status != RINS_OK) report->first_bad = strdup(rins_last_error());
            report->bad++;
        }
        status = RINS_OK;
        if (i % 64 == 63 || i + 1 == total) rins_eval_progress(run->em, "images' captions", i + 1, total);
    }
    status = flush_texts(run);
done:
    rins_sample_free(&sample);
    return status;
}

static RinsStatus no_captions(const char *data) {
    return RINS_FAIL(RINS_ERR_FORMAT,
                     "'%s' has no image with a caption: retrieval wants a caption table or shards with texts", data);
}

RinsStatus rins_retrieval_check(const char *data) {
    RinsSource *source;
    RinsSample sample = {0};
    RinsStatus status = RINS_OK;
    bool found = false;
    RINS_TRY(rins_source_open_view(&source, data, RINS_VIEW_IMAGES));
    if (strcmp(rins_source_kind(source), "folder") != 0)
        for (int64_t i = 0; i < rins_source_count(source) && !found && status == RINS_OK; i++) {
            RinsBadCause cause;
            const RinsStatus read = rins_source_read_text(source, i, &sample, &cause);
            found = read == RINS_OK && sample.n_captions > 0;
            if (read != RINS_OK && cause == RINS_BAD_NONE) status = read;
        }
    if (status == RINS_OK && !found) status = no_captions(data);
    rins_sample_free(&sample);
    rins_source_free(source);
    return status;
}

RinsStatus rins_run_retrieval(RinsEvalModel *em, const char *data, const char *model, RinsRetrievalReport *report) {
    Run run = {.em = em, .dim = rins_eval_model_dim(em)};
    RinsBadCause *causes = NULL;
    RinsStatus status = RINS_OK;
    *report = (RinsRetrievalReport){.dataset = strdup(data), .model = model ? strdup(model) : NULL};
    RINS_TRY_DONE(rins_resolve_rounds(rins_model_config(em->model), em->rounds, &report->rounds));
    RINS_TRY_DONE(rins_source_open_view(&run.source, data, RINS_VIEW_IMAGES));
    if (!strcmp(rins_source_kind(run.source), "folder")) {
        status = no_captions(data);
        goto done;
    }
    run.images = rins_source_count(run.source);
    run.image_rows = malloc((size_t)(run.images * run.dim + 1) * sizeof *run.image_rows);
    run.ids = malloc((size_t)(em->batch * rins_tokenizer_length(em->tokenizer)) * sizeof *run.ids);
    causes = calloc((size_t)run.images + 1, sizeof *causes);
    if (!run.image_rows || !run.ids || !causes) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld image embeddings", (long long)run.images);
        goto done;
    }
    RinsSourcePixels pixels = {run.source, em->pp, NULL, NULL};
    RINS_TRY_DONE(rins_embed_images(em, rins_source_pixels, &pixels, 0, run.images, true, run.image_rows, causes,
                                    &report->first_bad));
    RINS_TRY_DONE(embed_texts(&run, report, causes));
    if (run.texts == 0) {
        status = report->first_bad ? RINS_FAIL(RINS_ERR_FORMAT,
                                               "'%s': none of %lld images can be read and has a caption; the first: %s",
                                               data, (long long)report->bad, report->first_bad)
                                   : no_captions(data);
        goto done;
    }
    report->images = run.images, report->texts = run.texts;
    if (report->bad)
        rins_log(RINS_LOG_WARN, "%lld images are bad or have no caption and are left out%s%s", (long long)report->bad,
                 report->first_bad ? "; the first: " : "", report->first_bad ? report->first_bad : "");
    status =
        rins_retrieval(run.image_rows, run.images, run.text_rows, run.image_of, run.texts, run.dim, &report->figures);
done:
    free(run.image_rows), free(run.text_rows), free(run.image_of), free(run.ids), free(causes);
    rins_source_free(run.source);
    if (status != RINS_OK) rins_retrieval_report_free(report);
    return status;
}

void rins_retrieval_report_free(RinsRetrievalReport *report) {
    free(report->dataset), free(report->model), free(report->first_bad);
    *report = (RinsRetrievalReport){0};
}

static void put_recall(RinsJsonWriter *json, const char *direction, const RinsRecall *recall) {
    const struct {
        const char *name;
        double value;
    } rows[] = {{"recall@1", recall->at1},
                {"recall@5", recall->at5},
                {"recall@10", recall->at10},
                {"mean_rank", recall->mean_rank},
                {"median_rank", recall->median_rank}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char key[64];
        snprintf(key, sizeof key, "%s_%s", direction, rows[i].name);
        rins_json_float(json, key, rows[i].value);
    }
}

void rins_retrieval_json(const RinsRetrievalReport *report, RinsJsonWriter *json) {
    rins_json_open(json, NULL, '{');
    rins_json_string(json, "task", "zeroshot_retrieval");
    rins_json_string(json, "dataset", report->dataset);
    rins_json_string(json, "model", report->model);
    rins_json_int(json, "n", report->images);
    rins_json_int(json, "texts", report->texts);
    rins_json_open(json, "metrics", '{');
    put_recall(json, "image_retrieval", &report->figures.text_to_image);
    put_recall(json, "text_retrieval", &report->figures.image_to_text);
    rins_json_close(json);
    rins_json_int(json, "bad", report->bad);
    rins_put_rounds(json, report->rounds);
    rins_json_close(json);
}
