#include "src/train/peers.h"

RinsStatus rins_peers_alike(RinsComm *comm, const RinsPeerFact *facts, int n) {
    const RinsPeerFact *other = NULL;
    for (int i = 0; i < n; i++) {
        int64_t first = facts[i].value;
        RINS_TRY(rins_comm_from_first(comm, &first, sizeof first));
        if (first != facts[i].value && !other) other = &facts[i];
    }
    bool any = other;
    RINS_TRY(rins_comm_any(comm, &any));
    if (other)
        return RINS_FAIL(RINS_ERR_MISMATCH, "the processes must train alike, but rank %d has another %s than rank 0",
                         comm->rank, other->name);
    return any ? RINS_FAIL(RINS_ERR_MISMATCH, "another process differs from rank 0, as its own message says") : RINS_OK;
}
