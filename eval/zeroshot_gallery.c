#include "eval/zeroshot_gallery.h"

#include "eval/ranking.h"
#include "eval/run_zeroshot.h"
#include "eval/scores.h"

#include <stdlib.h>

enum { IMAGES = 24, TOP = 5 };

RinsStatus rins_zeroshot_gallery_begin(RinsZeroshotGallery *gallery, const char *path, RinsSource *source,
                                       const struct RinsZeroshotReport *report, int images) {
    const int64_t wanted = images > 0 ? images : IMAGES, count = rins_source_count(source);
    char intro[512];
    snprintf(intro, sizeof intro,
             "%s on %s: every picture with the %d nearest of %zu captions (cosine), the right one in green.",
             report->model ? report->model : "model", report->dataset, TOP, report->classes->names.n);
    *gallery = (RinsZeroshotGallery){.source = source, .report = report};
    gallery->every = count > wanted ? count / wanted : 1;
    gallery->next = gallery->every / 2;
    gallery->scores = malloc(report->classes->names.n * sizeof *gallery->scores);
    gallery->top = malloc(TOP * sizeof *gallery->top);
    if (!gallery->scores || !gallery->top) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a gallery");
    return rins_gallery_begin(&gallery->gallery, path, "Zero-shot classification", intro);
}

RinsStatus rins_zeroshot_gallery_image(RinsZeroshotGallery *gallery, int64_t index, const float *embedding,
                                       const int *labels, int64_t n_labels) {
    if (index < gallery->next) return RINS_OK;
    gallery->next += gallery->every;
    const RinsZeroshotReport *report = gallery->report;
    const int64_t classes = (int64_t)report->classes->names.n;
    const int n = classes < TOP ? (int)classes : TOP;
    RinsGalleryLine lines[TOP];
    rins_scores(embedding, 1, report->embeddings, classes, report->outcomes[0].counts.dim, gallery->scores);
    rins_top_k(gallery->scores, classes, n, gallery->top);
    for (int i = 0; i < n; i++)
        lines[i] = (RinsGalleryLine){report->classes->names.items[gallery->top[i]], gallery->scores[gallery->top[i]],
                                     rins_in_labels(gallery->top[i], labels, n_labels)};
    RinsSample sample = {0};
    RinsStatus status = rins_source_read_parts(gallery->source, index, RINS_SAMPLE_IMAGE, &sample, NULL);
    if (status == RINS_OK)
        status = rins_gallery_item(&gallery->gallery, sample.image, sample.image_size,
                                   report->classes->names.items[labels[0]], lines, n);
    rins_sample_free(&sample);
    return status;
}

RinsStatus rins_zeroshot_gallery_commit(RinsZeroshotGallery *gallery) {
    return rins_gallery_commit(&gallery->gallery);
}

void rins_zeroshot_gallery_abort(RinsZeroshotGallery *gallery) {
    rins_gallery_abort(&gallery->gallery);
    free(gallery->scores), free(gallery->top);
    gallery->scores = NULL, gallery->top = NULL;
}
