/* What a checkpoint says about its run beyond weights and moments: train_state.json, without times or paths. */
#ifndef RINS_TRAIN_TRAIN_STATE_H
#define RINS_TRAIN_TRAIN_STATE_H

#include "src/train/run_config.h"

#include <jansson.h>

typedef struct RinsTrainState {
    int64_t step;          /* steps done */
    int64_t slot;          /* the loader's next slot: where data goes on */
    int64_t read, bad;     /* samples read, and bad among them, so far */
    int64_t samples;       /* in one epoch of the data */
    int64_t total;         /* steps that train.budget bought; 0: a checkpoint that does not say */
    double flops;          /* nominal, expected, since the start */
    double flops_executed; /* at the rounds drawn, since the start */
    json_t *config;        /* flat object of the config's keys, without those that may change or hold paths; owned */
} RinsTrainState;

/* Hashes of what the config names only by path: the tokenizer's bytes; templates and class names, where
   there are any. */
typedef struct RinsTextHashes {
    uint64_t tokenizer, templates;
} RinsTextHashes;

/* Sets state->config from a resolved config. */
RinsStatus rins_train_state_describe(RinsTrainState *state, const RinsRunConfig *config, const RinsTextHashes *hashes);

RinsStatus rins_train_state_write(const RinsTrainState *state, const char *path);
/* *state is zeroed or initialised. */
RinsStatus rins_train_state_read(RinsTrainState *state, const char *path);
void rins_train_state_free(RinsTrainState *state);

/* RINS_ERR_MISMATCH naming the keys that differ between a checkpoint and the present run. A branch may also differ in
   train.optimizer, train.schedule and train.loss. Free to change for all it knows: budget, checkpoint, evaluation,
   workers, memory savers and the places where things lie. */
RinsStatus rins_train_state_check(const RinsTrainState *saved, const RinsTrainState *now, bool branch);

#endif
