#include "eval/prompts.h"

#include "eval/embedded.h"
#include "eval/lines.h"
#include "eval/scores.h"
#include "src/base/file.h"
#include "src/base/rng.h"

#include <stdlib.h>
#include <string.h>

const char *const rins_prompt_set_names[] = {"clip_paper", "openai", "clip_best", "simple", "class_name_only", NULL};

/* A set is a list of templates and then, in some, the bare name. */
static const struct {
    const char *name, *templates;
    bool bare;
} sets[] = {
    {"clip_paper", rins_data_templates_openai, true},
    {"openai", rins_data_templates_openai, false},
    {"clip_best", rins_data_templates_simple, true},
    {"simple", rins_data_templates_simple, false},
    {"class_name_only", "", true},
};
enum { N_SETS = sizeof sets / sizeof sets[0] };

static RinsStatus read_file(RinsStringList *templates, const char *path) {
    const size_t before = templates->n;
    RINS_TRY(rins_lines_read(templates, path));
    rins_lines_cut_blank_end(templates, before);
    for (size_t i = before; i < templates->n; i++)
        if (!strstr(templates->items[i], "{}"))
            return RINS_FAIL(RINS_ERR_FORMAT, "'%s' line %zu has no {} for the class name", path, i - before + 1);
    if (templates->n == before) return RINS_FAIL(RINS_ERR_FORMAT, "'%s' holds no templates", path);
    return RINS_OK;
}

