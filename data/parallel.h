/* Independent pieces of work on a few plain threads. */
#ifndef RINS_DATA_PARALLEL_H
#define RINS_DATA_PARALLEL_H

#include "src/base/status.h"

/* piece i on thread `worker` (0..threads-1) */
typedef RinsStatus RinsPieceFn(void *user, int64_t i, int worker);

/* Runs pieces 0..n-1, each once, in no set order. On failures no new pieces start and the failure of the lowest piece
   that ran is returned with its message. threads <= 1: in the calling thread. */
RinsStatus rins_parallel(int64_t n, int threads, RinsPieceFn *piece, void *user);

#endif
