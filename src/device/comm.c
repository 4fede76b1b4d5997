#include "src/device/comm.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 20 }; /* floats summed at a time: what bounds the space */

/* n <= world * share floats: each rank adds up its share of them, and all gather the sums. */
static RinsStatus sum_block(RinsComm *comm, float *data, int64_t n, float *to, float *from) {
    const int64_t share = (n + comm->world - 1) / comm->world, whole = share * comm->world;
    memcpy(to, data, (size_t)n * sizeof *data);
    memset(to + n, 0, (size_t)(whole - n) * sizeof *data);
    RINS_TRY(comm->alltoall(comm, to, from, (size_t)share * sizeof *data));
    for (int r = 1; r < comm->world; r++)
        for (int64_t i = 0; i < share; i++) from[i] += from[r * share + i];
    RINS_TRY(comm->allgather(comm, from, to, (size_t)share * sizeof *data));
    memcpy(data, to, (size_t)n * sizeof *data);
    return RINS_OK;
}

RinsStatus rins_comm_sum(RinsComm *comm, float *data, int64_t n) {
    if (comm->world == 1) return RINS_OK;
    const size_t most = (size_t)(n < BLOCK ? n : BLOCK) + (size_t)comm->world;
    float *to = malloc(2 * most * sizeof *to);
    if (!to) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to add up gradients");
    RinsStatus status = RINS_OK;
    for (int64_t i = 0; i < n && status == RINS_OK; i += BLOCK)
        status = sum_block(comm, data + i, n - i < BLOCK ? n - i : BLOCK, to, to + most);
    free(to);
    return status;
}

RinsStatus rins_comm_sum_counts(RinsComm *comm, int64_t *counts, int n) {
    if (comm->world == 1) return RINS_OK;
    int64_t *all = calloc((size_t)comm->world * (size_t)n, sizeof *all);
    if (!all) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to add up counts");
    const RinsStatus status = comm->allgather(comm, counts, all, (size_t)n * sizeof *counts);
    if (status == RINS_OK) memset(counts, 0, (size_t)n * sizeof *counts);
    for (int64_t i = 0; status == RINS_OK && i < (int64_t)comm->world * n; i++) counts[i % n] += all[i];
    free(all);
    return status;
}

RinsStatus rins_comm_from_first(RinsComm *comm, void *data, size_t bytes) {
    if (comm->world == 1) return RINS_OK;
    char *all = malloc((size_t)comm->world * bytes);
    if (!all) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to hear from rank 0");
    const RinsStatus status = comm->allgather(comm, data, all, bytes);
    if (status == RINS_OK) memcpy(data, all, bytes);
    free(all);
    return status;
}

RinsStatus rins_comm_any(RinsComm *comm, bool *flag) {
    int64_t raised = *flag;
    RINS_TRY(rins_comm_sum_counts(comm, &raised, 1));
    *flag = raised > 0;
    return RINS_OK;
}
