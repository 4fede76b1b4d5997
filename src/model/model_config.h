/* The `model` part of a config: sizes of both towers, and everything that fixes a model's function. */
#ifndef RINS_MODEL_MODEL_CONFIG_H
#define RINS_MODEL_MODEL_CONFIG_H

#include "text/text_tower.h"
#include "vision/vit.h"

typedef enum RinsGelu { RINS_GELU_TANH, RINS_GELU_ERF } RinsGelu;

typedef struct RinsModelConfig {
    char *from;        /* a model to start from (run, checkpoint or Hugging Face directory), or NULL */
    int64_t embed_dim; /* null: the text width */
    int act;           /* RinsGelu, of all blocks and the pooling head */
    RinsVitConfig image;
    RinsTextConfig text;
} RinsModelConfig;

extern const RinsField rins_model_fields[];
extern const char *const rins_gelu_names[]; /* gelu_tanh gelu_erf, NULL */

/* embed_dim in force: the text width where it is null. RINS_ERR_CONFIG as of rins_encoder_size. */
RinsStatus rins_model_config_embed_dim(const RinsModelConfig *config, int64_t *embed_dim);

#endif
