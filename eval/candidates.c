#include "eval/candidates.h"

#include "src/base/file.h"

#include <stdlib.h>
#include <string.h>

char *rins_beside_data(const char *spec, const char *name) {
    const char *path = rins_source_path(spec);
    char *dir = strdup(path), *found = NULL;
    for (int up = 0; dir && up < 3 && !found; up++) {
        char *file = rins_path_join(*dir ? dir : "/", name);
        if (file && rins_path_is_dir(dir) && rins_path_is_file(file))
            found = file;
        else
            free(file);
        char *slash = strrchr(dir, '/');
        if (!slash) break;
        *slash = 0;
        if (rins_path_is_dir(path)) break; /* only what names shards has its files one or two folders up */
    }
    free(dir);
    return found;
}

/* The file's lines or ImageNet's names; labels know their numbers. */
static RinsStatus open_labelled(RinsCandidates *candidates, const char *file, const char *labels) {
    static const char *const nothing[] = {"0"};
    if (file) {
        RINS_TRY(rins_classes_open(&candidates->classes, nothing, 1, file));
    } else {
        candidates->classes = calloc(1, sizeof *candidates->classes);
        if (!candidates->classes) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for classes");
        RINS_TRY(rins_imagenet_names(&candidates->classes->names));
    }
    return rins_labels_open(&candidates->labels, labels, &candidates->classes->names);
}

static RinsStatus open_own(RinsCandidates *candidates, RinsSource *source, const char *spec, const char *file) {
    const int n = rins_source_classes(source);
    if (n == 0)
        return RINS_FAIL(RINS_ERR_FORMAT,
                         "'%s' has no classes: zero-shot evaluation wants a folder per class, shards with "
                         ".cls, or labels: --labels F, in a config labels=F (wnid: ImageNet's ids in the files' names)",
                         spec);
    const char **names = calloc((size_t)n, sizeof *names);
    if (!names) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %d classes", n);
    for (int i = 0; i < n; i++) names[i] = rins_source_class_name(source, i);
    const RinsStatus status = rins_classes_open(&candidates->classes, names, n, file);
    free(names);
    return status;
}

RinsStatus rins_candidates_open(RinsCandidates *candidates, RinsSource *source, const char *spec, const char *file,
                                const char *labels) {
    char *own = file || labels ? NULL : rins_beside_data(spec, "classnames.txt");
    *candidates = (RinsCandidates){0};
    if (own) file = own;
    const RinsStatus status =
        labels ? open_labelled(candidates, file, labels) : open_own(candidates, source, spec, file);
    free(own);
    return status;
}

void rins_candidates_free(RinsCandidates *candidates) {
    rins_classes_free(candidates->classes);
    rins_labels_free(candidates->labels);
    *candidates = (RinsCandidates){0};
}

RinsStatus rins_candidates_of(const RinsCandidates *candidates, const RinsSample *sample, int *scratch, const int **set,
                              int *n) {
    if (candidates->labels) return rins_labels_of(candidates->labels, sample->key, scratch, set, n);
    *n = sample->label >= 0;
    *scratch = *n ? candidates->classes->of_label[sample->label] : -1;
    *set = scratch;
    return RINS_OK;
}
