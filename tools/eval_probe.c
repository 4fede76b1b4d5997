/* rins eval probe|knn: classifiers on frozen embeddings. */
#include "tools/common.h"
#include "tools/eval_actions.h"
#include "tools/eval_figures.h"
#include "tools/eval_flags.h"

#include "eval/run_probe.h"
#include "src/base/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What both commands take. */
typedef struct Probe {
    RinsEvalFlags eval;
    RinsProbeTask task;
    const char *rounds, *json;
    bool per_class, no_cache;
} Probe;

#define PROBE_FLAGS(p)                                                                                                 \
    RINS_EVAL_MODEL_FLAGS((p).eval),                                                                                   \
        {"train",                                                                                                      \
         RINS_FLAG_STRING,                                                                                             \
         &(p).task.train,                                                                                              \
         "D1",                                                                                                         \
         "what is learnt from: folder:DIR with a folder per class, or wds:PATTERN with .cls",                          \
         true},                                                                                                        \
        {"data", RINS_FLAG_STRING, &(p).task.data, "D2", "what is classified; its classes have the same names", true}, \
        {"rounds", RINS_FLAG_STRING, &(p).rounds, "R", "image=R; a range such as image=1..3 evaluates each"},          \
        {"json", RINS_FLAG_OUT_OR_STDOUT, &(p).json, "F", "write the figures as JSON (- is standard output)"},         \
        {"per-class", RINS_FLAG_BOOL, &(p).per_class, NULL, "also every class and the most frequent confusions"}, {    \
        "no-cache", RINS_FLAG_BOOL, &(p).no_cache, NULL,                                                               \
            "embed the images again even where they were kept from before"                                             \
    }

static void print_one(const RinsProbeReport *report) {
    const RinsProbeOutcome *outcome = &report->outcomes[0];
    printf("%s of %lld images into %d classes, learnt from %lld images\n",
           report->method == RINS_PROBE_KNN ? "nearest neighbours" : "linear probe", (long long)outcome->counts.n,
           outcome->counts.classes, (long long)report->train_n);
    rins_print_figures(&outcome->counts);
    if (report->method == RINS_PROBE_KNN)
        printf("  k %d, temperature %g\n", report->k, report->temperature);
    else
        printf("  l2 %g%s, %d iterations, |gradient| %.1e\n", outcome->probe.l2,
               outcome->probe.n_sweep ? " (best of the sweep)" : "", outcome->probe.fit.iterations,
               outcome->probe.fit.gradient_norm);
}

/* Accuracy against what it costs. */
static void print_sweep(const RinsProbeReport *report) {
    printf("image rounds  image GFLOP    acc1    acc5  mean_per_class_recall%s\n",
           report->method == RINS_PROBE_KNN ? "" : "      l2");
    for (int i = 0; i < report->n_outcomes; i++) {
        const RinsProbeOutcome *o = &report->outcomes[i];
        printf("%12d  %11.3f  %.4f  %.4f  %.4f", o->rounds.image, o->flops.image_forward / 1e9,
               rins_zeroshot_acc1(&o->counts), rins_zeroshot_acc5(&o->counts), rins_zeroshot_mean_recall(&o->counts));
        if (report->method == RINS_PROBE_LINEAR) printf("  %21g", o->probe.l2);
        putchar('\n');
    }
}

static RinsStatus show(const Probe *probe, const RinsProbeReport *report) {
    RinsJsonWriter json = {.indent = 2};
    if (!probe->json || strcmp(probe->json, "-") != 0) { /* standard output is the JSON otherwise */
        if (report->n_outcomes == 1)
            print_one(report);
        else
            print_sweep(report);
        if (report->train_bad) printf("  bad training images left out  %lld\n", (long long)report->train_bad);
        if (report->bad) printf("  bad images left out  %lld\n", (long long)report->bad);
        if (report->unseen_images)
            printf("  left out: %lld images of %d classes that training does not have\n",
                   (long long)report->unseen_images, report->unseen_classes);
        if (probe->per_class) RINS_TRY(rins_print_classes(&report->outcomes[0].counts, &report->classes));
    }
    if (!probe->json) return RINS_OK;
    if (report->n_outcomes > 1) rins_json_open(&json, NULL, '[');
    for (int i = 0; i < report->n_outcomes; i++) rins_probe_json(report, i, probe->per_class, &json);
    if (report->n_outcomes > 1) rins_json_close(&json);
    return rins_write_json(probe->json, &json);
}

