#include "src/base/chart.h"
#include "src/study/report_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 250, LOG_RATIO = 20 };

static const struct Curve {
    RinsReportColumn column;
    const char *label, *note;
} curves[] = {
    {RINS_REPORT_LOSS, "loss", NULL},           {RINS_REPORT_LR, "lr", NULL},
    {RINS_REPORT_GRAD_NORM, "grad_norm", NULL}, {RINS_REPORT_T, "t", "log temperature"},
    {RINS_REPORT_B, "b", "logit bias"},         {RINS_REPORT_PAIRS_PER_S, "pairs_per_s", NULL},
};

/* A column in at most BUCKETS points: means, and between which values they lie. */
typedef struct Thinned {
    double x[BUCKETS], mean[BUCKETS], low[BUCKETS], high[BUCKETS];
    int n;
} Thinned;

static void thin(const RinsReportRun *run, const double *column, Thinned *t) {
    const int buckets = run->n < BUCKETS ? run->n : BUCKETS;
    t->n = 0;
    for (int b = 0; b < buckets; b++) {
        const int from = (int)((int64_t)b * run->n / buckets), to = (int)((int64_t)(b + 1) * run->n / buckets);
        double x = 0, sum = 0, low = INFINITY, high = -INFINITY;
        int known = 0;
        for (int i = from; i < to; i++) {
            x += run->examples[i] / (to - from);
            if (!isfinite(column[i])) continue;
            sum += column[i], known++;
            low = fmin(low, column[i]), high = fmax(high, column[i]);
        }
        t->x[t->n] = x, t->mean[t->n] = known ? sum / known : NAN;
        t->low[t->n] = known ? low : NAN, t->high[t->n++] = known ? high : NAN;
    }
}

static void curve(const RinsReportPage *r, const struct Curve *which) {
    RinsChart chart = {.out = r->out};
    Thinned t;
    char label[64];
    for (int log_y = 1; log_y >= 0; log_y--) { /* logarithmic where all is positive and spans much */
        double low = INFINITY, high = -INFINITY;
        chart = (RinsChart){.out = r->out, .log_y = log_y};
        for (int i = 0; i < r->n; i++) {
            thin(&r->runs[i], r->runs[i].columns[which->column], &t);
            for (int k = 0; k < t.n; k++) {
                rins_chart_cover(&chart, t.x[k], t.mean[k]);
                if (isfinite(t.mean[k])) low = fmin(low, t.mean[k]), high = fmax(high, t.mean[k]);
            }
        }
        if (low > 0 && high > LOG_RATIO * low && which->column != RINS_REPORT_LR) break;
    }
    snprintf(label, sizeof label, "%s%s%s%s", which->label, which->note ? " (" : "", which->note ? which->note : "",
             which->note ? ")" : "");
    if (!rins_chart_begin(&chart, "examples", label)) return;
    for (int i = 0; i < r->n; i++) {
        thin(&r->runs[i], r->runs[i].columns[which->column], &t);
        if (r->runs[i].n > BUCKETS) rins_chart_band(&chart, i, t.x, t.low, t.high, t.n);
        rins_chart_line(&chart, i, t.x, t.mean, t.n);
        if (t.n == 1) rins_chart_mark(&chart, i, t.x[0], t.mean[0], true, r->runs[i].name);
    }
    rins_chart_end(&chart);
}

/* The evaluations that all runs made: each (title, metric) once, in order of first appearance. */
typedef struct Kinds {
    const RinsReportFigure **items;
    int n;
} Kinds;

static RinsStatus find_kinds(const RinsReportPage *r, Kinds *kinds) {
    size_t most = 1;
    for (int i = 0; i < r->n; i++) most += (size_t)r->runs[i].n_figures;
    kinds->items = malloc(most * sizeof *kinds->items);
    if (!kinds->items) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %zu figures", most);
    for (int i = 0; i < r->n; i++)
        for (int f = 0; f < r->runs[i].n_figures; f++) {
            const RinsReportFigure *figure = &r->runs[i].figures[f];
            int k = 0;
            while (k < kinds->n &&
                   (strcmp(kinds->items[k]->title, figure->title) || strcmp(kinds->items[k]->metric, figure->metric)))
                k++;
            if (k == kinds->n) kinds->items[kinds->n++] = figure;
        }
    return RINS_OK;
}

