#define _GNU_SOURCE
#include "eval/candidates.h"
#include "eval/embed_stream.h"
#include "eval/gallery.h"
#include "eval/lines.h"
#include "eval/ranking.h"
#include "eval/scores.h"
#include "eval/source_pixels.h"
#include "eval/zeroshot_entry.h"
#include "src/study/report_page.h"

#include <stdlib.h>
#include <string.h>

enum { TOP = 5, MOST_CAPTIONS = 200 };

/* Samples of a source, evenly spread, and the texts that compete for them: class names, or captions of the source. */
typedef struct Samples {
    RinsEvalModel *em;
    RinsSource *source;
    const RinsZeroshotTask *task;
    RinsCandidates candidates; /* without classes: captions */
    RinsStringList captions;
    int64_t *places; /* (n) */
    int64_t n;
    float *texts, *images;
    RinsBadCause *causes;
} Samples;

static RinsStatus no_memory(void) {
    return RINS_FAIL(RINS_ERR_MEMORY, "no memory for sample images");
}

static RinsStatus open_classes(Samples *s) {
    const RinsZeroshotTask *task = s->task;
    RinsStringList templates = {0};
    RINS_TRY(rins_candidates_open(&s->candidates, s->source, task->data, task->classes, task->labels));
    const RinsStringList *names = &s->candidates.classes->names;
    RinsStatus status = rins_templates_read(&templates, task->templates ? task->templates : "simple");
    if (status == RINS_OK) {
        const RinsPromptModel model = rins_eval_prompt_model(s->em);
        s->texts = malloc((names->n + 1) * (size_t)model.dim * sizeof *s->texts);
        status = s->texts ? rins_class_embeddings(&model, names, &templates, s->texts, NULL) : no_memory();
    }
    rins_strings_free(&templates);
    return status;
}

static const RinsStringList *texts_of(const Samples *s) {
    return s->candidates.classes ? &s->candidates.classes->names : &s->captions;
}

/* A sample's label and captions; one whose caption is bad has none. */
static RinsStatus read_text(const Samples *s, int64_t index, RinsSample *sample) {
    RinsBadCause cause;
    RinsStatus status = rins_source_read_text(s->source, index, sample, &cause);
    if (status != RINS_OK && cause != RINS_BAD_NONE)
        status = rins_source_read_parts(s->source, index, RINS_SAMPLE_LABEL, sample, &cause);
    return status != RINS_OK && cause != RINS_BAD_NONE ? RINS_OK : status;
}

/* The first caption of a sample, once each; a sample without one is passed over. */
static RinsStatus add_caption(Samples *s, int64_t index) {
    RinsSample sample = {0};
    RinsStatus status = read_text(s, index, &sample);
    bool known = status != RINS_OK || sample.n_captions == 0;
    for (size_t i = 0; i < s->captions.n && !known; i++) known = !strcmp(s->captions.items[i], sample.captions[0]);
    if (!known) status = rins_strings_add(&s->captions, sample.captions[0]);
    rins_sample_free(&sample);
    return status;
}

static RinsStatus open_captions(Samples *s) {
    const int64_t count = rins_source_count(s->source), most = count < MOST_CAPTIONS ? count : MOST_CAPTIONS;
    for (int64_t i = 0; i < s->n; i++) RINS_TRY(add_caption(s, s->places[i]));
    for (int64_t i = 0; i < most; i++) RINS_TRY(add_caption(s, i * count / most));
    if (s->captions.n == 0) return RINS_FAIL(RINS_ERR_FORMAT, "'%s' has neither classes nor captions", s->task->data);
    s->texts = malloc(s->captions.n * (size_t)rins_eval_model_dim(s->em) * sizeof *s->texts);
    return s->texts
               ? rins_embed_texts(s->em, (const char *const *)s->captions.items, (int64_t)s->captions.n, true, s->texts)
               : no_memory();
}

static RinsStatus sample_pixels(void *user, int64_t i, uint8_t *pixels, RinsBadCause *cause) {
    const Samples *s = user;
    RinsSourcePixels from = {.source = s->source, .pp = s->em->pp};
    return rins_source_pixels(&from, s->places[i], pixels, cause);
}

/* What a sample is: its classes, or its captions. */
typedef struct Truth {
    const int *set;
    int n, one;
    const RinsSample *sample;
} Truth;

