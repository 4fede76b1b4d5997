/* Labels that a data set itself does not carry: a flat folder of photos, or better labels for a known set. */
#ifndef RINS_EVAL_LABELS_H
#define RINS_EVAL_LABELS_H

#include "src/base/config.h"

typedef struct RinsLabels RinsLabels;

/* spec: "wnid": the file's own name begins with an ImageNet WordNet id (n01440764_tench.JPEG);
         F.tsv:  lines "file name <tab> class[,class ...]", a class being its number, WordNet id or name;
         F.json: ReaL's labels of the ImageNet validation set: a list of lists of class numbers, the k-th (from
                 1) for the file ILSVRC2012_val_%08d(k), images with an empty list are left out.
   names: the candidate classes, in order. */
RinsStatus rins_labels_open(RinsLabels **labels, const char *spec, const RinsStringList *names);
void rins_labels_free(RinsLabels *labels);

/* Labels of the sample with this key (a path, or shard:key), sorted; *n is 0 where it has none. Borrowed.
   RINS_ERR_MISMATCH where nothing is known of the file. `scratch` holds one label where that is all there
   is. */
RinsStatus rins_labels_of(const RinsLabels *labels, const char *key, int *scratch, const int **set, int *n);

#endif
