/* Actions of `rins data`: each data_*.c defines one function, listed once in cmd_data.c. argv[0] is
   "rins data NAME". */
#ifndef RINS_TOOLS_DATA_ACTIONS_H
#define RINS_TOOLS_DATA_ACTIONS_H

#include "tools/command.h"

/* int rins_data_NAME(int argc, char **argv); gives the exit code */
int rins_data_pack(int argc, char **argv);
int rins_data_index(int argc, char **argv);
int rins_data_check(int argc, char **argv);
int rins_data_show(int argc, char **argv);
int rins_data_synth(int argc, char **argv);

#endif
