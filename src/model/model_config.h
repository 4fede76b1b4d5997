/* The `model` part of a config: sizes of both towers, and everything that fixes a model's function. */
#ifndef RINS_MODEL_MODEL_CONFIG_H
#define RINS_MODEL_MODEL_CONFIG_H

#include "text/text_tower.h"
#include "vision/vit.h"

typedef struct RinsModelConfig {
    char *from;        /* a model to start from (run, checkpoint or Hugging Face directory), or NULL */
    int64_t embed_dim; /* null: the text width */
    int act;           /* 0 gelu_tanh, 1 gelu_erf */
    RinsVitConfig image;
    RinsTextConfig text;
} RinsModelConfig;

extern const RinsField rins_model_fields[];

#endif
