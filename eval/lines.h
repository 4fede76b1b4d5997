/* Lists of text lines: class names, templates, inputs. */
#ifndef RINS_EVAL_LINES_H
#define RINS_EVAL_LINES_H

#include "src/base/list.h"

/* Appends the lines of `text`, without their ends (\n or \r\n); an end behind the last line adds none. */
RinsStatus rins_lines_split(RinsStringList *lines, const char *text);

/* Same for a file; "-" is standard input. RINS_ERR_FORMAT where a line holds a zero byte. */
RinsStatus rins_lines_read(RinsStringList *lines, const char *path);

/* Drops lines of nothing but spaces from the end, down to `keep` lines: an editor's empty last line means nothing where
   every line is to mean something. */
void rins_lines_cut_blank_end(RinsStringList *lines, size_t keep);

#endif
