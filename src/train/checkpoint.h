/* One checkpoint: the model's own files (any reader of models takes the folder), optimizer.safetensors with both
   moments as m.NAME and v.NAME, and train_state.json. Same state, same bytes. */
#ifndef RINS_TRAIN_CHECKPOINT_H
#define RINS_TRAIN_CHECKPOINT_H

#include "src/model/model_dir.h"
#include "src/train/train_state.h"

/* Writes RUN/checkpoints/step-N for N = state->step, complete or not at all. Then deletes that of step `spare` (0:
   none), and all but the `keep` newest (0: keeps all). */
RinsStatus rins_checkpoint_save(const char *run, RinsModel *model, const RinsModelDirInfo *info,
                                const RinsTrainState *state, int64_t spare, int64_t keep);

/* Weights and moments of checkpoint `path` into a model built for training. */
RinsStatus rins_checkpoint_load(const char *path, RinsModel *model);

#endif