RinsStatus rins_templates_read(RinsStringList *templates, const char *set_or_file) {
    for (size_t i = 0; i < N_SETS; i++) {
        if (strcmp(sets[i].name, set_or_file)) continue;
        RINS_TRY(rins_lines_split(templates, sets[i].templates));
        return sets[i].bare ? rins_strings_add(templates, "{}") : RINS_OK;
    }
    if (rins_path_is_file(set_or_file)) return read_file(templates, set_or_file);
    const char *near = rins_nearest(set_or_file, rins_prompt_set_names, N_SETS);
    return RINS_FAIL(RINS_ERR_ARG,
                     "'%s' is neither a template file nor one of clip_paper, openai, clip_best, simple and "
                     "class_name_only%s%s%s",
                     set_or_file, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

RinsStatus rins_prompt_hash(const RinsStringList *names, const RinsStringList *templates, uint64_t *hash) {
    *hash = RINS_HASH_BASIS;
    for (size_t c = 0; c < names->n; c++)
        for (size_t t = 0; t < templates->n; t++) {
            char *text = rins_prompt_fill(templates->items[t], names->items[c]);
            if (!text) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a prompt");
            *hash = rins_hash_bytes(text, strlen(text) + 1, *hash);
            free(text);
        }
    return RINS_OK;
}

/* One prompt: which row of the distinct ids it is. */
typedef struct Prompts {
    int64_t n, distinct, length;
    int32_t *ids;    /* (distinct, length) */
    int64_t *row_of; /* [n] */
    int64_t *table;  /* open addressing over rows, -1: free */
    uint64_t mask;
} Prompts;

static void prompts_free(Prompts *prompts) {
    free(prompts->ids), free(prompts->row_of), free(prompts->table);
}

static RinsStatus prompts_begin(Prompts *prompts, int64_t n, int64_t length) {
    uint64_t size = 16;
    while (size < 2 * (uint64_t)n) size *= 2;
    *prompts = (Prompts){.length = length, .mask = size - 1};
    prompts->ids = malloc((size_t)n * (size_t)length * sizeof *prompts->ids);
    prompts->row_of = malloc((size_t)n * sizeof *prompts->row_of);
    prompts->table = malloc(size * sizeof *prompts->table);
    if (!prompts->ids || !prompts->row_of || !prompts->table)
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld prompts", (long long)n);
    memset(prompts->table, 0xFF, size * sizeof *prompts->table);
    return RINS_OK;
}

/* The ids just written behind the distinct ones become a new row, or are an old one. */
static void prompts_take(Prompts *prompts) {
    const size_t bytes = (size_t)prompts->length * sizeof *prompts->ids;
    const int32_t *fresh = prompts->ids + prompts->distinct * prompts->length;
    uint64_t at = rins_hash_bytes(fresh, bytes, RINS_HASH_BASIS) & prompts->mask;
    while (prompts->table[at] >= 0 && memcmp(prompts->ids + prompts->table[at] * prompts->length, fresh, bytes))
        at = (at + 1) & prompts->mask;
    if (prompts->table[at] < 0) prompts->table[at] = prompts->distinct++;
    prompts->row_of[prompts->n++] = prompts->table[at];
}

static RinsStatus prompts_fill(Prompts *prompts, const RinsPromptModel *model, const RinsStringList *names,
                               const RinsStringList *templates) {
    for (size_t c = 0; c < names->n; c++)
        for (size_t t = 0; t < templates->n; t++) {
            char *text = rins_prompt_fill(templates->items[t], names->items[c]);
            if (!text) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a prompt");
            const RinsStatus status =
                model->tokenize(model->user, text, prompts->ids + prompts->distinct * prompts->length);
            free(text);
            if (status != RINS_OK) return rins_fail_context(status, "prompt %zu of class %zu", t, c);
            prompts_take(prompts);
        }
    return RINS_OK;
}

static RinsStatus embed_distinct(const RinsPromptModel *model, const Prompts *prompts, float *rows) {
    if (model->progress) model->progress(model->progress_user, "prompts", 0, prompts->distinct);
    for (int64_t first = 0; first < prompts->distinct; first += model->batch) {
        const int64_t n = prompts->distinct - first < model->batch ? prompts->distinct - first : model->batch;
        RINS_TRY(model->embed(model->user, prompts->ids + first * prompts->length, n, rows + first * model->dim));
        if (model->progress) model->progress(model->progress_user, "prompts", first + n, prompts->distinct);
    }
    return RINS_OK;
}

/* Mean over each class's templates, normalised; sums in double so that the order of templates hardly
   matters. */
static RinsStatus average(const RinsPromptModel *model, const Prompts *prompts, const float *rows, int64_t classes,
                          int64_t templates, float *out) {
    double *sum = malloc((size_t)model->dim * sizeof *sum);
    if (!sum) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a class embedding");
    for (int64_t c = 0; c < classes; c++) {
        memset(sum, 0, (size_t)model->dim * sizeof *sum);
        for (int64_t t = 0; t < templates; t++) {
            const float *row = rows + prompts->row_of[c * templates + t] * model->dim;
            for (int64_t k = 0; k < model->dim; k++) sum[k] += row[k];
        }
        for (int64_t k = 0; k < model->dim; k++) out[c * model->dim + k] = (float)(sum[k] / (double)templates);
    }
    free(sum);
    rins_normalise_rows(out, classes, model->dim);
    return RINS_OK;
}

RinsStatus rins_class_embeddings(const RinsPromptModel *model, const RinsStringList *names,
                                 const RinsStringList *templates, float *out, int64_t *distinct) {
    if (names->n == 0 || templates->n == 0) return RINS_FAIL(RINS_ERR_ARG, "no classes or no templates");
    Prompts prompts = {0};
    float *rows = NULL;
    RinsStatus status = RINS_OK;
    RINS_TRY_DONE(prompts_begin(&prompts, (int64_t)(names->n * templates->n), model->length));
    RINS_TRY_DONE(prompts_fill(&prompts, model, names, templates));
    rows = malloc((size_t)prompts.distinct * (size_t)model->dim * sizeof *rows);
    if (!rows) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld text embeddings", (long long)prompts.distinct);
        goto done;
    }
    RINS_TRY_DONE(embed_distinct(model, &prompts, rows));
    RINS_TRY_DONE(average(model, &prompts, rows, (int64_t)names->n, (int64_t)templates->n, out));
    if (distinct) *distinct = prompts.distinct;
done:
    prompts_free(&prompts);
    free(rows);
    return status;
}
