/* What the tables of commands, flags and config keys say, written for man and for shells: "--help=man" and
   "--help=words" go down the same way as --help does, so nothing is listed twice. */
#ifndef RINS_TOOLS_DESCRIBE_H
#define RINS_TOOLS_DESCRIBE_H

#include "src/base/config.h"
#include "tools/command.h"
#include "tools/flags.h"

#include <string.h>

extern const char rins_help_man[], rins_help_words[]; /* "--help=man", "--help=words" */

/* Is this word one of the two? */
bool rins_describe_asked(const char *word);

/* One command with all its flags, the common ones included. */
void rins_describe_command(const char *word, const RinsCli *cli, const RinsFlag *flags, int n);
/* A set's own line; its commands follow by themselves. */
void rins_describe_set(const char *word, const RinsCommandSet *set);

/* The whole page and the whole table; `commands` prints the commands' part with the word it is given. Exit codes. */
int rins_print_manual(int (*commands)(const char *word));
int rins_print_words(int (*commands)(const char *word));

/* The command takes overrides of run config keys as arguments. */
static inline bool rins_takes_keys(const RinsCli *cli) {
    return strstr(cli->usage, "key=value") != NULL;
}

typedef void RinsKeyFn(void *user, const char *key, const RinsField *field);
/* Every key of a config, "train.optimizer.lr", in the order of its tables. */
void rins_each_key(const RinsField *fields, RinsKeyFn *visit, void *user);

/* The text has each of the names as a word of its own: they need not be listed after it. */
bool rins_names_all(const char *text, const char *const *names);

enum { RINS_KEY_TEXT = 512 };
/* What a key is for, what it may be, and its default in parentheses: "shape: cosine, constant (cosine)". */
const char *rins_key_text(const RinsField *field, char text[RINS_KEY_TEXT]);
/* How a map of keys is taken, for people. */
#define RINS_KEYS_OF_MAPS                                                                                              \
    "A map sets the keys in it\nand leaves the others; one for train.budget, or for train.schedule with its name, is " \
    "the whole of it."

/* The list of all keys, or of `under` ("train.schedule") and what is below it. Exit code. */
int rins_print_keys(const char *under);

/* The parts of tools/manual.c and tools/words.c */
void rins_man_command(const RinsCli *cli, const RinsFlag *flags, int n);
void rins_words_command(const RinsCli *cli, const RinsFlag *flags, int n);
void rins_words_set(const RinsCommandSet *set);

#endif
