/* What a command is told to write, looked at before the work. */
#ifndef RINS_TOOLS_OUTPUTS_H
#define RINS_TOOLS_OUTPUTS_H

#include "tools/flags.h"

typedef struct RinsGiven {
    const RinsFlag *flags;
    const bool *seen; /* [n_flags]: it is on the command line */
    int n_flags;
    char *const *args; /* those that are not flags */
    int n_args;
} RinsGiven;

/* Refuses what would be found out when the work is done, or would be lost by it: outputs that cannot be written, one name
   for two of them, names of images and shards, of files that the command line names too, of a run's own record. */
RinsStatus rins_outputs_check(const RinsGiven *given);

#endif
