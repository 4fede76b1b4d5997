#include "data/prompt_fill.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

char *rins_prompt_fill(const char *template_text, const char *name) {
    const size_t n_name = strlen(name);
    size_t n = 1;
    for (const char *at = template_text; *at;) {
        const bool hole = !strncmp(at, "{}", 2);
        n += hole ? n_name : 1;
        at += hole ? 2 : 1;
    }
    char *text = malloc(n), *to = text;
    if (!text) return NULL;
    for (const char *at = template_text; *at;) {
        if (!strncmp(at, "{}", 2)) {
            memcpy(to, name, n_name);
            to += n_name, at += 2;
        } else {
            *to++ = *at++;
        }
    }
    *to = 0;
    return text;
}
