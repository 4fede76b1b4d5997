/* What the classes of a data set are called, and which class each of its labels is. */
#ifndef RINS_EVAL_CLASSES_H
#define RINS_EVAL_CLASSES_H

#include "src/base/config.h"

enum { RINS_IMAGENET_CLASSES = 1000 };

/* Place of an ImageNet-1k WordNet id such as "n01440764" (only its first 9 characters count), -1 where it
   is none. */
int rins_imagenet_class(const char *wnid);
/* Appends the 1,000 names in class order. */
RinsStatus rins_imagenet_names(RinsStringList *names);

/* Candidate classes, and the candidate that each label of the source stands for. */
typedef struct RinsClasses {
    RinsStringList names;
    int *of_label; /* [n_labels] */
    int n_labels;
} RinsClasses;

/* From the label names of a source (folder names, or the digits of .cls members), in label order:
     whole numbers    number k is class k: of `file`'s lines, or of ImageNet's where there is no file and they
                      are 0 to 999 (ImageNet V2's folders: sorted as text they would be wrong)
     WordNet ids      ImageNet's names, of these classes only
     otherwise        the names themselves, '_' as space
   file: one name a line (blank ones at the end are none), NULL: none. Unless labels are numbers it has as many lines as
   there are labels, in their order; RINS_ERR_MISMATCH where not. */
RinsStatus rins_classes_open(RinsClasses **classes, const char *const *labels, int n_labels, const char *file);
void rins_classes_free(RinsClasses *classes);

#endif
