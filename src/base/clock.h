#ifndef RINS_BASE_CLOCK_H
#define RINS_BASE_CLOCK_H

#include <time.h>

/* Seconds of the monotonic clock: for durations. */
static inline double rins_clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
