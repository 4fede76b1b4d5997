/* A run directory read for a report: its curves, evaluations, confusions and config. */
#ifndef RINS_STUDY_REPORT_RUN_H
#define RINS_STUDY_REPORT_RUN_H

#include "src/base/status.h"

#include <jansson.h>
#include <stdbool.h>

/* The columns of metrics.jsonl and timing.jsonl that are drawn. */
typedef enum RinsReportColumn {
    RINS_REPORT_LOSS,
    RINS_REPORT_LR,
    RINS_REPORT_GRAD_NORM,
    RINS_REPORT_T,
    RINS_REPORT_B,
    RINS_REPORT_PAIRS_PER_S, /* of timing.jsonl */
    RINS_REPORT_DATA_WAIT,
    RINS_REPORT_COLUMNS
} RinsReportColumn;

/* One figure of an evaluation. */
typedef struct RinsReportFigure {
    char *title, *metric; /* "zeroshot_classification folder:val", "acc1" */
    double examples, value;
} RinsReportFigure;

typedef struct RinsReportRun {
    char *path, *name;
    double *steps, *examples, *columns[RINS_REPORT_COLUMNS]; /* (n) NaN where a figure is not known */
    int n;
    double flops;
    RinsReportFigure *figures;
    int n_figures;
    json_t *confusions;        /* {"title": T, "pairs": [{"class", "predicted", "n"}]} of the last evaluation that
                                  has them, or NULL */
    json_t *config;            /* "a.b.c" -> text, or NULL */
    char *config_problem;      /* why there is no config */
    char *zeroshot, *captions; /* first evaluation set of each kind in its config, or NULL */
    int bad_lines;             /* lines that are torn, no JSON, or not behind the line before */
} RinsReportRun;

/* RINS_ERR_IO where `path` has no metrics.jsonl. Damaged lines are counted, a missing eval.jsonl,
   timing.jsonl or config.yaml is no error. Figures recorded by `rins eval --json F` inside the directory
   count for the confusions. */
RinsStatus rins_report_run_read(RinsReportRun *run, const char *path);
void rins_report_run_free(RinsReportRun *run); /* harmless on a zeroed one */

#endif
