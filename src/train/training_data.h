/* What a config's data section names, opened: tokenizer, preprocessing, sources. */
#ifndef RINS_TRAIN_TRAINING_DATA_H
#define RINS_TRAIN_TRAINING_DATA_H

#include "data/loader.h"
#include "src/train/run_config.h"
#include "text/tokenizer.h"

typedef struct RinsTrainingData {
    RinsTokenizerOptions tokenizer_options;
    RinsTokenizer *tokenizer;
    uint64_t tokenizer_hash; /* of the model file's bytes */
    RinsPp *pp, *eval_pp;
    char *eval_image_pp; /* text of eval_pp */
    RinsSource **sources;
    double *weights; /* NULL where all are 1: samples in proportion to counts */
    int n_sources;
    int64_t samples;           /* in all sources: one epoch */
    RinsSource **eval_sources; /* of train.eval.loss, in its order */
    int n_eval_sources;
    const RinsStringList *templates;   /* for class folders; borrowed, set by the caller, NULL or empty: none */
    const RinsStringList *class_names; /* to put into them, in label order of the training data; likewise */
} RinsTrainingData;

/* Opens everything and checks that it fits the model: image size, vocabulary. `ids`: special ids of the model that
   training starts from, or NULL. */
RinsStatus rins_training_data_open(RinsTrainingData *data, const RinsRunConfig *config,
                                   const RinsTokenizerOptions *ids);
void rins_training_data_close(RinsTrainingData *data);

/* Loader options for training, from slot 0 on; the caller adds what a run adds. */
RinsLoaderOptions rins_training_loader_options(const RinsTrainingData *data, const RinsRunConfig *config);

#endif
