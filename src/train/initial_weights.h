/* Where a model's weights and sizes come from: drawn, other models' files, or a checkpoint. */
#ifndef RINS_TRAIN_INITIAL_WEIGHTS_H
#define RINS_TRAIN_INITIAL_WEIGHTS_H

#include "src/model/model_dir.h"
#include "src/train/run_config.h"

/* The models that model.from, model.image.from and model.text.from name; NULL where not set. */
typedef struct RinsOrigins {
    RinsModelDir *model, *image, *text;
} RinsOrigins;

/* Opens them and writes their sizes into config->model (and their recursion, where the config leaves the default
   signature). Their weights are not read yet. `checkpoint` (or NULL) stands for all of them in a run that is resumed:
   it has their sizes, and they may be gone by then. */
RinsStatus rins_origins_open(RinsOrigins *origins, RinsRunConfig *config, const char *checkpoint);
void rins_origins_close(RinsOrigins *origins);
/* Only the sizes: makes config->model what training will make of it, so that its cost can be counted beforehand. */
RinsStatus rins_origins_adopt(RinsRunConfig *config);

/* Draws all weights by the config's seed, then reads what the origins hold. */
RinsStatus rins_initial_weights(const RinsOrigins *origins, const RinsRunConfig *config, RinsModel *model);

#endif
