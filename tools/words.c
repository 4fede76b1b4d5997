/* The table of words that tools/completion.sh completes from: a shell function with a branch for every command. */
#include "tools/describe.h"

#include "src/train/run_config.h"

#include <ctype.h>
#include <stdio.h>

/* "rins eval zeroshot" -> "eval zeroshot", "rins" -> "" */
static const char *path_of(const char *name) {
    const char *space = strchr(name, ' ');
    return space ? space + 1 : "";
}

void rins_words_set(const RinsCommandSet *set) {
    const bool top = !*path_of(set->name);
    printf("    '%s')\n        words='", path_of(set->name));
    for (const RinsCommand *command = set->commands; command->name; command++) printf("%s ", command->name);
    printf("%s'\n        flags='--help%s'\n        ;;\n", top ? "help" : "", top ? " --version" : "");
}

/* Usage begins with the choices of the first argument: "image|text --model M" */
static void print_first_words(const char *usage) {
    const size_t n = strcspn(usage, " ");
    if (!memchr(usage, '|', n) || !islower((unsigned char)usage[0])) return;
    printf("        words='");
    for (size_t i = 0; i < n; i++) putchar(usage[i] == '|' ? ' ' : usage[i]);
    printf("'\n");
}

void rins_words_command(const RinsCli *cli, const RinsFlag *flags, int n) {
    printf("    '%s')\n", path_of(cli->name));
    print_first_words(cli->usage);
    printf("        flags='");
    for (int i = 0; i < n; i++)
        if (flags[i].doc) printf("--%s ", flags[i].name);
    printf("--help'\n        takes='");
    for (int i = 0; i < n; i++)
        if (flags[i].type != RINS_FLAG_BOOL) printf(" --%s", flags[i].name);
    printf(" '\n        values='");
    for (int i = 0; i < n; i++)
        for (int k = 0; flags[i].type == RINS_FLAG_CHOICE && flags[i].names[k]; k++)
            printf(" --%s=%s", flags[i].name, flags[i].names[k]);
    printf("'\n");
    if (rins_takes_keys(cli)) printf("        keys=%d\n", cli->min_args + 1); /* from this argument on */
    printf("        ;;\n");
}

static void print_key(void *user, const char *key, const RinsField *field) {
    static const char *const truth[] = {"false", "true", NULL};
    (void)user;
    printf("%s= ", key);
    const char *const *names = field->type == RINS_FIELD_BOOL   ? truth
                               : field->type == RINS_FIELD_ENUM ? field->names
                                                                : NULL;
    for (int i = 0; names && names[i]; i++) printf("%s=%s ", key, names[i]);
}

int rins_print_words(int (*commands)(const char *word)) {
    puts("# The commands, flags and config keys of rins " RINS_VERSION ", from its own tables.\n_rins_table() {\n"
         "    words= flags= takes= values= keys=\n    case $1 in");
    const int code = commands(rins_help_words);
    printf("    esac\n}\n_rins_keys='");
    rins_each_key(rins_run_fields, print_key, NULL);
    puts("'");
    return code;
}
