#include "tools/flags.h"

#include "src/base/config.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/number.h"
#include "src/device/cpu_libraries.h"
#include "tools/command.h"
#include "tools/describe.h"
#include "tools/notes.h"
#include "tools/outputs.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MAX_FLAGS = 64, HELP_COLUMN = 24, WORD = 64 };

/* The command's own flags and the common ones as one table. */
typedef struct Table {
    RinsFlag flags[MAX_FLAGS + 1];
    bool seen[MAX_FLAGS];
    int n;
} Table;

static void build_table(const RinsCli *cli, Table *table) {
    *table = (Table){.n = 0};
    for (const RinsFlag *flag = cli->flags; flag && flag->name && table->n < MAX_FLAGS - 3; flag++)
        table->flags[table->n++] = *flag;
    if (!cli->common) return;
    const RinsFlag common[] = {
        {"threads", RINS_FLAG_INT, &cli->common->threads, "N", "threads to use (0: all the process may use)",
         .max = 4096},
        {"quiet", RINS_FLAG_BOOL, &cli->common->quiet, NULL, "no progress and no notes"},
        {"verbose", RINS_FLAG_BOOL, &cli->common->verbose, NULL, "debug notes, and where in the source an error arose"},
    };
    memcpy(table->flags + table->n, common, sizeof common);
    table->n += 3;
}

static void print_flag(const RinsFlag *flag, FILE *out) {
    const int n = fprintf(out, "  --%s%s%s", flag->name, flag->arg ? " " : "", flag->arg ? flag->arg : "");
    if (n >= HELP_COLUMN) putc('\n', out);
    fprintf(out, "%*s%s", n < HELP_COLUMN ? HELP_COLUMN - n : HELP_COLUMN, "", flag->doc);
    const bool list = flag->type == RINS_FLAG_CHOICE && !rins_names_all(flag->doc, flag->names);
    for (int i = 0; list && flag->names[i]; i++) fprintf(out, "%s%s", i ? ", " : ": ", flag->names[i]);
    fprintf(out, "%s\n", flag->required ? " (required)" : "");
}

static void print_help(const RinsCli *cli, const Table *table) {
    printf("usage: %s %s\n", cli->name, cli->usage);
    if (cli->about) printf("\n%s\n", cli->about);
    putchar('\n');
    for (int i = 0; i < table->n; i++)
        if (table->flags[i].doc) print_flag(&table->flags[i], stdout);
    printf("  --help%*sthis text\n", HELP_COLUMN - 8, "");
    if (rins_takes_keys(cli)) printf("\n'rins help keys' lists the config's keys, each with its default.\n");
}

static int find_flag(const Table *table, const char *name, size_t n) {
    for (int i = 0; i < table->n; i++)
        if (strlen(table->flags[i].name) == n && !strncmp(table->flags[i].name, name, n)) return i;
    return -1;
}

static RinsStatus unknown_flag(const Table *table, const char *word, size_t n) {
    const char *names[MAX_FLAGS + 1];
    char asked[WORD];
    size_t known = 0;
    for (int i = 0; i < table->n; i++)
        if (table->flags[i].doc) names[known++] = table->flags[i].name;
    names[known++] = "help";
    snprintf(asked, sizeof asked, "%.*s", (int)n, word);
    const char *near = rins_nearest(asked, names, known);
    if (near) return RINS_FAIL(RINS_ERR_ARG, "no flag --%s; did you mean --%s?", asked, near);
    return RINS_FAIL(RINS_ERR_ARG, "no flag --%s", asked);
}

static RinsStatus set_choice(const RinsFlag *flag, const char *text) {
    size_t n = 0;
    char known[256] = "";
    for (; flag->names[n]; n++) {
        if (!strcmp(flag->names[n], text)) {
            *(int *)flag->value = (int)n;
            return RINS_OK;
        }
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", n ? ", " : "", flag->names[n]);
    }
    const char *near = rins_nearest(text, flag->names, n);
    if (near) return RINS_FAIL(RINS_ERR_ARG, "--%s: no '%s'; did you mean '%s'?", flag->name, text, near);
    return RINS_FAIL(RINS_ERR_ARG, "--%s: no '%s'; there are %s", flag->name, text, known);
}

/* An absent flag's value may lie outside: it often means "not given". */
static RinsStatus check_range(const RinsFlag *flag, long double value, const char *text) {
    if ((flag->min == 0 && flag->max == 0) || (value >= flag->min && value <= flag->max)) return RINS_OK;
    if (isinf(flag->max))
        return RINS_FAIL(RINS_ERR_ARG, "--%s takes %.15g or more, not %s", flag->name, flag->min, text);
    return RINS_FAIL(RINS_ERR_ARG, "--%s takes %.15g to %.15g, not %s", flag->name, flag->min, flag->max, text);
}

