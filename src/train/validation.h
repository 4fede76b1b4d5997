/* The training loss on data that is not trained on. */
#ifndef RINS_TRAIN_VALIDATION_H
#define RINS_TRAIN_VALIDATION_H

#include "src/train/training_data.h"

/* Mean loss over the whole batches of evaluation source `index`, in file order, at the training batch size (or the
   source's, where it is smaller) with evaluation preprocessing and full rounds. *pairs: how many took part. */
RinsStatus rins_validation_loss(RinsModel *model, const RinsTrainingData *data, const RinsRunConfig *config, int index,
                                double *loss, int64_t *pairs);

#endif
