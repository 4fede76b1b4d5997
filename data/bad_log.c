#define _GNU_SOURCE
#include "data/bad_log.h"

#include "data/text_check.h"
#include "src/base/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Copies the lines to keep to the front of text; gives their length. */
static size_t keep_lines(char *text, size_t size, int64_t first_slot) {
    size_t kept = 0;
    for (size_t at = 0; at < size;) {
        const char *feed = memchr(text + at, '\n', size - at);
        if (!feed) break;
        const size_t length = (size_t)(feed - (text + at)) + 1;
        long long slot;
        if (sscanf(text + at, "{\"slot\": %lld", &slot) == 1 && slot < first_slot) {
            memmove(text + kept, text + at, length);
            kept += length;
        }
        at += length;
    }
    return kept;
}

RinsStatus rins_bad_log_open(FILE **log, const char *path, int64_t first_slot) {
    *log = NULL;
    if (rins_path_is_file(path)) {
        char *text;
        size_t size;
        RINS_TRY(rins_file_read(path, 0, &text, &size));
        const size_t kept = keep_lines(text, size, first_slot);
        const RinsStatus status = kept < size ? rins_file_write(path, text, kept) : RINS_OK;
        free(text);
        RINS_TRY(status);
    }
    *log = fopen(path, "ae");
    return *log ? RINS_OK : RINS_FAIL(RINS_ERR_IO, "cannot write '%s': %s", path, strerror(errno));
}

RinsStatus rins_bad_log_add(FILE *log, const RinsBadRecord *record) {
    const char *key = record->key ? record->key : "", *message = record->message ? record->message : "";
    char *parts[3] = {rins_json_escape(record->source, strlen(record->source)), rins_json_escape(key, strlen(key)),
                      rins_json_escape(message, strlen(message))};
    RinsStatus status = RINS_OK;
    if (!parts[0] || !parts[1] || !parts[2])
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for a line of bad.jsonl");
    else if (fprintf(log,
                     "{\"slot\": %lld, \"sample\": %llu, \"source\": \"%s\", \"key\": \"%s\", \"cause\": \"%s\", "
                     "\"message\": \"%s\"}\n",
                     (long long)record->slot, (unsigned long long)record->sample, parts[0], parts[1],
                     rins_bad_names[record->cause], parts[2]) < 0)
        status = RINS_FAIL(RINS_ERR_IO, "cannot write bad.jsonl: %s", strerror(errno));
    for (int i = 0; i < 3; i++) free(parts[i]);
    return status;
}
