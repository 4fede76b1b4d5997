/* The parts that every classification's JSON has. */
#ifndef RINS_EVAL_ZEROSHOT_JSON_H
#define RINS_EVAL_ZEROSHOT_JSON_H

#include "eval/zeroshot.h"
#include "src/base/config.h"
#include "src/base/json_writer.h"

/* Members n, metrics {acc1, acc5, mean_per_class_recall (null with several
   labels)}, acc1_interval, classes. */
void rins_zeroshot_put_figures(const RinsZeroshot *counts, RinsJsonWriter *json);
/* Members per_class and the 50 most frequent confusions. */
void rins_zeroshot_put_classes(const RinsZeroshot *counts, const RinsStringList *names, RinsJsonWriter *json);

#endif
