#define _GNU_SOURCE
#include "eval/run_zeroshot.h"

#include "eval/candidates.h"
#include "eval/embed_stream.h"
#include "eval/embedding_cache.h"
#include "eval/eval_rounds.h"
#include "eval/lines.h"
#include "eval/source_pixels.h"
#include "eval/zeroshot_gallery.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/rng.h"

#include <stdlib.h>
#include <string.h>

/* One evaluation in progress. */
typedef struct Run {
    RinsEvalModel *em;
    const RinsZeroshotTask *task;
    RinsZeroshotReport *report;
    RinsSource *source;
    RinsCandidates candidates; /* its classes are the report's */
    RinsStringList templates;
    int n_text; /* text rounds */
    RinsSourcePixels pixels;
    RinsZeroshotGallery *gallery; /* or NULL */
    int64_t window;               /* labels of image i lie at i % window */
    int *one;                     /* [window] the label of an image, -1: none */
    int **sets;                   /* [window] copies of several labels, or NULL */
    int *set_sizes;               /* [window] */
    float *images;                /* (batch, dim) */
} Run;

static RinsStatus open_prompts(Run *run) {
    RinsZeroshotReport *report = run->report;
    char *own =
        run->task->templates ? NULL : rins_beside_data(run->task->data, "zeroshot_classification_templates.txt");
    const char *set = run->task->templates ? run->task->templates : own ? own : "clip_paper";
    RinsStatus status = rins_templates_read(&run->templates, set);
    report->prompt_set = strdup(set);
    free(own);
    if (status != RINS_OK) return status;
    if (!report->prompt_set) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a prompt set's name");
    report->n_templates = (int64_t)run->templates.n;
    return rins_prompt_hash(&report->classes->names, &run->templates, &report->prompt_hash);
}

/* Everything that a class embedding depends on. */
static RinsStatus embedding_hash(const Run *run, int text_rounds, uint64_t *hash) {
    const RinsEvalModel *em = run->em;
    const int64_t facts[] = {(int64_t)run->report->prompt_hash,
                             text_rounds,
                             em->precision,
                             em->owned_dev->cpu.level,
                             em->owned_dir->tokenizer.cleaning,
                             rins_eval_model_dim(em)};
    *hash = rins_hash_bytes(facts, sizeof facts, RINS_HASH_BASIS);
    return rins_cache_hash_model(em->owned_dir, hash);
}

static RinsStatus embed_classes(Run *run, int text_rounds, float *out) {
    RinsZeroshotReport *report = run->report;
    RinsEvalModel *em = run->em;
    const int64_t classes = (int64_t)report->classes->names.n, dim = rins_eval_model_dim(em);
    const bool use_cache = run->task->use_cache && em->owned_dir;
    uint64_t hash = 0;
    float *kept = NULL;
    if (use_cache) RINS_TRY(embedding_hash(run, text_rounds, &hash));
    if (use_cache && rins_cache_load("classes", hash, classes, dim, &kept)) {
        memcpy(out, kept, (size_t)(classes * dim) * sizeof *out);
        free(kept);
        rins_log(RINS_LOG_INFO, "prompts: class embeddings kept from before");
        return RINS_OK;
    }
    em->rounds.text = text_rounds;
    const RinsPromptModel model = rins_eval_prompt_model(em);
    RINS_TRY(rins_class_embeddings(&model, &report->classes->names, &run->templates, out, &report->distinct_prompts));
    if (use_cache) rins_cache_store("classes", hash, out, classes, dim);
    return RINS_OK;
}

static RinsStatus open_outcomes(Run *run) {
    RinsZeroshotReport *report = run->report;
    const RinsZeroshotTask *task = run->task;
    const int n_image = task->image_rounds ? task->n_image_rounds : 1,
              n_text = task->text_rounds ? task->n_text_rounds : 1;
    const int64_t dim = rins_eval_model_dim(run->em), classes = (int64_t)report->classes->names.n;
    const RinsRounds own = run->em->rounds;
    run->n_text = n_text;
    report->embeddings = malloc((size_t)(n_text * classes * dim) * sizeof *report->embeddings);
    report->outcomes = calloc((size_t)(n_image * n_text), sizeof *report->outcomes);
    if (!report->embeddings || !report->outcomes)
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld classes", (long long)classes);
    for (int k = 0; k < n_image * n_text; k++) {
        RinsZeroshotOutcome *outcome = &report->outcomes[report->n_outcomes++];
        const RinsRounds asked = {task->image_rounds ? task->image_rounds[k / n_text] : own.image,
                                  task->text_rounds ? task->text_rounds[k % n_text] : own.text};
        const RinsModelConfig *config = rins_model_config(run->em->model);
        RINS_TRY(rins_zeroshot_begin(&outcome->counts, report->embeddings + (k % n_text) * classes * dim, (int)classes,
                                     dim));
        RINS_TRY(rins_resolve_rounds(config, asked, &outcome->rounds));
        RINS_TRY(rins_model_flops(config, outcome->rounds, &outcome->flops));
    }
    for (int t = 0; t < n_text; t++)
        RINS_TRY(embed_classes(run, task->text_rounds ? task->text_rounds[t] : own.text,
                               report->embeddings + t * classes * dim));
    run->em->rounds = own;
    return RINS_OK;
}

