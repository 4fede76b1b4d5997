/* The one narrow interface between training and other processes. Every rank holds the whole model; rank r takes its
   share of each global batch. Buffers are host memory. */
#ifndef RINS_TRAIN_COMM_H
#define RINS_TRAIN_COMM_H

#include "src/base/status.h"

#include <stdbool.h>

typedef struct RinsComm {
    int rank, world;
    /* all (world * n floats), in rank order, from each rank's `mine` (n). */
    RinsStatus (*allgather)(struct RinsComm *comm, const float *mine, float *all, int64_t n);
    /* data[i] = sum over ranks of data[i], added in rank order: the same bytes on every rank. */
    RinsStatus (*allreduce)(struct RinsComm *comm, float *data, int64_t n);
    /* True on every rank where it is true on any: how a signal on one stops all at the same step. */
    RinsStatus (*any)(struct RinsComm *comm, bool *flag);
    void *impl;
} RinsComm;

/* One process: nothing to exchange. */
RinsComm rins_comm_single(void);

#endif
