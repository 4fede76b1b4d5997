#include "src/study/study_report.h"

#include "src/base/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_loss(const char *metric) {
    return !strcmp(metric, "loss");
}

RinsStatus rins_study_fit(const RinsStudyRows *rows, int arm, const char *metric, int bootstrap,
                          RinsFit *fit) {
    RinsFitPoint *points = malloc((rows->n + 1) * sizeof *points);
    int n = 0;
    if (!points) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a fit");
    for (size_t i = 0; i < rows->n; i++) {
        const RinsStudyRow *row = &rows->items[i];
        if (row->arm != arm || row->one_round || strcmp(row->metric, metric)) continue;
        points[n++] = (RinsFitPoint){row->flops, is_loss(metric) ? row->value : 1 - row->value, row->seed};
    }
    const RinsStatus status = rins_scaling_fit(points, n, bootstrap, 0, fit);
    free(points);
    return status;
}

/* Largest budget for which every arm has at least one result, -1: none. */
static int last_budget(const RinsStudyPlan *plan, const RinsStudyRows *rows) {
    for (int b = (int)plan->budgets.n - 1; b >= 0; b--) {
        bool all = true;
        for (int arm = 0; arm < (int)plan->arms.n; arm++)
            all = all && rins_study_spread(rows, arm, b, false, "loss").n > 0;
        if (all) return b;
    }
    return -1;
}

/* Standard error of the difference of two means. */
static double standard_error(RinsSpread a, RinsSpread b) {
    return sqrt(a.deviation * a.deviation / (a.n > 0 ? a.n : 1) +
                b.deviation * b.deviation / (b.n > 0 ? b.n : 1));
}

static const char *verdict(RinsSpread base, RinsSpread arm, bool less_is_better) {
    const double difference = less_is_better ? base.mean - arm.mean : arm.mean - base.mean;
    const double error = standard_error(base, arm);
    if (base.n < 2 || arm.n < 2) return "one seed: no spread known";
    if (fabs(difference) <= 2 * error) return "within the seeds' spread";
    return difference > 0 ? "better, beyond the spread" : "worse, beyond the spread";
}

static void summarise_metric(const RinsStudyPlan *plan, const RinsStudyRows *rows, int budget,
                             const char *metric, FILE *out) {
    const RinsSpread base = rins_study_spread(rows, 0, budget, false, metric);
    int best = 0;
    fprintf(out, "\n%s%s\n", metric, is_loss(metric) ? " (less is better)" : "");
    for (int arm = 0; arm < (int)plan->arms.n; arm++) {
        const RinsSpread spread = rins_study_spread(rows, arm, budget, false, metric);
        const RinsSpread one = rins_study_spread(rows, arm, budget, true, metric);
        const RinsSpread top = rins_study_spread(rows, best, budget, false, metric);
        if (is_loss(metric) ? spread.mean < top.mean : spread.mean > top.mean) best = arm;
        fprintf(out, "  %-28s %9.4f +- %.4f (%d)", rins_study_arm(plan, arm)->name, spread.mean,
                spread.deviation, spread.n);
        if (arm > 0)
            fprintf(out, "  %+9.4f  %s", spread.mean - base.mean, verdict(base, spread, is_loss(metric)));
        if (one.n) fprintf(out, "  [one round: %.4f]", one.mean);
        fputc('\n', out);
    }
    if (best == 0) {
        fprintf(out, "  best: %s\n", rins_study_arm(plan, 0)->name);
        return;
    }
    fprintf(out, "  best: %s, %s against %s\n", rins_study_arm(plan, best)->name,
            verdict(base, rins_study_spread(rows, best, budget, false, metric), is_loss(metric)),
            rins_study_arm(plan, 0)->name);
}

RinsStatus rins_study_summary(const RinsStudyPlan *plan, const RinsStudyRows *rows, FILE *out) {
    const int budget = last_budget(plan, rows);
    const char **metrics;
    int n;
    if (budget < 0) {
        fputs("no budget is finished for every arm yet\n", out);
        return RINS_OK;
    }
    RINS_TRY(rins_study_metrics(rows, &metrics, &n));
    fprintf(out, "at %.4g %s per arm, mean +- deviation over seeds, against '%s':\n",
            plan->budgets.items[budget],
            plan->budget_unit == RINS_BUDGET_FLOPS ? "training FLOPs" : "examples",
            rins_study_arm(plan, 0)->name);
    for (int i = 0; i < n; i++) summarise_metric(plan, rows, budget, metrics[i], out);
    free(metrics);
    return RINS_OK;
}

RinsStatus rins_study_fits_csv(const RinsStudyPlan *plan, const char *path, const RinsStudyRows *rows) {
    RinsAtomicFile file;
    const char **metrics;
    int n;
    RINS_TRY(rins_study_metrics(rows, &metrics, &n));
    RinsStatus status = rins_atomic_open(&file, path);
    if (status != RINS_OK) {
        free(metrics);
        return status;
    }
    fputs("arm,metric,beta,beta_low,beta_high,c,c_low,c_high,"
          "epsilon,epsilon_low,epsilon_high,residual,points\n",
          file.stream);
    for (int i = 0; i < n; i++)
        for (int arm = 0; arm < (int)plan->arms.n; arm++) {
            RinsFit f;
            if (rins_study_fit(rows, arm, metrics[i], (int)plan->bootstrap, &f) != RINS_OK)
                continue; /* too few budgets */
            rins_study_csv_text(rins_study_arm(plan, arm)->name, file.stream);
            putc(',', file.stream);
            rins_study_csv_text(metrics[i], file.stream);
            fprintf(file.stream, ",%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%d\n", f.beta,
                    f.beta_low, f.beta_high, f.c, f.c_low, f.c_high, f.epsilon, f.epsilon_low, f.epsilon_high,
                    f.residual, f.n);
        }
    free(metrics);
    return rins_atomic_commit(&file);
}
