/* The classes that compete in a zero-shot evaluation, and which of them a sample is. */
#ifndef RINS_EVAL_CANDIDATES_H
#define RINS_EVAL_CANDIDATES_H

#include "data/source.h"
#include "eval/classes.h"
#include "eval/labels.h"

typedef struct RinsCandidates {
    RinsClasses *classes;
    RinsLabels *labels; /* NULL: the source's own */
} RinsCandidates;

/* spec: what `source` was opened with. file: class names, NULL: the data set's classnames.txt, else as classes.h has it.
   labels: as labels.h has it, NULL: the source's own. RINS_ERR_FORMAT where there are neither classes nor labels. */
RinsStatus rins_candidates_open(RinsCandidates *candidates, RinsSource *source, const char *spec, const char *file,
                                const char *labels);
void rins_candidates_free(RinsCandidates *candidates);

/* The sample's classes, sorted; *n is 0 where it has none. Errors, `scratch` and what is borrowed as in labels.h. */
RinsStatus rins_candidates_of(const RinsCandidates *candidates, const RinsSample *sample, int *scratch, const int **set,
                              int *n);

/* A file that CLIP_benchmark's data sets have beside their images or shards; malloc'd, NULL where there is none. */
char *rins_beside_data(const char *spec, const char *name);

#endif
