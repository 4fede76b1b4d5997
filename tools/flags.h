/* One table of flags per command: it drives parsing, --help and "did you mean". */
#ifndef RINS_TOOLS_FLAGS_H
#define RINS_TOOLS_FLAGS_H

#include "src/base/status.h"

#include <math.h> /* INFINITY */
#include <stdbool.h>
#include <stdint.h>

typedef enum RinsFlagType {
    RINS_FLAG_BOOL,          /* bool *, no value */
    RINS_FLAG_INT,           /* int64_t * */
    RINS_FLAG_FLOAT,         /* double * */
    RINS_FLAG_STRING,        /* const char **, points into argv */
    RINS_FLAG_CHOICE,        /* int *, an index into `names` */
    RINS_FLAG_OUT,           /* as STRING: a file that will be written. Refused at once where it cannot be */
    RINS_FLAG_OUT_OR_STDOUT, /* the same, or "-" */
    RINS_FLAG_OUT_DIR        /* as STRING: a directory that will be made or filled. Refused in the same way */
} RinsFlagType;

typedef struct RinsFlag {
    const char *name; /* without the dashes; NULL ends a table */
    RinsFlagType type;
    void *value;     /* left alone where the flag is absent */
    const char *arg; /* how the value is called in --help, NULL for BOOL */
    const char *doc; /* one line; NULL: for the program's own use, not shown anywhere */
    bool required;
    const char *const *names; /* CHOICE: NULL-terminated */
    double min, max;          /* INT, FLOAT: what a given value may be; both 0: anything; max INFINITY: min or more */
} RinsFlag;

/* What every longer-running command takes. */
typedef struct RinsCommon {
    int64_t threads; /* 0: all the process may use */
    bool quiet;      /* no progress and no notes, only errors and results */
    bool verbose;    /* where in the source an error arose, and debug notes */
} RinsCommon;

typedef struct RinsCli {
    const char *name;  /* "rins embed" */
    const char *usage; /* what follows the name: "image|text --model M ..." */
    const char *about; /* a few lines for --help */
    const RinsFlag *flags;
    int min_args, max_args; /* how many arguments are not flags; max_args -1: any number */
    RinsCommon *common;     /* NULL: the command has no --threads, --quiet and --verbose */
} RinsCli;

enum { RINS_CLI_GO_ON = -1 };

/* Reads argv[1..argc). "--flag value" and "--flag=value" are the same, "--" ends the flags. Arguments that are not
   flags move to argv[0..*n_args) in their order. Gives RINS_CLI_GO_ON, or the exit code after --help or a usage error
   (printed). With `common`, notes go to standard error from here on, as --quiet and --verbose say. */
int rins_cli_parse(const RinsCli *cli, int argc, char **argv, int *n_args);

/* The same where several processes read the same line, of which one is to speak: an error is the status, and not
   printed; else *code is what rins_cli_parse gives. */
RinsStatus rins_cli_read(const RinsCli *cli, int argc, char **argv, int *n_args, int *code);

#endif
