#define _GNU_SOURCE
#include "data/shard_list.h"
#include "data/source_impl.h"

#include "src/base/config.h"
#include "src/base/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

typedef RinsStatus OpenFn(RinsSource *source, const char *what, const RinsSourceArgs *args);

static const struct Kind {
    const char *name, *arguments; /* those it takes, for the message; NULL: none */
    OpenFn *open;
} kinds[] = {{"folder", NULL, rins_source_open_folder},
             {"wds", "text=KEY", rins_source_open_wds},
             {"table", "image=COLUMN and caption=COLUMN", rins_source_open_table},
             {"karpathy", "split=NAME and images=DIR", rins_source_open_karpathy}};
enum { N_KINDS = sizeof kinds / sizeof kinds[0], FOLDER = 0, WDS = 1, TABLE = 2, KARPATHY = 3 };

/* The kind whose name stands before a ':' or '(' at the start; *at is that character. -1: none. */
static int named_kind(const char *spec, const char **at) {
    for (int i = 0; i < N_KINDS; i++) {
        *at = spec + strlen(kinds[i].name);
        if (!strncmp(spec, kinds[i].name, (size_t)(*at - spec)) && (**at == ':' || **at == '(')) return i;
    }
    return -1;
}

const char *rins_source_path(const char *spec) {
    const char *at;
    if (named_kind(spec, &at) < 0) return spec;
    const char *close = *at == '(' ? strchr(at, ')') : NULL;
    if (close) at = close + 1;
    return *at == '(' || *at == ':' ? at + 1 : spec;
}

static bool ends_with(const char *text, const char *ending) {
    const size_t n = strlen(text), m = strlen(ending);
    return n >= m && !strcasecmp(text + n - m, ending);
}

static bool dir_has_tars(const char *path) {
    DIR *dir = opendir(path);
    bool found = false;
    for (const struct dirent *entry; dir && !found && (entry = readdir(dir));) found = rins_is_tar_name(entry->d_name);
    if (dir) closedir(dir);
    return found;
}

/* -1 where a bare path says nothing. */
static int recognise(const char *path) {
    if (rins_path_is_dir(path)) return dir_has_tars(path) ? WDS : FOLDER;
    if (ends_with(path, ".tsv") || ends_with(path, ".csv")) return TABLE;
    if (ends_with(path, ".json")) return KARPATHY;
    return rins_is_tar_name(path) ? WDS : -1;
}

bool rins_source_recognises(const char *spec) {
    return rins_source_path(spec) != spec || recognise(spec) >= 0;
}

/* "(key=value,key=value)" up to the closing parenthesis; *end is set behind it. */
static RinsStatus parse_args(const char *spec, const char *at, RinsSourceArgs *args, const char **end) {
    const char *close = strchr(at, ')');
    if (!close) return RINS_FAIL(RINS_ERR_CONFIG, "'%s' has no ')' after its arguments", spec);
    char **const slots[] = {&args->text, &args->image, &args->caption, &args->split, &args->images};
    static const char *const names[] = {"text", "image", "caption", "split", "images"};
    enum { N_NAMES = sizeof names / sizeof names[0] };
    for (at++; at < close;) {
        size_t length = strcspn(at, ",)");
        const char *equals = memchr(at, '=', length);
        int found = -1;
        for (int i = 0; equals && i < N_NAMES; i++)
            if ((size_t)(equals - at) == strlen(names[i]) && !strncmp(at, names[i], (size_t)(equals - at))) found = i;
        if (found < 0)
            return RINS_FAIL(RINS_ERR_CONFIG,
                             "'%.*s' in '%s' is not text=KEY, image=COLUMN, caption=COLUMN, split=NAME or images=DIR",
                             (int)length, at, spec);
        free(*slots[found]);
        *slots[found] = strndup(equals + 1, length - (size_t)(equals + 1 - at));
        if (!*slots[found]) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for '%s'", spec);
        at += length + (at[length] == ',');
    }
    *end = close + 1;
    return RINS_OK;
}

static RinsStatus check_args(const char *spec, int kind, const RinsSourceArgs *args) {
    if ((!args->text || kind == WDS) && ((!args->image && !args->caption) || kind == TABLE) &&
        ((!args->split && !args->images) || kind == KARPATHY))
        return RINS_OK;
    const char *takes = kinds[kind].arguments;
    return RINS_FAIL(RINS_ERR_CONFIG, "'%s': %s takes %s in its parentheses", spec, kinds[kind].name,
                     takes ? takes : "nothing");
}

/* Splits off "kind:" or "kind(...):"; kind is -1 where there is neither. */
static RinsStatus parse_prefix(const char *spec, int *kind, RinsSourceArgs *args, const char **rest) {
    *kind = -1;
    *rest = spec;
    const char *at;
    const int named = named_kind(spec, &at);
    if (named < 0) return RINS_OK;
    if (*at == '(') RINS_TRY(parse_args(spec, at, args, &at));
    if (*at != ':') return RINS_OK;
    *kind = named;
    *rest = at + 1;
    return check_args(spec, named, args);
}

