#define _GNU_SOURCE
#include "eval/zeroshot_entry.h"

#include "eval/candidates.h"
#include "eval/lines.h"
#include "src/base/config.h"

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

/* Only of what failed: a file's name may well have " word=" in it. */
static RinsStatus advise(RinsStatus status, const RinsZeroshotTask *task) {
    static const char *const names[] = {"templates", "classes", "labels"};
    const char *const texts[] = {task->data, task->templates, task->classes, task->labels};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (const char *at = texts[i]; at && (at = strchr(at, ' ')); at++) {
            const size_t n = strcspn(at + 1, " =");
            char word[16] = "";
            if (at[1 + n] != '=' || n >= sizeof word) continue;
            memcpy(word, at + 1, n);
            const char *near = rins_nearest(word, names, 3);
            if (near) return rins_fail_context(status, "'%s=': did you mean %s=?", word, near);
        }
    return status;
}

RinsStatus rins_zeroshot_entry_check(const RinsZeroshotEntry *entry) {
    const RinsZeroshotTask *task = &entry->task;
    RinsSource *source = NULL;
    RinsCandidates candidates = {0};
    RinsStringList lines = {0};
    RinsStatus status = rins_source_open(&source, task->data);
    if (status == RINS_OK && task->templates) status = rins_templates_read(&lines, task->templates);
    if (status == RINS_OK) status = rins_candidates_open(&candidates, source, task->data, task->classes, task->labels);
    if (status == RINS_ERR_FORMAT && !task->labels && rins_source_classes(source) == 0)
        status = RINS_FAIL(RINS_ERR_CONFIG, "%s", rins_last_error()); /* the data are sound */
    rins_candidates_free(&candidates);
    rins_strings_free(&lines);
    rins_source_free(source);
    return status == RINS_OK ? status : advise(status, task);
}

void rins_zeroshot_entry_free(RinsZeroshotEntry *entry) {
    free(entry->text);
    *entry = (RinsZeroshotEntry){0};
}
