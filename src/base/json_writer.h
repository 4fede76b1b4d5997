/* JSON out: one value after the other into a buffer, the same bytes for the same values.

       RinsJsonWriter json = {0};              // one line; .indent = 2 for people
       rins_json_open(&json, NULL, '{');
       rins_json_int(&json, "step", 3);
       rins_json_float(&json, "loss", loss);   // 9 significant digits, null where not finite
       rins_json_close(&json);
       status = rins_json_flush(&json, stream);   // with a newline; the writer is ready for the next line

   Nothing needs checking in between: the first failure is kept and reported by flush or take. */
#ifndef RINS_BASE_JSON_WRITER_H
#define RINS_BASE_JSON_WRITER_H

#include "src/base/status.h"

#include <stdbool.h>
#include <stdio.h>

enum { RINS_JSON_WRITER_DEPTH = 64 };

typedef struct RinsJsonWriter {
    int indent; /* spaces a level; 0: all on one line */
    char *text;
    size_t used, room;
    int depth;
    char closers[RINS_JSON_WRITER_DEPTH];
    bool has_members[RINS_JSON_WRITER_DEPTH];
    bool failed;
} RinsJsonWriter;

/* In every call `key` names a member of the open object, and is NULL in a list and at the top. */
void rins_json_open(RinsJsonWriter *json, const char *key, char bracket); /* '{' or '[' */
void rins_json_close(RinsJsonWriter *json);
void rins_json_int(RinsJsonWriter *json, const char *key, int64_t value);
void rins_json_float(RinsJsonWriter *json, const char *key, double value);  /* 9 significant digits */
void rins_json_double(RinsJsonWriter *json, const char *key, double value); /* shortest that reads back the same */
void rins_json_bool(RinsJsonWriter *json, const char *key, bool value);
void rins_json_null(RinsJsonWriter *json, const char *key);
/* text NULL writes null; bytes that are not UTF-8 become U+FFFD. */
void rins_json_string(RinsJsonWriter *json, const char *key, const char *text);

/* Writes what was built and a newline, and empties the writer (the buffer is kept). */
RinsStatus rins_json_flush(RinsJsonWriter *json, FILE *stream);
/* Hands over the text built so far, malloc'd; the writer is then as new. */
RinsStatus rins_json_take(RinsJsonWriter *json, char **text);
void rins_json_writer_free(RinsJsonWriter *json);

#endif
