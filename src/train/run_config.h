/* The whole YAML of a run: what `rins train`, `flops`, `bench` and `ablate` read, one struct per section. */
#ifndef RINS_TRAIN_RUN_CONFIG_H
#define RINS_TRAIN_RUN_CONFIG_H

#include "src/model/model.h"

typedef struct RinsDataConfig {
    RinsSourceList train; /* data specs with weights (1 where none is given) */
    char *tokenizer;      /* SentencePiece model file, or NULL */
    char *image_pp;
    char *eval_image_pp; /* NULL: decode|resize(size)|value_range(-1,1) */
    char *text_pp;
    bool shuffle;
    char *caption_templates; /* template file for class folders, or NULL */
    int64_t workers;
    bool cache;
    double max_bad_fraction;
} RinsDataConfig;

/* Exactly one is set; null ints are RINS_INT_NULL, null doubles NaN. */
typedef struct RinsBudgetConfig {
    int64_t examples, steps;
    double epochs, flops;
} RinsBudgetConfig;

/* How many of them are set. */
int rins_budgets_set(const RinsBudgetConfig *budget);

typedef enum RinsOptimizerName { RINS_OPTIMIZER_ADAMW } RinsOptimizerName;

typedef struct RinsOptimizerConfig {
    int name; /* RinsOptimizerName */
    double lr, b1, b2, eps, weight_decay;
    bool decay_all;
    double clip;           /* global norm; 0: none */
    RinsFloatMap lr_mults; /* parameter name prefix -> factor */
} RinsOptimizerConfig;

typedef enum RinsScheduleName { RINS_SCHEDULE_COSINE, RINS_SCHEDULE_CONSTANT, RINS_SCHEDULE_RSQRT } RinsScheduleName;

typedef struct RinsScheduleConfig {
    int name;             /* RinsScheduleName */
    int64_t warmup_steps; /* wins over the fraction where not null */
    double warmup_fraction, cooldown_fraction;
} RinsScheduleConfig;

typedef struct RinsCheckpointConfig {
    int64_t every_steps;  /* 0: only at the end */
    double every_minutes; /* 0: never. One that only the clock asked for goes when the next is there */
    int64_t keep;         /* newest ones kept; 0: all */
} RinsCheckpointConfig;

typedef struct RinsEvalConfig {
    int64_t every_steps;                      /* 0: only at the end */
    RinsStringList zeroshot, retrieval, loss; /* data specs */
} RinsEvalConfig;

typedef struct RinsTrainConfig {
    int64_t batch, micro_batch;
    bool recompute;
    RinsBudgetConfig budget;
    char *branch; /* a checkpoint to start from with its moments and place in the data, or NULL */
    RinsOptimizerConfig optimizer;
    RinsScheduleConfig schedule;
    int loss; /* RinsLoss */
    RinsCheckpointConfig checkpoint;
    RinsEvalConfig eval;
} RinsTrainConfig;

typedef struct RinsRunConfig {
    int64_t seed;
    int precision; /* RinsPrecision or RINS_PRECISION_AUTO */
    RinsModelConfig model;
    RinsDataConfig data;
    RinsTrainConfig train;
} RinsRunConfig;

extern const RinsField rins_run_fields[]; /* the whole file */

/* Defaults, then the file (NULL: none), then each "a.b=value" in order; `config` is zeroed or initialised. Checks what
   can be said without data: contradictions between keys, not whether files exist. */
RinsStatus rins_run_config_load(RinsRunConfig *config, const char *path, char *const *overrides, int n_overrides);
void rins_run_config_free(RinsRunConfig *config);

/* What training needs beyond that: some data, a tokenizer and exactly one budget. */
RinsStatus rins_run_config_check_training(const RinsRunConfig *config);

#endif
