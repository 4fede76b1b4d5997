/* preprocessor_config.json <-> preprocessing string, tokenizer_config.json <-> tokenizer options. No files
   are touched here; root NULL stands for a file that is not there. Both carry our own keys beside
   transformers', so that what rins wrote is read back exactly. */
#ifndef RINS_MODEL_HF_PROCESSOR_H
#define RINS_MODEL_HF_PROCESSOR_H

#include "src/base/json.h"
#include "text/tokenizer.h"

/* malloc'd string such as "decode|resize(224,method=bicubic)|value_range(-1,1)". Absent keys take
   SiglipImageProcessor's defaults. `size` is the model's image side; RINS_ERR_MISMATCH where the file makes
   others. */
RinsStatus rins_hf_preprocessor_read(const json_t *root, int64_t size, char **image_pp);

/* malloc'd preprocessor_config.json. The whole string is kept under "image_pp"; transformers' keys say the
   same as far as they can (output size, resampling filter, value range). */
RinsStatus rins_hf_preprocessor_text(const char *image_pp, int64_t size, char **text);

/* Gemma's tokenizer, which SigLIP 2 uses (arXiv 2502.14786): told by its vocabulary where nothing else tells it. */
enum { RINS_GEMMA_VOCAB = 256000, RINS_GEMMA_PAD = 0, RINS_GEMMA_EOS = 1 };

/* Without a file the vocabulary tells SigLIP from SigLIP 2. `length` is the text tower's. */
RinsStatus rins_hf_tokenizer_read(const json_t *root, int64_t vocab, int64_t length, RinsTokenizerOptions *options);

/* malloc'd tokenizer_config.json. */
RinsStatus rins_hf_tokenizer_text(const RinsTokenizerOptions *options, char **text);

#endif
