#include "src/study/study_plan.h"

#include "src/base/file.h"
#include "src/base/list.h"
#include "src/train/initial_weights.h"
#include "src/train/train_flops.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const unit_names[] = {"flops", "examples", NULL};

static const RinsField arm_fields[] = {
    {"name", RINS_FIELD_STRING, offsetof(RinsArm, name), "null", "what people call it", .nullable = true},
    {"set", RINS_FIELD_STRING_LIST, offsetof(RinsArm, set), "[]", "overrides a.b=value of this arm"},
    {NULL}};

static const RinsField study_fields[] = {
    {"config", RINS_FIELD_STRING, offsetof(RinsStudyPlan, config), "null", "run config all arms start from",
     .nullable = true},
    {"set", RINS_FIELD_STRING_LIST, offsetof(RinsStudyPlan, set), "[]", "overrides of every arm"},
    {"arms", RINS_FIELD_STRUCT_LIST, offsetof(RinsStudyPlan, arms), "[]",
     "the arms; the first is what others are compared with", .fields = arm_fields, .size = sizeof(RinsArm)},
    {"seeds", RINS_FIELD_FLOAT_LIST, offsetof(RinsStudyPlan, seeds), "[0]", "one repetition of every arm per seed", 0,
     1e9, .list_only = "[0, 1]"}, /* one number would be taken for how many */
    {"budgets", RINS_FIELD_FLOAT_LIST, offsetof(RinsStudyPlan, budgets), "[]", "rising training budgets"},
    {"budget_unit", RINS_FIELD_ENUM, offsetof(RinsStudyPlan, budget_unit), "flops",
     "flops (compute-matched) or examples", .names = unit_names},
    {"cooldown_fraction", RINS_FIELD_FLOAT, offsetof(RinsStudyPlan, cooldown_fraction), "0.2",
     "last part of each budget, in which the learning rate falls to zero", 0.01, 0.9},
    {"zeroshot", RINS_FIELD_STRING_LIST, offsetof(RinsStudyPlan, zeroshot), "[]", "class folders or shards"},
    {"retrieval", RINS_FIELD_STRING_LIST, offsetof(RinsStudyPlan, retrieval), "[]", "captioned images"},
    {"hard", RINS_FIELD_STRING_LIST, offsetof(RinsStudyPlan, hard), "[]", "tables of hard negatives"},
    {"templates", RINS_FIELD_STRING, offsetof(RinsStudyPlan, templates), "null", "prompt set or file for zeroshot",
     .nullable = true},
    {"eval_batch", RINS_FIELD_INT, offsetof(RinsStudyPlan, eval_batch), "128", "images or texts embedded at once", 1,
     65536},
    {"bootstrap", RINS_FIELD_INT, offsetof(RinsStudyPlan, bootstrap), "1000", "resamples for the fits' intervals", 0,
     1e6},
    {NULL}};

/* Figures of two sets of one name would be taken for repetitions of one another. */
static RinsStatus check_names(const RinsStringList *list, const char *key, const char *path) {
    for (size_t i = 0; i < list->n; i++)
        for (size_t j = 0; j < i; j++) {
            char name[48], other[48];
            if (strcmp(rins_study_data_name(list->items[i], name), rins_study_data_name(list->items[j], other)) != 0)
                continue;
            return RINS_FAIL(RINS_ERR_CONFIG, "%s: '%s' names two sets that are called '%s', '%s' and '%s': rename one",
                             path, key, name, list->items[j], list->items[i]);
        }
    return RINS_OK;
}

static RinsStatus check(const RinsStudyPlan *plan, const char *path) {
    if (!plan->config)
        return RINS_FAIL(RINS_ERR_CONFIG, "%s: 'config' is missing: the run config all arms start from", path);
    if (plan->arms.n == 0) return RINS_FAIL(RINS_ERR_CONFIG, "%s: 'arms' is empty", path);
    if (plan->seeds.n == 0) return RINS_FAIL(RINS_ERR_CONFIG, "%s: 'seeds' is empty", path);
    if (plan->budgets.n == 0) return RINS_FAIL(RINS_ERR_CONFIG, "%s: 'budgets' is empty", path);
    for (size_t i = 0; i < plan->budgets.n; i++)
        if (!(plan->budgets.items[i] > (i ? plan->budgets.items[i - 1] : 0)))
            return RINS_FAIL(RINS_ERR_CONFIG, "%s: 'budgets' must be positive and rising", path);
    for (size_t i = 0; i < plan->seeds.n; i++)
        for (size_t j = 0; j <= i; j++)
            if (plan->seeds.items[i] != floor(plan->seeds.items[i]) ||
                (j < i && plan->seeds.items[j] == plan->seeds.items[i]))
                return RINS_FAIL(RINS_ERR_CONFIG, "%s: 'seeds' must be different whole numbers", path);
    for (size_t i = 0; i < plan->arms.n; i++) {
        char slug[64], other[64];
        const char *name = rins_study_arm(plan, (int)i)->name;
        if (!name || !*name) return RINS_FAIL(RINS_ERR_CONFIG, "%s: arm %zu has no name", path, i + 1);
        rins_study_slug(name, slug);
        for (size_t j = 0; j < i; j++) {
            rins_study_slug(rins_study_arm(plan, (int)j)->name, other);
            const char *also = rins_study_arm(plan, (int)j)->name;
            if (!strcmp(name, also)) return RINS_FAIL(RINS_ERR_CONFIG, "%s: two arms are called '%s'", path, name);
            if (!strcmp(slug, other))
                return RINS_FAIL(RINS_ERR_CONFIG, "%s: arms '%s' and '%s' would share files, named '%s': rename one",
                                 path, also, name, slug);
        }
    }
    RINS_TRY(check_names(&plan->zeroshot, "zeroshot", path));
    RINS_TRY(check_names(&plan->retrieval, "retrieval", path));
    return check_names(&plan->hard, "hard", path);
}

