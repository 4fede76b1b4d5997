#define _GNU_SOURCE
#include "eval/run_contrast.h"

#include "data/table_parse.h"
#include "eval/eval_rounds.h"
#include "eval/lines.h"
#include "eval/scores.h"
#include "eval/source_pixels.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FILEPATH, CAPTION, NEGATIVE, SKILL, N_COLUMNS };
static const char *const column_names[N_COLUMNS] = {"filepath", "caption", "negative", "skill"};

/* Distinct strings with their place in a list. */
typedef struct Strings {
    RinsStringList list;
    int64_t *slots; /* open addressing, -1: free */
    size_t room;
} Strings;

typedef struct Row {
    int64_t image, caption, negative;
    int skill;
} Row;

typedef struct Contrast {
    char *text, *folder;
    size_t size;
    Strings images, texts;
    Row *rows;
    int64_t n;
} Contrast;

static RinsStatus strings_grow(Strings *s) {
    const size_t room = s->room ? 2 * s->room : 1024;
    int64_t *slots = malloc(room * sizeof *slots);
    if (!slots) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %zu texts", room);
    for (size_t i = 0; i < room; i++) slots[i] = -1;
    for (size_t i = 0; i < s->list.n; i++) {
        size_t at = rins_hash_str(s->list.items[i]) % room;
        while (slots[at] >= 0) at = (at + 1) % room;
        slots[at] = (int64_t)i;
    }
    free(s->slots);
    s->slots = slots;
    s->room = room;
    return RINS_OK;
}

static RinsStatus strings_place(Strings *s, const char *text, int64_t *place) {
    if (2 * (s->list.n + 1) > s->room) RINS_TRY(strings_grow(s));
    size_t at = rins_hash_str(text) % s->room;
    for (; s->slots[at] >= 0; at = (at + 1) % s->room)
        if (!strcmp(s->list.items[s->slots[at]], text)) {
            *place = s->slots[at];
            return RINS_OK;
        }
    RINS_TRY(rins_strings_add(&s->list, text));
    *place = s->slots[at] = (int64_t)s->list.n - 1;
    return RINS_OK;
}

static void strings_free(Strings *s) {
    rins_strings_free(&s->list);
    free(s->slots);
}

static RinsStatus find_columns(const RinsTableRow *header, const char *table, int at[N_COLUMNS]) {
    for (int c = 0; c < N_COLUMNS; c++) {
        at[c] = -1;
        for (int i = 0; i < header->n; i++)
            if (!strcmp(header->fields[i], column_names[c])) at[c] = i;
        if (at[c] < 0)
            return RINS_FAIL(RINS_ERR_FORMAT, "'%s' has no column '%s': it needs filepath, caption, negative, skill",
                             table, column_names[c]);
    }
    return RINS_OK;
}

static RinsStatus skill_place(RinsContrastReport *report, const char *name, int *place) {
    for (*place = 0; *place < report->n_skills; (*place)++)
        if (!strcmp(report->skills[*place].name, name)) return RINS_OK;
    RinsSkill *grown = rins_list_grow(report->skills, (size_t)report->n_skills, sizeof *grown);
    if (!grown) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a skill");
    report->skills = grown;
    grown[report->n_skills] = (RinsSkill){.name = strdup(name)};
    if (!grown[report->n_skills].name) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a skill");
    report->n_skills++;
    return RINS_OK;
}

static RinsStatus add_row(Contrast *c, RinsContrastReport *report, const RinsTableRow *fields,
                          const int at[N_COLUMNS]) {
    Row *grown = rins_list_grow(c->rows, (size_t)c->n, sizeof *grown);
    if (!grown) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld rows", (long long)c->n + 1);
    c->rows = grown;
    Row *row = &c->rows[c->n++];
    char *path = rins_path_join(c->folder, fields->fields[at[FILEPATH]]);
    const RinsStatus status =
        path ? strings_place(&c->images, path, &row->image) : RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    free(path);
    RINS_TRY(status);
    RINS_TRY(strings_place(&c->texts, fields->fields[at[CAPTION]], &row->caption));
    RINS_TRY(strings_place(&c->texts, fields->fields[at[NEGATIVE]], &row->negative));
    return skill_place(report, fields->fields[at[SKILL]], &row->skill);
}

static void contrast_free(Contrast *c) {
    strings_free(&c->images);
    strings_free(&c->texts);
    free(c->rows), free(c->text), free(c->folder);
}

/* "table:FILE" as every other data set is written, or the bare path. */
static const char *path_of(const char *table) {
    static const char prefix[] = "table:";
    return strncmp(table, prefix, sizeof prefix - 1) ? table : table + sizeof prefix - 1;
}

