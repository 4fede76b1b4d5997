/* rins eval zeroshot|retrieval|hard; eval_probe.c has probe and knn */
#define _GNU_SOURCE
#include "tools/command.h"
#include "tools/common.h"
#include "tools/eval_actions.h"
#include "tools/eval_figures.h"
#include "tools/eval_flags.h"

#include "eval/run_contrast.h"
#include "eval/run_retrieval.h"
#include "eval/run_zeroshot.h"

#include <stdio.h>
#include <string.h>

static void print_one(const RinsZeroshotReport *report) {
    const RinsZeroshot *counts = &report->outcomes[0].counts;
    printf("zero-shot classification of %lld images into %d classes, %s (%lld templates)\n", (long long)counts->n,
           counts->classes, report->prompt_set, (long long)report->n_templates);
    rins_print_figures(counts);
    if (report->bad) printf("  bad images left out    %lld\n", (long long)report->bad);
}

/* Accuracy against what it costs. */
static void print_sweep(const RinsZeroshotReport *report) {
    printf("image rounds  text rounds  image GFLOP  text GFLOP    acc1    acc5  mean_per_class_recall\n");
    for (int i = 0; i < report->n_outcomes; i++) {
        const RinsZeroshotOutcome *o = &report->outcomes[i];
        printf("%12d  %11d  %11.3f  %10.3f  %.4f  %.4f  %.4f\n", o->rounds.image, o->rounds.text,
               o->flops.image_forward / 1e9, o->flops.text_forward / 1e9, rins_zeroshot_acc1(&o->counts),
               rins_zeroshot_acc5(&o->counts), rins_zeroshot_mean_recall(&o->counts));
    }
}

static RinsStatus write_zeroshot(const RinsZeroshotReport *report, const char *path, bool full) {
    RinsJsonWriter json = {.indent = 2};
    if (report->n_outcomes > 1) rins_json_open(&json, NULL, '[');
    for (int i = 0; i < report->n_outcomes; i++) rins_zeroshot_json(report, i, full, &json);
    if (report->n_outcomes > 1) rins_json_close(&json);
    return rins_write_json(path, &json);
}

static int run_zeroshot(int argc, char **argv) {
    RinsEvalFlags eval = {0};
    RinsZeroshotTask task = {.use_cache = true};
    const char *rounds = NULL, *json = NULL;
    int64_t html_images = 0;
    bool per_class = false, no_cache = false;
    const RinsFlag flags[] = {
        RINS_EVAL_MODEL_FLAGS(eval),
        {"data", RINS_FLAG_STRING, &task.data, "D", "folder:DIR with a folder per class, or wds:PATTERN with .cls",
         true},
        {"classes", RINS_FLAG_STRING, &task.classes, "F",
         "class names, one a line, in the order of the sorted folders"},
        {"templates", RINS_FLAG_STRING, &task.templates, "F|SET",
         "prompts with {} for the name: a file, or clip_paper (default), openai, clip_best, simple, "
         "class_name_only"},
        {"labels", RINS_FLAG_STRING, &task.labels, "L",
         "labels of a flat folder: wnid (names such as n01440764_x.JPEG), a .tsv (file name, class), or "
         "ReaL's real.json"},
        {"rounds", RINS_FLAG_STRING, &rounds, "R", "image=R,text=R; a range such as text=1..4 evaluates each"},
        {"json", RINS_FLAG_OUT_OR_STDOUT, &json, "F", "write the figures as JSON (- is standard output)"},
        {"html", RINS_FLAG_OUT, &task.html, "F", "write a page of images with their best captions"},
        {"html-images", RINS_FLAG_INT, &html_images, "N", "how many (default 24)", .min = 1, .max = 100000},
        {"per-class", RINS_FLAG_BOOL, &per_class, NULL, "also every class and the most frequent confusions"},
        {"no-cache", RINS_FLAG_BOOL, &no_cache, NULL, "embed the prompts again even where they were kept from before"},
        {NULL},
    };
    const RinsCli cli = {"rins eval zeroshot",
                         "--model M --data D [FLAG ...]",
                         "Classifies images by the nearest class embedding: the mean over the prompts of a "
                         "class. A tie counts against\n"
                         "the model.",
                         flags,
                         0,
                         0,
                         &eval.common};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    RinsRoundsList image = {0}, text = {0};
    RinsEvalModel *em = NULL;
    RinsZeroshotReport report = {0};
    RinsStatus status = rins_parse_rounds_lists(rounds, &image, &text);
    if (status == RINS_OK) status = rins_eval_flags_open(&eval, true, true, false, &em);
    if (status != RINS_OK) goto done;
    if (image.n) task.image_rounds = image.items, task.n_image_rounds = image.n;
    if (text.n) task.text_rounds = text.items, task.n_text_rounds = text.n;
    task.use_cache = !no_cache, task.model = eval.model, task.html_images = (int)html_images;
    status = rins_run_zeroshot(em, &task, &report);
    rins_eval_bar_end(&eval.bar);
    if (status != RINS_OK) goto done;
    const bool quiet_out = json && !strcmp(json, "-"); /* standard output is the JSON then */
    if (!quiet_out && report.n_outcomes == 1) print_one(&report);
    if (!quiet_out && report.n_outcomes > 1) print_sweep(&report);
    if (!quiet_out && per_class) RINS_TRY_DONE(rins_print_classes(&report.outcomes[0].counts, &report.classes->names));
    status = write_zeroshot(&report, json, per_class);
done:
    rins_zeroshot_report_free(&report);
    rins_eval_model_free(em);
    return rins_report(status);
}

