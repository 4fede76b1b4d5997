#include "eval/run_probe.h"
#include "eval/zeroshot_json.h"

static void put_train(const RinsProbeReport *report, RinsJsonWriter *json) {
    rins_json_open(json, "train", '{');
    rins_json_string(json, "dataset", report->train);
    rins_json_int(json, "n", report->train_n);
    rins_json_int(json, "bad", report->train_bad);
    rins_json_int(json, "unlabelled", report->train_unlabelled);
    rins_json_close(json);
}

static void put_fit(const RinsProbe *probe, RinsJsonWriter *json) {
    rins_json_double(json, "l2", probe->l2);
    rins_json_int(json, "held_out", probe->held_out);
    rins_json_open(json, "sweep", '[');
    for (int i = 0; i < probe->n_sweep; i++) {
        rins_json_open(json, NULL, '{');
        rins_json_double(json, "l2", probe->sweep[i].l2);
        rins_json_float(json, "acc1", probe->sweep[i].acc1);
        rins_json_float(json, "loss", probe->sweep[i].loss);
        rins_json_bool(json, "converged", probe->sweep[i].converged);
        rins_json_close(json);
    }
    rins_json_close(json);
    rins_json_open(json, "fit", '{');
    rins_json_int(json, "iterations", probe->fit.iterations);
    rins_json_float(json, "gradient_norm", probe->fit.gradient_norm);
    rins_json_bool(json, "converged", probe->fit.converged);
    rins_json_close(json);
}

void rins_probe_json(const RinsProbeReport *report, int index, bool full, RinsJsonWriter *json) {
    const RinsProbeOutcome *outcome = &report->outcomes[index];
    const bool knn = report->method == RINS_PROBE_KNN;
    rins_json_open(json, NULL, '{');
    rins_json_string(json, "task", knn ? "knn" : "linear_probe");
    rins_json_string(json, "dataset", report->dataset);
    rins_json_string(json, "model", report->model);
    rins_zeroshot_put_figures(&outcome->counts, json);
    rins_json_int(json, "bad", report->bad);
    rins_json_int(json, "unlabelled", report->unlabelled);
    rins_json_open(json, "unseen", '{');
    rins_json_int(json, "images", report->unseen_images);
    rins_json_int(json, "classes", report->unseen_classes);
    rins_json_close(json);
    put_train(report, json);
    rins_json_open(json, "rounds", '{');
    rins_json_int(json, "image", outcome->rounds.image);
    rins_json_close(json);
    rins_json_open(json, "flops", '{'); /* forward, nominal, of one */
    rins_json_float(json, "image", outcome->flops.image_forward);
    rins_json_close(json);
    if (knn) {
        rins_json_int(json, "k", report->k);
        rins_json_float(json, "temperature", report->temperature);
    } else {
        put_fit(&outcome->probe, json);
    }
    if (full) rins_zeroshot_put_classes(&outcome->counts, &report->classes, json);
    rins_json_close(json);
}
