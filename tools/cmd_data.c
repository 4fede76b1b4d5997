#include "tools/data_actions.h"

#include <stdio.h>
#include <string.h>

static const RinsCommand actions[] = {
    {"synth", "draw a world of captioned scenes, with combinations held out of training", rins_data_synth},
    {"pack", "write a folder, table or shards as plain tar shards, resized if wished", rins_data_pack},
    {"index", "write the index files of tar shards", rins_data_index},
    {"check", "read and decode every sample: bad ones by cause, sizes, repeats", rins_data_check},
    {"show", "samples before and after augmentation on an HTML page", rins_data_show},
    {NULL, NULL, NULL},
};

static void print_help(FILE *out) {
    fprintf(out, "usage: rins data ACTION [ARGUMENTS]\n\n");
    for (const RinsCommand *action = actions; action->name; action++)
        fprintf(out, "  %-8s %s\n", action->name, action->summary);
    fprintf(out, "\n'rins data ACTION --help' tells more of one.\n");
}

int rins_cmd_data(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return RINS_EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "-?")) {
        print_help(stdout);
        return RINS_EXIT_OK;
    }
    for (const RinsCommand *action = actions; action->name; action++)
        if (!strcmp(argv[1], action->name)) {
            static char name[64];
            snprintf(name, sizeof name, "rins data %s", action->name);
            argv[1] = name;
            return action->run(argc - 1, argv + 1);
        }
    fprintf(stderr, "rins data: error: no action '%s'; 'rins data --help' lists them\n", argv[1]);
    return RINS_EXIT_USAGE;
}
