/* Configurations of checkpoints that carry none of ours: open_clip's and big_vision's, from their tensors' shapes. */
#ifndef RINS_MODEL_FOREIGN_CONFIG_H
#define RINS_MODEL_FOREIGN_CONFIG_H

#include "src/base/json.h"
#include "src/model/model_config.h"
#include "src/model/name_map.h"
#include "text/tokenizer.h"

/* `root`: open_clip_config.json, which gives heads, activation, image size and preprocessing. On success the caller
   frees `config` and *image_pp. */
RinsStatus rins_open_clip_config(RinsModelConfig *config, char **image_pp, const json_t *root, RinsFindTensor *find,
                                 const void *source);

/* Everything from shapes; images are preprocessed as big_vision evaluates its SigLIP models. */
RinsStatus rins_big_vision_config(RinsModelConfig *config, char **image_pp, RinsFindTensor *find, const void *source);

/* Cleaning and special ids of both projects' models: c4_en's, or Gemma's where the vocabulary is SigLIP 2's. */
RinsTokenizerOptions rins_foreign_tokenizer(const RinsModelConfig *config, bool open_clip);

#endif
