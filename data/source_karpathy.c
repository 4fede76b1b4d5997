#define _GNU_SOURCE
#include "data/karpathy_parse.h"
#include "data/source_impl.h"
#include "data/text_check.h"

#include "src/base/file.h"

#include <stdlib.h>
#include <string.h>

/* All names and captions of the chosen splits are kept (40 MB for COCO's train and restval). */
typedef struct Karpathy {
    RinsKarpathy set;
    char *path, *dir;
    int64_t *image_of; /* pairs view: [captions] the image that each describes; else NULL */
} Karpathy;

static void free_karpathy(void *impl) {
    Karpathy *karpathy = impl;
    if (!karpathy) return;
    rins_karpathy_free(&karpathy->set);
    free(karpathy->path), free(karpathy->dir), free(karpathy->image_of);
    free(karpathy);
}

/* Captions [first, first + n); bad ones are left out as long as one is good. */
static RinsStatus add_captions(const Karpathy *karpathy, int64_t first, int64_t n, RinsSample *sample,
                               RinsBadCause *cause) {
    RinsStatus status = RINS_OK;
    for (int64_t k = first; k < first + n; k++) {
        const char *text = rins_karpathy_caption(&karpathy->set, k);
        status = rins_sample_add_caption(sample, text, strlen(text), cause);
        if (status == RINS_ERR_MEMORY) return status;
    }
    return sample->n_captions ? RINS_OK : status;
}

static RinsStatus read_karpathy(RinsSource *source, int64_t index, RinsSampleParts parts, RinsSample *sample,
                                RinsBadCause *cause) {
    const Karpathy *karpathy = source->impl;
    const int64_t i = karpathy->image_of ? karpathy->image_of[index] : index;
    const RinsKarpathyImage *image = &karpathy->set.images[i];
    const char *name = rins_karpathy_name(&karpathy->set, i);
    RINS_TRY(rins_sample_set_key(sample, "%s:%s", karpathy->path, name));
    const int64_t first = karpathy->image_of ? index : image->first_caption;
    if (parts & RINS_SAMPLE_CAPTIONS)
        RINS_TRY(add_captions(karpathy, first, karpathy->image_of ? 1 : image->captions, sample, cause));
    if (!(parts & RINS_SAMPLE_IMAGE)) return RINS_OK;
    char *path = rins_path_join(karpathy->dir, name);
    if (!path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    const RinsStatus status = rins_sample_read_file(sample, path, cause);
    free(path);
    return status;
}

static const RinsSourceOps karpathy_ops = {"karpathy", read_karpathy, free_karpathy};

static RinsStatus list_pairs(Karpathy *karpathy) {
    const RinsKarpathy *set = &karpathy->set;
    karpathy->image_of = malloc((set->n_captions + 1) * sizeof *karpathy->image_of);
    if (!karpathy->image_of) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %zu captions", set->n_captions);
    for (size_t i = 0; i < set->n_images; i++)
        for (int64_t k = 0; k < set->images[i].captions; k++)
            karpathy->image_of[set->images[i].first_caption + k] = (int64_t)i;
    return RINS_OK;
}

RinsStatus rins_source_open_karpathy(RinsSource *source, const char *path, const RinsSourceArgs *args) {
    Karpathy *karpathy = calloc(1, sizeof *karpathy);
    if (!karpathy) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for '%s'", path);
    source->ops = &karpathy_ops;
    source->impl = karpathy;
    const char *slash = strrchr(path, '/');
    karpathy->path = strdup(path);
    karpathy->dir = args->images ? strdup(args->images)
                    : slash      ? strndup(path, (size_t)(slash - path) + 1)
                                 : strdup("");
    if (!karpathy->path || !karpathy->dir) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for '%s'", path);
    RINS_TRY(rins_karpathy_read(&karpathy->set, path, args->split ? args->split : "test"));
    if (args->view == RINS_VIEW_PAIRS) RINS_TRY(list_pairs(karpathy));
    source->count = (int64_t)(args->view == RINS_VIEW_PAIRS ? karpathy->set.n_captions : karpathy->set.n_images);
    return RINS_OK;
}
