#include "src/study/study_report.h"

#include "src/base/file.h"
#include "src/base/html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 560, HEIGHT = 340, LEFT = 64, BOTTOM = 40, TOP = 14, RIGHT = 14 };

static const char *const colours[] = {"#1f4e9c", "#c8402f", "#2f8f4e", "#b07a10", "#7a3fa0", "#138a92",
                                      "#a03060", "#5d6b2d", "#444c5c", "#d06a9a", "#3f7fd0", "#8a5a3a"};
enum { N_COLOURS = sizeof colours / sizeof colours[0] };

static const char *colour(int arm) { return colours[arm % N_COLOURS]; }

/* A plot area with logarithmic axes. */
typedef struct Axes {
    double x0, x1, y0, y1;
    FILE *out;
} Axes;

static double at_x(const Axes *a, double x) { return LEFT + (log(x) - log(a->x0)) / (log(a->x1) - log(a->x0)) * (WIDTH - LEFT - RIGHT); }
static double at_y(const Axes *a, double y) {
    return HEIGHT - BOTTOM - (log(y) - log(a->y0)) / (log(a->y1) - log(a->y0)) * (HEIGHT - BOTTOM - TOP);
}

static void ticks(const Axes *a) {
    static const double steps[] = {1, 1.5, 2, 3, 5, 7};
    for (int e = -8; e < 24; e++)
        for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
            const double v = steps[s] * pow(10, e);
            if (v >= a->x0 && v <= a->x1)
                fprintf(a->out, "<text x='%.1f' y='%d' class='t' text-anchor='middle'>%.3g</text>", at_x(a, v), HEIGHT - BOTTOM + 14, v);
            if (v >= a->y0 && v <= a->y1)
                fprintf(a->out, "<text x='%d' y='%.1f' class='t' text-anchor='end'>%.3g</text><line x1='%d' x2='%d' y1='%.1f' y2='%.1f' class='g'/>",
                        LEFT - 5, at_y(a, v) + 3, v, LEFT, WIDTH - RIGHT, at_y(a, v), at_y(a, v));
        }
}

