/* rins help keys: what a config can hold, for who has no manual page at hand. */
#include "tools/describe.h"

#include "src/train/run_config.h"

#include <stdio.h>
#include <string.h>

enum { KEY_COLUMN = 36 };

typedef struct Listing {
    const char *under; /* "" or "train.schedule": this key or those below it */
    int shown;
} Listing;

static void print_key(void *user, const char *key, const RinsField *field) {
    Listing *listing = user;
    char text[RINS_KEY_TEXT];
    const size_t n = strlen(listing->under);
    if (n && (strncmp(key, listing->under, n) != 0 || (key[n] && key[n] != '.'))) return;
    listing->shown++;
    printf("  %-*s%s\n", KEY_COLUMN - 2, key, rins_key_text(field, text));
}

int rins_print_keys(const char *under) {
    Listing listing = {.under = under ? under : ""};
    if (!under)
        puts("The keys of a run's YAML file, each with its default. key=value on the command line sets one, as in\n"
             "train.batch=64; the value is YAML, null means not set. " RINS_KEYS_OF_MAPS "\n");
    rins_each_key(rins_run_fields, print_key, &listing);
    if (listing.shown) return RINS_EXIT_OK;
    fprintf(stderr, "rins: error: no key '%s'; 'rins help keys' lists them\n", under);
    return RINS_EXIT_USAGE;
}
