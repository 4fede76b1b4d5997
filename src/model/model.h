/* Two towers and a loss as one object: what training, evaluation and embedding use. */
#ifndef RINS_MODEL_MODEL_H
#define RINS_MODEL_MODEL_H

#include "src/device/comm.h"
#include "src/model/model_config.h"
#include "src/model/precision.h"
#include "src/nn/params.h"

typedef struct RinsModel RinsModel;

/* Rounds of the outermost first recursive group per tower; 0: as trained (the signature's r). */
typedef struct RinsRounds {
    int image, text;
} RinsRounds;

typedef enum RinsLoss { RINS_LOSS_SIGMOID, RINS_LOSS_SOFTMAX } RinsLoss;

typedef struct RinsModelOptions {
    bool training;    /* gradients and moments are allocated, rins_model_step may be called */
    bool image, text; /* towers wanted; an evaluation that embeds images needs no text tower */
    RinsPrecision precision;
    RinsLoss loss;
    int64_t batch; /* largest batch: of a step in training, of one encode call otherwise (larger ones are split) */
    int64_t micro_batch; /* 0: whole batch at once; else exact cached-embedding accumulation */
    bool recompute;      /* keep only each step's input, compute the block again in the backward pass */
    RinsComm *comm;      /* training: processes whose pairs are in the same loss, each with such a batch; or NULL */
    float pixel_scale[3], pixel_offset[3]; /* byte -> model input; {0}: 2/255 and -1 (value_range(-1,1)) */
} RinsModelOptions;

/* Builds the towers and their buffers on `dev`; weights are undefined until randomised or loaded. The activation
   arena is planned on the dry device for the most rounds and allocated here: nothing is allocated afterwards. */
RinsStatus rins_model_new(RinsModel **model, RinsDevice *dev, const RinsModelConfig *config,
                          const RinsModelOptions *options);
void rins_model_free(RinsModel *model);

const RinsModelOptions *rins_model_options(const RinsModel *model);
RinsParams *rins_model_params(RinsModel *model);
const RinsModelConfig *rins_model_config(const RinsModel *model); /* as given, null sizes filled in */
int64_t rins_model_embed_dim(const RinsModel *model);
RinsDevice *rins_model_device(RinsModel *model);

/* Bytes of the planned activation arena and of everything this model holds on its device. */
size_t rins_model_arena_bytes(const RinsModel *model);
size_t rins_model_arena_peak(const RinsModel *model); /* largest use since the start: equals the plan after a step */
size_t rins_model_bytes(const RinsModel *model);

/* pixels: host (n, size, size, 3) bytes -> out: host (n, embed_dim), l2-normalised where `normalise`. Any n. */
RinsStatus rins_model_encode_image(RinsModel *model, const uint8_t *pixels, int64_t n, int rounds, bool normalise,
                                   float *out);
/* ids: host (n, length). Any n. */
RinsStatus rins_model_encode_text(RinsModel *model, const int32_t *ids, int64_t n, int rounds, bool normalise,
                                  float *out);

typedef struct RinsStepResult {
    float loss;
    float t, b;        /* logit_scale (log temperature) and logit_bias in force in the step */
    double grad_sqsum; /* squared norm of all gradients, before clipping */
} RinsStepResult;

/* Forward and backward over n pairs (n == options.batch in training): gradients are in params->g afterwards, their
   squared norm on the device at rins_model_sqsum. Nothing is updated. With options.comm the loss is over the pairs of
   all processes, and every one ends with the same loss and, bit by bit, the same gradients. RINS_ERR_NONFINITE where
   the loss or a gradient is not finite. */
RinsStatus rins_model_step(RinsModel *model, const uint8_t *pixels, const int32_t *ids, int64_t n, RinsRounds rounds,
                           RinsStepResult *result);
/* Loss of n pairs without gradients (validation), by this process alone: n up to the batch of
   all processes together. */
RinsStatus rins_model_loss(RinsModel *model, const uint8_t *pixels, const int32_t *ids, int64_t n, RinsRounds rounds,
                           float *loss);
const double *rins_model_sqsum(const RinsModel *model); /* device scalar for RinsAdamW.sqsum */

/* Analytic FLOPs per pair from the plan at these rounds. forward is nominal (every row of every step, 2 per
   multiply-add); training is 3 x forward. */
typedef struct RinsModelFlops {
    double image_forward, text_forward;
} RinsModelFlops;
RinsStatus rins_model_flops(const RinsModelConfig *config, RinsRounds rounds, RinsModelFlops *flops);

/* What one training step of n pairs at these rounds really does, counted by running it on the dry device: GEMM and
   attention FLOPs executed (flops_executed). */
RinsStatus rins_model_step_stats(RinsModel *model, RinsRounds rounds, int64_t n, RinsDeviceStats *stats);

#endif