static RinsStatus run(Probe *probe) {
    RinsRoundsList image = {0}, text = {0};
    RinsEvalModel *em = NULL;
    RinsProbeReport report = {0};
    RINS_TRY(rins_parse_rounds_lists(probe->rounds, &image, &text));
    if (text.n) return RINS_FAIL(RINS_ERR_ARG, "--rounds takes image=R only: no text takes part");
    RINS_TRY(rins_eval_flags_open(&probe->eval, true, false, false, &em));
    if (image.n) probe->task.image_rounds = image.items, probe->task.n_image_rounds = image.n;
    probe->task.model = probe->eval.model, probe->task.use_cache = !probe->no_cache;
    RinsStatus status = rins_run_probe(em, &probe->task, &report);
    rins_eval_bar_end(&probe->eval.bar);
    if (status == RINS_OK) status = show(probe, &report);
    rins_probe_report_free(&report);
    rins_eval_model_free(em);
    return status;
}

/* "sweep" (0) or a number above 0. */
static RinsStatus parse_l2(const char *text, double *l2) {
    *l2 = 0;
    if (!text || !strcmp(text, "sweep")) return RINS_OK;
    if (!rins_parse_double(text, strlen(text), l2) || !(*l2 > 0) || !isfinite(*l2))
        return RINS_FAIL(RINS_ERR_ARG, "--l2 takes a number above 0 or sweep, not '%s'", text);
    return RINS_OK;
}

int rins_eval_probe(int argc, char **argv) {
    Probe probe = {.task.method = RINS_PROBE_LINEAR};
    const char *l2 = NULL;
    const RinsFlag flags[] = {
        PROBE_FLAGS(probe),
        {"l2", RINS_FLAG_STRING, &l2, "V|sweep",
         "strength of the regularisation; sweep (default) chooses a power of ten on a tenth of D1, held out"},
        {NULL},
    };
    const RinsCli cli = {"rins eval probe",
                         "--model M --train D1 --data D2 [FLAG ...]",
                         "Fits a linear classifier (multinomial logistic regression) on the normalised image\n"
                         "embeddings of D1 and evaluates it on D2. Embeddings are kept between commands.",
                         flags,
                         0,
                         0,
                         &probe.eval.common};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    RinsStatus status = parse_l2(l2, &probe.task.l2);
    if (status == RINS_OK) status = run(&probe);
    return rins_report(status);
}

int rins_eval_knn(int argc, char **argv) {
    Probe probe = {.task = {.method = RINS_PROBE_KNN, .temperature = 0.07}};
    int64_t k = 20;
    const RinsFlag flags[] = {
        PROBE_FLAGS(probe),
        {"k", RINS_FLAG_INT, &k, "K", "neighbours that vote (default 20)", .min = 1, .max = 1000000},
        {"temperature", RINS_FLAG_FLOAT, &probe.task.temperature, "T", "a vote weighs exp(cosine / T) (default 0.07)"},
        {NULL},
    };
    const RinsCli cli = {
        "rins eval knn",
        "--model M --train D1 --data D2 [FLAG ...]",
        "Classifies the images of D2 by their nearest images in D1. Equally near ones count in\n"
        "the order of D1; an equal vote counts against the model. Embeddings are kept between commands.",
        flags,
        0,
        0,
        &probe.eval.common};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    RinsStatus status = RINS_OK;
    if (!(probe.task.temperature > 0) || !isfinite(probe.task.temperature))
        status = RINS_FAIL(RINS_ERR_ARG, "--temperature takes a number above 0");
    probe.task.k = (int)k;
    if (status == RINS_OK) status = run(&probe);
    return rins_report(status);
}
