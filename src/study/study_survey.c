#define _GNU_SOURCE
#include "src/study/study_survey.h"

#include "src/base/file.h"
#include "src/model/checkpoint_list.h"
#include "src/model/precision.h"

#include <stdlib.h>
#include <string.h>

char *rins_study_folder(const RinsStudyPlan *plan, const char *out, int arm, int seed) {
    char slug[64], *path;
    rins_study_slug(rins_study_arm(plan, arm)->name, slug);
    return asprintf(&path, "%s/runs/%s-s%.0f", out, slug, plan->seeds.items[seed]) < 0 ? NULL : path;
}

RinsStatus rins_study_advise(RinsStatus status, const RinsStudyPlan *plan, const char *out, int arm) {
    char folders[700] = "";
    for (int seed = 0; seed < (int)plan->seeds.n; seed++) {
        char *folder = rins_study_folder(plan, out, arm, seed);
        const size_t used = strlen(folders);
        if (folder && rins_path_is_dir(folder)) snprintf(folders + used, sizeof folders - used, " '%s'", folder);
        free(folder);
    }
    return RINS_FAIL(status, "%s; to train arm '%s' anew, remove%s", rins_last_error(), rins_study_arm(plan, arm)->name,
                     folders);
}

static RinsStatus has_checkpoint(const char *folder, const char *name, bool *found) {
    char *run = rins_path_join(folder, name), *newest = NULL;
    if (!run) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    const RinsStatus status = rins_path_is_dir(run) ? rins_checkpoint_newest(run, &newest) : RINS_OK;
    *found = newest != NULL;
    free(newest);
    free(run);
    return status;
}

static RinsStatus has_training(const RinsStudyPlan *plan, const char *folder, bool *found) {
    RINS_TRY(has_checkpoint(folder, "trunk", found));
    for (int b = 0; b < (int)plan->budgets.n && !*found; b++) {
        char name[16];
        snprintf(name, sizeof name, "b%d", b);
        RINS_TRY(has_checkpoint(folder, name, found));
    }
    return RINS_OK;
}

/* The arm as a checkpoint would describe it, and where its cool-downs begin. */
static RinsStatus describe(const RinsStudyPlan *plan, int arm, int seed, RinsTrainState *state) {
    RINS_TRY(rins_study_describe(plan, arm, seed, state));
    if (json_object_set_new(state->config, "cooldown_fraction", json_real(plan->cooldown_fraction)) == 0)
        return RINS_OK;
    return RINS_FAIL(RINS_ERR_MEMORY, "no memory to describe an arm");
}

/* Compares, and with `write` leaves the record where nothing has been trained yet. */
static RinsStatus compare(const RinsStudyPlan *plan, const char *out, int arm, int seed, bool write, bool *known) {
    char *folder = rins_study_folder(plan, out, arm, seed),
         *record = folder ? rins_path_join(folder, "arm.json") : NULL;
    RinsTrainState saved = {0}, now = {0};
    RinsStatus status = RINS_OK;
    bool trained = false;
    *known = false;
    if (!record) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
        goto done;
    }
    RINS_TRY_DONE(has_training(plan, folder, &trained));
    if (trained && rins_path_is_file(record)) {
        RINS_TRY_DONE(describe(plan, arm, seed, &now));
        RINS_TRY_DONE(rins_train_state_read(&saved, record));
        status = rins_train_state_check(&saved, &now, false);
        *known = status == RINS_OK;
        if (status == RINS_ERR_MISMATCH) {
            rins_fail_context(status, "cannot go on in '%s'", folder);
            status = rins_study_advise(status, plan, out, arm);
        }
    } else if (!trained && write) {
        RINS_TRY_DONE(describe(plan, arm, seed, &now));
        RINS_TRY_DONE(rins_mkdirs(folder));
        status = rins_train_state_write(&now, record);
        *known = status == RINS_OK;
    }
done:
    rins_train_state_free(&saved);
    rins_train_state_free(&now);
    free(record), free(folder);
    return status;
}

RinsStatus rins_study_claim(const RinsStudyPlan *plan, const char *out, int arm, int seed, bool *known) {
    return compare(plan, out, arm, seed, true, known);
}

RinsStatus rins_study_is_trained(const char *branch, int64_t steps, bool *trained) {
    char *checkpoint = rins_checkpoint_path(branch, steps);
    *trained = checkpoint && rins_path_is_dir(checkpoint);
    const RinsStatus status = checkpoint ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    free(checkpoint);
    return status;
}

