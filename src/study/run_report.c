#define _GNU_SOURCE
#include "src/study/report_page.h"

#include "eval/gallery.h"
#include "src/base/chart.h"
#include "src/base/file.h"
#include "src/base/html.h"
#include "src/base/log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PAIRS = 12 };

static const char style[] =
    ":root{color-scheme:light dark;--line:#8884;--good:#1a7f37;--bar:#4f8cc9}\n"
    "@media(prefers-color-scheme:dark){:root{--good:#4ac26b;--bar:#3f74a8}}\n"
    "body{font:15px/1.45 system-ui,sans-serif;max-width:1200px;margin:2rem auto;padding:0 1rem}\n"
    "h1{font-size:1.5rem;margin:0 0 .3rem}h2{font-size:1.15rem;margin:2rem 0 .6rem;border-bottom:1px solid "
    "var(--line)}\n"
    "h3{font-size:1rem;margin:1.2rem 0 .5rem}.note{opacity:.75;font-size:.9rem}.wide{overflow-x:auto}\n"
    ".legend{position:sticky;top:0;background:Canvas;padding:.4rem 0;z-index:1}.legend span "
    ".k{margin-left:0}.legend>span{margin-right:1.2rem}\n"
    "table{border-collapse:collapse;font-size:13px}td,th{border-bottom:1px solid var(--line);padding:4px "
    "10px;text-align:right;"
    "font-variant-numeric:tabular-nums}td:first-child,th:first-child{text-align:left}td.w{text-align:left;"
    "max-width:26rem;overflow-wrap:anywhere}"
    "th.w{text-align:left}\n"
    ".row{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(420px,100%),1fr));gap:1rem}.pairs{"
    "display:flex;flex-wrap:wrap;gap:2rem}\n";

void rins_report_text(const RinsReportPage *r, const char *tag, const char *words) {
    fprintf(r->out, "<%s>", tag);
    rins_html_text(r->out, words);
    fprintf(r->out, "</%.*s>\n", (int)strcspn(tag, " "), tag);
}