static RinsStatus beside_plan(RinsStudyPlan *plan, const char *path) {
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path)) : strdup("");
    char *joined = folder ? rins_path_join(folder, plan->config) : NULL;
    free(folder);
    if (!joined) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    free(plan->config);
    plan->config = joined;
    return RINS_OK;
}

static RinsStatus add_set(RinsStudyPlan *plan, char *const *set, int n_set) {
    for (int i = 0; i < n_set; i++) RINS_TRY(rins_strings_add(&plan->set, set[i]));
    return RINS_OK;
}

RinsStatus rins_study_plan_load(RinsStudyPlan *plan, const char *path, char *const *set, int n_set) {
    RinsStatus status = RINS_OK;
    RinsRunConfig config = {0};
    *plan = (RinsStudyPlan){0};
    RINS_TRY_DONE(rins_config_defaults(study_fields, plan));
    RINS_TRY_DONE(rins_config_read(study_fields, plan, path));
    RINS_TRY_DONE(check(plan, path));
    RINS_TRY_DONE(beside_plan(plan, path));
    RINS_TRY_DONE(add_set(plan, set, n_set));
    for (int arm = 0; arm < (int)plan->arms.n;
         arm++) { /* every arm's every budget makes sense before the first one runs */
        int64_t steps, branch;
        double flops;
        status = rins_study_config(plan, arm, 0, &config);
        for (int b = 0; status == RINS_OK && b < (int)plan->budgets.n; b++)
            status = rins_study_steps(plan, &config, b, &steps, &branch, &flops);
        rins_run_config_free(&config);
        if (status != RINS_OK) {
            rins_fail_context(status, "arm '%s'", rins_study_arm(plan, arm)->name);
            goto done;
        }
    }
done:
    if (status != RINS_OK) rins_study_plan_free(plan);
    return status;
}

void rins_study_plan_free(RinsStudyPlan *plan) {
    rins_config_free(study_fields, plan);
}

RinsStatus rins_study_config(const RinsStudyPlan *plan, int arm, int seed, RinsRunConfig *config) {
    const RinsArm *a = rins_study_arm(plan, arm);
    const size_t n = plan->set.n + a->set.n;
    char **set = calloc(n + 1, sizeof *set), text[64];
    if (!set) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for overrides");
    if (plan->set.n) memcpy(set, plan->set.items, plan->set.n * sizeof *set);
    if (a->set.n) memcpy(set + plan->set.n, a->set.items, a->set.n * sizeof *set);
    *config = (RinsRunConfig){0};
    RinsStatus status = rins_run_config_load(config, plan->config, set, (int)n);
    free(set);
    snprintf(text, sizeof text, "seed=%.0f", plan->seeds.items[seed]);
    if (status == RINS_OK) status = rins_config_override(rins_run_fields, config, text);
    if (status == RINS_OK && config->train.schedule.name != RINS_SCHEDULE_CONSTANT)
        status = RINS_FAIL(RINS_ERR_CONFIG,
                           "a study's learning rate is constant with cool-downs: set train.schedule.name: constant");
    if (status == RINS_OK && config->train.schedule.warmup_steps == RINS_INT_NULL)
        status = RINS_FAIL(RINS_ERR_CONFIG,
                           "a study's warm-up must not depend on the budget: set train.schedule.warmup_steps");
    if (status == RINS_OK && config->train.schedule.cooldown_fraction != 0)
        status =
            RINS_FAIL(RINS_ERR_CONFIG,
                      "train.schedule.cooldown_fraction is %g in '%s' or in 'set', but a study's trunk stays at its "
                      "rate and its branches cool down by the plan's own cooldown_fraction: set "
                      "train.schedule.cooldown_fraction=0",
                      config->train.schedule.cooldown_fraction, plan->config);
    if (status == RINS_OK) status = rins_origins_adopt(config); /* equal compute is that of the models trained */
    if (status != RINS_OK) rins_run_config_free(config);
    return status;
}

RinsStatus rins_study_steps(const RinsStudyPlan *plan, const RinsRunConfig *config, int b, int64_t *steps,
                            int64_t *branch, double *flops_per_pair) {
    RINS_TRY(rins_expected_flops(&config->model, flops_per_pair));
    const double each = plan->budget_unit == RINS_BUDGET_FLOPS ? *flops_per_pair : 1;
    *steps = llround(plan->budgets.items[b] / (each * (double)config->train.batch));
    const int64_t cooldown = llround((double)*steps * plan->cooldown_fraction);
    *branch = *steps - (cooldown > 0 ? cooldown : 1);
    if (*branch < 1)
        return RINS_FAIL(RINS_ERR_CONFIG, "budget %g buys %lld steps, too few for a trunk and a cool-down",
                         plan->budgets.items[b], (long long)*steps);
    return RINS_OK;
}

const char *rins_study_data_name(const char *spec, char name[48]) {
    const char *slash = strrchr(spec, '/'), *colon = strchr(spec, ':');
    const char *start = slash ? slash + 1 : colon ? colon + 1 : spec;
    snprintf(name, 48, "%s", start);
    char *dot = strchr(name, '.');
    if (dot && dot != name) *dot = 0;
    return name;
}

void rins_study_slug(const char *name, char slug[64]) {
    size_t n = 0;
    for (; *name && n < 63; name++) {
        if (isalnum((unsigned char)*name))
            slug[n++] = (char)tolower((unsigned char)*name);
        else if (n && slug[n - 1] != '-')
            slug[n++] = '-';
    }
    while (n && slug[n - 1] == '-') n--;
    slug[n] = 0;
}
