/* What training takes from evaluation, wired here because the two know nothing of each other: the evaluations of
   train.eval, and the words of class folders that are trained on. */
#ifndef RINS_STUDY_TRAIN_EVAL_H
#define RINS_STUDY_TRAIN_EVAL_H

#include "eval/eval_model.h"
#include "src/train/training.h"

/* Caption templates and class names of a run; empty where data.caption_templates is null. */
typedef struct RinsTrainWords {
    RinsStringList templates;   /* a set's or a file's (eval/prompts.h) */
    RinsStringList class_names; /* in label order; only where one of the sources has classes, else folder names hold */
} RinsTrainWords;

RinsStatus rins_train_words_open(RinsTrainWords *words, const RinsRunConfig *config);
void rins_train_words_free(RinsTrainWords *words);

typedef struct RinsTrainEval {
    RinsTraining *training;   /* set after rins_training_open */
    RinsProgressFn *progress; /* of one evaluation; may be NULL */
    void *progress_user;
} RinsTrainEval;

/* Opens every data set of train.eval once, so that a wrong one ends a run before it begins. */
RinsStatus rins_train_eval_check(const RinsRunConfig *config);

/* The RinsEvalHook (user: RinsTrainEval): every data set of train.eval.zeroshot (eval/zeroshot_entry.h: with
   its own templates, class names or labels behind it) and train.eval.retrieval, at full rounds. */
RinsStatus rins_train_eval(void *user, RinsModel *model, int64_t step, RinsMetrics *metrics);

#endif
