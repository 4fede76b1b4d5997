#include "eval/lines.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t without_return(const char *text, size_t n) {
    return n > 0 && text[n - 1] == '\r' ? n - 1 : n;
}

RinsStatus rins_lines_split(RinsStringList *lines, const char *text) {
    while (*text) {
        const size_t n = strcspn(text, "\n");
        RINS_TRY(rins_strings_take(lines, strndup(text, without_return(text, n))));
        text += n + (text[n] == '\n');
    }
    return RINS_OK;
}

RinsStatus rins_lines_read(RinsStringList *lines, const char *path) {
    const bool standard = !strcmp(path, "-");
    FILE *file = standard ? stdin : fopen(path, "r");
    if (!file) return RINS_FAIL(RINS_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    RinsStatus status = RINS_OK;
    const size_t before = lines->n;
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    while (status == RINS_OK && (n = getline(&line, &room, file)) >= 0) {
        if (n > 0 && line[n - 1] == '\n') n--;
        if (memchr(line, 0, (size_t)n)) {
            status = RINS_FAIL(RINS_ERR_FORMAT, "'%s' line %zu holds a zero byte: it is no text file", path,
                               lines->n - before + 1);
            break;
        }
        status = rins_strings_take(lines, strndup(line, without_return(line, (size_t)n)));
    }
    if (status == RINS_OK && ferror(file))
        status = RINS_FAIL(RINS_ERR_IO, "cannot read '%s': %s", path, strerror(errno));
    free(line);
    if (!standard) fclose(file);
    return status;
}

void rins_lines_cut_blank_end(RinsStringList *lines, size_t keep) {
    while (lines->n > keep && !lines->items[lines->n - 1][strspn(lines->items[lines->n - 1], " \t")])
        free(lines->items[--lines->n]);
}
