#include "src/study/study_report.h"

#include "src/base/chart.h"
#include "src/base/file.h"
#include "src/base/html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 560 };

static const char *colour(int arm) {
    return rins_chart_colour(arm);
}

static double error_of(const char *metric, double value) {
    return strcmp(metric, "loss") ? 1 - value : value;
}

static void fit_curve(const RinsChart *chart, const RinsFit *fit, int arm) {
    enum { POINTS = 41 };
    double x[POINTS], y[POINTS];
    for (int i = 0; i < POINTS; i++) {
        x[i] = chart->x0 * pow(chart->x1 / chart->x0, i / (POINTS - 1.0));
        y[i] = rins_scaling_value(fit, x[i]);
    }
    rins_chart_line(chart, arm, x, y, POINTS);
}

static void points(const RinsChart *chart, const RinsStudyPlan *plan, const RinsStudyRows *rows, int arm,
                   const char *metric) {
    for (int b = 0; b < (int)plan->budgets.n; b++) {
        const RinsSpread spread = rins_study_spread(rows, arm, b, false, metric);
        if (!spread.n) continue;
        double flops = NAN;
        for (size_t i = 0; i < rows->n; i++)
            if (rows->items[i].arm == arm && rows->items[i].budget == b) flops = rows->items[i].flops;
        const double error = error_of(metric, spread.mean), low = error - spread.deviation;
        const double x[] = {flops, flops},
                     y[] = {error + spread.deviation, low > chart->y0 ? low : chart->y0};
        char tip[256];
        snprintf(tip, sizeof tip, "%s: %.4f", rins_study_arm(plan, arm)->name, spread.mean);
        rins_chart_line(chart, arm, x, y, 2);
        rins_chart_mark(chart, arm, flops, error, true, tip);
    }
}

/* False where nothing is left to show on a logarithmic axis. */
static bool cover_metric(RinsChart *chart, const RinsStudyRows *rows, const char *metric) {
    for (size_t i = 0; i < rows->n; i++) {
        const RinsStudyRow *row = &rows->items[i];
        if (row->one_round || strcmp(row->metric, metric)) continue;
        if (!(error_of(metric, row->value) > 0)) return false;
        rins_chart_cover(chart, row->flops, error_of(metric, row->value));
    }
    return true;
}

/* names: the arms', for a file of its own; NULL: into the page. False where there is nothing to show. */
static bool curves(const RinsStudyPlan *plan, const RinsStudyRows *rows, const char *metric,
                   const char *const *names, FILE *out) {
    RinsChart chart = {
        .out = out, .log_x = true, .log_y = true, .series = names, .n_series = (int)plan->arms.n};
    char label[128];
    snprintf(label, sizeof label, "%s%s", strcmp(metric, "loss") ? "1 - " : "", metric);
    if (!cover_metric(&chart, rows, metric) || !rins_chart_begin(&chart, "training FLOPs", label))
        return false;
    for (int arm = 0; arm < (int)plan->arms.n; arm++) {
        RinsFit fit;
        if (rins_study_fit(rows, arm, metric, 0, &fit) == RINS_OK) fit_curve(&chart, &fit, arm);
        points(&chart, plan, rows, arm, metric);
    }
    rins_chart_end(&chart);
    return true;
}

/* Accuracy against the forward FLOPs of one pair, at the last budget: open circles are one round at use. */
static void frontier(const RinsStudyPlan *plan, const RinsStudyRows *rows, const char *metric, FILE *out) {
    const int budget = (int)plan->budgets.n - 1;
    RinsChart chart = {.out = out, .log_x = true, .log_y = true};
    for (size_t i = 0; i < rows->n; i++) {
        const RinsStudyRow *row = &rows->items[i];
        if (row->budget == budget && !strcmp(row->metric, metric))
            rins_chart_cover(&chart, row->image_flops + row->text_flops, row->value);
    }
    if (!rins_chart_begin(&chart, "forward FLOPs a pair at use", metric)) return;
    for (int arm = 0; arm < (int)plan->arms.n; arm++)
        for (int one = 0; one < 2; one++) {
            const RinsSpread spread = rins_study_spread(rows, arm, budget, one, metric);
            double cost = 0;
            for (size_t i = 0; i < rows->n; i++)
                if (rows->items[i].arm == arm && rows->items[i].budget == budget &&
                    rows->items[i].one_round == one && !strcmp(rows->items[i].metric, metric))
                    cost = rows->items[i].image_flops + rows->items[i].text_flops;
            if (!spread.n) continue;
            char tip[256];
            snprintf(tip, sizeof tip, "%s%s: %.4f", rins_study_arm(plan, arm)->name, one ? ", one round" : "",
                     spread.mean);
            rins_chart_mark(&chart, arm, cost, spread.mean, !one, tip);
        }
    rins_chart_end(&chart);
}

