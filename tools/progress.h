/* A progress bar with the time left. */
#ifndef RINS_TOOLS_PROGRESS_H
#define RINS_TOOLS_PROGRESS_H

#include <stdint.h>

/* A job of known or unknown length. On a terminal one line is drawn over and over; elsewhere a plain line comes out at
   most every 10 s and at the end; with --quiet nothing does. Not for several threads. */
typedef struct RinsProgress {
    const char *what; /* "train", "embed" */
    int64_t total;    /* 0: not known */
    int64_t first;    /* where it began (a resumed run), so that the ETA counts only what was done */
    double started, shown;
} RinsProgress;

void rins_progress_start(RinsProgress *progress, const char *what, int64_t first, int64_t total);
/* `detail` ("loss 1.23") may be NULL; on a narrow terminal the bar gives way to it. Cheap: draws ten times a second at
   most. */
void rins_progress_update(RinsProgress *progress, int64_t done, const char *detail);
/* Columns that a detail can have at present. */
int rins_progress_room(const RinsProgress *progress, int64_t done);
/* Clears the bar and leaves one plain line of what was done and how fast. Harmless on a zeroed struct. */
void rins_progress_end(RinsProgress *progress, int64_t done, const char *unit);

#endif