static void print_recall(const char *name, const RinsRecall *recall) {
    printf("  %-15s recall@1 %.4f  @5 %.4f  @10 %.4f   rank: mean %.1f, median %.1f\n", name, recall->at1, recall->at5,
           recall->at10, recall->mean_rank, recall->median_rank);
}

/* Evaluations of images with their captions: a set in, figures out. `json` is NULL where none is wanted. */
typedef struct PairsAction {
    const char *name, *about, *data_help;
    RinsStatus (*run)(RinsEvalModel *em, RinsEvalFlags *eval, const char *data, bool print, RinsJsonWriter *json);
} PairsAction;

static int run_pairs(const PairsAction *action, int argc, char **argv) {
    RinsEvalFlags eval = {0};
    const char *path = NULL, *data = NULL;
    const RinsFlag flags[] = {
        RINS_EVAL_MODEL_FLAGS(eval),
        {"data", RINS_FLAG_STRING, &data, "D", action->data_help, true},
        RINS_EVAL_ROUNDS_FLAG(eval),
        {"json", RINS_FLAG_OUT_OR_STDOUT, &path, "F", "write the figures as JSON (- is standard output)"},
        {NULL},
    };
    const RinsCli cli = {action->name, "--model M --data D [FLAG ...]", action->about, flags, 0, 0, &eval.common};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    RinsEvalModel *em = NULL;
    RinsJsonWriter json = {.indent = 2};
    const bool print = !path || strcmp(path, "-") != 0; /* standard output is the JSON otherwise */
    RinsStatus status = rins_eval_flags_open(&eval, true, true, false, &em);
    if (status == RINS_OK) status = action->run(em, &eval, data, print, path ? &json : NULL);
    if (status == RINS_OK) status = rins_write_json(path, &json);
    rins_eval_model_free(em);
    return rins_report(status);
}

static RinsStatus retrieval(RinsEvalModel *em, RinsEvalFlags *eval, const char *data, bool print,
                            RinsJsonWriter *json) {
    RinsRetrievalReport report = {0};
    const RinsStatus status = rins_run_retrieval(em, data, eval->model, &report);
    rins_eval_bar_end(&eval->bar);
    if (status == RINS_OK && print) {
        printf("retrieval among %lld images and %lld texts\n", (long long)report.images, (long long)report.texts);
        print_recall("text to image", &report.figures.text_to_image);
        print_recall("image to text", &report.figures.image_to_text);
    }
    if (status == RINS_OK && json) rins_retrieval_json(&report, json);
    rins_retrieval_report_free(&report);
    return status;
}

static int run_retrieval(int argc, char **argv) {
    static const PairsAction action = {
        "rins eval retrieval",
        "Looks for images by text and for texts by image. A tie counts against the model.",
        "table:FILE.tsv|csv, wds:PATTERN or karpathy:FILE.json; an image may have several captions",
        retrieval,
    };
    return run_pairs(&action, argc, argv);
}

static void print_hard(const RinsContrastReport *report) {
    printf("hard negatives told apart, by skill (chance 0.5)\n");
    for (int i = 0; i < report->n_skills; i++) {
        const RinsSkill *skill = &report->skills[i];
        const RinsInterval interval = rins_wilson(skill->right, skill->n);
        printf("  %-12s %.4f   95%% interval %.4f to %.4f, %lld rows\n", skill->name,
               (double)skill->right / (double)skill->n, interval.low, interval.high, (long long)skill->n);
    }
    if (report->bad) printf("  bad rows left out  %lld\n", (long long)report->bad);
}

static RinsStatus hard(RinsEvalModel *em, RinsEvalFlags *eval, const char *data, bool print, RinsJsonWriter *json) {
    RinsContrastReport report = {0};
    const RinsStatus status = rins_run_contrast(em, data, &report);
    rins_eval_bar_end(&eval->bar);
    if (status == RINS_OK && print) print_hard(&report);
    if (status == RINS_OK && json) rins_contrast_json(&report, data, eval->model, json);
    rins_contrast_report_free(&report);
    return status;
}

static int run_hard(int argc, char **argv) {
    static const PairsAction action = {
        "rins eval hard",
        "Is each image nearer to its caption than to one that is nearly true? A tie counts against the model.",
        "table:FILE.tsv with the columns filepath, caption, negative and skill",
        hard,
    };
    return run_pairs(&action, argc, argv);
}

int rins_cmd_eval(int argc, char **argv) {
    static const RinsCommand actions[] = {
        {"zeroshot", "classify images by the nearest class embedding", run_zeroshot},
        {"probe", "fit a linear classifier on frozen embeddings", rins_eval_probe},
        {"knn", "classify by the nearest training images", rins_eval_knn},
        {"retrieval", "look for images by text and for texts by image", run_retrieval},
        {"hard", "tell a true caption from one that is nearly true", run_hard},
        {NULL, NULL, NULL},
    };
    static const RinsCommandSet set = {"rins eval", "action", actions, NULL};
    return rins_run_command(&set, argc, argv);
}
