#define _GNU_SOURCE
#include "src/study/study_results.h"

#include "src/base/file.h"
#include "src/base/json.h"
#include "src/base/json_writer.h"
#include "src/base/list.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

RinsStatus rins_study_rows_add(RinsStudyRows *rows, const RinsStudyRow *row) {
    RinsStudyRow *grown = rins_list_grow(rows->items, rows->n, sizeof *grown);
    if (!grown) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %zu results", rows->n + 1);
    rows->items = grown;
    rows->items[rows->n++] = *row;
    return RINS_OK;
}

void rins_study_rows_free(RinsStudyRows *rows) {
    free(rows->items);
    *rows = (RinsStudyRows){0};
}

char *rins_study_result_path(const RinsStudyPlan *plan, const char *out, int arm, int seed, int budget) {
    char slug[64], *path = NULL;
    rins_study_slug(rins_study_arm(plan, arm)->name, slug);
    return asprintf(&path, "%s/results/%s-s%.0f-b%d.json", out, slug, plan->seeds.items[seed], budget) < 0 ? NULL
                                                                                                           : path;
}

RinsStatus rins_study_result_write(const RinsStudyPlan *plan, const char *path, const RinsStudyRows *rows) {
    RinsJsonWriter json = {.indent = 1};
    char *text, key[RINS_STUDY_KEY];
    RINS_TRY(rins_study_key(plan, rows->items[0].arm, rows->items[0].seed, rows->items[0].budget, key));
    rins_json_open(&json, NULL, '{');
    rins_json_string(&json, "key", key);
    rins_json_string(&json, "arm", rins_study_arm(plan, rows->items[0].arm)->name);
    rins_json_double(&json, "seed", plan->seeds.items[rows->items[0].seed]);
    rins_json_double(&json, "budget", plan->budgets.items[rows->items[0].budget]);
    rins_json_double(&json, "flops", rows->items[0].flops);
    rins_json_double(&json, "examples", rows->items[0].examples);
    rins_json_open(&json, "rows", '[');
    for (size_t i = 0; i < rows->n; i++) {
        const RinsStudyRow *row = &rows->items[i];
        rins_json_open(&json, NULL, '{');
        rins_json_bool(&json, "one_round", row->one_round);
        rins_json_double(&json, "image_flops", row->image_flops);
        rins_json_double(&json, "text_flops", row->text_flops);
        rins_json_string(&json, "metric", row->metric);
        rins_json_double(&json, "value", row->value);
        rins_json_int(&json, "n", row->n);
        if (row->chance > 0) rins_json_double(&json, "chance", row->chance);
        rins_json_close(&json);
    }
    rins_json_close(&json);
    rins_json_close(&json);
    RINS_TRY(rins_json_take(&json, &text));
    const RinsStatus status = rins_file_write(path, text, strlen(text));
    free(text);
    return status;
}

