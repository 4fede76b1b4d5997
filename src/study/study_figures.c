#include "src/study/study_figures.h"

#include "src/base/chart.h"
#include "src/base/file.h"
#include "src/base/html.h"
#include "src/study/study_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 560 };

static double error_of(const char *metric, double value) {
    return strcmp(metric, "loss") ? 1 - value : value;
}

static double spread_of(RinsSpread spread) {
    return isfinite(spread.deviation) ? spread.deviation : 0;
}

/* A metric's curves: what could be fitted, and what is said about it. */
typedef enum Law { LAW, TOO_FEW, NOT_FALLING } Law;
typedef struct Curves {
    const RinsStudyPlan *plan;
    const RinsStudyRows *rows;
    const char *metric;
    RinsFit *fits; /* (arms) */
    Law *laws;     /* (arms) */
    char note[640];
} Curves;

static RinsStatus fit_arms(Curves *c) {
    const size_t arms = c->plan->arms.n;
    c->fits = calloc(arms, sizeof *c->fits);
    c->laws = calloc(arms, sizeof *c->laws);
    if (!c->fits || !c->laws) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for the fits of %zu arms", arms);
    for (int arm = 0; arm < (int)arms; arm++) {
        const bool fitted = rins_study_fit(c->rows, arm, c->metric, 0, &c->fits[arm]) == RINS_OK;
        c->laws[arm] = !fitted ? TOO_FEW : rins_scaling_falls(&c->fits[arm]) ? LAW : NOT_FALLING;
    }
    return RINS_OK;
}

static bool has_points(const Curves *c, int arm) {
    for (size_t i = 0; i < c->rows->n; i++) {
        const RinsStudyRow *row = &c->rows->items[i];
        if (row->arm == arm && !row->one_round && !strcmp(row->metric, c->metric)) return true;
    }
    return false;
}

/* Arms of one kind, named where there are others: "all arms", "plain, text A^2B". Their number. */
static int list_arms(const Curves *c, Law law, char *text, size_t room) {
    int n = 0, all = 0;
    text[0] = 0;
    for (int arm = 0; arm < (int)c->plan->arms.n; arm++) {
        if (!has_points(c, arm)) continue;
        all++;
        if (c->laws[arm] != law) continue;
        const size_t used = strlen(text);
        snprintf(text + used, room - used, "%s%s", n++ ? ", " : "", rins_study_arm(c->plan, arm)->name);
    }
    if (n == all && n > 1) snprintf(text, room, "all arms");
    return n;
}

static void describe(Curves *c) {
    char arms[256], *at = c->note, *end = c->note + sizeof c->note;
    const bool spread = c->plan->seeds.n > 1;
    at += snprintf(at, (size_t)(end - at), "Points: %s.", spread ? "means over seeds, with one deviation" : "one seed");
    if (strcmp(c->metric, "loss")) at += snprintf(at, (size_t)(end - at), " The error is 1 - the metric.");
    if (list_arms(c, LAW, arms, sizeof arms))
        at += snprintf(at, (size_t)(end - at), " Lines: the fitted %s = beta x^(-c) + epsilon.",
                       strcmp(c->metric, "loss") ? "error" : "loss");
    if (list_arms(c, TOO_FEW, arms, sizeof arms))
        at += snprintf(at, (size_t)(end - at),
                       " No fit of %s: fewer than %d budgets, and the law has 3 parameters; thin lines join points.",
                       arms, RINS_FIT_BUDGETS);
    if (list_arms(c, NOT_FALLING, arms, sizeof arms))
        snprintf(at, (size_t)(end - at), " No law of %s: it does not fall; thin lines join points.", arms);
}

/* Only where it is inside: beyond, it would run along the frame. */
static void draw_law(const RinsChart *chart, const RinsFit *fit, int arm) {
    enum { POINTS = 41 };
    double x[POINTS], y[POINTS];
    for (int i = 0; i < POINTS; i++) {
        x[i] = chart->x0 * pow(chart->x1 / chart->x0, i / (POINTS - 1.0));
        y[i] = rins_scaling_value(fit, x[i]);
        if (!(y[i] >= chart->y0 && y[i] <= chart->y1)) y[i] = NAN;
    }
    rins_chart_line(chart, arm, x, y, POINTS);
}

/* What a budget's branch of an arm cost. */
static double flops_of(const RinsStudyRows *rows, int arm, int budget) {
    for (size_t i = 0; i < rows->n; i++)
        if (rows->items[i].arm == arm && rows->items[i].budget == budget) return rows->items[i].flops;
    return NAN;
}