/* Remembers the labels of an image just read. */
static RinsStatus take_labels(void *user, int64_t index, const RinsSample *sample) {
    Run *run = user;
    const int64_t i = index % run->window;
    const int *set = NULL;
    int n = 0;
    RINS_TRY(rins_candidates_of(&run->candidates, sample, &run->one[i], &set, &n));
    if (n == 0) run->one[i] = -1;
    if (n == 1) run->one[i] = set[0];
    if (n < 2) return RINS_OK;
    run->sets[i] = malloc((size_t)n * sizeof *run->sets[i]);
    if (!run->sets[i]) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for labels");
    memcpy(run->sets[i], set, (size_t)n * sizeof *set);
    run->set_sizes[i] = n;
    return RINS_OK;
}

/* A batch's labels one after the other; bad and unlabelled images have none. Both are malloc'd. */
static RinsStatus collect_labels(Run *run, const RinsEmbedBatch *batch, int64_t **offsets, int **labels) {
    size_t total = 0;
    for (int64_t i = 0; i < batch->n; i++) {
        const int64_t at = (batch->first + i) % run->window;
        total += run->sets[at] ? (size_t)run->set_sizes[at] : 1;
    }
    *offsets = malloc((size_t)(batch->n + 1) * sizeof **offsets);
    *labels = malloc((total + 1) * sizeof **labels);
    if (!*offsets || !*labels) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %zu labels", total);
    int64_t used = 0;
    for (int64_t i = 0; i < batch->n; i++) {
        const int64_t at = (batch->first + i) % run->window;
        (*offsets)[i] = used;
        if (batch->causes[i] != RINS_BAD_NONE) continue;
        for (int k = 0; run->sets[at] && k < run->set_sizes[at]; k++) (*labels)[used++] = run->sets[at][k];
        if (!run->sets[at] && run->one[at] >= 0) (*labels)[used++] = run->one[at];
    }
    (*offsets)[batch->n] = used;
    return RINS_OK;
}

/* Embeds the batch at each of the image rounds and counts it against every set of class embeddings. */
static RinsStatus count_rounds(Run *run, const RinsEmbedBatch *batch, const int64_t *offsets, const int *labels) {
    RinsZeroshotReport *report = run->report;
    const int n_image = report->n_outcomes / run->n_text;
    const int own = run->em->rounds.image;
    for (int k = 0; k < n_image; k++) {
        run->em->rounds.image = run->task->image_rounds ? run->task->image_rounds[k] : own;
        const RinsStatus status = rins_embed_batch(run->em, batch, true, run->images);
        run->em->rounds.image = own;
        RINS_TRY(status);
        for (int t = 0; t < run->n_text; t++)
            RINS_TRY(rins_zeroshot_add(&report->outcomes[k * run->n_text + t].counts, run->images, batch->n, offsets,
                                       labels));
        for (int64_t i = 0; k == 0 && run->gallery && i < batch->n; i++)
            if (offsets[i + 1] > offsets[i])
                RINS_TRY(rins_zeroshot_gallery_image(run->gallery, batch->first + i,
                                                     run->images + i * report->outcomes[0].counts.dim,
                                                     labels + offsets[i], offsets[i + 1] - offsets[i]));
    }
    return RINS_OK;
}

