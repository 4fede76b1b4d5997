#define _GNU_SOURCE
#include "src/study/report_run.h"

#include "src/base/file.h"
#include "src/base/json.h"
#include "src/base/list.h"
#include "src/train/run_config.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const column_keys[RINS_REPORT_COLUMNS] = {"loss", "lr",          "grad_norm",  "t",
                                                             "b",    "pairs_per_s", "data_wait_s"};

typedef RinsStatus LineFn(RinsReportRun *run, const json_t *line, double step, bool *taken);

/* Every whole JSON object of a file of lines; no file is no line. */
static RinsStatus read_lines(RinsReportRun *run, const char *name, bool required, LineFn *take) {
    char *path = rins_path_join(run->path, name), *line = NULL;
    size_t room = 0;
    RinsStatus status = RINS_OK;
    FILE *file = path ? fopen(path, "re") : NULL;
    if (!path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to read '%s'", name);
    if (!file && required)
        status = RINS_FAIL(RINS_ERR_IO, "'%s' is not a run: cannot open '%s': %s", run->path, path, strerror(errno));
    while (file && status == RINS_OK && getline(&line, &room, file) >= 0) {
        json_t *root = json_loads(line, 0, NULL);
        const json_t *step = json_object_get(root, "step");
        bool taken = false;
        if (json_is_number(step)) status = take(run, root, json_number_value(step), &taken);
        run->bad_lines += !taken;
        json_decref(root);
    }
    if (file && ferror(file)) status = RINS_FAIL(RINS_ERR_IO, "cannot read '%s': %s", path, strerror(errno));
    if (file) fclose(file);
    free(path), free(line);
    return status;
}

static double number_of(const json_t *line, const char *key) {
    const json_t *value = json_object_get(line, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static bool grow(double **items, int n) {
    double *grown = rins_list_grow(*items, (size_t)n, sizeof *grown);
    if (grown) *items = grown;
    return grown != NULL;
}

static RinsStatus take_metrics(RinsReportRun *run, const json_t *line, double step, bool *taken) {
    *taken = run->n == 0 || step > run->steps[run->n - 1];
    if (!*taken) return RINS_OK;
    bool enough = grow(&run->steps, run->n) && grow(&run->examples, run->n);
    for (int c = 0; c < RINS_REPORT_COLUMNS; c++) enough = enough && grow(&run->columns[c], run->n);
    if (!enough) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %d steps", run->n + 1);
    const double examples = number_of(line, "examples"), flops = number_of(line, "flops");
    run->steps[run->n] = step;
    run->examples[run->n] = isnan(examples) ? step : examples;
    if (!isnan(flops)) run->flops = flops;
    for (int c = 0; c < RINS_REPORT_COLUMNS; c++)
        run->columns[c][run->n] = c < RINS_REPORT_PAIRS_PER_S ? number_of(line, column_keys[c]) : NAN;
    run->n++;
    return RINS_OK;
}

/* Place of a step, or of the last one before it; -1 where there is none. */
static int place_of(const RinsReportRun *run, double step) {
    int low = 0, high = run->n;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (run->steps[middle] <= step)
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}

static RinsStatus take_timing(RinsReportRun *run, const json_t *line, double step, bool *taken) {
    const int at = place_of(run, step);
    *taken = true;
    if (at < 0 || run->steps[at] != step) return RINS_OK; /* a step whose metrics line is damaged */
    for (int c = RINS_REPORT_PAIRS_PER_S; c < RINS_REPORT_COLUMNS; c++)
        run->columns[c][at] = number_of(line, column_keys[c]);
    return RINS_OK;
}

static RinsStatus keep_confusions(RinsReportRun *run, const char *title, const json_t *pairs) {
    if (json_array_size(pairs) == 0) return RINS_OK;
    json_t *kept = json_pack("{s:s%, s:O}", "title", title, strlen(title), "pairs", pairs);
    if (!kept) return RINS_OK; /* a title that is no UTF-8 */
    json_decref(run->confusions);
    run->confusions = kept;
    return RINS_OK;
}

static RinsStatus add_figure(RinsReportRun *run, const char *title, const char *metric, double examples, double value) {
    RinsReportFigure *grown = rins_list_grow(run->figures, (size_t)run->n_figures, sizeof *grown);
    if (!grown) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %d figures", run->n_figures + 1);
    run->figures = grown;
    RinsReportFigure *figure = &run->figures[run->n_figures];
    *figure = (RinsReportFigure){strdup(title), strdup(metric), examples, value};
    run->n_figures++;
    return figure->title && figure->metric ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory for a figure");
}

static RinsStatus take_eval(RinsReportRun *run, const json_t *line, double step, bool *taken) {
    const char *task = json_string_value(json_object_get(line, "task")),
               *data = json_string_value(json_object_get(line, "dataset"));
    json_t *metrics = json_object_get(line, "metrics"), *value;
    const char *metric;
    char title[512];
    const int at = place_of(run, step);
    *taken = json_is_object(metrics);
    snprintf(title, sizeof title, "%s %s", task ? task : "evaluation", data ? data : "");
    json_object_foreach(metrics, metric, value) {
        if (json_is_number(value))
            RINS_TRY(add_figure(run, title, metric, at < 0 ? step : run->examples[at], json_number_value(value)));
    }
    return keep_confusions(run, title, json_object_get(line, "confusions"));
}

static int is_json(const struct dirent *entry) {
    const size_t n = strlen(entry->d_name);
    return n > 5 && !strcmp(entry->d_name + n - 5, ".json") && entry->d_name[0] != '.';
}

/* What `rins eval zeroshot --json` left in the directory. */
static RinsStatus read_recorded(RinsReportRun *run) {
    struct dirent **entries = NULL;
    const int n = scandir(run->path, &entries, is_json, alphasort);
    RinsStatus status = RINS_OK;
    for (int i = 0; i < n; i++) {
        char *path = rins_path_join(run->path, entries[i]->d_name);
        json_t *root = NULL;
        if (path && status == RINS_OK && rins_json_read(path, 64 << 20, &root) == RINS_OK) {
            const json_t *one = json_is_array(root) ? json_array_get(root, 0) : root;
            const char *data = json_string_value(json_object_get(one, "dataset"));
            char title[512];
            snprintf(title, sizeof title, "%s (%s)", data ? data : "evaluation", entries[i]->d_name);
            status = keep_confusions(run, title, json_object_get(one, "confusions"));
        }
        json_decref(root);
        free(path), free(entries[i]);
    }
    free(entries);
    return status;
}

/* {"a": {"b": 1}} -> flat["a.b"] = "1" */
static void flatten(const json_t *value, const char *name, json_t *flat) {
    const char *key;
    json_t *member;
    if (!json_is_object(value) || json_object_size(value) == 0) {
        char *text = json_is_string(value) ? strdup(json_string_value(value))
                                           : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
        json_object_set_new(flat, name, json_string(text ? text : ""));
        free(text);
        return;
    }
    json_object_foreach((json_t *)value, key, member) {
        char *path = NULL;
        if (asprintf(&path, "%s%s%s", name, *name ? "." : "", key) < 0) return;
        flatten(member, path, flat);
        free(path);
    }
}

static RinsStatus read_config(RinsReportRun *run) {
    RinsRunConfig config = {0};
    char *path = rins_path_join(run->path, "config.yaml"), *text = NULL;
    json_t *root = NULL;
    if (!path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to read a config");
    RinsStatus status = rins_run_config_load(&config, path, NULL, 0);
    if (status == RINS_OK) status = rins_config_json(rins_run_fields, &config, &text);
    if (status == RINS_OK) status = rins_json_parse(text, strlen(text), path, &root);
    if (status == RINS_OK) {
        const RinsEvalConfig *eval = &config.train.eval;
        run->config = json_object();
        flatten(root, "", run->config);
        if (eval->zeroshot.n) run->zeroshot = strdup(eval->zeroshot.items[0]);
        if (eval->retrieval.n) run->captions = strdup(eval->retrieval.items[0]);
    } else {
        run->config_problem = strdup(rins_last_error());
    }
    rins_run_config_free(&config);
    json_decref(root);
    free(path), free(text);
    return RINS_OK;
}

RinsStatus rins_report_run_read(RinsReportRun *run, const char *path) {
    *run = (RinsReportRun){.path = strdup(path)};
    RinsStatus status = RINS_OK;
    if (!run->path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to read '%s'", path);
    for (size_t n = strlen(run->path); n > 1 && run->path[n - 1] == '/'; n--) run->path[n - 1] = 0;
    const char *slash = strrchr(run->path, '/');
    run->name = strdup(slash && slash[1] ? slash + 1 : run->path);
    if (!run->name) status = RINS_FAIL(RINS_ERR_MEMORY, "no memory to read '%s'", path);
    if (status != RINS_OK) goto done;
    RINS_TRY_DONE(read_lines(run, "metrics.jsonl", true, take_metrics));
    RINS_TRY_DONE(read_lines(run, "timing.jsonl", false, take_timing));
    RINS_TRY_DONE(read_lines(run, "eval.jsonl", false, take_eval));
    RINS_TRY_DONE(read_recorded(run));
    RINS_TRY_DONE(read_config(run));
done:
    if (status != RINS_OK) rins_report_run_free(run);
    return status;
}

void rins_report_run_free(RinsReportRun *run) {
    for (int i = 0; i < run->n_figures; i++) free(run->figures[i].title), free(run->figures[i].metric);
    for (int c = 0; c < RINS_REPORT_COLUMNS; c++) free(run->columns[c]);
    free(run->path), free(run->name), free(run->steps), free(run->examples), free(run->figures);
    free(run->config_problem), free(run->zeroshot), free(run->captions);
    json_decref(run->confusions), json_decref(run->config);
    *run = (RinsReportRun){0};
}
