/* SentencePiece behind a C API, with the text cleaning in front of it and padding behind it. */
#ifndef RINS_TEXT_TOKENIZER_H
#define RINS_TEXT_TOKENIZER_H

#include "src/base/status.h"

#include <stdbool.h>

/* What happens to a text before SentencePiece sees it. */
typedef enum RinsCleaning {
    RINS_CLEAN_CANONICALIZE, /* big_vision: '_' to space, no ASCII punctuation, lower case, white space collapsed */
    RINS_CLEAN_HF_SIGLIP,    /* transformers' SiglipTokenizer: lower case and canonicalisation as it does them */
    RINS_CLEAN_LOWER,        /* SigLIP 2: lower case only */
    RINS_CLEAN_NONE
} RinsCleaning;

/* What they are called, in their order: in commands and (but for none) in data.text_pp, and in files that keep them.
   Both end in NULL. */
#define RINS_CLEANING_NAMES "canonicalize", "hf", "lower", "none", NULL
extern const char *const rins_cleaning_names[], *const rins_cleaning_file_names[];

typedef struct RinsTokenizerOptions {
    RinsCleaning cleaning;
    int64_t length; /* ids per text; longer texts are cut so that the last token is always eos */
    int64_t pad_id; /* -1: eos, as SigLIP pads */
    int64_t eos_id; /* -1: the model file's */
} RinsTokenizerOptions;

typedef struct RinsTokenizer RinsTokenizer;

RinsStatus rins_tokenizer_open(RinsTokenizer **tokenizer, const char *path, const RinsTokenizerOptions *options);
void rins_tokenizer_free(RinsTokenizer *tokenizer);

int64_t rins_tokenizer_vocab(const RinsTokenizer *tokenizer);
int64_t rins_tokenizer_length(const RinsTokenizer *tokenizer);

/* text: UTF-8, zero-terminated; ids: [length], always full. RINS_ERR_FORMAT where it is not
   valid UTF-8. Thread-safe. */
RinsStatus rins_tokenizer_encode(const RinsTokenizer *tokenizer, const char *text, int32_t *ids);

/* malloc'd text of n ids; special ids are left out. */
RinsStatus rins_tokenizer_decode(const RinsTokenizer *tokenizer, const int32_t *ids, int64_t n, char **text);

enum { RINS_LEAST_VOCAB = 8, RINS_MOST_VOCAB = 1 << 20 };

/* Trains a unigram model on a text file (one text a line), ids as c4_en has them: pad 0, eos 1, unk 2, no bos. */
RinsStatus rins_tokenizer_train(const char *input_path, int64_t vocab, const char *output_path);

/* malloc'd cleaned copy of `text`. */
RinsStatus rins_text_clean(const char *text, RinsCleaning cleaning, char **cleaned);

#endif