static void begin_plot(Axes *a, const char *x_label, const char *y_label) {
    a->x0 /= 1.08, a->x1 *= 1.08, a->y0 /= 1.06, a->y1 *= 1.06;
    fprintf(a->out, "<svg viewBox='0 0 %d %d'><rect x='%d' y='%d' width='%d' height='%d' class='f'/>", WIDTH, HEIGHT, LEFT, TOP,
            WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    ticks(a);
    fprintf(a->out, "<text x='%d' y='%d' class='l' text-anchor='middle'>%s</text>", (WIDTH + LEFT) / 2, HEIGHT - 8, x_label);
    fprintf(a->out, "<text transform='translate(13,%d) rotate(-90)' class='l' text-anchor='middle'>", HEIGHT / 2);
    rins_html_text(a->out, y_label);
    fputs("</text>", a->out);
}

static double error_of(const char *metric, double value) { return strcmp(metric, "loss") ? 1 - value : value; }

static void fit_curve(const Axes *a, const RinsFit *fit, int arm) {
    fprintf(a->out, "<path fill='none' stroke='%s' stroke-width='1.6' d='", colour(arm));
    for (int i = 0; i <= 40; i++) {
        const double x = a->x0 * pow(a->x1 / a->x0, i / 40.0), y = rins_scaling_value(fit, x);
        fprintf(a->out, "%c%.1f %.1f", i ? 'L' : 'M', at_x(a, x), fmin(fmax(at_y(a, y), TOP), HEIGHT - BOTTOM));
    }
    fputs("'/>", a->out);
}

static void points(const Axes *a, const RinsStudyPlan *plan, const RinsStudyRows *rows, int arm, const char *metric) {
    for (int b = 0; b < (int)plan->budgets.n; b++) {
        const RinsSpread spread = rins_study_spread(rows, arm, b, false, metric);
        if (!spread.n) continue;
        double flops = NAN;
        for (size_t i = 0; i < rows->n; i++)
            if (rows->items[i].arm == arm && rows->items[i].budget == b) flops = rows->items[i].flops;
        const double error = error_of(metric, spread.mean), low = error - spread.deviation, x = at_x(a, flops);
        fprintf(a->out, "<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='%s'/><circle cx='%.1f' cy='%.1f' r='3' fill='%s'><title>", x,
                x, at_y(a, error + spread.deviation), at_y(a, low > a->y0 ? low : a->y0), colour(arm), x, at_y(a, error), colour(arm));
        rins_html_text(a->out, rins_study_arm(plan, arm)->name);
        fprintf(a->out, ": %.4f</title></circle>", spread.mean);
    }
}

static bool metric_range(const RinsStudyRows *rows, const char *metric, Axes *a) {
    a->x0 = a->y0 = INFINITY;
    a->x1 = a->y1 = 0;
    for (size_t i = 0; i < rows->n; i++) {
        const RinsStudyRow *row = &rows->items[i];
        if (row->one_round || strcmp(row->metric, metric)) continue;
        const double error = error_of(metric, row->value);
        if (!(error > 0)) return false; /* nothing left to show on a logarithmic axis */
        a->x0 = fmin(a->x0, row->flops), a->x1 = fmax(a->x1, row->flops);
        a->y0 = fmin(a->y0, error), a->y1 = fmax(a->y1, error);
    }
    return a->x1 > 0;
}

static void curves(const RinsStudyPlan *plan, const RinsStudyRows *rows, const char *metric, FILE *out) {
    Axes a = {.out = out};
    char label[128];
    if (!metric_range(rows, metric, &a)) return;
    snprintf(label, sizeof label, "%s%s", strcmp(metric, "loss") ? "1 - " : "", metric);
    begin_plot(&a, "training FLOPs", label);
    for (int arm = 0; arm < (int)plan->arms.n; arm++) {
        RinsFit fit;
        if (rins_study_fit(plan, rows, arm, metric, &fit) == RINS_OK) fit_curve(&a, &fit, arm);
        points(&a, plan, rows, arm, metric);
    }
    fputs("</svg>", out);
}

/* Accuracy against the forward FLOPs of one pair, at the last budget: open circles are one round at use. */
static void frontier(const RinsStudyPlan *plan, const RinsStudyRows *rows, const char *metric, FILE *out) {
    const int budget = (int)plan->budgets.n - 1;
    Axes a = {.out = out, .x0 = INFINITY, .y0 = INFINITY};
    for (size_t i = 0; i < rows->n; i++) {
        const RinsStudyRow *row = &rows->items[i];
        if (row->budget != budget || strcmp(row->metric, metric) || !(row->value > 0)) continue;
        const double cost = row->image_flops + row->text_flops;
        a.x0 = fmin(a.x0, cost), a.x1 = fmax(a.x1, cost), a.y0 = fmin(a.y0, row->value), a.y1 = fmax(a.y1, row->value);
    }
    if (!(a.x1 > 0)) return;
    begin_plot(&a, "forward FLOPs a pair at use", metric);
    for (int arm = 0; arm < (int)plan->arms.n; arm++)
        for (int one = 0; one < 2; one++) {
            const RinsSpread spread = rins_study_spread(rows, arm, budget, one, metric);
            double cost = 0;
            for (size_t i = 0; i < rows->n; i++)
                if (rows->items[i].arm == arm && rows->items[i].budget == budget && rows->items[i].one_round == one &&
                    !strcmp(rows->items[i].metric, metric))
                    cost = rows->items[i].image_flops + rows->items[i].text_flops;
            if (!spread.n || !(spread.mean > 0)) continue;
            fprintf(out, "<circle cx='%.1f' cy='%.1f' r='4.5' stroke='%s' stroke-width='2' fill='%s'><title>", at_x(&a, cost),
                    at_y(&a, spread.mean), colour(arm), one ? "none" : colour(arm));
            rins_html_text(out, rins_study_arm(plan, arm)->name);
            fprintf(out, "%s: %.4f</title></circle>", one ? ", one round" : "", spread.mean);
        }
    fputs("</svg>", out);
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
        fprintf(out, "</text><rect x='%d' y='%d' width='%.1f' height='15' fill='%s' opacity='0.8'/>", left, y + 2, s.mean * scale, colour(arm));
        fprintf(out, "<line x1='%.1f' x2='%.1f' y1='%d' y2='%d' stroke='#111' stroke-width='2'/>", left + (s.mean - s.deviation) * scale,
                left + (s.mean + s.deviation) * scale, y + 9, y + 9);
        fprintf(out, "<text x='%.1f' y='%d' class='l'>%.4f</text>", left + (s.mean + s.deviation) * scale + 5, y + 14, s.mean);
    }
    fputs("</svg>", out);
}

