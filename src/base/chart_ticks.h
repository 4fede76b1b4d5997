/* Ticks of an axis: values a reader knows at sight, at least four of them, written in one unit. */
#ifndef RINS_BASE_CHART_TICKS_H
#define RINS_BASE_CHART_TICKS_H

#include <stdbool.h>

enum { RINS_TICKS = 24, RINS_TICK_TEXT = 40 };

typedef struct RinsTicks {
    double at[RINS_TICKS];
    char text[RINS_TICKS][RINS_TICK_TEXT]; /* "0.25", "1.5T"; "10^12", "2*10^5" where no unit suits all */
    int n;
} RinsTicks;

/* Ticks in [from, to], 0 < from where `is_log`; from < to.
     linear        the widest step of 1, 2 or 5 times a power of ten that gives at least four
     logarithmic   powers of ten, else 1-2-5, 1-2-3-5-7 or 1-1.5-2-3-4-5-6-8 in each, else a linear step: the first of
                   these that gives at least four
   The largest value chooses the unit (k, M, G, T, P, E) for all of them. */
void rins_ticks(RinsTicks *ticks, double from, double to, bool is_log);

#endif
