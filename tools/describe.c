#include "tools/describe.h"

#include <ctype.h>
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

static bool has_word(const char *text, const char *word) {
    const size_t n = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
        if ((at == text || !isalnum((unsigned char)at[-1])) && !isalnum((unsigned char)at[n])) return true;
    return false;
}

bool rins_names_all(const char *text, const char *const *names) {
    while (*names && has_word(text, *names)) names++;
    return !*names;
}

const char *rins_key_text(const RinsField *field, char text[RINS_KEY_TEXT]) {
    int n = snprintf(text, RINS_KEY_TEXT, "%s", field->doc);
    const bool list = field->type == RINS_FIELD_ENUM && !rins_names_all(field->doc, field->names);
    for (int i = 0; list && field->names[i] && n < RINS_KEY_TEXT; i++)
        n += snprintf(text + n, (size_t)(RINS_KEY_TEXT - n), "%s%s", i ? ", " : ": ", field->names[i]);
    if (field->preset && n < RINS_KEY_TEXT) snprintf(text + n, (size_t)(RINS_KEY_TEXT - n), " (%s)", field->preset);
    return text;
}

void rins_each_key(const RinsField *fields, RinsKeyFn *visit, void *user) {
    each_key(fields, "", visit, user);
}
