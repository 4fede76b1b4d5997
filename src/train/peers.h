/* Whether processes that are to train together would do the same. */
#ifndef RINS_TRAIN_PEERS_H
#define RINS_TRAIN_PEERS_H

#include "src/device/comm.h"

typedef struct RinsPeerFact {
    const char *name; /* for people */
    int64_t value;    /* or a hash */
} RinsPeerFact;

/* RINS_ERR_MISMATCH on every rank where one has another value than rank 0; that one's message names the first such
   fact. */
RinsStatus rins_peers_alike(RinsComm *comm, const RinsPeerFact *facts, int n);

#endif
