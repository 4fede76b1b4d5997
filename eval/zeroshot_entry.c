#define _GNU_SOURCE
#include "eval/zeroshot_entry.h"

#include "data/source.h"
#include "eval/lines.h"

#include <stdlib.h>
#include <string.h>

/* Words are cut off the end as long as they are options. */
RinsStatus rins_zeroshot_entry_parse(RinsZeroshotEntry *entry, const char *text) {
    *entry = (RinsZeroshotEntry){.text = strdup(text)};
    if (!entry->text) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for an evaluation");
    RinsZeroshotTask *task = &entry->task;
    task->data = entry->text;
    const struct {
        const char *key;
        const char **value;
    } known[] = {{"templates=", &task->templates}, {"classes=", &task->classes}, {"labels=", &task->labels}};
    for (char *space; (space = strrchr(entry->text, ' ')) != NULL;) {
        bool taken = space[1] == 0;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            const size_t n = strlen(known[i].key);
            if (strncmp(space + 1, known[i].key, n) != 0) continue;
            *known[i].value = space + 1 + n;
            taken = true;
        }
        if (!taken) break;
        *space = 0;
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
    rins_lines_free(&lines);
    rins_source_free(source);
    return status;
}

void rins_zeroshot_entry_free(RinsZeroshotEntry *entry) {
    free(entry->text);
    *entry = (RinsZeroshotEntry){0};
}
