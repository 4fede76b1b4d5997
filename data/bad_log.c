#define _GNU_SOURCE
#include "data/bad_log.h"

#include "src/base/file.h"
#include "src/base/json_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* sscanf would measure the whole rest of the text for each line. */
int64_t rins_bad_line_slot(const char *line) {
    static const char head[] = "{\"slot\": ";
    char *end;
    if (strncmp(line, head, sizeof head - 1) != 0) return -1;
    const long long slot = strtoll(line + sizeof head - 1, &end, 10);
    return *end == ',' ? slot : -1;
}

static bool starts_before(const char *line, int64_t first_slot) {
    const int64_t slot = rins_bad_line_slot(line);
    return slot >= 0 && slot < first_slot;
}

/* Copies the lines to keep to the front of text; gives their length. */
static size_t keep_lines(char *text, size_t size, int64_t first_slot) {
    size_t kept = 0;
    for (size_t at = 0; at < size;) {
        const char *feed = memchr(text + at, '\n', size - at);
        if (!feed) break;
        const size_t length = (size_t)(feed - (text + at)) + 1;
        if (starts_before(text + at, first_slot)) {
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
    RinsJsonWriter json = {0};
    rins_json_open(&json, NULL, '{');
    rins_json_int(&json, "slot", record->slot); /* first: keep_lines looks for it */
    rins_json_int(&json, "sample", (int64_t)record->sample);
    rins_json_string(&json, "source", record->source);
    rins_json_string(&json, "key", record->key);
    rins_json_string(&json, "cause", rins_bad_names[record->cause]);
    rins_json_string(&json, "message", record->message);
    rins_json_close(&json);
    RinsStatus status = rins_json_flush(&json, log);
    rins_json_writer_free(&json);
    if (status == RINS_OK && fflush(log) != 0)
        status = RINS_FAIL(RINS_ERR_IO, "cannot write the list of bad samples: %s", strerror(errno));
    return status;
}
