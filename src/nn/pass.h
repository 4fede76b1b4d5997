/* What every layer is handed in one forward or backward pass. Layers hold indices into the parameter table and
   nothing else, so the same code runs on any device, and on the dry device to plan its memory. */
#ifndef RINS_NN_PASS_H
#define RINS_NN_PASS_H

#include "src/base/arena.h"
#include "src/nn/params.h"

typedef struct RinsPass {
    RinsDevice *dev;
    const RinsParams *params;
    RinsArena *arena;  /* activations and scratch */
    RinsType act_type; /* of GEMM inputs and saved activations: RINS_F32 or RINS_BF16 */
    RinsAct act;
    bool recompute;  /* save only each step's input */
    bool accumulate; /* backward: gradients hold earlier micro-batches */
    bool complete;   /* backward: this micro-batch is the last, finished gradients add to sqsum */
    double *sqsum;   /* device scalar */
} RinsPass;

/* Uninitialised activations on the arena. */
static inline RinsTensor rins_push(const RinsPass *pass, RinsType type, int64_t rows, int64_t cols) {
    void *data = rins_arena_push(pass->arena, (size_t)(rows * cols) * rins_type_size(type));
    return rins_tensor(data, type, rows, cols);
}

static inline RinsTensor rins_push_act(const RinsPass *pass, int64_t rows, int64_t cols) {
    return rins_push(pass, pass->act_type, rows, cols);
}

/* The same for matrices that products read and write tile by tile: rows of whole 4 KiB would meet in one set of the
   first cache, so these lie two cache lines further apart. */
static inline RinsTensor rins_push_spread(const RinsPass *pass, int64_t rows, int64_t cols) {
    const int64_t size = (int64_t)rins_type_size(pass->act_type), gap = cols * size % 4096 == 0 ? 128 / size : 0;
    return rins_cols_view(rins_push_act(pass, rows, cols + gap), 0, cols);
}

/* fp32 weights and gradients of parameter `index`. */
static inline const float *rins_weight(const RinsPass *pass, int index) {
    return pass->params->w + pass->params->list[index].offset;
}

static inline float *rins_grad(const RinsPass *pass, int index) {
    return pass->params->g + pass->params->list[index].offset;
}

/* t where it already has the act type, else a copy of it that has (scratch). */
RinsTensor rins_as_act(const RinsPass *pass, RinsTensor t);

/* Adds the squares of finished gradients [first, last] of the table to pass->sqsum, if this micro-batch is the last. */
void rins_grads_done(const RinsPass *pass, int first, int last);

#endif
