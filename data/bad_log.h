/* bad.jsonl: one line for each bad sample met, in slot order:
   {"slot": 17, "sample": 3, "source": "wds:...", "key": "...", "cause": "truncated", "message": "..."} */
#ifndef RINS_DATA_BAD_LOG_H
#define RINS_DATA_BAD_LOG_H

#include "data/image.h"

#include <stdio.h>

typedef struct RinsBadRecord {
    int64_t slot;
    uint64_t sample;
    const char *source;
    RinsBadCause cause;
    char *key, *message;
} RinsBadRecord;

/* Opens for appending after dropping the lines of slots from first_slot on (a run that goes on from a checkpoint writes
   them again) and a last line without its end. */
RinsStatus rins_bad_log_open(FILE **log, const char *path, int64_t first_slot);
/* Before several ranks open theirs, `path` and `path`.RANK: moves the lines of slots before first_slot that earlier
   ranks, maybe more of them, left in `path`.RANK into `path`, in slot order, and removes those files. A slot that
   `path` has already stays as it is there (killed in between, nothing is there twice). */
RinsStatus rins_bad_log_gather(const char *path, int64_t first_slot);
/* The line reaches the kernel at once: a killed run keeps what it reported. */
RinsStatus rins_bad_log_add(FILE *log, const RinsBadRecord *record);
/* N of a line that begins {"slot": N, ; -1 of any other. */
int64_t rins_bad_line_slot(const char *line);

#endif