/* Last known figure of a column, NaN where there is none. */
static double last_of(const RinsReportRun *run, RinsReportColumn column) {
    for (int i = run->n - 1; i >= 0; i--)
        if (isfinite(run->columns[column][i])) return run->columns[column][i];
    return NAN;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(const RinsReportRun *run, RinsReportColumn column) {
    double *known = malloc((size_t)(run->n + 1) * sizeof *known), median = NAN;
    int n = 0;
    for (int i = 0; known && i < run->n; i++)
        if (isfinite(run->columns[column][i])) known[n++] = run->columns[column][i];
    if (n) qsort(known, (size_t)n, sizeof *known, by_value), median = (known[(n - 1) / 2] + known[n / 2]) / 2;
    free(known);
    return median;
}

void rins_report_cell(const RinsReportPage *r, double v, const char *format) {
    fputs("<td>", r->out);
    if (isfinite(v)) fprintf(r->out, format[0] == 'i' ? "%.0f" : "%.4g", v);
    fputs("</td>", r->out);
}

static void summary(const RinsReportPage *r) {
    fputs("<div class='wide'><table><tr><th>run</th><th>steps</th><th>examples</th><th>FLOPs</th><th>last "
          "loss</th>"
          "<th>pairs/s (median)</th><th>damaged lines</th></tr>\n",
          r->out);
    for (int i = 0; i < r->n; i++) {
        const RinsReportRun *run = &r->runs[i];
        fputs("<tr><td>", r->out);
        rins_html_text(r->out, run->path);
        fputs("</td>", r->out);
        rins_report_cell(r, run->n ? run->steps[run->n - 1] : NAN, "i");
        rins_report_cell(r, run->n ? run->examples[run->n - 1] : NAN, "i");
        rins_report_cell(r, run->flops > 0 ? run->flops : NAN, "g");
        rins_report_cell(r, last_of(run, RINS_REPORT_LOSS), "g");
        rins_report_cell(r, median_of(run, RINS_REPORT_PAIRS_PER_S), "g");
        rins_report_cell(r, run->bad_lines, "i");
        fputs("</tr>\n", r->out);
    }
    fputs("</table></div>\n", r->out);
    for (int i = 0; i < r->n; i++)
        if (r->runs[i].bad_lines) {
            fputs("<p class='note'>", r->out);
            rins_html_text(r->out, r->runs[i].name);
            fprintf(r->out, ": %d damaged line%s (torn, no JSON or out of order) left out.</p>\n", r->runs[i].bad_lines,
                    r->runs[i].bad_lines == 1 ? "" : "s");
        }
}

static void confusions(const RinsReportPage *r) {
    bool any = false;
    for (int i = 0; i < r->n; i++) any = any || r->runs[i].confusions;
    if (!any) return;
    rins_report_text(r, "h2", "Most frequent confusions");
    fputs("<div class='pairs'>\n", r->out);
    for (int i = 0; i < r->n; i++) {
        const json_t *kept = r->runs[i].confusions, *pair;
        size_t k;
        if (!kept) continue;
        fputs("<div>", r->out);
        rins_report_text(r, "h3", r->runs[i].name);
        rins_report_text(r, "p class='note'", json_string_value(json_object_get(kept, "title")));
        fputs("<table><tr><th>class</th><th class='w'>taken for</th><th>images</th></tr>\n", r->out);
        json_array_foreach(json_object_get(kept, "pairs"), k, pair) {
            const char *class = json_string_value(json_object_get(pair, "class")),
                       *predicted = json_string_value(json_object_get(pair, "predicted"));
            if (k >= MOST_PAIRS || !class || !predicted) continue;
            fputs("<tr>", r->out);
            rins_report_text(r, "td class='w'", class);
            rins_report_text(r, "td class='w'", predicted);
            rins_report_cell(r, json_number_value(json_object_get(pair, "n")), "i");
            fputs("</tr>\n", r->out);
        }
        fputs("</table></div>\n", r->out);
    }
    fputs("</div>\n", r->out);
}

/* A run's samples, or why there are none. Only what was asked for by name must succeed. */
static RinsStatus samples_of(const RinsReportPage *r, const RinsReportRun *run) {
    const char *entry = r->task->data;
    for (int i = 0; i < r->n && !entry; i++) entry = r->runs[i].zeroshot; /* the same images for all runs */
    for (int i = 0; i < r->n && !entry; i++) entry = r->runs[i].captions;
    rins_report_text(r, "h3", run->name);
    if (!entry) {
        rins_report_text(r, "p class='note'",
                         "No sample images: the runs' configs name no evaluation set; --data D takes one.");
        return RINS_OK;
    }
    char *page = NULL;
    size_t size;
    FILE *buffer = open_memstream(&page, &size); /* a page is not left with half a grid */
    if (!buffer) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for sample images");
    RinsStatus status = rins_report_samples(r, buffer, run, entry);
    if (fclose(buffer) != 0 && status == RINS_OK) status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for sample images");
    if (status == RINS_OK) {
        rins_report_text(r, "p class='note'", entry);
        fwrite(page, 1, size, r->out);
    } else if (!r->task->data && status != RINS_ERR_MEMORY) {
        char remark[512];
        snprintf(remark, sizeof remark, "No sample images: %.400s", rins_last_error());
        rins_log(RINS_LOG_WARN, "%s: no sample images: %s", run->name, rins_last_error());
        rins_report_text(r, "p class='note'", remark);
        status = RINS_OK;
    }
    free(page);
    return status;
}

static RinsStatus samples(const RinsReportPage *r) {
    if (r->task->images == 0) return RINS_OK;
    rins_report_text(r, "h2", "Sample images with the nearest texts");
    rins_report_text(r, "p class='note'", "Cosines; what is right stands in green.");
    for (int i = 0; i < r->n; i++) RINS_TRY(samples_of(r, &r->runs[i]));
    return RINS_OK;
}

static const char *config_text(const RinsReportRun *run, const char *key) {
    const char *value = json_string_value(json_object_get(run->config, key));
    return value ? value : "";
}

static bool differs(const RinsReportPage *r, const char *key) {
    const RinsReportRun *first = NULL;
    for (int i = 0; i < r->n; i++) {
        if (!r->runs[i].config) continue;
        if (first && strcmp(config_text(first, key), config_text(&r->runs[i], key)) != 0) return true;
        if (!first) first = &r->runs[i];
    }
    return r->n == 1; /* the whole config of a lone run */
}

static void config_head(const RinsReportPage *r) {
    fprintf(r->out, "%s<div class='wide'><table><tr><th>key</th>",
            r->n == 1 ? "<details><summary>all keys</summary>" : "");
    for (int i = 0; i < r->n; i++) rins_report_text(r, "th class='w'", r->runs[i].name);
    fputs("</tr>\n", r->out);
}

static void configs(const RinsReportPage *r) {
    rins_report_text(r, "h2", r->n > 1 ? "Where the configs differ" : "Config");
    const json_t *keys = NULL;
    for (int i = 0; i < r->n; i++) {
        if (r->runs[i].config && !keys) keys = r->runs[i].config; /* all have the keys of one field table */
        if (!r->runs[i].config_problem) continue;
        char remark[512];
        snprintf(remark, sizeof remark, "%s: %.400s", r->runs[i].name, r->runs[i].config_problem);
        rins_report_text(r, "p class='note'", remark);
    }
    const char *key;
    json_t *value;
    int rows = 0;
    json_object_foreach((json_t *)keys, key, value) {
        if (!differs(r, key)) continue;
        if (rows++ == 0) config_head(r);
        fputs("<tr>", r->out);
        rins_report_text(r, "td", key);
        for (int i = 0; i < r->n; i++) rins_report_text(r, "td class='w'", config_text(&r->runs[i], key));
        fputs("</tr>\n", r->out);
    }
    if (rows)
        fprintf(r->out, "</table></div>\n%s", r->n == 1 ? "</details>\n" : "");
    else if (keys)
        rins_report_text(r, "p class='note'", "Nowhere.");
}

static RinsStatus page(const RinsReportPage *r) {
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
          "content=\"width=device-width, initial-scale=1\">\n<title>rins report</title>\n<style>\n",
          r->out);
    fputs(style, r->out);
    fputs(rins_chart_css, r->out);
    fputs(rins_gallery_css, r->out);
    fputs("</style></head><body>\n<h1>rins report</h1>\n<p class='legend'>", r->out);
    for (int i = 0; i < r->n; i++) rins_chart_legend(r->out, i, r->runs[i].name);
    fputs("</p>\n", r->out);
    summary(r);
    rins_report_curves(r);
    RINS_TRY(rins_report_evaluations(r));
    confusions(r);
    RINS_TRY(samples(r));
    configs(r);
    fputs("</body></html>\n", r->out);
    return RINS_OK;
}