static bool is_right(const Samples *s, const Truth *truth, int64_t text) {
    if (s->candidates.classes) return rins_in_labels(text, truth->set, truth->n);
    for (int i = 0; i < truth->sample->n_captions; i++)
        if (!strcmp(truth->sample->captions[i], s->captions.items[text])) return true;
    return false;
}

static const char *heading_of(const Samples *s, const Truth *truth) {
    if (s->candidates.classes) return truth->n ? s->candidates.classes->names.items[truth->set[0]] : NULL;
    return truth->sample->n_captions ? truth->sample->captions[0] : NULL;
}

static RinsStatus show(Samples *s, int64_t i, float *scores, FILE *out) {
    const RinsStringList *texts = texts_of(s);
    const int64_t dim = rins_eval_model_dim(s->em);
    const int n = texts->n < TOP ? (int)texts->n : TOP;
    int64_t top[TOP];
    RinsGalleryLine lines[TOP];
    RinsSample sample = {0}, image = {0};
    Truth truth = {.sample = &sample};
    if (s->causes[i] != RINS_BAD_NONE) return RINS_OK;
    rins_scores(s->images + i * dim, 1, s->texts, (int64_t)texts->n, dim, scores);
    rins_top_k(scores, (int64_t)texts->n, n, top);
    RinsStatus status = read_text(s, s->places[i], &sample);
    if (status == RINS_OK && s->candidates.classes)
        status = rins_candidates_of(&s->candidates, &sample, &truth.one, &truth.set, &truth.n);
    if (status == RINS_OK) status = rins_source_read_parts(s->source, s->places[i], RINS_SAMPLE_IMAGE, &image, NULL);
    for (int k = 0; status == RINS_OK && k < n; k++)
        lines[k] = (RinsGalleryLine){texts->items[top[k]], scores[top[k]], is_right(s, &truth, top[k])};
    if (status == RINS_OK)
        status = rins_gallery_figure(out, image.image, image.image_size, heading_of(s, &truth), lines, n);
    rins_sample_free(&sample), rins_sample_free(&image);
    return status;
}

static RinsStatus open_samples(Samples *s, int wanted) {
    const int64_t count = rins_source_count(s->source), dim = rins_eval_model_dim(s->em);
    s->n = count < wanted ? count : wanted;
    s->places = malloc((size_t)(s->n + 1) * sizeof *s->places);
    s->images = malloc((size_t)(s->n * dim + 1) * sizeof *s->images);
    s->causes = calloc((size_t)s->n + 1, sizeof *s->causes);
    if (!s->places || !s->images || !s->causes) return no_memory();
    for (int64_t i = 0; i < s->n; i++) s->places[i] = (2 * i + 1) * count / (2 * s->n);
    RINS_TRY(s->task->labels || rins_source_classes(s->source) > 0 ? open_classes(s) : open_captions(s));
    return rins_embed_images(s->em, sample_pixels, s, 0, s->n, true, s->images, s->causes, NULL);
}

RinsStatus rins_report_samples(const RinsReportPage *page, FILE *out, const RinsReportRun *run,
                               const char *entry_text) {
    const RinsReportTask *task = page->task;
    const RinsEvalModelOptions options = {.image = true, .text = true, .threads = task->threads, .cleaning = -1};
    Samples s = {0};
    RinsZeroshotEntry entry;
    float *scores = NULL;
    RinsStatus status = rins_zeroshot_entry_parse(&entry, entry_text);
    s.task = &entry.task;
    if (status != RINS_OK) goto done;
    RINS_TRY_DONE(rins_source_open_view(&s.source, entry.task.data, RINS_VIEW_IMAGES));
    RINS_TRY_DONE(rins_eval_model_open(&s.em, run->path, &options));
    RINS_TRY_DONE(open_samples(&s, task->images));
    scores = malloc((texts_of(&s)->n + 1) * sizeof *scores);
    if (!scores) status = no_memory();
    fputs("<div class='grid'>\n", out);
    for (int64_t i = 0; i < s.n && status == RINS_OK; i++) status = show(&s, i, scores, out);
    fputs("</div>\n", out);
done:
    rins_candidates_free(&s.candidates);
    rins_strings_free(&s.captions);
    rins_source_free(s.source);
    rins_eval_model_free(s.em);
    rins_zeroshot_entry_free(&entry);
    free(s.places), free(s.texts), free(s.images), free(s.causes), free(scores);
    return status;
}
