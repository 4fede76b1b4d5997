#include "tools/ablate.h"

#include "src/base/log.h"
#include "tools/common.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LINE = 512, NAME = 32, COLUMN = 16 };

static const char *unit(const RinsStudyPlan *plan) {
    return plan->budget_unit == RINS_BUDGET_FLOPS ? "FLOPs" : "examples";
}

static const char *plural(size_t n) {
    return n == 1 ? "" : "s";
}

const char *rins_ablate_count(int64_t n, char text[32]) {
    const size_t length = strlen(rins_format_si((double)n, text));
    if (length && text[length - 1] == ' ') text[length - 1] = 0;
    return text;
}

static int name_width(const RinsStudyPlan *plan) {
    size_t width = 3;
    for (int arm = 0; arm < (int)plan->arms.n; arm++) {
        const size_t n = strlen(rins_study_arm(plan, arm)->name);
        width = n > width ? n : width;
    }
    return width < NAME ? (int)width : NAME;
}

static void show_totals(const RinsAblation *a) {
    const RinsStudyPlan *plan = &a->plan;
    char trained[64] = "";
    if (a->survey.trained) snprintf(trained, sizeof trained, ", %d are trained and only evaluated", a->survey.trained);
    rins_log(RINS_LOG_INFO,
             "study: %zu arm%s x %zu seed%s x %zu budget%s: %zu trunk%s and %d branch%s; %d finished already%s",
             plan->arms.n, plural(plan->arms.n), plan->seeds.n, plural(plan->seeds.n), plan->budgets.n,
             plural(plan->budgets.n), plan->arms.n * plan->seeds.n, plural(plan->arms.n * plan->seeds.n),
             a->survey.branches, a->survey.branches == 1 ? "" : "es", a->survey.finished, trained);
}

static void show_head(const RinsStudyPlan *plan, int width) {
    char line[LINE], column[64];
    rins_log(RINS_LOG_INFO, "%-*s  FLOPs a pair  steps (pairs) at", width, "arm");
    int n = snprintf(line, sizeof line, "%-*s              ", width, "");
    for (int b = 0; b < (int)plan->budgets.n && n < LINE - COLUMN; b++) {
        snprintf(column, sizeof column, "%.4g %s", plan->budgets.items[b], unit(plan));
        n += snprintf(line + n, (size_t)(LINE - n), "  %*s", COLUMN, column);
    }
    rins_log(RINS_LOG_INFO, "%s", line);
}

static void warn_of_warmup(const RinsStudyPlan *plan, const char *name, int64_t warmup, int64_t trunk, int64_t steps) {
    if (warmup <= trunk) return;
    rins_log(RINS_LOG_WARN,
             "arm '%s': the warm-up of %lld steps is longer than the trunk of budget %g (%lld of its %lld "
             "steps), which so never "
             "reaches the full learning rate, and arms differ in more than their keys; lower "
             "train.schedule.warmup_steps",
             name, (long long)warmup, plan->budgets.items[0], (long long)trunk, (long long)steps);
}

static RinsStatus show_arm(const RinsStudyPlan *plan, int arm, int width) {
    RinsRunConfig config = {0};
    const char *name = rins_study_arm(plan, arm)->name;
    char line[LINE], text[32], pairs[32], column[64];
    double per_pair;
    int n = 0;
    RinsStatus status = rins_study_config(plan, arm, 0, &config);
    for (int b = 0; b < (int)plan->budgets.n && n < LINE - COLUMN && status == RINS_OK; b++) {
        int64_t steps, trunk;
        status = rins_study_steps(plan, &config, b, &steps, &trunk, &per_pair);
        if (status != RINS_OK) break;
        if (b == 0) {
            warn_of_warmup(plan, name, config.train.schedule.warmup_steps, trunk, steps);
            n = snprintf(line, sizeof line, "%-*.*s  %12s", width, width, name, rins_format_si(per_pair, text));
        }
        snprintf(column, sizeof column, "%lld (%s)", (long long)steps,
                 rins_ablate_count(steps * config.train.batch, pairs));
        n += snprintf(line + n, (size_t)(LINE - n), "  %*s", COLUMN, column);
    }
    rins_run_config_free(&config);
    if (status == RINS_OK) rins_log(RINS_LOG_INFO, "%s", line);
    return status;
}

RinsStatus rins_ablate_overview(const RinsAblation *a) {
    const int width = name_width(&a->plan);
    show_totals(a);
    show_head(&a->plan, width);
    for (int arm = 0; arm < (int)a->plan.arms.n; arm++) RINS_TRY(show_arm(&a->plan, arm, width));
    return RINS_OK;
}
