#include "src/model/two_tower.h"

#include <stdlib.h>
#include <string.h>

RinsStatus rins_plan_set_init(RinsPlanSet *set, const RinsRecursionConfig *recursion, int64_t depth) {
    *set = (RinsPlanSet){.recursion = recursion, .depth = (int)depth};
    return rins_signature_rounds(recursion->signature, (int)depth, &set->trained);
}

static RinsStatus grow(RinsPlanSet *set, int rounds) {
    if (rounds < set->n) return RINS_OK;
    RinsPlan *plans = realloc(set->plans, (size_t)(rounds + 1) * sizeof *plans);
    if (!plans) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %d plans", rounds + 1);
    memset(plans + set->n, 0, (size_t)(rounds + 1 - set->n) * sizeof *plans);
    set->plans = plans;
    set->n = rounds + 1;
    return RINS_OK;
}

RinsStatus rins_plan_set_get(RinsPlanSet *set, int rounds, const RinsPlan **plan) {
    if (rounds < 0 || rounds > 1024)
        return RINS_FAIL(RINS_ERR_ARG, "rounds must be between 1 and 1024, not %d", rounds);
    const int want = rounds ? rounds : set->trained;
    RINS_TRY(grow(set, want));
    if (!set->plans[want].steps)
        RINS_TRY(rins_plan_make(&set->plans[want], set->recursion->signature, set->depth, want,
                                (RinsAdapter)set->recursion->adapter));
    *plan = &set->plans[want];
    return RINS_OK;
}

void rins_plan_set_free(RinsPlanSet *set) {
    for (int i = 0; i < set->n; i++) rins_plan_free(&set->plans[i]);
    free(set->plans);
    *set = (RinsPlanSet){0};
}
