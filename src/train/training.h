/* A whole training run, opened from its config: what `rins train` and the ablation runner use. */
#ifndef RINS_TRAIN_TRAINING_H
#define RINS_TRAIN_TRAINING_H

#include "src/train/run_dir.h"
#include "src/train/trainer.h"
#include "src/train/training_data.h"

typedef struct RinsTrainingOptions {
    const RinsRunConfig *config; /* copied */
    const char *out;             /* run directory */
    RinsResume resume;
    const char *from;   /* for RINS_RESUME_FROM */
    const char *device; /* NULL: "cpu" */
    int threads;        /* 0: all */
    RinsComm *comm;     /* the processes that train together, each opened with the same options; NULL: this one alone */
    const RinsStringList *templates;   /* read from data.caption_templates, needed where that is set; borrowed */
    const RinsStringList *class_names; /* to put into them, in label order; NULL or empty: folder names; borrowed */
    bool no_events;                    /* no TensorBoard files */
    RinsEvalHook *eval;
    void *eval_user;
    RinsTrainProgressFn *progress;
    void *progress_user;
    const volatile sig_atomic_t *stop;
} RinsTrainingOptions;

/* What will happen, for people to read before it does. */
typedef struct RinsTrainingPlan {
    int64_t parameters, image_parameters, text_parameters, trained;
    size_t activation_bytes, model_bytes;
    double flops_per_pair;
    int64_t samples, batch, first_step, total_steps; /* steps done, and steps in all */
    int64_t warmup_steps;
    const char *checkpoint; /* started from, or NULL */
    bool branch;            /* it is another run's */
    RinsPrecision precision;
    int threads;
} RinsTrainingPlan;

typedef struct RinsTraining RinsTraining;

/* Opens everything: run directory, device, data, model, records. No file is written or cut before all that can be
   checked has been. RINS_ERR_MISMATCH where another process of options.comm has another config, data, start or CPU
   level. */
RinsStatus rins_training_open(RinsTraining **training, const RinsTrainingOptions *options);
const RinsTrainingPlan *rins_training_plan(const RinsTraining *training);
const RinsRunConfig *rins_training_config(const RinsTraining *training); /* resolved, as saved */
const RinsTrainingData *rins_training_data(const RinsTraining *training);
int64_t rins_training_step(const RinsTraining *training); /* steps done */
int64_t rins_training_read(const RinsTraining *training); /* samples read by all processes, bad ones too */
int64_t rins_training_bad(const RinsTraining *training);  /* and how many of them were bad: bad.jsonl names them */

/* Trains to the end of the budget; errors are rins_trainer_run's. */
RinsStatus rins_training_run(RinsTraining *training);
void rins_training_free(RinsTraining *training);

#endif
