#define _GNU_SOURCE
#include "eval/labels.h"

#include "data/source.h"
#include "eval/classes.h"
#include "eval/lines.h"
#include "src/base/json.h"

#include <stdlib.h>
#include <string.h>

typedef struct Entry {
    char *name; /* the file's own name without its ending */
    int *set, n;
} Entry;

struct RinsLabels {
    char *spec;
    bool wnid, real;
    int classes;
    Entry *entries; /* sorted by name; ReaL: by number */
    size_t n;
};

/* The file's own name in a key: behind the last '/' or ':'. */
static const char *own_name(const char *key) {
    const char *slash = strrchr(key, '/'), *colon = strrchr(key, ':');
    const char *last = slash > colon ? slash : colon;
    return last ? last + 1 : key;
}

static size_t stem_length(const char *name) {
    const char *ending = rins_image_ending(name);
    return ending ? (size_t)(ending - name) : strlen(name);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const Entry *)a)->name, ((const Entry *)b)->name);
}

static int by_class(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

/* A class as a table writes it: number, WordNet id, or name; -1 where it is none. */
static int find_class(const char *word, size_t n, const RinsStringList *names) {
    char text[256];
    if (n == 0 || n >= sizeof text) return -1;
    memcpy(text, word, n);
    text[n] = 0;
    for (size_t i = 0; i < names->n; i++)
        if (!strcmp(names->items[i], text)) return (int)i;
    if (strspn(text, "0123456789") == n) return n < 7 && (size_t)atoi(text) < names->n ? atoi(text) : -1;
    return names->n == RINS_IMAGENET_CLASSES && n == 9 ? rins_imagenet_class(text) : -1;
}

static RinsStatus parse_set(Entry *entry, const char *text, const RinsStringList *names) {
    for (const char *at = text; *at;) {
        const size_t n = strcspn(at, ",");
        int *set = rins_list_grow(entry->set, (size_t)entry->n, sizeof *set);
        if (!set) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for labels");
        entry->set = set;
        entry->set[entry->n] = find_class(at, n, names);
        if (entry->set[entry->n] < 0)
            return RINS_FAIL(RINS_ERR_FORMAT, "'%.*s' is none of the %zu classes", (int)n, at, names->n);
        entry->n++;
        at += n + (at[n] == ',');
    }
    if (entry->n) qsort(entry->set, (size_t)entry->n, sizeof *entry->set, by_class);
    return RINS_OK;
}

static RinsStatus read_table(RinsLabels *labels, const char *path, const RinsStringList *names) {
    RinsStringList lines = {0};
    RinsStatus status = RINS_OK;
    RINS_TRY_DONE(rins_lines_read(&lines, path));
    rins_lines_cut_blank_end(&lines, 0);
    labels->entries = calloc(lines.n + 1, sizeof *labels->entries);
    if (!labels->entries) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for %zu labels", lines.n);
        goto done;
    }
    for (size_t i = 0; i < lines.n; i++) {
        char *tab = strchr(lines.items[i], '\t');
        if (!tab) {
            status = RINS_FAIL(RINS_ERR_FORMAT, "'%s' line %zu is not: file name, tab, class", path, i + 1);
            goto done;
        }
        *tab = 0;
        Entry *entry = &labels->entries[labels->n++];
        const char *name = own_name(lines.items[i]);
        entry->name = strndup(name, stem_length(name));
        status = entry->name ? parse_set(entry, tab + 1, names) : RINS_FAIL(RINS_ERR_MEMORY, "no memory for labels");
        if (status != RINS_OK) {
            status = rins_fail_context(status, "'%s' line %zu", path, i + 1);
            goto done;
        }
    }
    qsort(labels->entries, labels->n, sizeof *labels->entries, by_name);
    for (size_t i = 1; i < labels->n && status == RINS_OK; i++)
        if (!by_name(&labels->entries[i - 1], &labels->entries[i]))
            status = RINS_FAIL(RINS_ERR_FORMAT, "'%s' has two lines for '%s'", path, labels->entries[i].name);
done:
    rins_strings_free(&lines);
    return status;
}

