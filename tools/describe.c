#include "tools/describe.h"

#include <stdio.h>

const char rins_help_man[] = "--help=man", rins_help_words[] = "--help=words";

bool rins_describe_asked(const char *word) {
    return !strcmp(word, rins_help_man) || !strcmp(word, rins_help_words);
}

void rins_describe_command(const char *word, const RinsCli *cli, const RinsFlag *flags, int n) {
    (!strcmp(word, rins_help_man) ? rins_man_command : rins_words_command)(cli, flags, n);
}

void rins_describe_set(const char *word, const RinsCommandSet *set) {
    if (!strcmp(word, rins_help_words)) rins_words_set(set);
}

static void each_key(const RinsField *fields, const char *before, RinsKeyFn *visit, void *user) {
    for (const RinsField *field = fields; field->name; field++) {
        char key[128];
        if ((size_t)snprintf(key, sizeof key, "%s%s%s", before, *before ? "." : "", field->name) >= sizeof key)
            continue;
        if (field->type == RINS_FIELD_STRUCT)
            each_key(field->fields, key, visit, user);
        else
            visit(user, key, field);
    }
}

void rins_each_key(const RinsField *fields, RinsKeyFn *visit, void *user) {
    each_key(fields, "", visit, user);
}
