/* rins embed image|text: one .npy row for each line of a list or image of a source, streamed. */
#include "tools/command.h"
#include "tools/common.h"
#include "tools/eval_flags.h"

#include "eval/run_embed.h"
#include "src/base/log.h"

#include <string.h>

static RinsStatus run(RinsEvalFlags *eval, const RinsEmbedTask *task) {
    RinsEvalModel *em = NULL;
    RinsEmbedReport report = {0};
    RinsStatus status = rins_eval_flags_open(eval, task->image, !task->image, task->ids, &em);
    if (status == RINS_OK) status = rins_run_embed(em, task, &report);
    rins_eval_bar_end(&eval->bar);
    rins_eval_model_free(em);
    if (status != RINS_OK) return status;
    if (report.kept)
        rins_log(RINS_LOG_INFO, "%lld of %lld rows were there already", (long long)report.kept, (long long)report.rows);
    if (report.rows == 0) rins_log(RINS_LOG_WARN, "'%s' has no line: '%s' has no row", task->input, task->out);
    if (report.bad)
        rins_log(RINS_LOG_WARN,
                 "%lld of %lld %s are bad: their rows are NaN, and a .bad.jsonl beside the rows names them%s%s",
                 (long long)report.bad, (long long)report.rows, task->image ? "images" : "texts",
                 report.first_bad ? "; the first: " : "", report.first_bad ? report.first_bad : "");
    rins_embed_report_free(&report);
    return RINS_OK;
}

int rins_cmd_embed(int argc, char **argv) {
    RinsEvalFlags eval = {0};
    RinsEmbedTask task = {0};
    const RinsFlag flags[] = {
        RINS_EVAL_MODEL_FLAGS(eval),
        {"input", RINS_FLAG_STRING, &task.input, "LIST",
         "one image path (from the working folder) or one text a line (- is standard input); for images also "
         "folder:DIR, wds:PATTERN, table:FILE or karpathy:FILE, or such a path by itself (a folder, .tar, .tsv, .csv, "
         ".json)",
         true},
        {"ids", RINS_FLAG_BOOL, &task.ids, NULL, "texts are rows of token ids, used as they are"},
        {"raw", RINS_FLAG_BOOL, &task.raw, NULL, "do not normalise"},
        RINS_EVAL_ROUNDS_FLAG(eval),
        {"skip-bad", RINS_FLAG_BOOL, &task.skip_bad, NULL,
         "a bad input becomes a row of NaN, listed in X.bad.jsonl, instead of stopping"},
        {"shard-size", RINS_FLAG_INT, &task.shard_size, "N",
         "write X-00000.npy, X-00001.npy, ... of N rows and X.json; started again, go on behind the last "
         "complete one",
         .min = 1, .max = 1e9},
        {"out", RINS_FLAG_OUT, &task.out, "X.npy", "NumPy float32 (inputs, dim); each file whole or not at all", true},
        {NULL},
    };
    const RinsCli cli = {
        "rins embed",
        "image|text --model M --input LIST --out X.npy [FLAG ...]",
        "Embeds every line of a list or every image of a source; row i is input i, always. Memory does not\n"
        "depend on how many there are. A source's keys are written to X.keys.txt, one a row.",
        flags,
        1,
        1,
        &eval.common};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    RinsStatus status = RINS_OK;
    task.image = !strcmp(argv[0], "image");
    task.model = eval.model;
    if (!task.image && strcmp(argv[0], "text") != 0)
        status = RINS_FAIL(RINS_ERR_ARG, "rins embed takes image or text, not '%s'", argv[0]);
    if (status == RINS_OK && task.image && task.ids) status = RINS_FAIL(RINS_ERR_ARG, "--ids goes with texts");
    if (status == RINS_OK) status = run(&eval, &task);
    return rins_report(status);
}
