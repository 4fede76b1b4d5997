#define _GNU_SOURCE
#include "eval/zeroshot_entry.h"

#include "data/source.h"
#include "eval/lines.h"

#include <stdlib.h>
#include <string.h>

static void trim_end(char *text) {
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == ' ') text[--n] = 0;
}

/* Options are cut off the end, each with all that stands behind its '=': a file's name may have spaces, too. */
RinsStatus rins_zeroshot_entry_parse(RinsZeroshotEntry *entry, const char *text) {
    *entry = (RinsZeroshotEntry){.text = strdup(text)};
    if (!entry->text) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for an evaluation");
    RinsZeroshotTask *task = &entry->task;
    task->data = entry->text;
    const struct {
        const char *key;
        const char **value;
    } known[] = {{" templates=", &task->templates}, {" classes=", &task->classes}, {" labels=", &task->labels}};
    trim_end(entry->text);
    for (size_t from = strlen(entry->text); from-- > 0;)
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            char *at = entry->text + from;
            const size_t n = strlen(known[i].key);
            if (strncmp(at, known[i].key, n) != 0) continue;
            *known[i].value = at + n;
            *at = 0;
            trim_end(entry->text);
        }
    return RINS_OK;
}

RinsStatus rins_zeroshot_entry_check(const RinsZeroshotEntry *entry) {
    RinsSource *source = NULL;
    RinsStringList lines = {0};
    RinsStatus status = RINS_OK;
    RINS_TRY_DONE(rins_source_open(&source, entry->task.data));
    if (entry->task.templates) RINS_TRY_DONE(rins_templates_read(&lines, entry->task.templates));
    if (entry->task.classes) RINS_TRY_DONE(rins_lines_read(&lines, entry->task.classes));
    if (!entry->task.labels && rins_source_classes(source) == 0)
        status = RINS_FAIL(RINS_ERR_CONFIG,
                           "'%s' has no classes: zero-shot evaluation wants a folder per class, shards with "
                           ".cls, or labels=",
                           entry->task.data);
done:
    rins_strings_free(&lines);
    rins_source_free(source);
    return status;
}

void rins_zeroshot_entry_free(RinsZeroshotEntry *entry) {
    free(entry->text);
    *entry = (RinsZeroshotEntry){0};
}
