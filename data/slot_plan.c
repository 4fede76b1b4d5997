#include "data/slot_plan.h"

#include "src/base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PERIOD = RINS_MIX_PERIOD, MAX_SOURCES = 4096 };

/* Turns of each source in a period, by largest remainder; a positive share has at least one. */
static void share_out(const double *shares, double sum, int n, int64_t *turns) {
    int64_t given = 0;
    for (int k = 0; k < n; k++) {
        turns[k] = (int64_t)floor(shares[k] / sum * PERIOD);
        if (turns[k] == 0 && shares[k] > 0) turns[k] = 1;
        given += turns[k];
    }
    while (given != PERIOD) { /* off by less than n */
        int best = 0;
        double most = -INFINITY;
        for (int k = 0; k < n; k++) {
            const double lack = shares[k] / sum * PERIOD - (double)turns[k], want = given < PERIOD ? lack : -lack;
            if (want > most && shares[k] > 0 && (given < PERIOD || turns[k] > 1)) most = want, best = k;
        }
        turns[best] += given < PERIOD ? 1 : -1;
        given += given < PERIOD ? 1 : -1;
    }
}

/* Each position goes to the source that is furthest behind its share. */
static RinsStatus lay_out(RinsSlotPlan *plan) {
    int64_t *taken = calloc((size_t)plan->n_sources, sizeof *taken);
    if (!taken) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to mix sources");
    for (int64_t p = 0; p < PERIOD; p++) {
        int best = 0;
        int64_t most = INT64_MIN;
        for (int k = 0; k < plan->n_sources; k++) {
            const int64_t behind = plan->turns[k] * (p + 1) - taken[k] * PERIOD;
            if (behind > most && taken[k] < plan->turns[k]) most = behind, best = k;
        }
        plan->source_at[p] = (uint16_t)best;
        plan->turn_at[p] = (uint16_t)taken[best]++;
    }
    free(taken);
    return RINS_OK;
}

static RinsStatus mix(RinsSlotPlan *plan, const double *weights) {
    const int n = plan->n_sources;
    double *shares = calloc((size_t)n, sizeof *shares), sum = 0;
    plan->source_at = calloc(PERIOD, sizeof *plan->source_at);
    plan->turn_at = calloc(PERIOD, sizeof *plan->turn_at);
    plan->turns = calloc((size_t)n, sizeof *plan->turns);
    RinsStatus status = RINS_OK;
    if (!shares || !plan->source_at || !plan->turn_at || !plan->turns)
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory to mix sources");
    for (int k = 0; k < n && status == RINS_OK; k++) {
        if (!(weights[k] >= 0) || isinf(weights[k]))
            status = RINS_FAIL(RINS_ERR_CONFIG, "source %d has the weight %g; weights are 0 or more", k, weights[k]);
        else
            sum += shares[k] = weights[k] * (double)plan->counts[k];
    }
    if (status == RINS_OK && !(sum > 0)) status = RINS_FAIL(RINS_ERR_CONFIG, "no source has a positive weight");
    if (status == RINS_OK && isinf(sum))
        status = RINS_FAIL(RINS_ERR_CONFIG, "the sources' weights are too large to add up");
    if (status == RINS_OK) {
        share_out(shares, sum, n, plan->turns);
        status = lay_out(plan);
    }
    free(shares);
    return status;
}

RinsStatus rins_slot_plan_make(RinsSlotPlan *plan, const int64_t *counts, const double *weights, int n_sources,
                               uint64_t seed, bool shuffle) {
    *plan = (RinsSlotPlan){.n_sources = n_sources, .seed = seed, .shuffle = shuffle};
    if (n_sources < 1 || n_sources > MAX_SOURCES)
        return RINS_FAIL(RINS_ERR_CONFIG, "%d data sources; there must be 1 to %d", n_sources, MAX_SOURCES);
    plan->counts = calloc((size_t)n_sources, sizeof *plan->counts);
    plan->offsets = calloc((size_t)n_sources, sizeof *plan->offsets);
    RinsStatus status = RINS_OK;
    if (!plan->counts || !plan->offsets) status = RINS_FAIL(RINS_ERR_MEMORY, "no memory to mix sources");
    for (int k = 0; k < n_sources && status == RINS_OK; k++) {
        plan->offsets[k] = plan->total;
        plan->counts[k] = counts[k];
        plan->total += counts[k];
    }
    if (status == RINS_OK && weights) status = mix(plan, weights);
    if (status != RINS_OK) rins_slot_plan_free(plan);
    return status;
}

void rins_slot_plan_free(RinsSlotPlan *plan) {
    free(plan->counts);
    free(plan->offsets);
    free(plan->source_at);
    free(plan->turn_at);
    free(plan->turns);
    *plan = (RinsSlotPlan){0};
}

RinsSlotPlace rins_slot_find(const RinsSlotPlan *plan, uint64_t sample) {
    int low = 0, high = plan->n_sources;
    while (high - low > 1) {
        const int middle = low + (high - low) / 2;
        if ((uint64_t)plan->offsets[middle] <= sample)
            low = middle;
        else
            high = middle;
    }
    return (RinsSlotPlace){low, (int64_t)sample - plan->offsets[low], sample, 0};
}

static RinsSlotPlace place_mixed(const RinsSlotPlan *plan, int64_t slot) {
    const int64_t period = slot / PERIOD, position = slot % PERIOD;
    const int k = plan->source_at[position];
    const int64_t turn = period * plan->turns[k] + plan->turn_at[position], n = plan->counts[k];
    const uint64_t epoch = (uint64_t)(turn / n);
    int64_t index = turn % n;
    if (plan->shuffle) { /* every source its own order */
        const uint64_t seed = rins_hash_bytes(&k, sizeof k, plan->seed ^ RINS_HASH_BASIS);
        index = (int64_t)rins_permute((uint64_t)index, (uint64_t)n, seed, epoch);
    }
    return (RinsSlotPlace){k, index, (uint64_t)(plan->offsets[k] + index), epoch};
}

RinsSlotPlace rins_slot_place(const RinsSlotPlan *plan, int64_t slot) {
    if (plan->source_at) return place_mixed(plan, slot);
    const uint64_t n = (uint64_t)plan->total, epoch = (uint64_t)slot / n;
    uint64_t sample = (uint64_t)slot % n;
    if (plan->shuffle) sample = rins_permute(sample, n, plan->seed, epoch);
    RinsSlotPlace place = rins_slot_find(plan, sample);
    place.epoch = epoch;
    return place;
}

RinsSlotPlace rins_slot_substitute(const RinsSlotPlan *plan, RinsSlotPlace place, int64_t slot, int attempt) {
    RinsRng rng = rins_rng(RINS_RNG_SUBSTITUTE, plan->seed, (uint64_t)slot, (uint64_t)attempt);
    place.index = (int64_t)rins_rng_below(&rng, (uint64_t)plan->counts[place.source]);
    place.sample = (uint64_t)(plan->offsets[place.source] + place.index);
    return place;
}
