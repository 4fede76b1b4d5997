/* rins report: one page of one or several runs. */
#include "tools/command.h"
#include "tools/flags.h"

#include "src/base/log.h"
#include "src/study/run_report.h"

int rins_cmd_report(int argc, char **argv) {
    RinsReportTask task = {0};
    RinsCommon common = {0};
    int64_t images = 12;
    const RinsFlag flags[] = {
        {"html", RINS_FLAG_OUT, &task.html, "F", "the page to write; it needs no network", true},
        {"data", RINS_FLAG_STRING, &task.data, "D",
         "where sample images come from, as train.eval.zeroshot names it (default: the runs' own evaluation "
         "sets)"},
        {"images", RINS_FLAG_INT, &images, "N", "sample images per run (default 12); 0: none, and no model is opened",
         .max = 1000},
        {NULL},
    };
    const RinsCli cli = {
        "rins report",
        "RUN... --html F [FLAG ...]",
        "Curves, evaluations over examples, sample images with the nearest texts, confusions and config\n"
        "differences of one or several runs on one page.",
        flags,
        1,
        -1,
        &common};
    int bad_lines = 0;
    const int code = rins_cli_parse(&cli, argc, argv, &task.n);
    if (code != RINS_CLI_GO_ON) return code;
    task.paths = (const char *const *)argv, task.images = (int)images, task.threads = (int)common.threads;
    const RinsStatus status = rins_run_report(&task, &bad_lines);
    if (status == RINS_OK && bad_lines)
        rins_log(RINS_LOG_WARN, "%d lines of the runs' records are damaged and left out", bad_lines);
    if (status == RINS_OK) rins_log(RINS_LOG_INFO, "'%s' written", task.html);
    return rins_report(status);
}