/* Two runs of one name go by their paths. */
static RinsStatus tell_apart(RinsReportPage *r) {
    for (int i = 0; i < r->n; i++)
        for (int k = 0; k < r->n; k++) {
            if (i == k || strcmp(r->runs[i].name, r->runs[k].name) != 0) continue;
            for (int m = 0; m < r->n; m++) {
                char *path = strdup(r->runs[m].path);
                if (!path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a name");
                free(r->runs[m].name);
                r->runs[m].name = path;
            }
            return RINS_OK;
        }
    return RINS_OK;
}

RinsStatus rins_run_report(const RinsReportTask *task, int *bad_lines) {
    RinsReportPage r = {.task = task, .n = task->n};
    RinsAtomicFile file = {0};
    RinsStatus status = RINS_OK;
    *bad_lines = 0;
    r.runs = calloc((size_t)task->n + 1, sizeof *r.runs);
    if (!r.runs) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %d runs", task->n);
    for (int i = 0; i < r.n; i++) {
        RINS_TRY_DONE(rins_report_run_read(&r.runs[i], task->paths[i]));
        *bad_lines += r.runs[i].bad_lines;
    }
    RINS_TRY_DONE(tell_apart(&r));
    RINS_TRY_DONE(rins_atomic_open(&file, task->html));
    r.out = file.stream;
    RINS_TRY_DONE(page(&r));
    status = rins_atomic_commit(&file);
done:
    rins_atomic_abort(&file);
    for (int i = 0; i < r.n; i++) rins_report_run_free(&r.runs[i]);
    free(r.runs);
    return status;
}
