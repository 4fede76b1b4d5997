/* Actions of `rins eval` outside cmd_eval.c, which lists them. argv[0] is "rins eval NAME". */
#ifndef RINS_TOOLS_EVAL_ACTIONS_H
#define RINS_TOOLS_EVAL_ACTIONS_H

#include "tools/command.h"

/* int rins_eval_NAME(int argc, char **argv); gives the exit code */
int rins_eval_probe(int argc, char **argv);
int rins_eval_knn(int argc, char **argv);

#endif
