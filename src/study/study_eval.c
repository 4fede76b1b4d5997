#include "src/study/study_eval.h"

#include "eval/lines.h"
#include "eval/run_contrast.h"
#include "eval/run_retrieval.h"
#include "eval/zeroshot_entry.h"

#include <string.h>

static RinsStatus add(RinsStudyRows *rows, const RinsStudyRow *base, const char *task, const char *data,
                      const char *figure, double value, int64_t n, double chance) {
    RinsStudyRow row = *base;
    char name[48];
    snprintf(row.metric, sizeof row.metric, "%s %s%s%s", task, rins_study_data_name(data, name), *figure ? " " : "",
             figure);
    row.value = value;
    row.n = n;
    row.chance = chance;
    return rins_study_rows_add(rows, &row);
}

static RinsStatus zeroshot(const RinsStudyPlan *plan, RinsEvalModel *em, const char *data, const RinsStudyRow *base,
                           RinsStudyRows *rows) {
    RinsZeroshotReport report = {0};
    const RinsZeroshotTask task = {.data = data, .templates = plan->templates, .model = "study"};
    RINS_TRY(rins_run_zeroshot(em, &task, &report));
    const RinsZeroshot *counts = &report.outcomes[0].counts;
    const double chance =
        counts->multi_label || !counts->classes ? 0 : 1.0 / counts->classes; /* several labels: more */
    const RinsStatus status = add(rows, base, "zeroshot", data, "acc1", rins_zeroshot_acc1(counts), counts->n, chance);
    rins_zeroshot_report_free(&report);
    return status;
}

static RinsStatus retrieval(const RinsStudyPlan *plan, RinsEvalModel *em, const char *data, const RinsStudyRow *base,
                            RinsStudyRows *rows) {
    RinsRetrievalReport report = {0};
    (void)plan;
    RINS_TRY(rins_run_retrieval(em, data, "study", &report));
    const RinsRetrieval *figures = &report.figures;
    const RinsRecall *i2t = &figures->image_to_text, *t2i = &figures->text_to_image;
    const double chance = report.images ? 1.0 / (double)report.images : 0; /* however many captions an image has */
    RinsStatus status = add(rows, base, "retrieval", data, "i2t R@1", i2t->at1, i2t->n, chance);
    if (status == RINS_OK) status = add(rows, base, "retrieval", data, "t2i R@1", t2i->at1, t2i->n, chance);
    rins_retrieval_report_free(&report);
    return status;
}

static RinsStatus hard(const RinsStudyPlan *plan, RinsEvalModel *em, const char *data, const RinsStudyRow *base,
                       RinsStudyRows *rows) {
    RinsContrastReport report;
    const bool several = plan->hard.n > 1; /* the same skills then come again */
    RinsStatus status = rins_run_contrast(em, data, &report);
    if (status != RINS_OK) return status;
    for (int i = 0; i < report.n_skills && status == RINS_OK; i++) {
        const RinsSkill *skill = &report.skills[i];
        if (!skill->n) continue;
        status = add(rows, base, "hard", several ? data : skill->name, several ? skill->name : "",
                     (double)skill->right / (double)skill->n, skill->n, 0.5);
    }
    rins_contrast_report_free(&report);
    return status;
}

typedef RinsStatus TaskFn(const RinsStudyPlan *plan, RinsEvalModel *em, const char *data, const RinsStudyRow *base,
                          RinsStudyRows *rows);

/* One branch's evaluations, and who hears how far they are. */
typedef struct Evaluation {
    const RinsStudyPlan *plan;
    RinsEvalModel *em;
    RinsStudyRows *rows;
    RinsStudyEvalProgress progress;
    RinsStudyEvalFn *fn;
    void *user;
} Evaluation;

static void on_progress(void *user, const char *what, int64_t done, int64_t total) {
    Evaluation *e = user;
    e->progress.what = what, e->progress.done = done, e->progress.total = total;
    if (e->fn) e->fn(e->user, &e->progress);
}

