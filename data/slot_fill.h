/* Fills one slot of a batch: reads, decodes, augments and tokenises its sample, or a substitute of a bad one. */
#ifndef RINS_DATA_SLOT_FILL_H
#define RINS_DATA_SLOT_FILL_H

#include "data/bad_log.h"
#include "data/loader.h"
#include "data/picture_cache.h"
#include "data/slot_plan.h"

/* Shared by all workers, constant while they run. */
typedef struct RinsFiller {
    const RinsLoaderOptions *options;
    RinsSlotPlan plan;
    RinsPictureCache *cache; /* or NULL */
} RinsFiller;

/* A worker's own. */
typedef struct RinsFillScratch {
    RinsSample sample;
    char *caption; /* filled-in template */
} RinsFillScratch;

void rins_fill_scratch_free(RinsFillScratch *scratch);

/* What became of one slot, beside the batch's rows. */
typedef struct RinsSlotResult {
    RinsStatus status; /* not a sample's fault, or no good sample in many tries; `message` then */
    char message[512];
    RinsBadRecord *bad; /* (n_bad) keys and messages are malloc'd */
    int n_bad;
} RinsSlotResult;

void rins_slot_result_clear(RinsSlotResult *result);

/* Fills row i of the batch with slot `slot`. */
void rins_slot_fill(const RinsFiller *filler, RinsFillScratch *scratch, int64_t slot, RinsBatch *batch, int64_t i,
                    RinsSlotResult *result);

#endif
