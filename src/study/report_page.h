/* The page of rins_run_report while it is being written: what its parts share. */
#ifndef RINS_STUDY_REPORT_PAGE_H
#define RINS_STUDY_REPORT_PAGE_H

#include "src/study/run_report.h"

#include <stdio.h>

typedef struct RinsReportPage {
    const RinsReportTask *task;
    RinsReportRun *runs; /* (n) */
    int n;
    FILE *out;
} RinsReportPage;

/* <tag>words</tag>, the words escaped; tag may have attributes. */
void rins_report_text(const RinsReportPage *page, const char *tag, const char *words);
/* A table cell; format "i" for counts, "g" for four digits; empty where v is not finite. */
void rins_report_cell(const RinsReportPage *page, double v, const char *format);

void rins_report_curves(const RinsReportPage *page);
/* Pictures of the main figures over examples, and a table of the last of all. */
RinsStatus rins_report_evaluations(const RinsReportPage *page);
/* Writes one figure for each sample of `entry`, with the texts that the run's model finds nearest. */
RinsStatus rins_report_samples(const RinsReportPage *page, FILE *out, const RinsReportRun *run, const char *entry);

#endif
