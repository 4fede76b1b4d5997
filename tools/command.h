/* Subcommands of `rins`: each cmd_*.c defines one function, listed once in rins.c. */
#ifndef RINS_TOOLS_COMMAND_H
#define RINS_TOOLS_COMMAND_H

#include <stdbool.h>

#include "src/base/status.h"

enum { RINS_EXIT_OK = 0, RINS_EXIT_FAILED = 1, RINS_EXIT_USAGE = 2 };

typedef struct RinsCommand {
    const char *name, *summary;
    int (*run)(int argc, char **argv); /* argv[0] is NAME; gives the exit code */
    bool computes;                     /* runs a model, on all threads */
} RinsCommand;

/* Commands of which the first argument names one. */
typedef struct RinsCommandSet {
    const char *name, *word;     /* "rins data" "action" */
    const RinsCommand *commands; /* ends with an empty one */
    const char *note;            /* last line of --help, NULL: none */
} RinsCommandSet;

/* Runs the command that argv[1] names, or helps: the list, "did you mean". Gives the exit code. */
int rins_run_command(const RinsCommandSet *set, int argc, char **argv);

/* Prints "rins: error: ..." for a failed status and gives the exit code: usage for ARG and CONFIG, else failed. */
int rins_report(RinsStatus status);
int rins_exit_code(RinsStatus status); /* the same without a word */

int rins_cmd_bench(int argc, char **argv);
int rins_cmd_ablate(int argc, char **argv);
int rins_cmd_data(int argc, char **argv);
int rins_cmd_export(int argc, char **argv);
int rins_cmd_flops(int argc, char **argv);
int rins_cmd_embed(int argc, char **argv);
int rins_cmd_eval(int argc, char **argv);
int rins_cmd_info(int argc, char **argv);
int rins_cmd_report(int argc, char **argv);
int rins_cmd_search(int argc, char **argv);
int rins_cmd_tokenizer(int argc, char **argv);
int rins_cmd_train(int argc, char **argv);

#endif