static void bars(const RinsStudyPlan *plan, const RinsStudyRows *rows, const char *metric, FILE *out) {
    const int budget = (int)plan->budgets.n - 1, row_height = 22, left = 200;
    double largest = 0;
    for (int arm = 0; arm < (int)plan->arms.n; arm++) {
        const RinsSpread s = rins_study_spread(rows, arm, budget, false, metric);
        if (s.n) largest = fmax(largest, s.mean + s.deviation);
    }
    if (!(largest > 0)) return;
    fprintf(out, "<svg viewBox='0 0 %d %d'>", WIDTH, row_height * (int)plan->arms.n + 8);
    for (int arm = 0; arm < (int)plan->arms.n; arm++) {
        const RinsSpread s = rins_study_spread(rows, arm, budget, false, metric);
        const double scale = (WIDTH - left - 70) / largest;
        const int y = 4 + arm * row_height;
        fprintf(out, "<text x='%d' y='%d' class='l' text-anchor='end'>", left - 6, y + 14);
        rins_html_text(out, rins_study_arm(plan, arm)->name);
        if (!s.n) {
            fputs("</text>", out);
            continue;
        }
        fprintf(out, "</text><rect x='%d' y='%d' width='%.1f' height='15' fill='%s' opacity='0.8'/>", left,
                y + 2, s.mean * scale, colour(arm));
        fprintf(out, "<line x1='%.1f' x2='%.1f' y1='%d' y2='%d' stroke='#111' stroke-width='2'/>",
                left + (s.mean - s.deviation) * scale, left + (s.mean + s.deviation) * scale, y + 9, y + 9);
        fprintf(out, "<text x='%.1f' y='%d' class='l'>%.4f</text>", left + (s.mean + s.deviation) * scale + 5,
                y + 14, s.mean);
    }
    fputs("</svg>", out);
}

static void table(const RinsStudyPlan *plan, const RinsStudyRows *rows, const char *const *metrics, int n,
                  FILE *out) {
    const int budget = (int)plan->budgets.n - 1;
    fputs("<table><tr><th>arm</th><th>examples</th>", out);
    for (int m = 0; m < n; m++) fputs("<th>", out), rins_html_text(out, metrics[m]), fputs("</th>", out);
    fputs("</tr>", out);
    for (int arm = 0; arm < (int)plan->arms.n; arm++) {
        double examples = NAN;
        for (size_t i = 0; i < rows->n; i++)
            if (rows->items[i].arm == arm && rows->items[i].budget == budget)
                examples = rows->items[i].examples;
        fputs("<tr><td>", out);
        rins_html_text(out, rins_study_arm(plan, arm)->name);
        fprintf(out, "</td><td>%.0f</td>", examples);
        for (int m = 0; m < n; m++) {
            const RinsSpread s = rins_study_spread(rows, arm, budget, false, metrics[m]);
            if (s.n)
                fprintf(out, "<td>%.4f &plusmn; %.4f</td>", s.mean, s.deviation);
            else
                fputs("<td></td>", out);
        }
        fputs("</tr>", out);
    }
    fputs("</table>", out);
}

