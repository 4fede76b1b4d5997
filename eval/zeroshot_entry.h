/* A zero-shot evaluation as one text, for configs: "SPEC [templates=F|SET] [classes=F] [labels=L]", apart
   by spaces. */
#ifndef RINS_EVAL_ZEROSHOT_ENTRY_H
#define RINS_EVAL_ZEROSHOT_ENTRY_H

#include "eval/run_zeroshot.h"

typedef struct RinsZeroshotEntry {
    RinsZeroshotTask task; /* data, templates, classes, labels point into text */
    char *text;
} RinsZeroshotEntry;

/* Other spaces belong to the spec or the file's name that they stand in. Nothing is opened. */
RinsStatus rins_zeroshot_entry_parse(RinsZeroshotEntry *entry, const char *text);
/* Opens the data, the templates and the class names once: what fails here would fail in the middle of a
   run. */
RinsStatus rins_zeroshot_entry_check(const RinsZeroshotEntry *entry);
void rins_zeroshot_entry_free(RinsZeroshotEntry *entry);

#endif
