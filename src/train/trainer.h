/* The training loop: batch, rounds, forward and backward, optimiser, record; evaluation and checkpoints when due. Of
   several processes rank 0 alone records, evaluates and saves. It owns nothing: training.h opens what it needs. */
#ifndef RINS_TRAIN_TRAINER_H
#define RINS_TRAIN_TRAINER_H

#include "data/loader.h"
#include "src/train/checkpoint.h"
#include "src/train/metrics.h"
#include "src/train/optimizer.h"
#include "src/train/rounds.h"
#include "src/train/schedule.h"

#include <signal.h>

typedef struct RinsTrainProgress {
    int64_t step, total;
    double loss, lr, pairs_per_s, data_wait_s;
} RinsTrainProgress;

/* Called after every step. */
typedef void RinsTrainProgressFn(void *user, const RinsTrainProgress *progress);

/* Evaluates the model after `step` and reports through rins_metrics_eval. It must leave weights and moments alone; a
   run's bytes are the same with and without it. */
typedef RinsStatus RinsEvalHook(void *user, RinsModel *model, int64_t step, RinsMetrics *metrics);

typedef struct RinsTrainer {
    const RinsRunConfig *config; /* resolved */
    const char *run;             /* run directory */
    RinsModel *model;
    RinsLoader *loader;
    const RinsOptimizer *optimizer;
    RinsMetrics *metrics;
    RinsComm *comm;               /* NULL: one process */
    const RinsModelDirInfo *info; /* what checkpoints hold beside weights */
    RinsSchedule schedule;        /* its total is where the run ends */
    RinsTowerRounds image, text;
    double flops_per_pair;     /* nominal, expected */
    RinsTrainState state;      /* where the run is; moves with every step */
    bool unsaved;              /* the state is another run's, of which this one branches off */
    double saved_s;            /* when the newest checkpoint was written, or the run opened; monotonic clock */
    int64_t spare;             /* step of the checkpoint that the next one replaces; 0: none */
    int64_t own_read, own_bad; /* as in the state, but of the samples that this process reads */
    RinsEvalHook *eval;        /* or NULL */
    void *eval_user;
    RinsTrainProgressFn *progress; /* or NULL */
    void *progress_user;
    const volatile sig_atomic_t *stop; /* not 0: finish the step, save, return; or NULL */
} RinsTrainer;

/* Runs from state.step to schedule.total; the last step is always evaluated and saved, also where a branch begins
   at it. RINS_ERR_INTERRUPTED after
   `stop`, with a checkpoint of the present step. RINS_ERR_NONFINITE names the step and its samples (all of them in
   RUN/nonfinite.json) and saves nothing. */
RinsStatus rins_trainer_run(RinsTrainer *trainer);

#endif
