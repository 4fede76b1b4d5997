/* The folder of a run's checkpoints:

     RUN/checkpoints/step-000001000/   complete: it got this name by a rename, after all in it was on the disk
     RUN/checkpoints/.partial/...      being written, or left over by a killed run                              */
#ifndef RINS_MODEL_CHECKPOINT_LIST_H
#define RINS_MODEL_CHECKPOINT_LIST_H

#include "src/base/status.h"

#include <stdbool.h>

typedef struct RinsCheckpointList {
    int64_t *steps; /* ascending */
    size_t n;
} RinsCheckpointList;

/* Complete checkpoints of a run; none where the run or its folder does not exist. */
RinsStatus rins_checkpoint_list(RinsCheckpointList *list, const char *run);
void rins_checkpoint_list_free(RinsCheckpointList *list);

/* malloc'd RUN/checkpoints/step-%09lld. NULL when out of memory. */
char *rins_checkpoint_path(const char *run, int64_t step);

/* malloc'd path of the newest complete checkpoint of `path`: itself where it is a checkpoint, else the newest of the
   run. *found is NULL where there is none. */
RinsStatus rins_checkpoint_newest(const char *path, char **found);

/* Makes an empty RUN/checkpoints/.partial/step-N to write into (malloc'd path), clearing what was left there. */
RinsStatus rins_checkpoint_begin(const char *run, int64_t step, char **partial);
/* Flushes every file of `partial`, gives it its final name and flushes that: from here on it is complete. A checkpoint
   of the same step is replaced. */
RinsStatus rins_checkpoint_commit(const char *run, int64_t step, const char *partial);

/* Deletes the checkpoint of `step`; OK where there is none. */
RinsStatus rins_checkpoint_remove(const char *run, int64_t step);

/* Deletes all but the `keep` newest (0: keeps all) and anything left in .partial. */
RinsStatus rins_checkpoint_prune(const char *run, int64_t keep);

#endif