static RinsStatus read_real(RinsLabels *labels, const char *path) {
    json_t *root = NULL;
    RinsStatus status = RINS_OK;
    RINS_TRY(rins_json_read(path, 0, &root));
    labels->entries = calloc(json_array_size(root) + 1, sizeof *labels->entries);
    if (!json_is_array(root) || !labels->entries) {
        status = RINS_FAIL(RINS_ERR_FORMAT, "'%s' is not a list of lists of class numbers", path);
        goto done;
    }
    for (size_t i = 0; i < json_array_size(root); i++) {
        const json_t *set = json_array_get(root, i);
        Entry *entry = &labels->entries[labels->n++];
        const size_t n = json_array_size(set);
        if (!json_is_array(set)) {
            status = RINS_FAIL(RINS_ERR_FORMAT, "'%s': item %zu is not a list of class numbers", path, i);
            goto done;
        }
        entry->set = malloc((n + 1) * sizeof *entry->set);
        if (!entry->set) {
            status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for labels");
            goto done;
        }
        for (size_t k = 0; k < n; k++) {
            const json_int_t class =
                json_is_integer(json_array_get(set, k)) ? json_integer_value(json_array_get(set, k)) : -1;
            if (class < 0 || class >= labels->classes) {
                status = RINS_FAIL(RINS_ERR_FORMAT, "'%s': item %zu is not a class number of 0 to %d", path, i,
                                   labels->classes - 1);
                goto done;
            }
            entry->set[entry->n++] = (int)class;
        }
        qsort(entry->set, n, sizeof *entry->set, by_class);
    }
done:
    json_decref(root);
    return status;
}

RinsStatus rins_labels_open(RinsLabels **labels, const char *spec, const RinsStringList *names) {
    *labels = NULL;
    RinsLabels *made = calloc(1, sizeof *made);
    if (!made || !(made->spec = strdup(spec))) {
        free(made);
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory for labels");
    }
    const size_t n = strlen(spec);
    made->classes = (int)names->n;
    made->wnid = !strcmp(spec, "wnid");
    made->real = n > 5 && !strcmp(spec + n - 5, ".json");
    RinsStatus status = RINS_OK;
    if (made->wnid && names->n != RINS_IMAGENET_CLASSES)
        status = RINS_FAIL(RINS_ERR_MISMATCH, "--labels wnid goes with ImageNet's 1,000 classes, not %zu", names->n);
    else if (!made->wnid)
        status = made->real ? read_real(made, spec) : read_table(made, spec, names);
    if (status == RINS_OK)
        *labels = made;
    else
        rins_labels_free(made);
    return status;
}

void rins_labels_free(RinsLabels *labels) {
    if (!labels) return;
    for (size_t i = 0; i < labels->n; i++) free(labels->entries[i].name), free(labels->entries[i].set);
    free(labels->entries), free(labels->spec);
    free(labels);
}

/* ILSVRC2012_val_00000001 is entry 0. */
static const Entry *find_real(const RinsLabels *labels, const char *name) {
    static const char prefix[] = "ILSVRC2012_val_";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) return NULL;
    const long number = strtol(name + sizeof prefix - 1, NULL, 10);
    return number >= 1 && (size_t)number <= labels->n ? &labels->entries[number - 1] : NULL;
}

static const Entry *find_entry(const RinsLabels *labels, const char *name) {
    char stem[1024];
    const size_t n = stem_length(name);
    if (n >= sizeof stem) return NULL;
    memcpy(stem, name, n);
    stem[n] = 0;
    const Entry wanted = {.name = stem};
    return bsearch(&wanted, labels->entries, labels->n, sizeof wanted, by_name);
}

RinsStatus rins_labels_of(const RinsLabels *labels, const char *key, int *scratch, const int **set, int *n) {
    const char *name = own_name(key);
    *n = 0;
    if (labels->wnid) {
        *scratch = rins_imagenet_class(name);
        if (*scratch < 0)
            return RINS_FAIL(RINS_ERR_MISMATCH, "'%s' does not begin with a WordNet id of ImageNet-1k", key);
        *set = scratch;
        *n = 1;
        return RINS_OK;
    }
    const Entry *entry = labels->real ? find_real(labels, name) : find_entry(labels, name);
    if (!entry) return RINS_FAIL(RINS_ERR_MISMATCH, "'%s' says nothing of '%s'", labels->spec, key);
    *set = entry->set;
    *n = entry->n;
    return RINS_OK;
}
