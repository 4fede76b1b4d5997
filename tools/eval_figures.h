/* What the classifications of `rins eval` share: ranges of rounds, and how figures are printed. */
#ifndef RINS_TOOLS_EVAL_FIGURES_H
#define RINS_TOOLS_EVAL_FIGURES_H

#include "eval/zeroshot.h"
#include "src/base/config.h"

enum { RINS_MAX_ROUNDS_LIST = 64 };

/* Rounds of one tower: a single number or a range. n 0: not given. */
typedef struct RinsRoundsList {
    int items[RINS_MAX_ROUNDS_LIST], n;
} RinsRoundsList;

/* "image=1..3,text=2" for --rounds; text NULL gives two empty lists. */
RinsStatus rins_parse_rounds_lists(const char *text, RinsRoundsList *image, RinsRoundsList *words);

/* Accuracies with their interval, one a line. */
void rins_print_figures(const RinsZeroshot *counts);
/* Every class and the most frequent confusions. */
RinsStatus rins_print_classes(const RinsZeroshot *counts, const RinsStringList *names);

#endif
