/* The one narrow interface between the processes of one training. Each holds the whole model; rank r takes its share of
   every batch. Buffers lie in the memory of the device that trains: host memory for the CPU.

   A backend gives the two exchanges; the rest is made of them. Every rank calls the same functions in
   the same order. */
#ifndef RINS_DEVICE_COMM_H
#define RINS_DEVICE_COMM_H

#include "src/base/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct RinsComm {
    int rank, world;
    /* all (world * bytes): each rank's `mine` (bytes), in rank order. Apart. */
    RinsStatus (*allgather)(struct RinsComm *comm, const void *mine, void *all, size_t bytes);
    /* from (world * bytes): what each rank has for this one, in rank order; to: what this one has for each. Apart. */
    RinsStatus (*alltoall)(struct RinsComm *comm, const void *to, void *from, size_t bytes);
    void *impl;
} RinsComm;

/* Of a training whose `comm` is NULL where it has one process. */
static inline int rins_comm_world(const RinsComm *comm) {
    return comm ? comm->world : 1;
}
static inline int rins_comm_rank(const RinsComm *comm) {
    return comm ? comm->rank : 0;
}

/* data[i] = sum over ranks of data[i], added in rank order: the same bytes on every rank and in every repetition. */
RinsStatus rins_comm_sum(RinsComm *comm, float *data, int64_t n);

/* The same for counts. */
RinsStatus rins_comm_sum_counts(RinsComm *comm, int64_t *counts, int n);

/* Rank 0's bytes on every rank. */
RinsStatus rins_comm_from_first(RinsComm *comm, void *data, size_t bytes);

/* True on every rank where it is true on any: how a signal to one stops all at the same step. */
RinsStatus rins_comm_any(RinsComm *comm, bool *flag);

#endif
