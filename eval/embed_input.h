/* What `rins embed` reads: the lines of a file, of standard input or of a pipe, or the images of a source;
   one after the other, so that memory does not depend on how many there are. */
#ifndef RINS_EVAL_EMBED_INPUT_H
#define RINS_EVAL_EMBED_INPUT_H

#include "data/source.h"

#include <stdio.h>

typedef struct RinsEmbedInput {
    const char *name;
    FILE *file;         /* lines, or */
    RinsSource *source; /* images */
    bool standard;
    int64_t rows;  /* how many there are; -1: not known before the end (a pipe) */
    bool has_hash; /* of all lines, known beforehand: a regular file */
    uint64_t hash;
} RinsEmbedInput;

/* name: a list, "-" for standard input, or (where `image`) a folder or a spec with its prefix: "folder:DIR",
   "wds:PATTERN", "table:FILE", "karpathy:FILE". */
RinsStatus rins_embed_input_open(RinsEmbedInput *input, const char *name, bool image);
void rins_embed_input_close(RinsEmbedInput *input); /* harmless on a zeroed one */

typedef struct RinsEmbedLine {
    char *text; /* without its end, malloc'd */
    bool cut;   /* it holds a zero byte, which neither a path nor a text can: text ends before it */
} RinsEmbedLine;

/* The next line; text is NULL at the end. */
RinsStatus rins_embed_input_line(RinsEmbedInput *input, RinsEmbedLine *line);

/* Hash of the rows up to and with one more, from RINS_HASH_BASIS on: of lines or keys, a line
   end after each. */
uint64_t rins_embed_input_hash(uint64_t hash, const char *row);

#endif
