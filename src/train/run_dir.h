/* A run directory: who may write into it, and where a run starts from. */
#ifndef RINS_TRAIN_RUN_DIR_H
#define RINS_TRAIN_RUN_DIR_H

#include "src/device/comm.h"

#include <stdbool.h>

typedef enum RinsResume {
    RINS_RESUME_AUTO,  /* the run's newest complete checkpoint; afresh where there is none */
    RINS_RESUME_NEVER, /* afresh; the run directory must be empty or absent */
    RINS_RESUME_FROM   /* a given run or checkpoint: one's own, or another's to branch off */
} RinsResume;

typedef struct RinsRunDir {
    char *path;
    int lock;         /* descriptor that holds the directory against a second trainer */
    char *checkpoint; /* where to start from, NULL: afresh */
    bool branch;      /* it belongs to another run */
    bool made;        /* the directory was not there before */
} RinsRunDir;

/* Makes and locks `path` and finds the start. `from`: for RINS_RESUME_FROM. `branch` (may be NULL): the checkpoint that
   the run begins with as long as it has none of its own.
     RINS_ERR_ARG       `path` holds a config.yaml or a model and no run, or a run's checkpoints; NEVER, and it holds
                        something; no complete checkpoint in `from`; `from` is of another run while this one has
                        checkpoints; `from` is older than another checkpoint of this run
     RINS_ERR_IO        another process trains here
   `comm` (may be NULL): rank 0 makes and locks the directory for all, the others find the start once it has. */
RinsStatus rins_run_dir_open(RinsRunDir *dir, const char *path, RinsResume resume, const char *from, const char *branch,
                             RinsComm *comm);
/* A directory that was made, and into which nothing was written, goes. Harmless on a zeroed struct with lock -1. */
void rins_run_dir_close(RinsRunDir *dir);
/* Is `path` a file in which a run keeps its settings or its record (config.yaml, metrics.jsonl, ...)? What is written
   over it is lost to resuming and to reports. */
bool rins_run_dir_keeps(const char *path);

#endif
