/* rins: image-text encoders with recursive inference scaling. The only installed header: opening a model, embedding
   images and texts, and comparing them.

   The library never prints, exits or aborts. Buffers named `out` are the caller's and are written row by row, packed;
   on failure their contents are undefined. An embedder serves one call at a time (different ones may run at once, on
   different threads). Everything is float32 and l2-normalised, so a dot product of two rows is their cosine. */
#ifndef RINS_RINS_H
#define RINS_RINS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RINS_VERSION "0.1.0"

/* Every fallible call returns one of these: 0 is OK, negative is an error whose text is rins_last_error(). */
typedef enum RinsStatus {
    RINS_OK = 0,
    RINS_ERR_ARG = -1,         /* the caller's argument is wrong */
    RINS_ERR_IO = -2,          /* the operating system refused (missing file, no space, permission) */
    RINS_ERR_FORMAT = -3,      /* a file's contents are malformed or damaged */
    RINS_ERR_MEMORY = -4,      /* out of memory */
    RINS_ERR_UNSUPPORTED = -5, /* valid, but not supported here (a CPU feature, a format variant) */
    RINS_ERR_CONFIG = -6,      /* the configuration is wrong: unknown key, bad value, contradiction */
    RINS_ERR_MISMATCH = -7,    /* two things that must agree do not (checkpoint and model, tokenizer and vocabulary) */
    RINS_ERR_LIMIT = -8,       /* a safety limit was reached (pixels, memory, scans, bad samples) */
    RINS_ERR_NONFINITE = -9,   /* a loss or gradient is NaN or infinite */
    RINS_ERR_INTERNAL = -10,   /* a defect in rins */
    RINS_ERR_INTERRUPTED = -11 /* stopped by the user; state was saved */
} RinsStatus;

/* Message of this thread's last error, "" if none: what, where, what to do. Valid until the next failing call
   on this thread; owned by the library. */
const char *rins_last_error(void);

/* Name of a status code, such as "RINS_ERR_IO"; never NULL. */
const char *rins_status_name(RinsStatus status);

/* Version of the library that runs, such as "0.1.0"; RINS_VERSION is that of the header it was compiled with. */
const char *rins_version(void);

/* A trained model with its preprocessing and tokenizer. */
typedef struct RinsEmbedder RinsEmbedder;

/* Zeroes are the defaults: set what differs in a struct that starts as {0}. */
typedef struct RinsEmbedderOptions {
    int threads;                 /* 0: all the process may use */
    int batch;                   /* images or texts computed at once, memory grows with it; 0: 32 */
    int skip_images, skip_texts; /* not 0: that tower is not loaded and its calls are RINS_ERR_ARG */
    int bf16;                    /* not 0: bfloat16 matrix products; RINS_ERR_UNSUPPORTED where the CPU has none */
} RinsEmbedderOptions;

/* Opens a model: a run directory (its newest complete checkpoint), a checkpoint, or a Hugging Face SigLIP directory.
   options may be NULL. The embedder is the caller's, to be closed. Without spiece.model among the model's files all
   but texts works. RINS_ERR_IO, RINS_ERR_FORMAT, RINS_ERR_MISMATCH for missing, damaged or contradicting files. */
RinsStatus rins_embedder_open(RinsEmbedder **embedder, const char *model, const RinsEmbedderOptions *options);
void rins_embedder_close(RinsEmbedder *embedder); /* NULL is fine */

int rins_embedder_dim(const RinsEmbedder *embedder);         /* D: floats in an embedding */
int rins_embedder_image_size(const RinsEmbedder *embedder);  /* pixels a side that images are resized to */
int rins_embedder_text_length(const RinsEmbedder *embedder); /* L: token ids of a text */
int rins_embedder_vocab(const RinsEmbedder *embedder);       /* token ids are below this */

/* How often the recursive part of each tower runs from now on, 1 to 1000; 0: as trained. Fewer rounds cost less; more
   than in training are allowed. RINS_ERR_ARG where a tower is not recursive or its adapters were trained for fewer;
   nothing has changed then. */
RinsStatus rins_embedder_set_rounds(RinsEmbedder *embedder, int image, int text);

/* Images (n) -> out (n, D). Files and encoded bytes are JPEG, PNG or WebP; everything is resized and scaled as the
   model's own evaluation preprocessing says.
   each NULL: the first image that cannot be used fails the call and is named by its number, from 1. Otherwise each[i]
   says how image i went (RINS_OK, _IO: no such file, _FORMAT: no image or damaged, _LIMIT: too large), rows of bad
   images are NaN, and only what has nothing to do with one image fails the call. */
RinsStatus rins_embedder_files(RinsEmbedder *embedder, const char *const *paths, size_t n, float *out,
                               RinsStatus *each);

typedef struct RinsBytes {
    const void *data;
    size_t size;
} RinsBytes;
RinsStatus rins_embedder_encoded(RinsEmbedder *embedder, const RinsBytes *images, size_t n, float *out,
                                 RinsStatus *each);

/* Interleaved 8-bit sRGB, rows from the top. */
typedef struct RinsPixels {
    const uint8_t *data;
    int width, height;
    size_t stride; /* bytes from one row to the next; 0: 3 * width */
} RinsPixels;
RinsStatus rins_embedder_pixels(RinsEmbedder *embedder, const RinsPixels *images, size_t n, float *out,
                                RinsStatus *each);

/* Texts (n), UTF-8, cleaned and cut to L tokens as the model was trained -> out (n, D). RINS_ERR_FORMAT names the first
   text that is not UTF-8; RINS_ERR_IO where the model has no tokenizer. */
RinsStatus rins_embedder_texts(RinsEmbedder *embedder, const char *const *texts, size_t n, float *out);

/* Token ids (n, L), used as they are -> out (n, D). RINS_ERR_ARG for an id outside the vocabulary. */
RinsStatus rins_embedder_ids(RinsEmbedder *embedder, const int32_t *ids, size_t n, float *out);

/* The temperature and bias that were trained: logit = exp(t) * cosine + b. sigmoid(logit) is the probability that
   image and text belong together (softmax-trained models: b is 0, and only softmax over a row means anything). */
void rins_embedder_scale(const RinsEmbedder *embedder, float *t, float *b);

/* images (n, D), texts (m, D) -> logits (n, m). */
void rins_embedder_logits(const RinsEmbedder *embedder, const float *images, size_t n, const float *texts, size_t m,
                          float *logits);

/* Class names (n) -> out (n, D): the mean of the normalised embeddings of the name in every template, normalised again.
   A template is a text with "{}" where the name goes, a built-in set (clip_paper, openai, clip_best, simple,
   class_name_only) or a file with one template a line. n_templates 0: clip_paper. */
RinsStatus rins_embedder_classes(RinsEmbedder *embedder, const char *const *names, size_t n,
                                 const char *const *templates, size_t n_templates, float *out);

/* The k classes nearest to each image, nearest first, equal ones by index: images (n, D), classes (m, D) ->
   best (n, k) in [0, m), share (n, k): softmax of the logits over all m classes, 0 to 1; may be NULL. An image row
   that is NaN gets best -1 and share NaN. RINS_ERR_ARG unless 1 <= k <= m. */
RinsStatus rins_embedder_classify(const RinsEmbedder *embedder, const float *images, size_t n, const float *classes,
                                  size_t m, int k, int *best, float *share);

#ifdef __cplusplus
}
#endif
#endif