static RinsStatus run_list(Evaluation *e, const RinsStringList *list, TaskFn *task, const RinsStudyRow *base) {
    for (size_t i = 0; i < list->n; i++) {
        e->progress.data = list->items[i];
        e->progress.at++;
        on_progress(e, "", 0, 0);
        const RinsStatus status = task(e->plan, e->em, list->items[i], base, e->rows);
        if (status != RINS_OK) return rins_fail_context(status, "evaluating '%s'", list->items[i]);
    }
    return RINS_OK;
}

static RinsStatus at_rounds(Evaluation *e, const RinsStudyRow *row, bool one) {
    RinsStudyRow base = *row;
    RinsModelFlops flops;
    e->em->rounds = one ? (RinsRounds){1, 1} : (RinsRounds){0, 0};
    RINS_TRY(rins_model_flops(rins_model_config(e->em->model), e->em->rounds, &flops));
    base.one_round = one;
    base.image_flops = flops.image_forward;
    base.text_flops = flops.text_forward;
    RINS_TRY(run_list(e, &e->plan->zeroshot, zeroshot, &base));
    RINS_TRY(run_list(e, &e->plan->retrieval, retrieval, &base));
    return run_list(e, &e->plan->hard, hard, &base);
}

RinsStatus rins_study_eval(const RinsStudyPlan *plan, const char *model, int threads, const RinsStudyRow *row,
                           RinsStudyEvalFn *progress, void *user, RinsStudyRows *rows) {
    Evaluation e = {.plan = plan, .rows = rows, .fn = progress, .user = user};
    const RinsEvalModelOptions options = {.image = true,
                                          .text = true,
                                          .batch = plan->eval_batch,
                                          .threads = threads,
                                          .cleaning = -1,
                                          .progress = on_progress,
                                          .progress_user = &e};
    int image = 1, text = 1;
    RINS_TRY(rins_eval_model_open(&e.em, model, &options));
    const RinsModelConfig *config = rins_model_config(e.em->model);
    const RinsEncoderConfig *vit = &config->image.encoder, *txt = &config->text.encoder;
    RinsStatus status = rins_signature_rounds(vit->recursion.signature, (int)vit->depth, &image);
    if (status == RINS_OK) status = rins_signature_rounds(txt->recursion.signature, (int)txt->depth, &text);
    const bool recursive = image > 1 || text > 1;
    e.progress.n = (int)(plan->zeroshot.n + plan->retrieval.n + plan->hard.n) * (recursive ? 2 : 1);
    if (status == RINS_OK) status = at_rounds(&e, row, false);
    if (status == RINS_OK && recursive) status = at_rounds(&e, row, true);
    rins_eval_model_free(e.em);
    return status;
}

static RinsStatus check_templates(const char *templates) {
    RinsStringList lines = {0};
    const RinsStatus status = rins_templates_read(&lines, templates);
    rins_strings_free(&lines);
    return status;
}

static RinsStatus check_zeroshot(const char *data) {
    const RinsZeroshotEntry entry = {.task.data = data};
    return rins_zeroshot_entry_check(&entry);
}

RinsStatus rins_study_eval_check(const RinsStudyPlan *plan) {
    char *templates[] = {plan->templates};
    const struct {
        const char *key;
        RinsStringList list;
        RinsStatus (*check)(const char *item);
    } keys[] = {
        {"templates", {templates, plan->templates != NULL}, check_templates},
        {"zeroshot", plan->zeroshot, check_zeroshot},
        {"retrieval", plan->retrieval, rins_retrieval_check},
        {"hard", plan->hard, rins_contrast_check},
    };
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
        for (size_t i = 0; i < keys[k].list.n; i++) {
            const RinsStatus status = keys[k].check(keys[k].list.items[i]);
            if (status != RINS_OK) return rins_fail_context(status, "'%s'", keys[k].key);
        }
    return RINS_OK;
}
