#include "tools/command.h"

#include "src/base/config.h"
#include "tools/describe.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MAX_COMMANDS = 32 };

static void print_help(const RinsCommandSet *set, FILE *out) {
    fprintf(out, "usage: %s ", set->name);
    for (const char *at = set->word; *at; at++) putc(toupper((unsigned char)*at), out);
    fprintf(out, " [ARGUMENTS]\n\n");
    for (const RinsCommand *command = set->commands; command->name; command++)
        fprintf(out, "  %-10s %s\n", command->name, command->summary);
    fprintf(out, "\n'%s ", set->name);
    for (const char *at = set->word; *at; at++) putc(toupper((unsigned char)*at), out);
    fprintf(out, " --help' tells more of one.\n%s", set->note ? set->note : "");
}

static int unknown(const RinsCommandSet *set, const char *asked) {
    const char *names[MAX_COMMANDS];
    size_t n = 0;
    for (; n < MAX_COMMANDS && set->commands[n].name; n++) names[n] = set->commands[n].name;
    const char *near = rins_nearest(asked, names, n);
    if (near)
        fprintf(stderr, "rins: error: no %s '%s'; did you mean '%s %s'?\n", set->word, asked, set->name, near);
    else
        fprintf(stderr, "rins: error: no %s '%s'; '%s --help' lists them\n", set->word, asked, set->name);
    return RINS_EXIT_USAGE;
}

/* Every command of the set in turn, with the one word that makes it describe itself. */
static int describe(const RinsCommandSet *set, char *word) {
    int code = RINS_EXIT_OK;
    rins_describe_set(word, set);
    for (const RinsCommand *command = set->commands; command->name && code == RINS_EXIT_OK; command++) {
        char *argv[] = {(char *)command->name, word, NULL};
        code = command->run(2, argv);
    }
    return code;
}

int rins_run_command(const RinsCommandSet *set, int argc, char **argv) {
    if (argc < 2) {
        print_help(set, stderr);
        return RINS_EXIT_USAGE;
    }
    const char *asked = argv[1];
    if (!strcmp(asked, "--help") || !strcmp(asked, "-h") || !strcmp(asked, "-?")) {
        print_help(set, stdout);
        return RINS_EXIT_OK;
    }
    if (argc == 2 && rins_describe_asked(asked)) return describe(set, argv[1]);
    for (const RinsCommand *command = set->commands; command->name; command++)
        if (!strcmp(asked, command->name)) return command->run(argc - 1, argv + 1);
    return unknown(set, asked);
}
