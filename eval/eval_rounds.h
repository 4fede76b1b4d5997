/* The rounds that an evaluation runs at. */
#ifndef RINS_EVAL_EVAL_ROUNDS_H
#define RINS_EVAL_EVAL_ROUNDS_H

#include "src/base/json_writer.h"
#include "src/model/model.h"

/* The model's own rounds where 0 is asked for. */
RinsStatus rins_resolve_rounds(const RinsModelConfig *config, RinsRounds asked, RinsRounds *rounds);

/* Member rounds {image, text}. */
void rins_put_rounds(RinsJsonWriter *json, RinsRounds rounds);

#endif
