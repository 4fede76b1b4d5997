/* rins(1), in man(7) macros. */
#include "tools/describe.h"

#include "src/train/run_config.h"

#include <stdio.h>

/* A text as roff takes it: hyphens are minus signs, backslashes themselves, nothing at a line's start is a request. */
static void put_text(const char *text) {
    bool start = true;
    for (; *text; text++) {
        if (start && (*text == '.' || *text == '\'')) fputs("\\&", stdout);
        start = *text == '\n';
        if (*text == '-')
            fputs("\\-", stdout);
        else if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '\'')
            fputs("\\(aq", stdout);
        else if (*text == '^')
            fputs("\\(ha", stdout);
        else if (*text == '~')
            fputs("\\(ti", stdout);
        else
            putchar(*text);
    }
}

static void put_line(const char *text) {
    put_text(text);
    putchar('\n');
}

static void put_flag(const RinsFlag *flag) {
    if (!flag->doc) return;
    fputs(".TP\n.B \\-\\-", stdout);
    put_text(flag->name);
    if (flag->arg) fputs(" \\fI", stdout), put_text(flag->arg), fputs("\\fR", stdout);
    putchar('\n');
    put_text(flag->doc);
    const bool list = flag->type == RINS_FLAG_CHOICE && !rins_names_all(flag->doc, flag->names);
    for (int i = 0; list && flag->names[i]; i++) {
        fputs(i ? ", " : ": ", stdout);
        put_text(flag->names[i]);
    }
    puts(flag->required ? " (required)" : "");
}

void rins_man_command(const RinsCli *cli, const RinsFlag *flags, int n) {
    fputs(".SS ", stdout), put_line(cli->name);
    fputs(".B ", stdout), put_line(cli->name);
    put_line(cli->usage);
    if (cli->about) fputs(".PP\n", stdout), put_line(cli->about);
    for (int i = 0; i < n; i++) put_flag(&flags[i]);
}

static void put_key(void *user, const char *key, const RinsField *field) {
    char text[RINS_KEY_TEXT];
    (void)user;
    fputs(".TP\n.B ", stdout), put_line(key);
    put_line(rins_key_text(field, text));
}

static const char head[] =
    ".TH RINS 1 \"\" \"rins " RINS_VERSION "\" \"User Commands\"\n"
    ".SH NAME\nrins \\- train, evaluate and use image\\-text encoders with recursion over their blocks\n"
    ".SH SYNOPSIS\n.B rins\n.I COMMAND\n.RI [ ARGUMENTS ]\n.br\n.B rins\n.I COMMAND\n.B \\-\\-help\n.br\n.B rins "
    "\\-\\-version\n"
    ".SH DESCRIPTION\n"
    "Trains an image and a text tower on captioned images with the sigmoid loss (SigLIP), with recursion over their\n"
    "blocks where a signature asks for it (RINS), evaluates them without further training, and counts what recursion "
    "costs.\n"
    ".PP\nResults go to standard output, everything else to standard error.\n"
    "A flag and its value are two words or one with an equals sign between them; \\-\\- ends the flags.\n"
    "A model is a run directory (its newest complete checkpoint), one checkpoint, or a Hugging Face SigLIP directory.\n"
    ".SH COMMANDS\n";

static const char tail[] =
    ".SH ENVIRONMENT\n"
    ".TP\n.B RINS_CPU\nhighest level of kernels: ref, avx2, avx512, avx512bf16, amx or native\n"
    ".TP\n.B RINS_CACHE_DIR\nwhere embeddings are kept between commands; else $XDG_CACHE_HOME/rins, else "
    "\\(ti/.cache/rins\n"
    ".TP\n.B OMP_NUM_THREADS\nthreads where \\-\\-threads is not given\n"
    ".TP\n.B OMP_WAIT_POLICY\npassive: threads sleep while they wait, which is much faster where the machine has other "
    "work (the\n"
    "default where it has some at the start); active: they spin, which gains a little on small models where it has "
    "none\n"
    ".SH EXIT STATUS\n.TP\n.B 0\ndone\n.TP\n.B 1\nfailed\n.TP\n.B 2\nwrong usage, or a wrong config\n"
    ".SH EXAMPLES\n.nf\n"
    "rins data synth \\-\\-out world \\-\\-n 50000\n"
    "rins train configs/quickstart.yaml \\-\\-out run\n"
    "rins search \\-\\-model run \\-\\-images photos \"a dog on a beach\" \\-\\-top 5\n"
    ".fi\n";

int rins_print_manual(int (*commands)(const char *word)) {
    fputs(head, stdout);
    const int code = commands(rins_help_man);
    fputs(".SH CONFIGURATION\nThe keys of a run's YAML file, each with its default. On the command line\n"
          ".IR key = value\noverrides one, the value being YAML; null means not set.\n" RINS_KEYS_OF_MAPS
          "\n\\fBrins help keys\\fR lists them as well.\n",
          stdout);
    rins_each_key(rins_run_fields, put_key, NULL);
    fputs(tail, stdout);
    return code;
}
