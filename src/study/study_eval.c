#include "src/study/study_eval.h"

#include "eval/run_contrast.h"
#include "eval/run_retrieval.h"
#include "eval/run_zeroshot.h"

#include <string.h>

static RinsStatus add(RinsStudyRows *rows, const RinsStudyRow *base, const char *task, const char *data, const char *figure,
                      double value, int64_t n) {
    RinsStudyRow row = *base;
    char name[48];
    snprintf(row.metric, sizeof row.metric, "%s %s%s%s", task, rins_study_data_name(data, name), *figure ? " " : "", figure);
    row.value = value;
    row.n = n;
    return rins_study_rows_add(rows, &row);
}

static RinsStatus zeroshot(const RinsStudyPlan *plan, RinsEvalModel *em, const char *data, const RinsStudyRow *base, RinsStudyRows *rows) {
    RinsZeroshotReport report = {0};
    const RinsZeroshotTask task = {.data = data, .templates = plan->templates, .model = "study"};
    RINS_TRY(rins_run_zeroshot(em, &task, &report));
    const RinsZeroshot *counts = &report.outcomes[0].counts;
    const RinsStatus status = add(rows, base, "zeroshot", data, "acc1", rins_zeroshot_acc1(counts), counts->n);
    rins_zeroshot_report_free(&report);
    return status;
}

static RinsStatus retrieval(const RinsStudyPlan *plan, RinsEvalModel *em, const char *data, const RinsStudyRow *base, RinsStudyRows *rows) {
    RinsRetrievalReport report = {0};
    (void)plan;
    RINS_TRY(rins_run_retrieval(em, data, "study", &report));
    const RinsRetrieval *figures = &report.figures;
    RinsStatus status = add(rows, base, "retrieval", data, "i2t R@1", figures->image_to_text.at1, figures->image_to_text.n);
    if (status == RINS_OK)
        status = add(rows, base, "retrieval", data, "t2i R@1", figures->text_to_image.at1, figures->text_to_image.n);
    rins_retrieval_report_free(&report);
    return status;
}

static RinsStatus hard(const RinsStudyPlan *plan, RinsEvalModel *em, const char *data, const RinsStudyRow *base, RinsStudyRows *rows) {
    RinsContrastReport report;
    const bool several = plan->hard.n > 1; /* the same skills then come again */
    RinsStatus status = rins_run_contrast(em, data, &report);
    if (status != RINS_OK) return status;
    for (int i = 0; i < report.n_skills && status == RINS_OK; i++) {
        const RinsSkill *skill = &report.skills[i];
        if (!skill->n) continue;
        status = add(rows, base, "hard", several ? data : skill->name, several ? skill->name : "",
                     (double)skill->right / (double)skill->n, skill->n);
    }
    rins_contrast_report_free(&report);
    return status;
}

typedef RinsStatus TaskFn(const RinsStudyPlan *plan, RinsEvalModel *em, const char *data, const RinsStudyRow *base, RinsStudyRows *rows);

static RinsStatus run_list(const RinsStudyPlan *plan, RinsEvalModel *em, const RinsStringList *list, TaskFn *task,
                           const RinsStudyRow *base, RinsStudyRows *rows) {
    for (size_t i = 0; i < list->n; i++) {
        const RinsStatus status = task(plan, em, list->items[i], base, rows);
        if (status != RINS_OK) return rins_fail_context(status, "evaluating '%s'", list->items[i]);
    }
    return RINS_OK;
}

static RinsStatus at_rounds(const RinsStudyPlan *plan, RinsEvalModel *em, const RinsStudyRow *row, bool one, RinsStudyRows *rows) {
    RinsStudyRow base = *row;
    RinsModelFlops flops;
    em->rounds = one ? (RinsRounds){1, 1} : (RinsRounds){0, 0};
    RINS_TRY(rins_model_flops(rins_model_config(em->model), em->rounds, &flops));
    base.one_round = one;
    base.image_flops = flops.image_forward;
    base.text_flops = flops.text_forward;
    RINS_TRY(run_list(plan, em, &plan->zeroshot, zeroshot, &base, rows));
    RINS_TRY(run_list(plan, em, &plan->retrieval, retrieval, &base, rows));
    return run_list(plan, em, &plan->hard, hard, &base, rows);
}

RinsStatus rins_study_eval(const RinsStudyPlan *plan, const char *model, int threads, const RinsStudyRow *row,
                           RinsStudyRows *rows) {
    RinsEvalModel *em;
    const RinsEvalModelOptions options = {.image = true, .text = true, .batch = plan->eval_batch, .threads = threads,
                                          .cleaning = -1};
    int image = 1, text = 1;
    RINS_TRY(rins_eval_model_open(&em, model, &options));
    const RinsModelConfig *config = rins_model_config(em->model);
    const RinsEncoderConfig *vit = &config->image.encoder, *txt = &config->text.encoder;
    RinsStatus status = rins_signature_rounds(vit->recursion.signature, (int)vit->depth, &image);
    if (status == RINS_OK) status = rins_signature_rounds(txt->recursion.signature, (int)txt->depth, &text);
    if (status == RINS_OK) status = at_rounds(plan, em, row, false, rows);
    if (status == RINS_OK && (image > 1 || text > 1)) status = at_rounds(plan, em, row, true, rows);
    rins_eval_model_free(em);
    return status;
}
