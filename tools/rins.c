#include "tools/command.h"

#include "src/base/config.h"
#include "tools/notes.h"

#include <stdio.h>
#include <string.h>

static const RinsCommand commands[] = {
    {"bench", "measure speed beside the machine's GEMM peak", rins_cmd_bench},
    {"ablate", "compare arms of a plan over seeds and budgets", rins_cmd_ablate},
    {"data", "make, pack, index, check and show data sets", rins_cmd_data},
    {"embed", "turn images or texts into embeddings (.npy)", rins_cmd_embed},
    {"eval", "zero-shot classification and retrieval", rins_cmd_eval},
    {"export", "write a model for transformers, unrolled where it is recursive", rins_cmd_export},
    {"flops", "count parameters, FLOPs and memory of a model", rins_cmd_flops},
    {"info", "what this machine offers and how rins was built", rins_cmd_info},
    {"search", "find images in a folder by a text", rins_cmd_search},
    {"tokenizer", "train a SentencePiece tokenizer, or use one", rins_cmd_tokenizer},
    {"train", "train image and text towers on pairs", rins_cmd_train},
};

enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *out) {
    fprintf(out, "usage: rins COMMAND [ARGUMENTS]\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++) fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\n'rins COMMAND --help' tells more of one; 'rins --version' gives the version.\n"
                 "Exit codes: 0 done, 1 failed, 2 wrong usage.\n");
}

int rins_report(RinsStatus status) {
    if (status == RINS_OK) return RINS_EXIT_OK;
    rins_notes_bar(NULL);
    fprintf(stderr, "rins: error: %s\n", rins_last_error());
    if (rins_notes_verbose()) fprintf(stderr, "rins: debug: %s at %s\n", rins_status_name(status), rins_last_error_where());
    return status == RINS_ERR_ARG || status == RINS_ERR_CONFIG ? RINS_EXIT_USAGE : RINS_EXIT_FAILED;
}

static int unknown_command(const char *word) {
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++) names[i] = commands[i].name;
    const char *near = rins_nearest(word, names, N_COMMANDS);
    if (near) fprintf(stderr, "rins: error: no command '%s'; did you mean 'rins %s'?\n", word, near);
    else fprintf(stderr, "rins: error: no command '%s'; 'rins --help' lists them\n", word);
    return RINS_EXIT_USAGE;
}

int main(int argc, char **argv) {
    rins_notes_start(false, false);
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
    return unknown_command(argv[1]);
}
