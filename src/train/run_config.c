#include "src/train/run_config.h"

#include <math.h>
#include <stddef.h>

static const char *const optimizer_names[] = {"adamw", NULL};
static const char *const schedule_names[] = {"cosine", "constant", "rsqrt", NULL};
static const char *const loss_names[] = {"sigmoid", "softmax", NULL};

static const double MANY = 1e15; /* examples and steps: far beyond use, exact in a double */

#define AT(member) offsetof(S, member)

#define S RinsDataConfig
static const RinsField data_fields[] = {
    {"train", RINS_FIELD_SOURCE_LIST, AT(train), "[]",
     "what to train on: wds:PATTERN, table:FILE, karpathy:FILE; folder:DIR with caption_templates"},
    {"tokenizer", RINS_FIELD_STRING, AT(tokenizer), "null", "SentencePiece model file", .nullable = true},
    {"image_pp", RINS_FIELD_STRING, AT(image_pp), "decode|inception_crop(224)|flip_lr|value_range(-1,1)",
     "preprocessing of training images"},
    {"eval_image_pp", RINS_FIELD_STRING, AT(eval_image_pp), "null",
     "preprocessing of evaluation images; null: decode|resize(size)|value_range(-1,1)", .nullable = true},
    {"text_pp", RINS_FIELD_STRING, AT(text_pp), "canonicalize|tokenize", "preprocessing of texts"},
    {"shuffle", RINS_FIELD_BOOL, AT(shuffle), "true", "false: file order"},
    {"caption_templates", RINS_FIELD_STRING, AT(caption_templates), "null",
     "template file with {} for the class name, to train on class folders", .nullable = true},
    {"workers", RINS_FIELD_INT, AT(workers), "2", "threads that prepare batches; 0: the training thread", 0, 256},
    {"cache", RINS_FIELD_BOOL, AT(cache), "false", "keep decoded samples in memory"},
    {"max_bad_fraction", RINS_FIELD_FLOAT, AT(max_bad_fraction), "0.05",
     "stop when more samples than this are bad; 0: never", 0, 1},
    {NULL},
};
#undef S

#define S RinsBudgetConfig
static const RinsField budget_fields[] = {
    {"examples", RINS_FIELD_INT, AT(examples), "null", "pairs to see", 1, MANY, true},
    {"steps", RINS_FIELD_INT, AT(steps), "null", "optimiser steps", 1, MANY, true},
    {"epochs", RINS_FIELD_FLOAT, AT(epochs), "null", "passes over the data; steps = floor(epochs * n / batch)", 1e-9,
     1e9, true},
    {"flops", RINS_FIELD_FLOAT, AT(flops), "null", "training FLOPs (nominal, 3 x forward, expected rounds)", 1, 1e30,
     true},
    {NULL},
};
#undef S

#define S RinsOptimizerConfig
static const RinsField optimizer_fields[] = {
    {"name", RINS_FIELD_ENUM, AT(name), "adamw", "optimiser", .names = optimizer_names},
    {"lr", RINS_FIELD_FLOAT, AT(lr), "1.0e-3", "peak learning rate", 0, 1e3},
    {"b1", RINS_FIELD_FLOAT, AT(b1), "0.9", "decay of the first moment", 0, 1},
    {"b2", RINS_FIELD_FLOAT, AT(b2), "0.95", "decay of the second moment", 0, 1},
    {"eps", RINS_FIELD_FLOAT, AT(eps), "1.0e-8", "added to the root of the second moment", 0, 1},
    {"weight_decay", RINS_FIELD_FLOAT, AT(weight_decay), "0.1", "w -= lr * weight_decay * w, on kernels", 0, 1e3},
    {"decay_all", RINS_FIELD_BOOL, AT(decay_all), "false", "decay every parameter (for parity runs)"},
    {"clip", RINS_FIELD_FLOAT, AT(clip), "1.0", "largest global gradient norm; 0: none", 0, 1e9},
    {"lr_mults", RINS_FIELD_FLOAT_MAP, AT(lr_mults), "{}", "learning rate factors by parameter name prefix", 0, 1e6},
    {NULL},
};
#undef S

#define S RinsScheduleConfig
static const RinsField schedule_fields[] = {
    {"name", RINS_FIELD_ENUM, AT(name), "cosine", "shape after the warm-up", .names = schedule_names},
    {"warmup_steps", RINS_FIELD_INT, AT(warmup_steps), "null", "steps of linear warm-up, instead of the fraction", 0,
     MANY, true},
    {"warmup_fraction", RINS_FIELD_FLOAT, AT(warmup_fraction), "0.02", "of all steps", 0, 1},
    {"cooldown_fraction", RINS_FIELD_FLOAT, AT(cooldown_fraction), "0.0", "of all steps, linearly to 0 at the end", 0,
     1},
    {NULL},
};
#undef S

#define S RinsCheckpointConfig
static const RinsField checkpoint_fields[] = {
    {"every_steps", RINS_FIELD_INT, AT(every_steps), "1000", "steps between checkpoints; 0: only at the end", 0, MANY},
    {"every_minutes", RINS_FIELD_FLOAT, AT(every_minutes), "15.0",
     "one more whenever the newest is older than this, kept until the next; 0: none", 0, MANY},
    {"keep", RINS_FIELD_INT, AT(keep), "3", "newest checkpoints kept; 0: all", 0, MANY},
    {NULL},
};
#undef S

