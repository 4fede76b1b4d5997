/* Batches filled ahead of their use: a few threads fill the slots of submitted batches, in order, while the
   caller works with the oldest one. What a batch holds is the caller's, in `places` buffers of its own: batch
   k lies in place k % places.

       for (;;) {
           submit while fewer than `places` batches are in flight
           rins_ahead_wait(ahead, k);    // batch k is full
           use it, and submit the next batch into its place
       }                                                                                                  */
#ifndef RINS_DATA_WORK_AHEAD_H
#define RINS_DATA_WORK_AHEAD_H

#include "src/base/status.h"

enum { RINS_AHEAD_MAX_WORKERS = 256 };

typedef struct RinsAhead RinsAhead;

/* Fills slot i of a batch. Called from several threads, each with its own number `worker`. */
typedef void RinsAheadFn(void *user, int64_t batch, int64_t i, int worker);

/* workers 0: slots are filled in the calling thread, when they are waited for. Workers block all signals. */
RinsStatus rins_ahead_open(RinsAhead **ahead, int places, int workers, RinsAheadFn *fill, void *user);
/* Stops after the slots being filled now; harmless on NULL. */
void rins_ahead_free(RinsAhead *ahead);

/* The next batch (numbered 0, 1, 2, ...) has n slots, which may be none. Its place must be free. */
void rins_ahead_submit(RinsAhead *ahead, int64_t n);
/* Waits until a submitted batch is full. Batches are waited for in order. */
void rins_ahead_wait(RinsAhead *ahead, int64_t batch);

#endif
