#include "src/train/comm.h"

#include <string.h>

static RinsStatus single_allgather(RinsComm *comm, const float *mine, float *all, int64_t n) {
    (void)comm;
    if (all != mine) memcpy(all, mine, (size_t)n * sizeof *all);
    return RINS_OK;
}

static RinsStatus single_allreduce(RinsComm *comm, float *data, int64_t n) {
    (void)comm, (void)data, (void)n;
    return RINS_OK;
}

static RinsStatus single_any(RinsComm *comm, bool *flag) {
    (void)comm, (void)flag;
    return RINS_OK;
}

RinsComm rins_comm_single(void) {
    return (RinsComm){
        .rank = 0, .world = 1, .allgather = single_allgather, .allreduce = single_allreduce, .any = single_any};
}
