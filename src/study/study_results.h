/* What a study measured: one row per arm, seed, budget, rounds at use and metric. Each finished branch is one JSON file
   in OUT/results/, written whole or not at all, so that a killed study goes on where it was. */
#ifndef RINS_STUDY_STUDY_RESULTS_H
#define RINS_STUDY_STUDY_RESULTS_H

#include "src/study/study_plan.h"
#include "src/train/train_state.h"

typedef struct RinsStudyRow {
    int arm, seed, budget;          /* indices into the plan */
    bool one_round;                 /* evaluated with rounds 1, else as trained */
    double flops, examples;         /* that the branch trained with */
    double image_flops, text_flops; /* of one forward pass at these rounds */
    char metric[96];                /* "zeroshot heldout acc1", "hard binding", "loss" ... */
    double value;
    int64_t n;     /* what the value is a fraction of; of "loss": the steps it is a mean over (0 in older results) */
    double chance; /* what guessing gives, 0: not known */
} RinsStudyRow;

typedef struct RinsStudyRows {
    RinsStudyRow *items;
    size_t n;
} RinsStudyRows;

RinsStatus rins_study_rows_add(RinsStudyRows *rows, const RinsStudyRow *row);
void rins_study_rows_free(RinsStudyRows *rows);

/* Sets state->config to what a checkpoint would know of the arm's config: no paths, budget and evaluation. */
RinsStatus rins_study_describe(const RinsStudyPlan *plan, int arm, int seed, RinsTrainState *state);

/* What a result was measured for: arm's config, seed, budget, cool-down and evaluations, as a hash. */
enum { RINS_STUDY_KEY = 17 };
RinsStatus rins_study_key(const RinsStudyPlan *plan, int arm, int seed, int budget, char key[RINS_STUDY_KEY]);

/* malloc'd OUT/results/ARM-sSEED-bBUDGET.json */
char *rins_study_result_path(const RinsStudyPlan *plan, const char *out, int arm, int seed, int budget);
RinsStatus rins_study_result_write(const RinsStudyPlan *plan, const char *path, const RinsStudyRows *rows);
/* Appends the rows of one file. *current is false, and nothing is appended, where there is no such file or it was
   measured for another plan (its key). RINS_ERR_FORMAT where it is no result. */
RinsStatus rins_study_result_read(const RinsStudyPlan *plan, const char *path, RinsStudyRow place, RinsStudyRows *rows,
                                  bool *current);
/* Appends all that is finished; *missing: how many branches are not. */
RinsStatus rins_study_results_read(const RinsStudyPlan *plan, const char *out, RinsStudyRows *rows, int *missing);

/* A quoted field, RFC 4180. */
void rins_study_csv_text(const char *text, FILE *out);
/* OUT/results.csv, rows in plan order. */
RinsStatus rins_study_results_csv(const RinsStudyPlan *plan, const char *path, const RinsStudyRows *rows);

/* Distinct metric names in order of first appearance; pointers into the rows. malloc'd. */
RinsStatus rins_study_metrics(const RinsStudyRows *rows, const char ***names, int *n);

/* What guessing gives for a metric, 0: not known. */
double rins_study_chance(const RinsStudyRows *rows, const char *metric);

typedef struct RinsSpread {
    double mean, deviation;
    int n;
} RinsSpread; /* over seeds; deviation of a sample, NaN for n < 2 */
RinsSpread rins_study_spread(const RinsStudyRows *rows, int arm, int budget, bool one_round, const char *metric);

#endif