/* "tabel:x.tsv" would else be the table of that name. Folders may be called "tables(1)" or "wds:2". */
static RinsStatus check_kind(const char *spec) {
    const char *names[N_KINDS], *slash = strchr(spec, '/');
    const size_t n = strcspn(spec, ":(/");
    const char *close = spec[n] == '(' ? strchr(spec + n, ')') : NULL;
    char word[32];
    if (n == 0 || n >= sizeof word || (spec[n] != ':' && (!close || close[1] != ':'))) return RINS_OK;
    char *first = slash ? strndup(spec, (size_t)(slash - spec)) : strdup(spec);
    const bool there = first && access(first, F_OK) == 0;
    free(first);
    if (there) return RINS_OK;
    for (int i = 0; i < N_KINDS; i++) names[i] = kinds[i].name;
    memcpy(word, spec, n), word[n] = 0;
    const char *near = rins_nearest(word, names, N_KINDS);
    return near ? RINS_FAIL(RINS_ERR_CONFIG, "'%s' is no kind of data in '%s'; did you mean %s?", word, spec, near)
                : RINS_OK;
}

RinsStatus rins_source_open_view(RinsSource **source, const char *spec, RinsSourceView view) {
    *source = NULL;
    RinsSourceArgs args = {.view = view};
    RinsStatus status = RINS_OK;
    RinsSource *made = NULL;
    const char *what;
    int kind;
    RINS_TRY_DONE(parse_prefix(spec, &kind, &args, &what));
    if (kind < 0) RINS_TRY_DONE(check_kind(spec));
    if (kind < 0) kind = recognise(what);
    if (kind < 0) {
        status = RINS_FAIL(RINS_ERR_CONFIG,
                           "cannot tell what '%s' is: no such folder, no .tsv, .csv, .json or .tar; write folder:DIR, "
                           "wds:PATTERN, table:FILE or karpathy:FILE",
                           spec);
        goto done;
    }
    made = calloc(1, sizeof *made);
    if (!made || !(made->spec = strdup(spec))) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for '%s'", spec);
        goto done;
    }
    RINS_TRY_DONE(kinds[kind].open(made, what, &args));
    if (made->count == 0) {
        int64_t bad = 0;
        for (size_t i = 0; i < made->n_damage; i++) bad += made->damage[i].count;
        status = bad ? RINS_FAIL(RINS_ERR_FORMAT, "no image in '%s' (%lld damaged or incomplete members left out)",
                                 spec, (long long)bad)
                     : RINS_FAIL(RINS_ERR_FORMAT, "no image in '%s'", spec);
        goto done;
    }
    rins_source_warn_of_damage(made);
    *source = made;
    made = NULL;
done:
    rins_source_free(made);
    free(args.text);
    free(args.image);
    free(args.caption);
    free(args.split);
    free(args.images);
    return status;
}

RinsStatus rins_source_open(RinsSource **source, const char *spec) {
    return rins_source_open_view(source, spec, RINS_VIEW_PAIRS);
}

void rins_source_free(RinsSource *source) {
    if (!source) return;
    if (source->ops) source->ops->free(source->impl);
    for (int i = 0; i < source->n_classes; i++) free(source->class_names[i]);
    free(source->class_names);
    free(source->damage);
    free(source->spec);
    free(source);
}

int64_t rins_source_count(const RinsSource *source) {
    return source->count;
}
int rins_source_classes(const RinsSource *source) {
    return source->n_classes;
}
const char *rins_source_kind(const RinsSource *source) {
    return source->ops->kind;
}
const char *rins_source_spec(const RinsSource *source) {
    return source->spec;
}

const char *rins_source_class_name(const RinsSource *source, int label) {
    return label >= 0 && label < source->n_classes ? source->class_names[label] : NULL;
}

RinsStatus rins_source_read_parts(RinsSource *source, int64_t index, RinsSampleParts parts, RinsSample *sample,
                                  RinsBadCause *cause) {
    RinsBadCause ignored;
    if (!cause) cause = &ignored;
    *cause = RINS_BAD_NONE;
    rins_sample_reset(sample);
    if (index < 0 || index >= source->count)
        return RINS_FAIL(RINS_ERR_ARG, "'%s' has no sample %lld", source->spec, (long long)index);
    const RinsStatus status = source->ops->read(source, index, parts, sample, cause);
    if (status == RINS_OK || status == RINS_ERR_MEMORY) *cause = RINS_BAD_NONE;
    return status == RINS_OK ? status : rins_fail_context(status, "%s", sample->key ? sample->key : source->spec);
}

RinsStatus rins_source_read(RinsSource *source, int64_t index, RinsSample *sample, RinsBadCause *cause) {
    return rins_source_read_parts(source, index, RINS_SAMPLE_ALL, sample, cause);
}

RinsStatus rins_source_read_text(RinsSource *source, int64_t index, RinsSample *sample, RinsBadCause *cause) {
    return rins_source_read_parts(source, index, RINS_SAMPLE_CAPTIONS, sample, cause);
}