/* The markers, or first what lies under all of them. */
static void draw_points(const RinsChart *chart, const Curves *c, int arm, bool under) {
    double from[2] = {NAN, NAN};
    for (int b = 0; b < (int)c->plan->budgets.n; b++) {
        const RinsSpread spread = rins_study_spread(c->rows, arm, b, false, c->metric);
        if (!spread.n) continue;
        const double x = flops_of(c->rows, arm, b), y = error_of(c->metric, spread.mean);
        if (under) {
            if (c->laws[arm] != LAW && isfinite(from[0]))
                rins_chart_join(chart, arm, (double[]){from[0], x}, (double[]){from[1], y}, 2);
            from[0] = x, from[1] = y;
            rins_chart_error(chart, arm, x, y - spread.deviation, y + spread.deviation);
            continue;
        }
        char tip[256];
        snprintf(tip, sizeof tip, "%s: %.4f", rins_study_arm(c->plan, arm)->name, spread.mean);
        rins_chart_mark(chart, arm, x, y, true, tip);
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

bool rins_study_curves(const RinsStudyPlan *plan, const RinsStudyRows *rows, const char *metric,
                       const char *const *names, FILE *out) {
    Curves curves = {.plan = plan, .rows = rows, .metric = metric};
    RinsChart chart = {
        .out = out, .log_x = true, .log_y = true, .series = names, .n_series = (int)plan->arms.n, .note = curves.note};
    char label[128];
    snprintf(label, sizeof label, "%s%s", strcmp(metric, "loss") ? "error of " : "", metric);
    bool shown = cover_metric(&chart, rows, metric) && fit_arms(&curves) == RINS_OK;
    if (shown) describe(&curves);
    shown = shown && rins_chart_begin(&chart, "training FLOPs", label);
    for (int arm = 0; shown && arm < (int)plan->arms.n; arm++) {
        if (curves.laws[arm] == LAW) draw_law(&chart, &curves.fits[arm], arm);
        draw_points(&chart, &curves, arm, true);
    }
    for (int arm = 0; shown && arm < (int)plan->arms.n; arm++) draw_points(&chart, &curves, arm, false);
    if (shown) rins_chart_end(&chart);
    free(curves.fits), free(curves.laws);
    return shown;
}

void rins_study_frontier(const RinsStudyPlan *plan, const RinsStudyRows *rows, int budget, const char *metric,
                         FILE *out) {
    RinsChart chart = {.out = out, .log_x = true, .log_y = true};
    for (size_t i = 0; i < rows->n; i++) {
        const RinsStudyRow *row = &rows->items[i];
        if (row->budget != budget || strcmp(row->metric, metric)) continue;
        rins_chart_cover(&chart, row->image_flops + row->text_flops, row->value);
        if (row->one_round)
            chart.note = "Filled: the rounds trained with. Open: the same weights with one round at use.";
    }
    if (!rins_chart_begin(&chart, "forward FLOPs a pair at use", metric)) return;
    for (int arm = 0; arm < (int)plan->arms.n; arm++)
        for (int one = 0; one < 2; one++) {
            const RinsSpread spread = rins_study_spread(rows, arm, budget, one, metric);
            double cost = 0;
            for (size_t i = 0; i < rows->n; i++)
                if (rows->items[i].arm == arm && rows->items[i].budget == budget && rows->items[i].one_round == one &&
                    !strcmp(rows->items[i].metric, metric))
                    cost = rows->items[i].image_flops + rows->items[i].text_flops;
            if (!spread.n) continue;
            char tip[256];
            snprintf(tip, sizeof tip, "%s%s: %.4f", rins_study_arm(plan, arm)->name, one ? ", one round" : "",
                     spread.mean);
            rins_chart_mark(&chart, arm, cost, spread.mean, !one, tip);
        }
    rins_chart_end(&chart);
}

void rins_study_bars(const RinsStudyPlan *plan, const RinsStudyRows *rows, int budget, const char *metric, FILE *out) {
    const int row_height = 22, left = 200;
    double largest = 0;
    for (int arm = 0; arm < (int)plan->arms.n; arm++) {
        const RinsSpread s = rins_study_spread(rows, arm, budget, false, metric);
        if (s.n) largest = fmax(largest, s.mean + spread_of(s));
    }
    if (!(largest > 0)) return;
    fprintf(out, "<svg viewBox='0 0 %d %d'>", WIDTH, row_height * (int)plan->arms.n + 8);
    for (int arm = 0; arm < (int)plan->arms.n; arm++) {
        const RinsSpread s = rins_study_spread(rows, arm, budget, false, metric);
        const double scale = (WIDTH - left - 70) / largest, by = spread_of(s);
        const int y = 4 + arm * row_height;
        fprintf(out, "<text x='%d' y='%d' class='l' text-anchor='end'>", left - 6, y + 14);
        rins_html_text(out, rins_study_arm(plan, arm)->name);
        if (!s.n) {
            fputs("</text>", out);
            continue;
        }
        fprintf(out, "</text><rect x='%d' y='%d' width='%.1f' height='15' fill='%s' opacity='0.8'/>", left, y + 2,
                s.mean * scale, rins_chart_colour(arm));
        if (by > 0)
            fprintf(out, "<line x1='%.1f' x2='%.1f' y1='%d' y2='%d' stroke='#111' stroke-width='2'/>",
                    left + (s.mean - by) * scale, left + (s.mean + by) * scale, y + 9, y + 9);
        fprintf(out, "<text x='%.1f' y='%d' class='l'>%.4f</text>", left + (s.mean + by) * scale + 5, y + 14, s.mean);
    }
    fputs("</svg>", out);
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

static RinsStatus figure(const RinsStudyPlan *plan, const char *dir, const RinsStudyRows *rows, const char *metric,
                         const char *file_name, const char *const *names) {
    RinsAtomicFile file;
    char name[FILE_NAME + 4];
    snprintf(name, sizeof name, "%s.svg", file_name);
    char *path = rins_path_join(dir, name);
    RinsStatus status = path ? rins_atomic_open(&file, path) : RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    if (status == RINS_OK) {
        if (rins_study_curves(plan, rows, metric, names, file.stream))
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
    for (int arm = 0; status == RINS_OK && arm < (int)plan->arms.n; arm++) names[arm] = rins_study_arm(plan, arm)->name;
    if (status == RINS_OK) status = rins_mkdirs(dir);
    for (int m = 0; m < n && status == RINS_OK; m++) status = figure(plan, dir, rows, metrics[m], files[m], names);
    free(files);
    free(names);
    free(metrics);
    return status;
}