static bool is_kind(const RinsReportFigure *figure, const RinsReportFigure *kind) {
    return !strcmp(figure->title, kind->title) && !strcmp(figure->metric, kind->metric);
}

/* Figures worth a picture; the others stand in the table only. */
static bool is_main(const char *metric) {
    static const char *const main_metrics[] = {"acc1", "accuracy", "loss", "image_retrieval_recall@1",
                                               "text_retrieval_recall@1"};
    for (size_t i = 0; i < sizeof main_metrics / sizeof main_metrics[0]; i++)
        if (!strcmp(metric, main_metrics[i])) return true;
    return false;
}

static void evaluation_chart(const RinsReportPage *r, const RinsReportFigure *kind) {
    RinsChart chart = {.out = r->out};
    for (int i = 0; i < r->n; i++)
        for (int f = 0; f < r->runs[i].n_figures; f++)
            if (is_kind(&r->runs[i].figures[f], kind))
                rins_chart_cover(&chart, r->runs[i].figures[f].examples, r->runs[i].figures[f].value);
    fputs("<div>", r->out);
    rins_report_text(r, "p class='note'", kind->title);
    if (rins_chart_begin(&chart, "examples", kind->metric)) {
        for (int i = 0; i < r->n; i++) {
            double from[2] = {0}, to[2] = {0};
            int seen = 0;
            for (int f = 0; f < r->runs[i].n_figures; f++) {
                const RinsReportFigure *figure = &r->runs[i].figures[f];
                if (!is_kind(figure, kind)) continue;
                char tip[256];
                snprintf(tip, sizeof tip, "%s: %.4g at %.0f examples", r->runs[i].name, figure->value,
                         figure->examples);
                to[0] = figure->examples, to[1] = figure->value;
                if (seen++) rins_chart_line(&chart, i, (double[]){from[0], to[0]}, (double[]){from[1], to[1]}, 2);
                rins_chart_mark(&chart, i, to[0], to[1], true, tip);
                from[0] = to[0], from[1] = to[1];
            }
        }
        rins_chart_end(&chart);
    }
    fputs("</div>\n", r->out);
}

RinsStatus rins_report_evaluations(const RinsReportPage *r) {
    Kinds kinds = {0};
    RINS_TRY(find_kinds(r, &kinds));
    if (kinds.n) {
        rins_report_text(r, "h2", "Evaluations");
        fputs("<div class='row'>\n", r->out);
        for (int k = 0; k < kinds.n; k++)
            if (is_main(kinds.items[k]->metric)) evaluation_chart(r, kinds.items[k]);
        fputs("</div>\n<h3>The last of each</h3>\n<div class='wide'><table><tr><th>evaluation</th><th "
              "class='w'>figure</th>",
              r->out);
        for (int i = 0; i < r->n; i++) rins_report_text(r, "th", r->runs[i].name);
        fputs("</tr>\n", r->out);
    }
    for (int k = 0; k < kinds.n; k++) {
        fputs("<tr>", r->out);
        rins_report_text(r, "td class='w'", kinds.items[k]->title);
        rins_report_text(r, "td class='w'", kinds.items[k]->metric);
        for (int i = 0; i < r->n; i++) {
            double last = NAN;
            for (int f = 0; f < r->runs[i].n_figures; f++)
                if (is_kind(&r->runs[i].figures[f], kinds.items[k])) last = r->runs[i].figures[f].value;
            rins_report_cell(r, last, "g");
        }
        fputs("</tr>\n", r->out);
    }
    if (kinds.n) fputs("</table></div>\n", r->out);
    free(kinds.items);
    return RINS_OK;
}

void rins_report_curves(const RinsReportPage *r) {
    rins_report_text(r, "h2", "Training");
    fputs("<div class='row'>\n", r->out);
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) curve(r, &curves[i]);
    fputs("</div>\n<p class='note'>Lines are means over neighbouring steps where there are many; the pale "
          "bands reach from their "
          "least to their largest value.</p>\n",
          r->out);
}
