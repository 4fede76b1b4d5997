#include "src/study/study_report.h"

#include "src/base/file.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_loss(const char *metric) {
    return !strcmp(metric, "loss");
}

RinsStatus rins_study_fit(const RinsStudyRows *rows, int arm, const char *metric, int bootstrap, RinsFit *fit) {
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

int rins_study_compared(const RinsStudyPlan *plan, const RinsStudyRows *rows) {
    int best = -1, most = 0;
    for (int b = 0; b < (int)plan->budgets.n; b++) {
        int arms = 0;
        for (int arm = 0; arm < (int)plan->arms.n; arm++) arms += rins_study_spread(rows, arm, b, false, "loss").n > 0;
        if (arms > 0 && arms >= most) best = b, most = arms;
    }
    return best;
}

static bool has_branch(const RinsStudyRows *rows, int arm, int seed, int budget) {
    for (size_t i = 0; i < rows->n; i++)
        if (rows->items[i].arm == arm && rows->items[i].seed == seed && rows->items[i].budget == budget) return true;
    return false;
}

/* Adds to a text that is cut off where it is full. */
__attribute__((format(printf, 2, 3))) static void append(char text[RINS_STUDY_LACKS], const char *format, ...) {
    const size_t n = strlen(text);
    va_list list;
    va_start(list, format);
    vsnprintf(text + n, RINS_STUDY_LACKS - n, format, list);
    va_end(list);
}

bool rins_study_lacks(const RinsStudyPlan *plan, const RinsStudyRows *rows, int arm, char text[RINS_STUDY_LACKS]) {
    const int seeds = (int)plan->seeds.n;
    int lacking = 0;
    text[0] = 0;
    for (int b = 0; b < (int)plan->budgets.n; b++) {
        int here = 0;
        for (int seed = 0; seed < seeds; seed++) here += !has_branch(rows, arm, seed, b);
        lacking += here;
        if (!here) continue;
        append(text, "%s%.4g", *text ? ", " : "", plan->budgets.items[b]);
        if (here == seeds) continue;
        append(text, " (seed%s", here > 1 ? "s" : "");
        for (int seed = 0, listed = 0; seed < seeds; seed++)
            if (!has_branch(rows, arm, seed, b)) append(text, "%s%.0f", listed++ ? ", " : " ", plan->seeds.items[seed]);
        append(text, ")");
    }
    if (lacking == seeds * (int)plan->budgets.n) snprintf(text, RINS_STUDY_LACKS, "all budgets");
    return lacking > 0;
}

/* Standard error of the difference of two means, of several seeds each. */
static double standard_error(RinsSpread a, RinsSpread b) {
    return sqrt(a.deviation * a.deviation / a.n + b.deviation * b.deviation / b.n);
}

typedef enum Verdict { UNKNOWN, WITHIN, BETTER, WORSE } Verdict;

static Verdict judge(RinsSpread base, RinsSpread arm, bool less_is_better) {
    const double difference = less_is_better ? base.mean - arm.mean : arm.mean - base.mean;
    if (base.n < 2 || arm.n < 2) return UNKNOWN;
    if (fabs(difference) <= 2 * standard_error(base, arm)) return WITHIN;
    return difference > 0 ? BETTER : WORSE;
}

static void write_arm(const char *name, RinsSpread spread, const RinsSpread *base, bool less_is_better, FILE *out) {
    static const char *const words[] = {[UNKNOWN] = "one seed: no spread known",
                                        [WITHIN] = "within the seeds' spread",
                                        [BETTER] = "better, beyond the spread",
                                        [WORSE] = "worse, beyond the spread"};
    fprintf(out, "  %-28s %9.4f", name, spread.mean);
    if (spread.n > 1)
        fprintf(out, " +- %.4f (%d)", spread.deviation, spread.n);
    else
        fprintf(out, " +- %-6s (%d)", "-", spread.n);
    if (base) fprintf(out, "  %+9.4f  %s", spread.mean - base->mean, words[judge(*base, spread, less_is_better)]);
}

static void write_best(const char *name, const char *base, Verdict verdict, FILE *out) {
    static const char *const words[] = {[UNKNOWN] = "; one seed does not tell whether it is better than ",
                                        [WITHIN] = ", within the seeds' spread of ",
                                        [BETTER] = ", better than ",
                                        [WORSE] = ", worse than "};
    fprintf(out, "  best: %s", name);
    if (name != base) fprintf(out, "%s%s%s", words[verdict], base, verdict == BETTER ? ", beyond the spread" : "");
    fputc('\n', out);
}

static void summarise_metric(const RinsStudyPlan *plan, const RinsStudyRows *rows, int budget, const char *metric,
                             FILE *out) {
    const bool less = is_loss(metric);
    const double chance = rins_study_chance(rows, metric);
    RinsSpread base = {0}, top = {0};
    int first = -1, best = -1;
    fprintf(out, "\n%s%s", metric, less ? " (less is better)" : "");
    if (chance > 0) fprintf(out, " (chance %.3g)", chance);
    fputc('\n', out);
    for (int arm = 0; arm < (int)plan->arms.n; arm++) {
        const char *name = rins_study_arm(plan, arm)->name;
        const RinsSpread spread = rins_study_spread(rows, arm, budget, false, metric);
        const RinsSpread one = rins_study_spread(rows, arm, budget, true, metric);
        if (!spread.n) {
            fprintf(out, "  %-28s %9s\n", name, "-");
            continue;
        }
        write_arm(name, spread, first >= 0 ? &base : NULL, less, out);
        if (one.n) fprintf(out, "  [one round: %.4f]", one.mean);
        fputc('\n', out);
        if (first < 0) first = arm, base = spread;
        if (best < 0 || (less ? spread.mean < top.mean : spread.mean > top.mean)) best = arm, top = spread;
    }
    if (best >= 0)
        write_best(rins_study_arm(plan, best)->name, rins_study_arm(plan, first)->name, judge(base, top, less), out);
}

static void write_lacking(const RinsStudyPlan *plan, const RinsStudyRows *rows, FILE *out) {
    char text[RINS_STUDY_LACKS];
    bool any = false;
    for (int arm = 0; arm < (int)plan->arms.n; arm++) {
        if (!rins_study_lacks(plan, rows, arm, text)) continue;
        if (!any) fputs("\nnot finished:\n", out);
        any = true;
        fprintf(out, "  %-28s %s\n", rins_study_arm(plan, arm)->name, text);
    }
}

/* The arm that the others are compared with at a budget: the first that has a result. */
static const char *base_of(const RinsStudyPlan *plan, const RinsStudyRows *rows, int budget) {
    int arm = 0;
    while (!rins_study_spread(rows, arm, budget, false, "loss").n) arm++;
    return rins_study_arm(plan, arm)->name;
}

RinsStatus rins_study_summary(const RinsStudyPlan *plan, const RinsStudyRows *rows, FILE *out) {
    const int budget = rins_study_compared(plan, rows);
    const char **metrics;
    int n;
    if (budget < 0) {
        fputs("no budget of any arm is finished yet\n", out);
        return RINS_OK;
    }
    RINS_TRY(rins_study_metrics(rows, &metrics, &n));
    fprintf(out, "at %.4g %s per arm, mean +- deviation over seeds, against '%s':\n", plan->budgets.items[budget],
            plan->budget_unit == RINS_BUDGET_FLOPS ? "training FLOPs" : "examples", base_of(plan, rows, budget));
    for (int i = 0; i < n; i++) summarise_metric(plan, rows, budget, metrics[i], out);
    write_lacking(plan, rows, out);
    free(metrics);
    return RINS_OK;
}

/* Numbers of a row, each behind a comma; those that are not known are empty. */
static void write_cells(FILE *out, const double *values, int n) {
    for (int i = 0; i < n; i++) {
        putc(',', out);
        if (isfinite(values[i])) fprintf(out, "%.6g", values[i]);
    }
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
            double cells[] = {f.beta,    f.beta_low,    f.beta_high,    f.c,       f.c_low, f.c_high,
                              f.epsilon, f.epsilon_low, f.epsilon_high, f.residual};
            enum { CELLS = sizeof cells / sizeof cells[0] };
            for (int k = 0; k < CELLS && !rins_scaling_falls(&f); k++) cells[k] = NAN;
            write_cells(file.stream, cells, CELLS);
            fprintf(file.stream, ",%d\n", f.n);
        }
    free(metrics);
    return rins_atomic_commit(&file);
}