static double number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static bool ends_in(const char *text, const char *end) {
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

/* Of a result that does not say: older ones do not. `images`: of the retrieval before it in the file. */
static double known_chance(const RinsStudyRow *row, double *images) {
    if (!strncmp(row->metric, "hard ", 5)) return 0.5;
    if (strncmp(row->metric, "retrieval ", 10) != 0) return 0;
    if (ends_in(row->metric, " i2t R@1")) *images = (double)row->n;
    return *images > 0 ? 1 / *images : 0;
}

static RinsStatus add_rows(const json_t *root, RinsStudyRow place, RinsStudyRows *rows) {
    const json_t *list = json_object_get(root, "rows"), *item;
    size_t i;
    double images = 0;
    json_array_foreach(list, i, item) {
        const char *metric = json_string_value(json_object_get(item, "metric"));
        RinsStudyRow row = place;
        row.flops = number(root, "flops"), row.examples = number(root, "examples");
        row.one_round = json_is_true(json_object_get(item, "one_round"));
        row.image_flops = number(item, "image_flops"), row.text_flops = number(item, "text_flops");
        row.value = number(item, "value"), row.n = json_integer_value(json_object_get(item, "n"));
        snprintf(row.metric, sizeof row.metric, "%s", metric ? metric : "");
        const double chance = known_chance(&row, &images), said = number(item, "chance");
        row.chance = said > 0 ? said : chance;
        RINS_TRY(rins_study_rows_add(rows, &row));
    }
    return RINS_OK;
}

RinsStatus rins_study_result_read(const RinsStudyPlan *plan, const char *path, RinsStudyRow place, RinsStudyRows *rows,
                                  bool *current) {
    json_t *root;
    char wanted[RINS_STUDY_KEY];
    *current = false;
    if (!rins_path_is_file(path)) return RINS_OK;
    RINS_TRY(rins_study_key(plan, place.arm, place.seed, place.budget, wanted));
    RINS_TRY(rins_json_read(path, 0, &root));
    const char *key = json_string_value(json_object_get(root, "key"));
    RinsStatus status = RINS_OK;
    if (!key || !json_is_array(json_object_get(root, "rows")))
        status = RINS_FAIL(RINS_ERR_FORMAT, "'%s' is no result of a study; remove it to measure it again", path);
    else if (!strcmp(key, wanted)) {
        *current = true;
        status = add_rows(root, place, rows);
    }
    json_decref(root);
    return status;
}

RinsStatus rins_study_results_read(const RinsStudyPlan *plan, const char *out, RinsStudyRows *rows, int *missing) {
    *missing = 0;
    for (int arm = 0; arm < (int)plan->arms.n; arm++)
        for (int seed = 0; seed < (int)plan->seeds.n; seed++)
            for (int b = 0; b < (int)plan->budgets.n; b++) {
                char *path = rins_study_result_path(plan, out, arm, seed, b);
                if (!path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
                bool current;
                const RinsStudyRow place = {.arm = arm, .seed = seed, .budget = b};
                const RinsStatus status = rins_study_result_read(plan, path, place, rows, &current);
                free(path);
                RINS_TRY(status);
                *missing += !current;
            }
    return RINS_OK;
}

void rins_study_csv_text(const char *text, FILE *out) {
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"') putc('"', out);
        putc(*text, out);
    }
    putc('"', out);
}

RinsStatus rins_study_results_csv(const RinsStudyPlan *plan, const char *path, const RinsStudyRows *rows) {
    RinsAtomicFile file;
    RINS_TRY(rins_atomic_open(&file, path));
    fputs("arm,seed,budget,flops,examples,rounds,image_flops,text_flops,metric,value,n\n", file.stream);
    for (size_t i = 0; i < rows->n; i++) {
        const RinsStudyRow *row = &rows->items[i];
        rins_study_csv_text(rins_study_arm(plan, row->arm)->name, file.stream);
        fprintf(file.stream, ",%.0f,%.9g,%.9g,%.9g,%s,%.9g,%.9g,", plan->seeds.items[row->seed],
                plan->budgets.items[row->budget], row->flops, row->examples, row->one_round ? "1" : "trained",
                row->image_flops, row->text_flops);
        rins_study_csv_text(row->metric, file.stream);
        fprintf(file.stream, ",%.9g,%lld\n", row->value, (long long)row->n);
    }
    return rins_atomic_commit(&file);
}

RinsStatus rins_study_metrics(const RinsStudyRows *rows, const char ***names, int *n) {
    *n = 0;
    *names = NULL;
    for (size_t i = 0; i < rows->n; i++) {
        int at = 0;
        while (at < *n && strcmp((*names)[at], rows->items[i].metric) != 0) at++;
        if (at < *n) continue;
        const char **grown = rins_list_grow(*names, (size_t)*n, sizeof *grown);
        if (!grown) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for metric names");
        *names = grown;
        grown[(*n)++] = rows->items[i].metric;
    }
    return RINS_OK;
}

double rins_study_chance(const RinsStudyRows *rows, const char *metric) {
    for (size_t i = 0; i < rows->n; i++)
        if (rows->items[i].chance > 0 && !strcmp(rows->items[i].metric, metric)) return rows->items[i].chance;
    return 0;
}

RinsSpread rins_study_spread(const RinsStudyRows *rows, int arm, int budget, bool one_round, const char *metric) {
    RinsSpread spread = {0};
    double sum = 0, squares = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < rows->n; i++) {
            const RinsStudyRow *row = &rows->items[i];
            if (row->arm != arm || row->budget != budget || row->one_round != one_round || strcmp(row->metric, metric))
                continue;
            if (pass == 0)
                sum += row->value, spread.n++;
            else
                squares += (row->value - spread.mean) * (row->value - spread.mean);
        }
        if (pass == 0) spread.mean = spread.n ? sum / spread.n : NAN;
    }
    spread.deviation = spread.n > 1 ? sqrt(squares / (spread.n - 1)) : NAN;
    return spread;
}
