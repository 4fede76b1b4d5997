/* config.json <-> RinsModelConfig: transformers' SiglipConfig, and our own model_type rins. No files are touched
   here. */
#ifndef RINS_MODEL_HF_CONFIG_H
#define RINS_MODEL_HF_CONFIG_H

#include "src/base/json.h"
#include "src/model/model_config.h"

/* Reads a config.json. Keys that are absent take the defaults of transformers' SiglipConfig; keys that change
   nothing here are ignored. `config` is zeroed first and, on success, freed by the caller (rins_config_free,
   rins_model_fields). RINS_ERR_UNSUPPORTED where the model is one that rins does not have (another
   model_type, eps, or activation). */
RinsStatus rins_hf_config_read(RinsModelConfig *config, const json_t *root);

/* Whether transformers' SiglipModel can hold the model: plain execution order, no adapters, map and last
   pooling, embed_dim equal to the image width. Where it cannot, `why` (may be NULL) says so in a few words
   (static text). */
RinsStatus rins_hf_config_fits(const RinsModelConfig *config, bool *fits, const char **why);

/* The ids that SiglipTextConfig carries; -1 is written as null. */
typedef struct RinsHfIds {
    int64_t pad, eos;
} RinsHfIds;

/* malloc'd config.json: model_type siglip where it fits, else rins with the fields under "rins". Training
   matters (`from`, `freeze`) are left out. Same config, same bytes. */
RinsStatus rins_hf_config_text(const RinsModelConfig *config, RinsHfIds ids, char **text);

#endif
