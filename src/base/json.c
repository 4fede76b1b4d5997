#include "src/base/json.h"
#include "src/base/file.h"

#include <stdbool.h>
#include <stdlib.h>

/* jansson's own limit of 2048 is deep enough to overflow a small thread's stack in whoever walks the result. */
RinsStatus rins_json_check_depth(const char *text, size_t size, const char *label) {
    bool quoted = false;
    int depth = 0, line = 1;
    for (size_t i = 0; i < size; i++) {
        const char c = text[i];
        line += c == '\n';
        if (quoted) {
            if (c == '\\')
                i++;
            else
                quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > RINS_JSON_MAX_DEPTH)
                return RINS_FAIL(RINS_ERR_FORMAT, "%s:%d: JSON nested deeper than %d", label, line,
                                 RINS_JSON_MAX_DEPTH);
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return RINS_OK;
}

RinsStatus rins_json_parse(const char *text, size_t size, const char *label, json_t **root) {
    json_error_t error;
    *root = NULL;
    RINS_TRY(rins_json_check_depth(text, size, label));
    *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (*root) return RINS_OK;
    return RINS_FAIL(RINS_ERR_FORMAT, "%s:%d: not valid JSON: %s", label, error.line > 0 ? error.line : 1, error.text);
}

RinsStatus rins_json_read(const char *path, size_t max_bytes, json_t **root) {
    char *text;
    size_t size;
    *root = NULL;
    RINS_TRY(rins_file_read(path, max_bytes ? max_bytes : (size_t)64 << 20, &text, &size));
    const RinsStatus status = rins_json_parse(text, size, path, root);
    free(text);
    return status;
}
