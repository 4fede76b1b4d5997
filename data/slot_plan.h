/* Which sample a slot of the run shows: a function of the slot and the seed alone. */
#ifndef RINS_DATA_SLOT_PLAN_H
#define RINS_DATA_SLOT_PLAN_H

#include "src/base/status.h"

#include <stdbool.h>

enum { RINS_MIX_PERIOD = 65536 };

typedef struct RinsSlotPlan {
    int n_sources;
    int64_t *counts, *offsets; /* (n_sources) samples; of the first one in the concatenation */
    int64_t total;
    uint64_t seed;
    bool shuffle;
    /* with weights: who has position p of a period, its how-manieth turn that is, and the turns a period
       has for each */
    uint16_t *source_at; /* (RINS_MIX_PERIOD), NULL without weights */
    uint16_t *turn_at;
    int64_t *turns; /* (n_sources) */
} RinsSlotPlan;

typedef struct RinsSlotPlace {
    int source;
    int64_t index;          /* in the source */
    uint64_t sample, epoch; /* in the concatenation; the source's own epoch where there are weights */
} RinsSlotPlace;

/* weights NULL: none. RINS_ERR_CONFIG where a weight is negative or none is positive. */
RinsStatus rins_slot_plan_make(RinsSlotPlan *plan, const int64_t *counts, const double *weights, int n_sources,
                               uint64_t seed, bool shuffle);
void rins_slot_plan_free(RinsSlotPlan *plan);

RinsSlotPlace rins_slot_place(const RinsSlotPlan *plan, int64_t slot);
/* The sample that stands in for the bad one at `place`: of the same source, attempt = 1, 2, ... */
RinsSlotPlace rins_slot_substitute(const RinsSlotPlan *plan, RinsSlotPlace place, int64_t slot, int attempt);
/* Where a sample of the concatenation lies; epoch 0. */
RinsSlotPlace rins_slot_find(const RinsSlotPlan *plan, uint64_t sample);

#endif