static RinsStatus set_flag(const RinsFlag *flag, const char *text) {
    switch (flag->type) {
    case RINS_FLAG_BOOL: *(bool *)flag->value = true; return RINS_OK;
    case RINS_FLAG_OUT:
    case RINS_FLAG_OUT_OR_STDOUT:
    case RINS_FLAG_OUT_DIR:
    case RINS_FLAG_STRING: *(const char **)flag->value = text; return RINS_OK;
    case RINS_FLAG_CHOICE: return set_choice(flag, text);
    case RINS_FLAG_INT:
        if (rins_parse_int(text, strlen(text), flag->value))
            return check_range(flag, *(const int64_t *)flag->value, text);
        if (rins_is_whole(text, strlen(text))) {
            RINS_TRY(check_range(flag, text[0] == '-' ? -INFINITY : INFINITY, text));
            return RINS_FAIL(RINS_ERR_ARG, "--%s: %s does not fit into 64 bits", flag->name, text);
        }
        return RINS_FAIL(RINS_ERR_ARG, "--%s takes a whole number, not '%s'", flag->name, text);
    case RINS_FLAG_FLOAT:
        if (rins_parse_double(text, strlen(text), flag->value))
            return check_range(flag, *(const double *)flag->value, text);
        return RINS_FAIL(RINS_ERR_ARG, "--%s takes a number, not '%s'", flag->name, text);
    }
    return RINS_FAIL(RINS_ERR_INTERNAL, "--%s has no such type", flag->name);
}

/* One flag at argv[*at]; *at moves to the last word it used. */
static RinsStatus take_flag(Table *table, int argc, char **argv, int *at) {
    const char *word = argv[*at] + 2;
    const size_t n = strcspn(word, "=");
    const int index = find_flag(table, word, n);
    if (index < 0) return unknown_flag(table, word, n);
    const RinsFlag *flag = &table->flags[index];
    table->seen[index] = true;
    if (flag->type == RINS_FLAG_BOOL)
        return word[n] ? RINS_FAIL(RINS_ERR_ARG, "--%s takes no value", flag->name) : set_flag(flag, NULL);
    if (word[n]) return set_flag(flag, word + n + 1);
    if (*at + 1 >= argc) return RINS_FAIL(RINS_ERR_ARG, "--%s wants a value (%s)", flag->name, flag->arg);
    return set_flag(flag, argv[++*at]);
}

static RinsStatus take_words(Table *table, int argc, char **argv, int *n_args) {
    bool flags_end = false;
    *n_args = 0;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (flags_end || word[0] != '-' || word[1] == 0 || isdigit((unsigned char)word[1]))
            argv[(*n_args)++] = argv[i];
        else if (!strcmp(word, "--"))
            flags_end = true;
        else if (word[1] == '-')
            RINS_TRY(take_flag(table, argc, argv, &i));
        else
            return RINS_FAIL(RINS_ERR_ARG, "no flag %s; flags are whole words, such as --help", word);
    }
    return RINS_OK;
}

/* "rins train train.batch=4": the file was forgotten, and its first key stands in its place. */
static RinsStatus check_file(const RinsCli *cli, const char *word) {
    if (cli->min_args == 0 || !rins_takes_keys(cli) || !strchr(word, '=') || rins_path_is_file(word)) return RINS_OK;
    return RINS_FAIL(RINS_ERR_ARG, "%.*s is missing: '%s' sets one of its keys, and comes after it",
                     (int)strcspn(cli->usage, " "), cli->usage, word);
}

static RinsStatus check(const RinsCli *cli, const Table *table, char **argv, int n_args) {
    for (int i = 0; i < table->n; i++)
        if (table->flags[i].required && !table->seen[i])
            return RINS_FAIL(RINS_ERR_ARG, "--%s %s is missing", table->flags[i].name, table->flags[i].arg);
    if (n_args < cli->min_args) return RINS_FAIL(RINS_ERR_ARG, "an argument is missing: %s %s", cli->name, cli->usage);
    if (cli->max_args >= 0 && n_args > cli->max_args)
        return RINS_FAIL(RINS_ERR_ARG, "unexpected argument '%s'; usage: %s %s", argv[cli->max_args], cli->name,
                         cli->usage);
    return n_args ? check_file(cli, argv[0]) : RINS_OK;
}

/* Not refused: another machine's bytes repeat only with its number of threads. */
static void check_processors(const RinsCli *cli, const Table *table) {
    const int processors = rins_cpu_processors();
    for (int i = 0; i < table->n; i++)
        if (table->seen[i] && !table->flags[i].doc) return; /* the one that started this process has said it */
    if (cli->common->threads > processors)
        rins_log(RINS_LOG_WARN,
                 "--threads %lld is more than the %d processor%s that this process may use: the threads take turns and "
                 "it gets slower; leave the flag out to use as many as there are",
                 (long long)cli->common->threads, processors, processors == 1 ? "" : "s");
}

RinsStatus rins_cli_read(const RinsCli *cli, int argc, char **argv, int *n_args, int *code) {
    Table table;
    build_table(cli, &table);
    *code = RINS_EXIT_OK;
    if (argc == 2 && rins_describe_asked(argv[1])) {
        rins_describe_command(argv[1], cli, table.flags, table.n);
        return RINS_OK;
    }
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h") || !strcmp(argv[i], "-?")) {
            print_help(cli, &table);
            return RINS_OK;
        }
    if (take_words(&table, argc, argv, n_args) != RINS_OK || check(cli, &table, argv, *n_args) != RINS_OK)
        return RINS_FAIL(RINS_ERR_ARG, "%s; '%s --help' tells more", rins_last_error(), cli->name);
    if (cli->common) {
        rins_notes_start(cli->common->quiet, cli->common->verbose);
        check_processors(cli, &table);
    }
    *code = RINS_CLI_GO_ON;
    return rins_outputs_check(&(RinsGiven){table.flags, table.seen, table.n, argv, *n_args});
}

int rins_cli_parse(const RinsCli *cli, int argc, char **argv, int *n_args) {
    int code;
    const RinsStatus status = rins_cli_read(cli, argc, argv, n_args, &code);
    return status == RINS_OK ? code : rins_report(status);
}
