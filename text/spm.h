/* SentencePiece as C sees it; spm.cc is the only file that includes its headers. */
#ifndef RINS_TEXT_SPM_H
#define RINS_TEXT_SPM_H

#include "src/base/status.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct RinsSpm RinsSpm;

/* From the bytes of a model file; `label` names it in errors. */
RinsStatus rins_spm_open(RinsSpm **spm, const char *data, size_t size, const char *label);
void rins_spm_free(RinsSpm *spm);

int32_t rins_spm_vocab(const RinsSpm *spm);
int32_t rins_spm_eos(const RinsSpm *spm);                 /* -1: the model has none */
bool rins_spm_is_special(const RinsSpm *spm, int32_t id); /* a control or the unknown piece */

/* Ids of `text` without special ones; the first `skip` are left out, at most `room` are written. *n: how
   many there are after the skipped ones (may exceed room). Thread-safe. */
RinsStatus rins_spm_encode(const RinsSpm *spm, const char *text, int64_t skip, int32_t *ids, int64_t room, int64_t *n);

/* malloc'd text; every id is in [0, vocab). */
RinsStatus rins_spm_decode(const RinsSpm *spm, const int32_t *ids, int64_t n, char **text);

/* The next training text, NULL at the end; it lives until the next call. */
typedef const char *RinsSpmNext(void *user);

/* Trains a unigram model with pad 0, eos 1, unk 2 and no bos; *model is malloc'd. A function of the texts
   alone. */
RinsStatus rins_spm_train(RinsSpmNext *next, void *user, int64_t vocab, char **model, size_t *size);

#ifdef __cplusplus
}
#endif
#endif