static RinsStatus survey_branch(const RinsStudyPlan *plan, const char *out, const RinsRunConfig *config,
                                const char *folder, RinsStudyRow place, RinsBranchState *state) {
    char *path = rins_study_result_path(plan, out, place.arm, place.seed, place.budget);
    char *branch;
    int64_t steps, from;
    double per_pair;
    RinsStudyRows rows = {0};
    bool current = false, trained = false;
    if (!path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    RinsStatus status = rins_study_result_read(plan, path, place, &rows, &current);
    free(path);
    rins_study_rows_free(&rows);
    if (status == RINS_OK) status = rins_study_steps(plan, config, place.budget, &steps, &from, &per_pair);
    if (status == RINS_OK && asprintf(&branch, "%s/b%d", folder, place.budget) < 0)
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    else if (status == RINS_OK) {
        status = rins_study_is_trained(branch, steps, &trained);
        free(branch);
    }
    if (status == RINS_OK) *state = current ? RINS_BRANCH_FINISHED : trained ? RINS_BRANCH_TRAINED : RINS_BRANCH_OPEN;
    return status;
}

/* One arm's precision that this processor lacks would be found out hours after the others' first steps. */
static RinsStatus check_precision(const RinsRunConfig *config) {
    RinsDevice *dev;
    RinsPrecision precision;
    RINS_TRY(rins_device_open(&dev, "cpu", 1));
    const RinsStatus status = rins_precision_choose(config->precision, dev, &precision);
    rins_device_close(dev);
    return status;
}

static RinsStatus survey_arm(const RinsStudyPlan *plan, const char *out, int arm, int seed, RinsStudySurvey *survey) {
    char *folder = NULL;
    bool open = false;
    bool known;
    RinsRunConfig config = {0};
    RinsStatus status = RINS_OK;
    RINS_TRY(compare(plan, out, arm, seed, false, &known));
    RINS_TRY(rins_study_config(plan, arm, seed, &config));
    if (!(folder = rins_study_folder(plan, out, arm, seed)))
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    for (int b = 0; b < (int)plan->budgets.n && status == RINS_OK; b++) {
        RinsBranchState *state =
            &survey->states[((size_t)arm * plan->seeds.n + (size_t)seed) * plan->budgets.n + (size_t)b];
        status =
            survey_branch(plan, out, &config, folder, (RinsStudyRow){.arm = arm, .seed = seed, .budget = b}, state);
        survey->branches++;
        survey->trained += *state == RINS_BRANCH_TRAINED;
        survey->finished += *state == RINS_BRANCH_FINISHED;
        open |= *state == RINS_BRANCH_OPEN;
    }
    if (status == RINS_OK && open) status = check_precision(&config);
    free(folder);
    rins_run_config_free(&config);
    return status;
}

/* Arms whose folders hold a training of other keys, and what was said of the first. */
typedef struct Refused {
    char *first, names[400];
    int arms;
} Refused;

static RinsStatus refuse(Refused *refused, const char *arm) {
    enum { MAX_NAMED = 4 };
    const size_t used = strlen(refused->names);
    if (refused->arms++ < MAX_NAMED)
        snprintf(refused->names + used, sizeof refused->names - used, "%s'%.80s'", used ? ", " : "", arm);
    else
        snprintf(strrchr(refused->names, '\'') + 1, 32, " and %d more", refused->arms - MAX_NAMED);
    if (!refused->first) refused->first = strdup(rins_last_error());
    return refused->first ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory for a message");
}

static RinsStatus report_refused(Refused *refused) {
    if (refused->arms == 0) return RINS_OK;
    RinsStatus status = RINS_FAIL(RINS_ERR_MISMATCH, "%s", refused->first);
    if (refused->arms > 1)
        status = rins_fail_context(status, "%d arms were trained with other keys (%s); the first", refused->arms,
                                   refused->names);
    return status;
}

static RinsStatus survey_arms(const RinsStudyPlan *plan, const char *out, int only_arm, int only_seed,
                              RinsStudySurvey *survey, Refused *refused) {
    for (int arm = 0; arm < (int)plan->arms.n; arm++) {
        RinsStatus status = RINS_OK;
        if (only_arm >= 0 && arm != only_arm) continue;
        for (int seed = 0; seed < (int)plan->seeds.n && status == RINS_OK; seed++) {
            if (only_arm >= 0 && seed != only_seed) continue;
            status = survey_arm(plan, out, arm, seed, survey);
            if (status != RINS_OK)
                rins_fail_context(status, "arm '%s', seed %.0f", rins_study_arm(plan, arm)->name,
                                  plan->seeds.items[seed]);
        }
        if (status == RINS_ERR_MISMATCH) status = refuse(refused, rins_study_arm(plan, arm)->name);
        RINS_TRY(status);
    }
    return report_refused(refused);
}

RinsStatus rins_study_survey(const RinsStudyPlan *plan, const char *out, int only_arm, int only_seed,
                             RinsStudySurvey *survey) {
    Refused refused = {0};
    *survey =
        (RinsStudySurvey){.states = calloc(plan->arms.n * plan->seeds.n * plan->budgets.n, sizeof *survey->states)};
    if (!survey->states) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a survey");
    const RinsStatus status = survey_arms(plan, out, only_arm, only_seed, survey, &refused);
    free(refused.first);
    if (status != RINS_OK) rins_study_survey_free(survey);
    return status;
}

void rins_study_survey_free(RinsStudySurvey *survey) {
    free(survey->states);
    *survey = (RinsStudySurvey){0};
}

int rins_study_survey_left(const RinsStudySurvey *survey, const RinsStudyPlan *plan, int arm, int seed) {
    const size_t n = plan->budgets.n, at = ((size_t)arm * plan->seeds.n + (size_t)seed) * n;
    int left = 0;
    for (size_t b = 0; b < n; b++) left += survey->states[at + b] != RINS_BRANCH_FINISHED;
    return left;
}
