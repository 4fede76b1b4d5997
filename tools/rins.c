#include "tools/command.h"

#include "src/base/config.h"

#include <stdio.h>
#include <string.h>

static const RinsCommand commands[] = {
    {"data", "make, pack, index, check and show data sets", rins_cmd_data},
    {"info", "what this machine offers and how rins was built", rins_cmd_info},
};

enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *out) {
    fprintf(out, "usage: rins COMMAND [ARGUMENTS]\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++) fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\n'rins COMMAND --help' tells more of one.\n");
}

int rins_report(RinsStatus status) {
    if (status == RINS_OK) return RINS_EXIT_OK;
    fprintf(stderr, "rins: error: %s\n", rins_last_error());
    return status == RINS_ERR_ARG || status == RINS_ERR_CONFIG ? RINS_EXIT_USAGE : RINS_EXIT_FAILED;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return RINS_EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        print_help(stdout);
        return RINS_EXIT_OK;
    }
    if (!strcmp(argv[1], "--version")) {
        puts("rins " RINS_VERSION);
        return RINS_EXIT_OK;
    }
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (!strcmp(argv[1], commands[i].name)) {
            static char name[64];
            snprintf(name, sizeof name, "rins %s", commands[i].name);
            argv[1] = name;
            return commands[i].run(argc - 1, argv + 1);
        }
    fprintf(stderr, "rins: error: no command '%s'; 'rins --help' lists them\n", argv[1]);
    return RINS_EXIT_USAGE;
}
