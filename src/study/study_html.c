#include "src/study/study_report.h"

#include "src/base/chart.h"
#include "src/base/file.h"
#include "src/base/html.h"
#include "src/study/study_figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void table_head(const RinsStudyRows *rows, const char *const *metrics, int n, FILE *out) {
    fputs("<table><tr><th>arm</th><th>examples</th>", out);
    for (int m = 0; m < n; m++) {
        const double chance = rins_study_chance(rows, metrics[m]);
        fputs("<th>", out), rins_html_text(out, metrics[m]);
        if (chance > 0) fprintf(out, "<br><small>chance %.3g</small>", chance);
        fputs("</th>", out);
    }
    fputs("</tr>", out);
}

static void table(const RinsStudyPlan *plan, const RinsStudyRows *rows, int budget, const char *const *metrics, int n,
                  FILE *out) {
    table_head(rows, metrics, n, out);
    for (int arm = 0; arm < (int)plan->arms.n; arm++) {
        double examples = NAN;
        for (size_t i = 0; i < rows->n; i++)
            if (rows->items[i].arm == arm && rows->items[i].budget == budget) examples = rows->items[i].examples;
        fputs("<tr><td>", out);
        rins_html_text(out, rins_study_arm(plan, arm)->name);
        fputs("</td><td>", out);
        if (isfinite(examples)) fprintf(out, "%.0f", examples);
        fputs("</td>", out);
        for (int m = 0; m < n; m++) {
            const RinsSpread s = rins_study_spread(rows, arm, budget, false, metrics[m]);
            fputs("<td>", out);
            if (s.n) fprintf(out, "%.4f", s.mean);
            if (s.n > 1) fprintf(out, " &plusmn; %.4f", s.deviation);
            fputs("</td>", out);
        }
        fputs("</tr>", out);
    }
    fputs("</table>", out);
}

static void lacking(const RinsStudyPlan *plan, const RinsStudyRows *rows, FILE *out) {
    char text[RINS_STUDY_LACKS];
    for (int arm = 0; arm < (int)plan->arms.n; arm++) {
        if (!rins_study_lacks(plan, rows, arm, text)) continue;
        fputs("<p>Not finished: ", out);
        rins_html_text(out, rins_study_arm(plan, arm)->name);
        fprintf(out, ": %s.</p>", text);
    }
}

static void introduction(const RinsStudyPlan *plan, const RinsStudyRows *rows, FILE *out) {
    fprintf(out, "<h1>Where does recursion pay?</h1><p>Arms at equal %s; %zu seed%s; %zu budget%s. %s</p><p>",
            plan->budget_unit == RINS_BUDGET_FLOPS ? "training FLOPs" : "examples", plan->seeds.n,
            plan->seeds.n == 1 ? "" : "s", plan->budgets.n, plan->budgets.n == 1 ? "" : "s",
            plan->seeds.n == 1 ? "One seed: no spread is known, and differences may be chance."
                               : "Figures are means over seeds &plusmn; one deviation; without one there is one seed.");
    for (int arm = 0; arm < (int)plan->arms.n; arm++) rins_chart_legend(out, arm, rins_study_arm(plan, arm)->name);
    fputs("</p>", out);
    lacking(plan, rows, out);
}

static void page(const RinsStudyPlan *plan, const RinsStudyRows *rows, const char *const *metrics, int n, FILE *out) {
    fputs("<!doctype html><html lang='en'><meta charset='utf-8'><title>rins ablation</title><style>"
          "body{font:15px/1.45 system-ui,sans-serif;max-width:1200px;margin:2em auto;"
          "padding:0 1em;color:#1c2230}"
          "table{border-collapse:collapse;font-size:13px}"
          "td,th{border-bottom:1px solid #dde;padding:4px 9px;text-align:right}"
          "td:first-child,th:first-child{text-align:left}"
          ".row{display:flex;flex-wrap:wrap;gap:12px}.row>*{flex:1 1 420px}",
          out);
    fputs(rins_chart_css, out);
    fputs("</style>", out);
    introduction(plan, rows, out);
    const int budget = rins_study_compared(plan, rows);
    if (budget < 0) {
        fputs("<p>No budget of any arm is finished yet.</p></html>\n", out);
        return;
    }
    fprintf(out, "<h2>At %.4g %s</h2>", plan->budgets.items[budget],
            plan->budget_unit == RINS_BUDGET_FLOPS ? "training FLOPs" : "examples");
    table(plan, rows, budget, metrics, n, out);
    for (int m = 0; m < n; m++) {
        fputs("<h2>", out), rins_html_text(out, metrics[m]), fputs("</h2><div class='row'>", out);
        rins_study_curves(plan, rows, metrics[m], NULL, out);
        rins_study_bars(plan, rows, budget, metrics[m], out);
        if (strcmp(metrics[m], "loss")) rins_study_frontier(plan, rows, budget, metrics[m], out);
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
