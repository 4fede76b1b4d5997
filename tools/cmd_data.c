#include "tools/data_actions.h"

static const RinsCommand actions[] = {
    {"synth", "draw a world of captioned scenes, with combinations held out of training", rins_data_synth},
    {"pack", "write a folder, table or shards as plain tar shards, resized if wished", rins_data_pack},
    {"index", "write the index files of tar shards", rins_data_index},
    {"check", "read and decode every sample: bad ones by cause, sizes, repeats", rins_data_check},
    {"show", "samples before and after augmentation on an HTML page", rins_data_show},
    {NULL, NULL, NULL},
};

int rins_cmd_data(int argc, char **argv) {
    static const RinsCommandSet set = {"rins data", "action", actions, NULL};
    return rins_run_command(&set, argc, argv);
}
