/* Processes of one training as threads of a test: the same exchanges, through memory. */
#ifndef RINS_TESTS_THREAD_COMM_H
#define RINS_TESTS_THREAD_COMM_H

#include "src/device/comm.h"

#include <pthread.h>
#include <string.h>

enum { THREAD_COMM_MOST = 4 };

typedef struct ThreadHub {
    pthread_barrier_t barrier;
    const char *shown[THREAD_COMM_MOST];
} ThreadHub;

static inline RinsStatus thread_allgather(RinsComm *comm, const void *mine, void *all, size_t bytes) {
    ThreadHub *hub = comm->impl;
    hub->shown[comm->rank] = mine;
    pthread_barrier_wait(&hub->barrier);
    for (int r = 0; r < comm->world; r++) memcpy((char *)all + (size_t)r * bytes, hub->shown[r], bytes);
    pthread_barrier_wait(&hub->barrier);
    return RINS_OK;
}

static inline RinsStatus thread_alltoall(RinsComm *comm, const void *to, void *from, size_t bytes) {
    ThreadHub *hub = comm->impl;
    hub->shown[comm->rank] = to;
    pthread_barrier_wait(&hub->barrier);
    for (int r = 0; r < comm->world; r++)
        memcpy((char *)from + (size_t)r * bytes, hub->shown[r] + (size_t)comm->rank * bytes, bytes);
    pthread_barrier_wait(&hub->barrier);
    return RINS_OK;
}

typedef struct ThreadRank {
    RinsComm comm;
    void (*work)(RinsComm *comm, void *user);
    void *user;
} ThreadRank;

static inline void *thread_rank_run(void *arg) {
    ThreadRank *rank = arg;
    rank->work(&rank->comm, rank->user);
    return NULL;
}

/* Runs `work` once per rank, all at once. It must not use cmocka's assertions: they belong to the test's thread. */
static inline void thread_comm_run(int world, void (*work)(RinsComm *comm, void *user), void *user) {
    ThreadHub hub;
    ThreadRank ranks[THREAD_COMM_MOST];
    pthread_t threads[THREAD_COMM_MOST];
    pthread_barrier_init(&hub.barrier, NULL, (unsigned)world);
    for (int r = 0; r < world; r++) {
        ranks[r] = (ThreadRank){{r, world, thread_allgather, thread_alltoall, &hub}, work, user};
        pthread_create(&threads[r], NULL, thread_rank_run, &ranks[r]);
    }
    for (int r = 0; r < world; r++) pthread_join(threads[r], NULL);
    pthread_barrier_destroy(&hub.barrier);
}

#endif
