#include "src/study/study_results.h"

#include "src/base/rng.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash_text(const char *text, uint64_t hash) {
    return text ? rins_hash_bytes(text, strlen(text) + 1, hash) : rins_hash_bytes("", 1, hash);
}

static uint64_t hash_list(const RinsStringList *list, uint64_t hash) {
    for (size_t i = 0; i < list->n; i++) hash = hash_text(list->items[i], hash);
    return hash_text(NULL, hash);
}

RinsStatus rins_study_describe(const RinsStudyPlan *plan, int arm, int seed, RinsTrainState *state) {
    static const RinsTextHashes no_files = {0, 0};
    RinsRunConfig config = {0};
    RINS_TRY(rins_study_config(plan, arm, seed, &config));
    const RinsStatus status = rins_train_state_describe(state, &config, &no_files);
    rins_run_config_free(&config);
    return status;
}

static RinsStatus config_text(const RinsStudyPlan *plan, int arm, int seed, char **text) {
    RinsTrainState state = {0};
    *text = NULL;
    RinsStatus status = rins_study_describe(plan, arm, seed, &state);
    if (status == RINS_OK &&
        !(*text = json_dumps(state.config, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17))))
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory to describe an arm");
    rins_train_state_free(&state);
    return status;
}

RinsStatus rins_study_key(const RinsStudyPlan *plan, int arm, int seed, int budget, char key[RINS_STUDY_KEY]) {
    char *text;
    RINS_TRY(config_text(plan, arm, seed, &text));
    const double numbers[] = {plan->budgets.items[budget], plan->cooldown_fraction, (double)plan->budget_unit};
    uint64_t hash = hash_text(text, RINS_HASH_BASIS);
    free(text);
    hash = rins_hash_bytes(numbers, sizeof numbers, hash);
    hash = hash_list(&plan->hard, hash_list(&plan->retrieval, hash_list(&plan->zeroshot, hash)));
    snprintf(key, RINS_STUDY_KEY, "%016" PRIx64, hash_text(plan->templates, hash));
    return RINS_OK;
}
