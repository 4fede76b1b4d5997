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
RinsStatus rins_bad_log_add(FILE *log, const RinsBadRecord *record);

#endif
