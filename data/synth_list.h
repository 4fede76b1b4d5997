/* What stands in a synthetic world's folder: DIR/files.txt, a path a line, entered before the file is made. A later run
   into the same folder removes by it and nothing else, so that no picture of a former, larger set is read as one of the
   new, no half of one stays behind a killed run, and no file that somebody put there is lost. */
#ifndef RINS_DATA_SYNTH_LIST_H
#define RINS_DATA_SYNTH_LIST_H

#include "src/base/status.h"

#include <stdio.h>

typedef enum RinsSynthPart {
    RINS_SYNTH_PART_TRAIN,
    RINS_SYNTH_PART_VAL,
    RINS_SYNTH_PART_CLASSES,
    RINS_SYNTH_PART_HARD,
    RINS_SYNTH_PARTS
} RinsSynthPart;

extern const char *const rins_synth_parts[RINS_SYNTH_PARTS]; /* where world.json has their counts */

typedef struct RinsSynthList {
    FILE *stream;
} RinsSynthList;

/* Makes `dir` ready for the parts whose counts[] is above 0: world.json and all former files of these parts go. Other
   parts stay, and get their former count in counts[]. `settings`: a JSON object of the members of world.json that all
   parts have in common. Before anything is removed:
     RINS_ERR_ARG       `dir` holds something and no files.txt
     RINS_ERR_FORMAT    files.txt names what no world has
     RINS_ERR_MISMATCH  a part that would stay is of other settings, or of a run that was not finished */
RinsStatus rins_synth_list_open(RinsSynthList *list, const char *dir, const char *settings,
                                int64_t counts[RINS_SYNTH_PARTS]);
/* Enters `name`, relative to the folder. */
RinsStatus rins_synth_list_add(RinsSynthList *list, const char *name);
/* Harmless on a zeroed struct. */
void rins_synth_list_close(RinsSynthList *list);

#endif
