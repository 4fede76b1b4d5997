/* One HTML page of one or several runs: figures, curves, evaluations over examples, sample images with the
   captions that the model finds nearest, confusions, and where the configs differ. The page
   needs no network. */
#ifndef RINS_STUDY_RUN_REPORT_H
#define RINS_STUDY_RUN_REPORT_H

#include "src/study/report_run.h"

typedef struct RinsReportTask {
    const char *const *paths; /* (n) run directories */
    int n;
    const char *html;
    const char *data; /* where sample images come from (as a zero-shot entry); NULL: the evaluation sets of
                         the runs' configs */
    int images;       /* samples per run, 0: none */
    int threads;      /* 0: all the process may use */
} RinsReportTask;

/* Same runs, same bytes. *bad_lines: damaged lines of all runs. Without `data`, samples that cannot be shown
   are a remark in the page and no failure. */
RinsStatus rins_run_report(const RinsReportTask *task, int *bad_lines);

#endif
