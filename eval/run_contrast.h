/* Hard negatives: for each picture, a true caption against one that is wrong in exactly one skill. */
#ifndef RINS_EVAL_RUN_CONTRAST_H
#define RINS_EVAL_RUN_CONTRAST_H

#include "eval/eval_model.h"
#include "src/base/json_writer.h"

typedef struct RinsSkill {
    char *name;
    int64_t n, right; /* rows, and those whose caption scores higher than the negative (a tie is wrong) */
} RinsSkill;

typedef struct RinsContrastReport {
    RinsSkill *skills; /* in order of first appearance */
    int n_skills;
    int64_t n, right, bad; /* bad: rows whose image cannot be used */
    RinsRounds rounds;
} RinsContrastReport;

/* table: a .tsv, or table:FILE.tsv, with the columns filepath (relative to the table), caption, negative, skill. The model's
   rounds are used. Each distinct picture and text is embedded once. RINS_ERR_FORMAT where no row has a usable
   image. */
RinsStatus rins_run_contrast(RinsEvalModel *em, const char *table, RinsContrastReport *report);
/* Reads the table and looks for its images: what fails here would fail in the middle of a run. */
RinsStatus rins_contrast_check(const char *table);
void rins_contrast_report_free(RinsContrastReport *report);

/* One object: task "hard", dataset, n, metrics {accuracy}, skills {NAME: {n, accuracy}}, bad, rounds. Chance is one
   half. */
void rins_contrast_json(const RinsContrastReport *report, const char *dataset, const char *model, RinsJsonWriter *json);

#endif
