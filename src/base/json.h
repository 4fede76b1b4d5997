/* JSON in: whole files through jansson, within limits. */
#ifndef RINS_BASE_JSON_H
#define RINS_BASE_JSON_H

#include "src/base/status.h"

#include <jansson.h>

enum { RINS_JSON_MAX_DEPTH = 64 };

/* Parses an object or list of `size` bytes; `label` stands for the file in errors. RINS_ERR_FORMAT names the line;
   duplicate keys and nesting deeper than RINS_JSON_MAX_DEPTH are errors. The caller releases with json_decref. */
RinsStatus rins_json_parse(const char *text, size_t size, const char *label, json_t **root);

/* What parse checks first: RINS_ERR_FORMAT where the text is nested deeper than RINS_JSON_MAX_DEPTH. */
RinsStatus rins_json_check_depth(const char *text, size_t size, const char *label);

/* rins_json_parse from a file of at most max_bytes (0: 64 MB). */
RinsStatus rins_json_read(const char *path, size_t max_bytes, json_t **root);

#endif