static RinsStatus take_batch(void *user, RinsEvalModel *em, const RinsEmbedBatch *batch) {
    Run *run = user;
    RinsZeroshotReport *report = run->report;
    int64_t *offsets = NULL;
    int *labels = NULL;
    (void)em;
    RinsStatus status = collect_labels(run, batch, &offsets, &labels);
    if (status == RINS_OK) status = count_rounds(run, batch, offsets, labels);
    report->samples += batch->n;
    for (int64_t i = 0; i < batch->n && status == RINS_OK; i++) {
        int **set = &run->sets[(batch->first + i) % run->window];
        report->bad += batch->causes[i] != RINS_BAD_NONE;
        report->unlabelled += batch->causes[i] == RINS_BAD_NONE && offsets[i + 1] == offsets[i];
        if (batch->messages[i] && !report->first_bad) report->first_bad = strdup(batch->messages[i]);
        free(*set), *set = NULL;
    }
    free(offsets), free(labels);
    return status;
}

static RinsStatus run_pixels(void *user, int64_t index, uint8_t *pixels, RinsBadCause *cause) {
    return rins_source_pixels(&((Run *)user)->pixels, index, pixels, cause);
}

static RinsStatus run_images(Run *run) {
    RinsZeroshotReport *report = run->report;
    const int64_t total = rins_source_count(run->source);
    run->pixels = (RinsSourcePixels){run->source, run->em->pp, take_labels, run};
    const RinsEmbedJob job = {
        .pixels = run_pixels, .take = take_batch, .user = run, .end = total, .what = "images", .total = total};
    RINS_TRY(rins_embed_stream(run->em, &job));
    if (report->outcomes[0].counts.n == 0)
        return RINS_FAIL(RINS_ERR_FORMAT, "'%s' has no image to evaluate: %lld bad, %lld without a label%s%s",
                         run->task->data, (long long)report->bad, (long long)report->unlabelled,
                         report->first_bad ? "; the first: " : "", report->first_bad ? report->first_bad : "");
    if (report->bad)
        rins_log(RINS_LOG_WARN, "%lld of %lld images are bad and left out; the first: %s", (long long)report->bad,
                 (long long)report->samples, report->first_bad);
    return RINS_OK;
}

static RinsStatus make_buffers(Run *run) {
    run->window = rins_embed_window(run->em);
    const size_t n = (size_t)run->window;
    run->one = malloc(n * sizeof *run->one);
    run->sets = calloc(n, sizeof *run->sets);
    run->set_sizes = calloc(n, sizeof *run->set_sizes);
    run->images = malloc((size_t)(run->em->batch * rins_eval_model_dim(run->em)) * sizeof *run->images);
    if (!run->one || !run->sets || !run->set_sizes || !run->images)
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %zu images", n);
    return RINS_OK;
}

static void run_free(Run *run) {
    for (int64_t i = 0; run->sets && i < run->window; i++) free(run->sets[i]);
    free(run->one), free(run->sets), free(run->set_sizes), free(run->images);
    run->candidates.classes = NULL;
    rins_candidates_free(&run->candidates);
    rins_strings_free(&run->templates);
    rins_source_free(run->source);
}

RinsStatus rins_run_zeroshot(RinsEvalModel *em, const RinsZeroshotTask *task, RinsZeroshotReport *report) {
    Run run = {.em = em, .task = task, .report = report};
    RinsZeroshotGallery gallery = {0};
    RinsStatus status = RINS_OK;
    *report = (RinsZeroshotReport){.dataset = strdup(task->data), .model = task->model ? strdup(task->model) : NULL};
    RINS_TRY_DONE(rins_source_open(&run.source, task->data));
    status = rins_candidates_open(&run.candidates, run.source, task->data, task->classes, task->labels);
    report->classes = run.candidates.classes;
    if (status != RINS_OK) goto done;
    RINS_TRY_DONE(open_prompts(&run));
    RINS_TRY_DONE(open_outcomes(&run));
    RINS_TRY_DONE(make_buffers(&run));
    if (task->html)
        RINS_TRY_DONE(rins_zeroshot_gallery_begin(&gallery, task->html, run.source, report, task->html_images));
    run.gallery = task->html ? &gallery : NULL;
    RINS_TRY_DONE(run_images(&run));
    if (task->html) status = rins_zeroshot_gallery_commit(&gallery);
done:
    rins_zeroshot_gallery_abort(&gallery);
    run_free(&run);
    if (status != RINS_OK) rins_zeroshot_report_free(report);
    return status;
}

void rins_zeroshot_report_free(RinsZeroshotReport *report) {
    for (int i = 0; i < report->n_outcomes; i++) rins_zeroshot_end(&report->outcomes[i].counts);
    free(report->outcomes), free(report->embeddings), free(report->first_bad);
    free(report->dataset), free(report->model), free(report->prompt_set);
    rins_classes_free(report->classes);
    *report = (RinsZeroshotReport){0};
}