static void page(const RinsStudyPlan *plan, const RinsStudyRows *rows, const char *const *metrics, int n,
                 FILE *out) {
    fputs("<!doctype html><html lang='en'><meta charset='utf-8'><title>rins ablation</title><style>"
          "body{font:15px/1.45 system-ui,sans-serif;max-width:1200px;margin:2em auto;"
          "padding:0 1em;color:#1c2230}"
          "table{border-collapse:collapse;font-size:13px}"
          "td,th{border-bottom:1px solid #dde;padding:4px 9px;text-align:right}"
          "td:first-child,th:first-child{text-align:left}"
          ".row{display:flex;flex-wrap:wrap;gap:12px}.row>*{flex:1 1 420px}",
          out);
    fputs(rins_chart_css, out);
    fputs("</style><h1>Where does recursion pay?</h1><p>Arms at equal ", out);
    fputs(plan->budget_unit == RINS_BUDGET_FLOPS ? "training FLOPs" : "examples", out);
    fprintf(out,
            "; %zu seed%s; %zu budget%s. Points are means over seeds with one deviation, "
            "lines are error = &beta; x<sup>&minus;c</sup> + &epsilon;.</p><p>",
            plan->seeds.n, plan->seeds.n == 1 ? "" : "s", plan->budgets.n, plan->budgets.n == 1 ? "" : "s");
    for (int arm = 0; arm < (int)plan->arms.n; arm++)
        rins_chart_legend(out, arm, rins_study_arm(plan, arm)->name);
    fputs("</p><h2>At the largest budget</h2>", out);
    table(plan, rows, metrics, n, out);
    for (int m = 0; m < n; m++) {
        fputs("<h2>", out), rins_html_text(out, metrics[m]), fputs("</h2><div class='row'>", out);
        curves(plan, rows, metrics[m], NULL, out);
        bars(plan, rows, metrics[m], out);
        if (strcmp(metrics[m], "loss")) frontier(plan, rows, metrics[m], out);
        fputs("</div>", out);
    }
    fputs("</html>\n", out);
}

RinsStatus rins_study_html(const RinsStudyPlan *plan, const char *path, const RinsStudyRows *rows) {
    RinsAtomicFile file;
    const char **metrics;
    int n;
    RINS_TRY(rins_study_metrics(rows, &metrics, &n));
    const RinsStatus status = rins_atomic_open(&file, path);
    if (status == RINS_OK) page(plan, rows, metrics, n, file.stream);
    free(metrics);
    return status == RINS_OK ? rins_atomic_commit(&file) : status;
}

enum { FILE_NAME = 80 };

/* Files of metrics 0 .. n - 1 without their ending: their names' slugs, numbered where two are the same. */
static void name_files(const char *const *metrics, int n, char (*files)[FILE_NAME]) {
    for (int m = 0; m < n; m++) {
        char slug[64];
        rins_study_slug(metrics[m], slug);
        snprintf(files[m], FILE_NAME, "%s", slug);
        for (int other = 0, number = 2; other < m; other++)
            if (!strcmp(files[m], files[other])) {
                snprintf(files[m], FILE_NAME, "%s-%d", slug, number++);
                other = -1; /* the number may be another's name */
            }
    }
}

static RinsStatus figure(const RinsStudyPlan *plan, const char *dir, const RinsStudyRows *rows,
                         const char *metric, const char *file_name, const char *const *names) {
    RinsAtomicFile file;
    char name[FILE_NAME + 4];
    snprintf(name, sizeof name, "%s.svg", file_name);
    char *path = rins_path_join(dir, name);
    RinsStatus status =
        path ? rins_atomic_open(&file, path) : RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    if (status == RINS_OK) {
        if (curves(plan, rows, metric, names, file.stream))
            status = rins_atomic_commit(&file);
        else
            rins_atomic_abort(&file);
    }
    free(path);
    return status;
}

RinsStatus rins_study_figures(const RinsStudyPlan *plan, const char *dir, const RinsStudyRows *rows) {
    const char **metrics = NULL, **names = calloc(plan->arms.n, sizeof *names);
    char(*files)[FILE_NAME] = NULL;
    int n = 0;
    RinsStatus status = rins_study_metrics(rows, &metrics, &n);
    if (status == RINS_OK) files = calloc((size_t)n + 1, sizeof *files);
    if (status == RINS_OK && (!names || !files)) status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for names");
    if (status == RINS_OK) name_files(metrics, n, files);
    for (int arm = 0; status == RINS_OK && arm < (int)plan->arms.n; arm++)
        names[arm] = rins_study_arm(plan, arm)->name;
    if (status == RINS_OK) status = rins_mkdirs(dir);
    for (int m = 0; m < n && status == RINS_OK; m++)
        status = figure(plan, dir, rows, metrics[m], files[m], names);
    free(files);
    free(names);
    free(metrics);
    return status;
}