#define S RinsEvalConfig
static const RinsField eval_fields[] = {
    {"every_steps", RINS_FIELD_INT, AT(every_steps), "1000", "steps between evaluations; 0: only at the end", 0, MANY},
    {"zeroshot", RINS_FIELD_STRING_LIST, AT(zeroshot), "[]",
     "class data sets for zero-shot accuracy, each with templates=, classes= or labels= behind it"},
    {"retrieval", RINS_FIELD_STRING_LIST, AT(retrieval), "[]", "captioned data sets for retrieval"},
    {"loss", RINS_FIELD_STRING_LIST, AT(loss), "[]", "captioned data sets for the validation loss"},
    {NULL},
};
#undef S

#define S RinsTrainConfig
static const RinsField train_fields[] = {
    {"batch", RINS_FIELD_INT, AT(batch), "256", "pairs contrasted with each other in a step", 1, 1 << 24},
    {"micro_batch", RINS_FIELD_INT, AT(micro_batch), "0", "pairs in memory at once; 0: the whole batch", 0, 1 << 24},
    {"recompute", RINS_FIELD_BOOL, AT(recompute), "false", "compute blocks again in the backward pass, to save memory"},
    {"budget", RINS_FIELD_STRUCT, AT(budget), .doc = "how long to train: exactly one", .fields = budget_fields,
     .choice = "*"},
    {"branch", RINS_FIELD_STRING, AT(branch), "null",
     "a run or checkpoint to go on from as a new run; optimizer, schedule, loss and budget may differ",
     .nullable = true},
    {"optimizer", RINS_FIELD_STRUCT, AT(optimizer), .doc = "AdamW", .fields = optimizer_fields},
    {"schedule", RINS_FIELD_STRUCT, AT(schedule), .doc = "learning rate over time", .fields = schedule_fields,
     .choice = "name"},
    {"loss", RINS_FIELD_ENUM, AT(loss), "sigmoid", "sigmoid (SigLIP) or softmax (CLIP)", .names = loss_names},
    {"checkpoint", RINS_FIELD_STRUCT, AT(checkpoint), .doc = "saved states", .fields = checkpoint_fields},
    {"eval", RINS_FIELD_STRUCT, AT(eval), .doc = "evaluation during training", .fields = eval_fields},
    {NULL},
};
#undef S

#define S RinsRunConfig
const RinsField rins_run_fields[] = {
    {"seed", RINS_FIELD_INT, AT(seed), "0", "of initialisation, order, augmentation and rounds", 0, 9007199254740992.0},
    {"precision", RINS_FIELD_ENUM, AT(precision), "auto", "fp32, bf16, or auto: bf16 where the CPU has it in hardware",
     .names = rins_precision_names},
    {"model", RINS_FIELD_STRUCT, AT(model), .doc = "both towers", .fields = rins_model_fields},
    {"data", RINS_FIELD_STRUCT, AT(data), .doc = "what to train on", .fields = data_fields},
    {"train", RINS_FIELD_STRUCT, AT(train), .doc = "how to train", .fields = train_fields},
    {NULL},
};
#undef S

int rins_budgets_set(const RinsBudgetConfig *budget) {
    return (budget->examples != RINS_INT_NULL) + (budget->steps != RINS_INT_NULL) + !isnan(budget->epochs) +
           !isnan(budget->flops);
}

static RinsStatus check(const RinsRunConfig *config) {
    const RinsTrainConfig *train = &config->train;
    if (train->micro_batch > 0 && train->batch % train->micro_batch != 0)
        return RINS_FAIL(RINS_ERR_CONFIG, "train.batch %lld is no multiple of train.micro_batch %lld",
                         (long long)train->batch, (long long)train->micro_batch);
    if (train->optimizer.b1 >= 1 || train->optimizer.b2 >= 1)
        return RINS_FAIL(RINS_ERR_CONFIG, "train.optimizer.b1 and b2 must be below 1");
    if (train->schedule.warmup_steps == RINS_INT_NULL &&
        train->schedule.warmup_fraction + train->schedule.cooldown_fraction > 1)
        return RINS_FAIL(RINS_ERR_CONFIG,
                         "train.schedule: warmup_fraction and cooldown_fraction add up to more than 1");
    if (rins_budgets_set(&train->budget) > 1)
        return RINS_FAIL(RINS_ERR_CONFIG, "train.budget: more than one of examples, steps, epochs and flops is set; "
                                          "to put one in the place of another write train.budget={steps: 1000}");
    return RINS_OK;
}

RinsStatus rins_run_config_load(RinsRunConfig *config, const char *path, char *const *overrides, int n_overrides) {
    RINS_TRY(rins_config_defaults(rins_run_fields, config));
    if (path) RINS_TRY(rins_config_read(rins_run_fields, config, path));
    for (int i = 0; i < n_overrides; i++) RINS_TRY(rins_config_override(rins_run_fields, config, overrides[i]));
    const RinsStatus status = check(config);
    return status != RINS_OK && path ? rins_fail_context(status, "%s", path) : status;
}

void rins_run_config_free(RinsRunConfig *config) {
    rins_config_free(rins_run_fields, config);
}

RinsStatus rins_run_config_check_training(const RinsRunConfig *config) {
    if (config->data.train.n == 0)
        return RINS_FAIL(
            RINS_ERR_CONFIG,
            "data.train is empty; name captioned images, such as data.train=table:captions.tsv or data.train=wds:shards");
    if (!config->data.tokenizer)
        return RINS_FAIL(RINS_ERR_CONFIG,
                         "data.tokenizer is not set; name a SentencePiece model ('rins tokenizer train' "
                         "makes one)");
    if (rins_budgets_set(&config->train.budget) == 0)
        return RINS_FAIL(RINS_ERR_CONFIG, "train.budget is empty; set examples, steps, epochs or flops, such as "
                                          "train.budget.epochs=1");
    return RINS_OK;
}
