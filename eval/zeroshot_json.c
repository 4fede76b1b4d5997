#include "eval/zeroshot_json.h"

#include "eval/eval_rounds.h"
#include "eval/run_zeroshot.h"

#include <stdio.h>

enum { CONFUSIONS = 50, FEW_CONFUSIONS = 10 };

static void put_prompts(const RinsZeroshotReport *report, RinsJsonWriter *json) {
    char hash[17];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)report->prompt_hash);
    rins_json_open(json, "prompts", '{');
    rins_json_string(json, "set", report->prompt_set);
    rins_json_int(json, "templates", report->n_templates);
    rins_json_string(json, "hash", hash);
    rins_json_close(json);
}

static void put_confusions(const RinsZeroshot *counts, const RinsStringList *names, int most, RinsJsonWriter *json) {
    RinsConfusion pairs[CONFUSIONS];
    int n = 0;
    if (rins_zeroshot_confusions(counts, pairs, most, &n) != RINS_OK) json->failed = true;
    rins_json_open(json, "confusions", '[');
    for (int i = 0; i < n; i++) {
        rins_json_open(json, NULL, '{');
        rins_json_string(json, "class", names->items[pairs[i].truth]);
        rins_json_string(json, "predicted", names->items[pairs[i].predicted]);
        rins_json_int(json, "n", pairs[i].n);
        rins_json_close(json);
    }
    rins_json_close(json);
}

void rins_zeroshot_put_classes(const RinsZeroshot *counts, const RinsStringList *names, RinsJsonWriter *json) {
    rins_json_open(json, "per_class", '[');
    for (int c = 0; c < counts->classes; c++) {
        const RinsClassCount *count = &counts->counts[c];
        rins_json_open(json, NULL, '{');
        rins_json_string(json, "class", names->items[c]);
        rins_json_int(json, "n", count->n);
        rins_json_int(json, "top1", count->top1);
        rins_json_int(json, "top5", count->top5);
        rins_json_close(json);
    }
    rins_json_close(json);
    put_confusions(counts, names, CONFUSIONS, json);
}

void rins_zeroshot_put_figures(const RinsZeroshot *counts, RinsJsonWriter *json) {
    const RinsInterval interval = rins_wilson(counts->top1, counts->n);
    rins_json_int(json, "n", counts->n);
    rins_json_open(json, "metrics", '{');
    rins_json_float(json, "acc1", rins_zeroshot_acc1(counts));
    rins_json_float(json, "acc5", rins_zeroshot_acc5(counts));
    if (counts->multi_label)
        rins_json_null(json, "mean_per_class_recall");
    else
        rins_json_float(json, "mean_per_class_recall", rins_zeroshot_mean_recall(counts));
    rins_json_close(json);
    rins_json_open(json, "acc1_interval", '['); /* 95 %, Wilson */
    rins_json_float(json, NULL, interval.low);
    rins_json_float(json, NULL, interval.high);
    rins_json_close(json);
    rins_json_int(json, "classes", counts->classes);
}

void rins_zeroshot_json(const RinsZeroshotReport *report, int index, bool full, RinsJsonWriter *json) {
    const RinsZeroshotOutcome *outcome = &report->outcomes[index];
    const RinsZeroshot *counts = &outcome->counts;
    rins_json_open(json, NULL, '{');
    rins_json_string(json, "task", "zeroshot_classification");
    rins_json_string(json, "dataset", report->dataset);
    rins_json_string(json, "model", report->model);
    rins_zeroshot_put_figures(counts, json);
    rins_json_int(json, "bad", report->bad);
    rins_json_int(json, "unlabelled", report->unlabelled);
    rins_put_rounds(json, outcome->rounds);
    rins_json_open(json, "flops", '{'); /* forward, nominal, of one */
    rins_json_float(json, "image", outcome->flops.image_forward);
    rins_json_float(json, "text", outcome->flops.text_forward);
    rins_json_close(json);
    put_prompts(report, json);
    if (full)
        rins_zeroshot_put_classes(counts, &report->classes->names, json);
    else
        put_confusions(counts, &report->classes->names, FEW_CONFUSIONS, json);
    rins_json_close(json);
}
