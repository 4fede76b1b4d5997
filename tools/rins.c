#define _GNU_SOURCE
#include "tools/command.h"

#include "tools/describe.h"
#include "tools/notes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const RinsCommand commands[] = {
    {"ablate", "compare arms of a plan over seeds and budgets", rins_cmd_ablate, true},
    {"bench", "measure speed beside the machine's GEMM peak", rins_cmd_bench, true},
    {"data", "make, pack, index, check and show data sets", rins_cmd_data, false},
    {"embed", "turn images or texts into embeddings (.npy)", rins_cmd_embed, true},
    {"eval", "zero-shot classification, probes and retrieval", rins_cmd_eval, true},
    {"export", "write a model for transformers, unrolled where it is recursive", rins_cmd_export, false},
    {"flops", "count parameters, FLOPs and memory of a model", rins_cmd_flops, false},
    {"info", "what this machine offers and how rins was built", rins_cmd_info, false},
    {"report", "one page of curves, evaluations and samples of runs", rins_cmd_report, false},
    {"search", "find images in a folder by a text", rins_cmd_search, true},
    {"tokenizer", "train a SentencePiece tokenizer, or use one", rins_cmd_tokenizer, false},
    {"train", "train image and text towers on pairs", rins_cmd_train, true},
    {NULL, NULL, NULL, false},
};

int rins_exit_code(RinsStatus status) {
    if (status == RINS_OK) return RINS_EXIT_OK;
    return status == RINS_ERR_ARG || status == RINS_ERR_CONFIG ? RINS_EXIT_USAGE : RINS_EXIT_FAILED;
}

int rins_report(RinsStatus status) {
    if (status == RINS_OK) return RINS_EXIT_OK;
    rins_notes_bar(NULL);
    fprintf(stderr, "rins: error: %s\n", rins_last_error());
    if (rins_notes_verbose())
        fprintf(stderr, "rins: debug: %s at %s\n", rins_status_name(status), rins_last_error_where());
    return rins_exit_code(status);
}

static const RinsCommandSet all = {
    "rins", "command", commands,
    "'rins help COMMAND' does too, 'rins help keys' lists the keys of a config, 'rins help --man' is the manual page,\n"
    "'rins --version' gives the version.\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage.\n"};

static int run_all(const char *word) {
    char copy[32], *argv[] = {(char *)"rins", copy, NULL};
    snprintf(copy, sizeof copy, "%s", word);
    return rins_run_command(&all, 2, argv);
}

/* rins help [COMMAND ...] is rins [COMMAND ...] --help; rins help keys [KEY] lists the config's. */
static int help(int argc, char **argv) {
    static char flag[] = "--help";
    if (argc == 3 && !strcmp(argv[2], "--man")) return rins_print_manual(run_all);
    if (argc == 3 && !strcmp(argv[2], "--words")) return rins_print_words(run_all);
    if ((argc == 3 || argc == 4) && !strcmp(argv[2], "keys")) return rins_print_keys(argc == 4 ? argv[3] : NULL);
    for (int i = 1; i + 1 < argc; i++) argv[i] = argv[i + 1];
    argv[argc - 1] = flag;
    return rins_run_command(&all, argc, argv);
}

static int run(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "--version")) {
        puts("rins " RINS_VERSION);
        return RINS_EXIT_OK;
    }
    if (argc > 1 && !strcmp(argv[1], "help")) return help(argc, argv);
    return rins_run_command(&all, argc, argv);
}

/* Whether other processes run as well just now, in each of a few looks: the fourth field of /proc/loadavg counts what
   is running, this process included. */
static bool others_work(void) {
    for (int look = 0; look < 3; look++) {
        FILE *file = fopen("/proc/loadavg", "re");
        int running = 1;
        const bool read = file && fscanf(file, "%*f %*f %*f %d/", &running) == 1;
        if (file) fclose(file);
        if (!read || running <= 1) return false;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return true;
}

/* OpenMP's threads spin for milliseconds at every barrier. Where other processes want the same cores each such wait is
   a lost time slice, and small models run ten times slower; where they do not, it gains such models a tenth. OpenMP
   reads its settings while it is loaded, so on a machine with other work the program starts itself once more with waits
   that sleep. What the environment says already is left alone. */
static void let_threads_sleep(int argc, char **argv) {
    char self[4096];
    bool computes = false;
    for (const RinsCommand *c = commands; argc > 1 && c->name; c++)
        computes |= c->computes && !strcmp(argv[1], c->name);
    if (!computes || getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT") || !others_work()) return;
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0 || setenv("OMP_WAIT_POLICY", "passive", 1)) return;
    self[length] = 0;
    execv(self, argv); /* comes back only where it failed: the threads spin then */
}

int main(int argc, char **argv) {
    let_threads_sleep(argc, argv);
    rins_notes_start(false, false);
    const int code = run(argc, argv);
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    fprintf(stderr, "rins: error: cannot write to standard output: %s\n", strerror(errno));
    return code == RINS_EXIT_OK ? RINS_EXIT_FAILED : code;
}