static RinsStatus read_table(Contrast *c, const char *spec, RinsContrastReport *report) {
    const char *table = path_of(spec);
    int at[N_COLUMNS], line = 0;
    RinsTableRow fields;
    RINS_TRY(rins_file_read(table, (size_t)1 << 30, &c->text, &c->size));
    const char *slash = strrchr(table, '/');
    c->folder = slash ? strndup(table, (size_t)(slash - table)) : strdup("");
    if (!c->folder) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for '%s'", table);
    const bool marked = c->size >= 3 && !memcmp(c->text, "\xef\xbb\xbf", 3); /* byte order mark */
    for (size_t start = marked ? 3 : 0, end; start < c->size; start = end) {
        end = rins_table_row_end(c->text, c->size, start, false);
        rins_table_split(c->text + start, end - start, false, &fields);
        if (line++ == 0) {
            RINS_TRY(find_columns(&fields, table, at));
            continue;
        }
        if (fields.n == 1 && fields.sizes[0] == 0) continue; /* a blank line is no row */
        for (int i = 0; i < N_COLUMNS; i++)
            if (at[i] >= fields.n)
                return RINS_FAIL(RINS_ERR_FORMAT, "%s:%d: the row has no '%s'", table, line, column_names[i]);
        RINS_TRY(add_row(c, report, &fields, at));
    }
    return c->n ? RINS_OK : RINS_FAIL(RINS_ERR_FORMAT, "'%s' has no rows", table);
}

RinsStatus rins_contrast_check(const char *table) {
    Contrast c = {0};
    RinsContrastReport report = {0};
    RinsStatus status = read_table(&c, table, &report);
    if (status == RINS_OK) {
        size_t i = 0;
        while (i < c.images.list.n && !rins_path_is_file(c.images.list.items[i])) i++;
        if (i == c.images.list.n)
            status = RINS_FAIL(RINS_ERR_IO, "'%s': none of its %zu images is there; the first: '%s'", table, i,
                               c.images.list.items[0]);
    }
    rins_contrast_report_free(&report);
    contrast_free(&c);
    return status;
}

static void count_right(const Contrast *c, const float *images, const RinsBadCause *causes, const float *texts,
                        int64_t dim, RinsContrastReport *report) {
    for (int64_t i = 0; i < c->n; i++) {
        const Row *row = &c->rows[i];
        const float *image = images + row->image * dim;
        if (causes[row->image] != RINS_BAD_NONE) {
            report->bad++;
            continue;
        }
        const bool right =
            rins_dot(image, texts + row->caption * dim, dim) > rins_dot(image, texts + row->negative * dim, dim);
        report->skills[row->skill].n++, report->skills[row->skill].right += right;
        report->n++, report->right += right;
    }
}

RinsStatus rins_run_contrast(RinsEvalModel *em, const char *table, RinsContrastReport *report) {
    Contrast c = {0};
    RinsStatus status = RINS_OK;
    float *images = NULL, *texts = NULL;
    RinsBadCause *causes = NULL;
    char *first_bad = NULL;
    const int64_t dim = rins_eval_model_dim(em);
    *report = (RinsContrastReport){0};
    RINS_TRY_DONE(rins_resolve_rounds(rins_model_config(em->model), em->rounds, &report->rounds));
    RINS_TRY_DONE(read_table(&c, table, report));
    const size_t n_images = c.images.list.n, n_texts = c.texts.list.n;
    images = malloc(n_images * (size_t)dim * sizeof *images);
    texts = malloc(n_texts * (size_t)dim * sizeof *texts);
    causes = calloc(n_images, sizeof *causes);
    if (!images || !texts || !causes) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for %zu images and %zu texts", n_images, n_texts);
        goto done;
    }
    RinsPathPixels pictures = {c.images.list.items, em->pp};
    RINS_TRY_DONE(
        rins_embed_images(em, rins_path_pixels, &pictures, 0, (int64_t)n_images, true, images, causes, &first_bad));
    RINS_TRY_DONE(rins_embed_texts(em, (const char *const *)c.texts.list.items, (int64_t)n_texts, true, texts));
    count_right(&c, images, causes, texts, dim, report);
    if (report->n == 0)
        status = RINS_FAIL(RINS_ERR_FORMAT, "'%s': none of the %lld rows has a usable image; the first: %s", table,
                           (long long)c.n, first_bad ? first_bad : "unknown");
    else if (report->bad)
        rins_log(RINS_LOG_WARN, "%lld of %lld rows are left out for their images; the first: %s",
                 (long long)report->bad, (long long)c.n, first_bad ? first_bad : "unknown");
done:
    if (status != RINS_OK) rins_contrast_report_free(report);
    contrast_free(&c);
    free(images), free(texts), free(causes), free(first_bad);
    return status;
}

void rins_contrast_report_free(RinsContrastReport *report) {
    for (int i = 0; i < report->n_skills; i++) free(report->skills[i].name);
    free(report->skills);
    *report = (RinsContrastReport){0};
}

static double fraction(int64_t right, int64_t n) {
    return n ? (double)right / (double)n : NAN;
}

void rins_contrast_json(const RinsContrastReport *report, const char *dataset, const char *model,
                        RinsJsonWriter *json) {
    rins_json_open(json, NULL, '{');
    rins_json_string(json, "task", "hard");
    rins_json_string(json, "dataset", dataset);
    rins_json_string(json, "model", model);
    rins_json_int(json, "n", report->n);
    rins_json_open(json, "metrics", '{');
    rins_json_float(json, "accuracy", fraction(report->right, report->n));
    rins_json_close(json);
    rins_json_open(json, "skills", '{');
    for (int i = 0; i < report->n_skills; i++) {
        rins_json_open(json, report->skills[i].name, '{');
        rins_json_int(json, "n", report->skills[i].n);
        rins_json_float(json, "accuracy", fraction(report->skills[i].right, report->skills[i].n));
        rins_json_close(json);
    }
    rins_json_close(json);
    rins_json_int(json, "bad", report->bad);
    rins_put_rounds(json, report->rounds);
    rins_json_close(json);
}
