/* Small things that several commands share. */
#ifndef RINS_TOOLS_COMMON_H
#define RINS_TOOLS_COMMON_H

#include "src/base/json_writer.h"
#include "src/model/model.h"

/* "image=1,text=2" (either may be missing: 0, as trained) for --rounds. text NULL gives both 0. */
RinsStatus rins_parse_rounds(const char *text, RinsRounds *rounds);

/* Writes one finished JSON value to `path` ("-": standard output), whole or not at all; path NULL writes nothing.
   The writer is emptied in any case. */
RinsStatus rins_write_json(const char *path, RinsJsonWriter *json);

/* "sample 3 (cats/4.jpg): not JPEG, PNG or WebP": a bad sample by index, key (NULL: none) and message, which names the key
   once, even where the message begins with it. */
void rins_name_bad(char *text, size_t room, int64_t index, const char *key, const char *message);

/* Cuts "\n" or "\r\n" off the end of a line. */
void rins_cut_line_end(char *line);

/* "1.5 GiB", "340 MiB" */
const char *rins_format_bytes(double bytes, char text[32]);
/* "46.4 G", "1.39 T": three significant digits and an SI prefix. */
const char *rins_format_si(double value, char text[32]);

#endif
