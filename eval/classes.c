#include "eval/classes.h"

#include "eval/embedded.h"
#include "eval/lines.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { WNID_LENGTH = 9 };

static bool is_wnid(const char *name) {
    if (name[0] != 'n') return false;
    for (int i = 1; i < WNID_LENGTH; i++)
        if (!isdigit((unsigned char)name[i])) return false;
    return true;
}

int rins_imagenet_class(const char *wnid) {
    if (!is_wnid(wnid)) return -1;
    int low = 0, high = RINS_IMAGENET_CLASSES - 1; /* the list is sorted, every line is an id and a line end */
    while (low <= high) {
        const int mid = (low + high) / 2;
        const int order = strncmp(wnid, rins_data_imagenet_wnids + (size_t)mid * (WNID_LENGTH + 1), WNID_LENGTH);
        if (order == 0) return mid;
        if (order < 0)
            high = mid - 1;
        else
            low = mid + 1;
    }
    return -1;
}

RinsStatus rins_imagenet_names(RinsStringList *names) {
    return rins_lines_split(names, rins_data_imagenet_names);
}

/* The number that a label name is, -1 where it is none. */
static int whole_number(const char *name) {
    const size_t n = strlen(name);
    if (n == 0 || n > 6 || strspn(name, "0123456789") != n) return -1;
    return atoi(name);
}

static bool all_numbers(const char *const *labels, int n, int *largest) {
    *largest = -1;
    for (int i = 0; i < n; i++) {
        const int number = whole_number(labels[i]);
        if (number < 0) return false;
        if (number > *largest) *largest = number;
    }
    return n > 0;
}

static RinsStatus read_names(RinsClasses *classes, const char *file) {
    RINS_TRY(rins_lines_read(&classes->names, file));
    rins_lines_cut_blank_end(&classes->names, 0);
    return RINS_OK;
}

static RinsStatus use_numbers(RinsClasses *classes, const char *const *labels, int largest, const char *file) {
    if (file)
        RINS_TRY(read_names(classes, file));
    else if (classes->n_labels == RINS_IMAGENET_CLASSES && largest == RINS_IMAGENET_CLASSES - 1)
        RINS_TRY(rins_imagenet_names(&classes->names));
    else
        return RINS_FAIL(RINS_ERR_ARG, "the %d classes are numbered, not named; give their names with --classes",
                         classes->n_labels);
    if ((size_t)largest >= classes->names.n)
        return RINS_FAIL(RINS_ERR_MISMATCH,
                         "class %d of the data has no line in '%s', which has %zu (the first is class 0)", largest,
                         file ? file : "ImageNet's names", classes->names.n);
    for (int i = 0; i < classes->n_labels; i++) classes->of_label[i] = whole_number(labels[i]);
    return RINS_OK;
}

static RinsStatus use_wnids(RinsClasses *classes, const char *const *labels) {
    RinsStringList all = {0};
    RinsStatus status = RINS_OK;
    RINS_TRY_DONE(rins_imagenet_names(&all));
    for (int i = 0; i < classes->n_labels; i++) {
        const int class = rins_imagenet_class(labels[i]);
        if (class < 0) {
            status = RINS_FAIL(RINS_ERR_UNSUPPORTED,
                               "'%s' is not a class of ImageNet-1k; give the names with --classes", labels[i]);
            goto done;
        }
        RINS_TRY_DONE(rins_strings_add(&classes->names, all.items[class]));
    }
done:
    rins_strings_free(&all);
    return status;
}

static RinsStatus use_labels(RinsClasses *classes, const char *const *labels) {
    for (int i = 0; i < classes->n_labels; i++) {
        RINS_TRY(rins_strings_add(&classes->names, labels[i]));
        for (char *at = classes->names.items[i]; *at; at++)
            if (*at == '_') *at = ' ';
    }
    return RINS_OK;
}

static RinsStatus use_file(RinsClasses *classes, const char *file) {
    RINS_TRY(read_names(classes, file));
    if (classes->names.n != (size_t)classes->n_labels)
        return RINS_FAIL(RINS_ERR_MISMATCH, "'%s' names %zu classes, the data has %d", file, classes->names.n,
                         classes->n_labels);
    return RINS_OK;
}

static RinsStatus check_names(const RinsClasses *classes, const char *file) {
    for (size_t i = 0; i < classes->names.n; i++)
        if (!classes->names.items[i][strspn(classes->names.items[i], " \t")])
            return RINS_FAIL(RINS_ERR_FORMAT, "class %zu has an empty name in '%s'", i, file ? file : "the data");
    return RINS_OK;
}

RinsStatus rins_classes_open(RinsClasses **classes, const char *const *labels, int n_labels, const char *file) {
    *classes = NULL;
    if (n_labels < 1) return RINS_FAIL(RINS_ERR_ARG, "the data has no class labels");
    RinsStatus status = RINS_OK;
    RinsClasses *made = calloc(1, sizeof *made);
    if (made) made->of_label = malloc((size_t)n_labels * sizeof *made->of_label);
    if (!made || !made->of_label) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for %d classes", n_labels);
        goto done;
    }
    made->n_labels = n_labels;
    for (int i = 0; i < n_labels; i++) made->of_label[i] = i;
    int largest, wnids = 0;
    for (int i = 0; i < n_labels; i++) wnids += is_wnid(labels[i]) && strlen(labels[i]) == WNID_LENGTH;
    if (all_numbers(labels, n_labels, &largest))
        status = use_numbers(made, labels, largest, file);
    else if (file)
        status = use_file(made, file);
    else
        status = wnids == n_labels ? use_wnids(made, labels) : use_labels(made, labels);
    if (status == RINS_OK) status = check_names(made, file);
done:
    if (status == RINS_OK)
        *classes = made;
    else
        rins_classes_free(made);
    return status;
}

void rins_classes_free(RinsClasses *classes) {
    if (!classes) return;
    rins_strings_free(&classes->names);
    free(classes->of_label);
    free(classes);
}