static void table(const RinsStudyPlan *plan, const RinsStudyRows *rows, const char *const *metrics, int n, FILE *out) {
    const int budget = (int)plan->budgets.n - 1;
    fputs("<table><tr><th>arm</th><th>examples</th>", out);
    for (int m = 0; m < n; m++) fputs("<th>", out), rins_html_text(out, metrics[m]), fputs("</th>", out);
    fputs("</tr>", out);
    for (int arm = 0; arm < (int)plan->arms.n; arm++) {
        double examples = NAN;
        for (size_t i = 0; i < rows->n; i++)
            if (rows->items[i].arm == arm && rows->items[i].budget == budget) examples = rows->items[i].examples;
        fputs("<tr><td>", out);
        rins_html_text(out, rins_study_arm(plan, arm)->name);
        fprintf(out, "</td><td>%.0f</td>", examples);
        for (int m = 0; m < n; m++) {
            const RinsSpread s = rins_study_spread(rows, arm, budget, false, metrics[m]);
            if (s.n) fprintf(out, "<td>%.4f &plusmn; %.4f</td>", s.mean, s.deviation);
            else fputs("<td></td>", out);
        }
        fputs("</tr>", out);
    }
    fputs("</table>", out);
}

static void page(const RinsStudyPlan *plan, const RinsStudyRows *rows, const char *const *metrics, int n, FILE *out) {
    fputs("<!doctype html><html lang='en'><meta charset='utf-8'><title>rins ablation</title><style>"
          "body{font:15px/1.45 system-ui,sans-serif;max-width:1200px;margin:2em auto;padding:0 1em;color:#1c2230}"
          "svg{width:100%;max-width:580px}.t{font-size:10px;fill:#667}.l{font-size:12px;fill:#223}.g{stroke:#eee}"
          ".f{fill:none;stroke:#99a}table{border-collapse:collapse;font-size:13px}td,th{border-bottom:1px solid #dde;"
          "padding:4px 9px;text-align:right}td:first-child,th:first-child{text-align:left}.k{display:inline-block;"
          "width:12px;height:12px;margin:0 5px 0 14px}.row{display:flex;flex-wrap:wrap;gap:12px}.row>*{flex:1 1 420px}"
          "</style><h1>Where does recursion pay?</h1><p>Arms at equal ", out);
    fputs(plan->budget_unit == RINS_BUDGET_FLOPS ? "training FLOPs" : "examples", out);
    fprintf(out, "; %zu seeds; %zu budgets. Points are means over seeds with one deviation, lines are error = &beta; x<sup>&minus;c</sup> "
                 "+ &epsilon;.</p><p>", plan->seeds.n, plan->budgets.n);
    for (int arm = 0; arm < (int)plan->arms.n; arm++) {
        fprintf(out, "<span class='k' style='background:%s'></span>", colour(arm));
        rins_html_text(out, rins_study_arm(plan, arm)->name);
    }
    fputs("</p><h2>At the largest budget</h2>", out);
    table(plan, rows, metrics, n, out);
    for (int m = 0; m < n; m++) {
        fputs("<h2>", out), rins_html_text(out, metrics[m]), fputs("</h2><div class='row'>", out);
        curves(plan, rows, metrics[m], out);
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
