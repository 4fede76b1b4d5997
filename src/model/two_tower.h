/* Inside of RinsModel: the two towers, their loss, and the order in which a step runs them.

   One step:  pixels -> vit -> x  \                        / dx -> vit backward (last)
                                   l2norm -> loss -> l2norm
              ids   -> text -> y  /                        \ dy -> text backward (first)

   The image tower runs forward first and backward last, so activations are one LIFO arena. */
#ifndef RINS_MODEL_TWO_TOWER_H
#define RINS_MODEL_TWO_TOWER_H

#include "src/model/model.h"

/* A tower's plans by number of rounds, made when first asked for. */
typedef struct RinsPlanSet {
    const RinsRecursionConfig *recursion;
    int depth, trained; /* trained: the signature's r */
    RinsPlan *plans;    /* [rounds] */
    int n;
} RinsPlanSet;

RinsStatus rins_plan_set_init(RinsPlanSet *set, const RinsRecursionConfig *recursion, int64_t depth);
/* rounds 0: as trained. The plan is the set's. */
RinsStatus rins_plan_set_get(RinsPlanSet *set, int rounds, const RinsPlan **plan);
void rins_plan_set_free(RinsPlanSet *set);

struct RinsModel {
    RinsDevice *dev;
    RinsModelConfig config;
    RinsModelOptions options;
    RinsParams params;
    int logit_scale, logit_bias; /* parameter indices */
    RinsVit vit;
    RinsText text;
    RinsPlanSet image_plans, text_plans;
    RinsArena arena;
    bool alone;               /* while planning: nothing is exchanged with other processes */
    int64_t embed_dim, chunk; /* chunk: pairs whose activations live at once */
    /* device buffers */
    uint8_t *pixels;        /* (chunk, size, size, 3) */
    int32_t *ids;           /* (chunk, length) */
    float *x, *y, *dx, *dy; /* (world * batch, E) embeddings, normalised in place, and their gradients */
    float *x_norm, *y_norm; /* (world * batch) inverse norms */
    float *loss;            /* scalar */
    double *sqsum;          /* scalar */
};

/* Forward and backward of n pairs on whatever device the model holds; results stay there. */
RinsStatus rins_two_tower_step(RinsModel *model, const uint8_t *pixels, const int32_t *ids, int64_t n,
                               RinsRounds rounds);
/* Loss only. */
RinsStatus rins_two_tower_loss(RinsModel *model, const uint8_t *pixels, const int32_t *ids, int64_t n,
                               RinsRounds rounds);
/* Embeddings of n <= chunk inputs into model->x or model->y, rows from 0. */
RinsStatus rins_two_tower_image(RinsModel *model, const uint8_t *pixels, int64_t n, int rounds, bool normalise);
RinsStatus rins_two_tower_text(RinsModel *model, const int32_t *ids, int64_t n, int rounds, bool normalise);

#endif
