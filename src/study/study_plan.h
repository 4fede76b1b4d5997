/* An ablation plan: arms that differ in config keys, each trained over several seeds and budgets.

   One run at constant learning rate per arm and seed is the trunk; at each budget a cool-down branches off it, so a
   curve of budgets costs little more than its longest run:

       trunk   ----+-------------+-----------------+
                    \             \                 \
       cool-down     b0            b1                b2 (evaluated)                                              */
#ifndef RINS_STUDY_STUDY_PLAN_H
#define RINS_STUDY_STUDY_PLAN_H

#include "src/train/run_config.h"

typedef struct RinsArm {
    char *name;
    RinsStringList set; /* overrides "a.b=value" of this arm */
} RinsArm;

typedef enum RinsBudgetUnit { RINS_BUDGET_FLOPS, RINS_BUDGET_EXAMPLES } RinsBudgetUnit;

typedef struct RinsStudyPlan {
    char *config;        /* run config that every arm starts from; relative to the plan's folder */
    RinsStringList set;  /* overrides of every arm */
    RinsStructList arms; /* of RinsArm */
    RinsFloatList seeds;
    RinsFloatList budgets; /* rising, in units of budget_unit */
    int budget_unit;
    double cooldown_fraction;                 /* of each budget's steps */
    RinsStringList zeroshot, retrieval, hard; /* what each branch is evaluated on */
    char *templates;                          /* prompt set or file for zeroshot, NULL: the data set's own */
    int64_t eval_batch, bootstrap;
} RinsStudyPlan;

/* Reads and checks a plan. `set`: further overrides of every arm. `config` becomes a path that opens from here. */
RinsStatus rins_study_plan_load(RinsStudyPlan *plan, const char *path, char *const *set, int n_set);
void rins_study_plan_free(RinsStudyPlan *plan);

static inline const RinsArm *rins_study_arm(const RinsStudyPlan *plan, int arm) {
    return (const RinsArm *)plan->arms.items + arm;
}

/* The run config of one arm and seed, constant learning rate, without a budget. */
RinsStatus rins_study_config(const RinsStudyPlan *plan, int arm, int seed, RinsRunConfig *config);

/* Steps that budget `b` buys under this config, and the step at which its cool-down begins (0 < branch < steps). The
   steps' cost is within half a step of the budget. */
RinsStatus rins_study_steps(const RinsStudyPlan *plan, const RinsRunConfig *config, int b, int64_t *steps,
                            int64_t *branch, double *flops_per_pair);

/* What a data set is called in names of metrics: the last part of its spec, up to the first dot. */
const char *rins_study_data_name(const char *spec, char name[48]);

/* File-name form of an arm: letters, digits and '-' of its name, lower case. */
void rins_study_slug(const char *name, char slug[64]);

#endif
