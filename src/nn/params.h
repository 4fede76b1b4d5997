/* The one parameter table: it drives initialisation, decay, saving, loading, counting and the optimiser's ranges.

   Weights, gradients and both moments are one flat fp32 buffer each (and one bf16 copy of the weights), all with the
   same offsets, in the order in which gradients complete in the backward pass:

       logit_scale logit_bias | text: head, final norm, block n-1 .. 0, embeddings | image: head .. patch | frozen

   so a range of them is a bucket, a shard or a piece of a checkpoint. Gradients and moments end where frozen starts.
   Names and shapes are those of transformers' SiglipModel wherever it has the tensor. */
#ifndef RINS_NN_PARAMS_H
#define RINS_NN_PARAMS_H

#include "src/device/device.h"

typedef enum RinsTower { RINS_TOWER_NONE, RINS_TOWER_IMAGE, RINS_TOWER_TEXT } RinsTower;

typedef enum RinsInit {
    RINS_INIT_CONST,                  /* init_arg */
    RINS_INIT_NORMAL,                 /* standard deviation init_arg */
    RINS_INIT_XAVIER_UNIFORM,         /* bound sqrt(6 / (fan_in + fan_out)) */
    RINS_INIT_LECUN_TRUNCATED_NORMAL, /* variance 1 / fan_in after truncation at two deviations, as Flax */
} RinsInit;

typedef struct RinsParamSpec {
    int64_t shape[4]; /* unused: 0 */
    RinsInit init;
    double init_arg;
    int64_t fan_in, fan_out;
    bool decay;  /* weight decay applies: kernels only */
    bool packed; /* follows the previous parameter without padding (q, k, v make one fused matrix) */
} RinsParamSpec;

typedef struct RinsParam {
    char name[96];
    RinsParamSpec spec;
    int ndim;
    int64_t count, offset; /* elements; offset is the same in every flat buffer */
    RinsTower tower;
    bool frozen;
} RinsParam;

typedef struct RinsParams {
    RinsDevice *dev;
    RinsParam *list;
    int n;
    int64_t total, trainable; /* elements, padding included */
    float *w, *g, *m, *v;     /* device; g, m, v NULL where not training */
    uint16_t *low;            /* device bf16 copy of w, or NULL */
} RinsParams;

void rins_params_init(RinsParams *params, RinsDevice *dev);
void rins_params_free(RinsParams *params);

/* Adds a parameter (name: printf-like) and gives its index. Trainable ones before frozen ones. */
RinsStatus rins_params_add(RinsParams *params, RinsTower tower, bool frozen, const RinsParamSpec *spec, int *index,
                           const char *name, ...) __attribute__((format(printf, 6, 7)));

/* Allocates the flat buffers after the last add. */
RinsStatus rins_params_alloc(RinsParams *params, bool training, bool low);

/* Draws every parameter from its spec, keyed by (seed, name): the same whatever else the model holds. */
RinsStatus rins_params_randomise(RinsParams *params, uint64_t seed);

/* Index by name, -1 where absent. */
int rins_params_find(const RinsParams *params, const char *name);

/* Elements without padding; tower NONE counts all. */
int64_t rins_params_count(const RinsParams *params, RinsTower tower, bool trainable_only);

/* Bytes of the flat buffers that are there. */
size_t rins_params_bytes(const RinsParams *params);

/* Host copies of one parameter's values (count fp32) out of or into a flat buffer (params->w, g, m or v). */
RinsStatus rins_params_get(const RinsParams *params, const float *buffer, int index, float *host);
RinsStatus rins_params_set(RinsParams *params, float *buffer, int index, const float *host);

/* Refreshes `low` from `w` after weights were set; nothing where there is no `low`. */
void rins_params_cast_low(RinsParams *params);

#endif
