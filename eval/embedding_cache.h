/* Embeddings kept between commands, as .npy files named by a hash of everything they depend on:
   RINS_CACHE_DIR, else $XDG_CACHE_HOME/rins, else ~/.cache/rins. A cache that cannot be read or written is
   no error: work is done again. */
#ifndef RINS_EVAL_EMBEDDING_CACHE_H
#define RINS_EVAL_EMBEDDING_CACHE_H

#include "src/model/model_dir.h"

/* Folds what identifies a model into `hash`: the directory's real path, and the size and modification time
   of each of its files that fixes an output (config, weights, tokenizer, preprocessor), and of a tokenizer from
   elsewhere. */
RinsStatus rins_cache_hash_model(const RinsModelDir *model, uint64_t *hash);

/* malloc'd path of the entry, NULL where there is no cache directory. */
char *rins_cache_path(const char *kind, uint64_t hash, const char *ending);

/* A kept (rows, dim) matrix, malloc'd; false where there is none. */
bool rins_cache_load(const char *kind, uint64_t hash, int64_t rows, int64_t dim, float **data);
void rins_cache_store(const char *kind, uint64_t hash, const float *data, int64_t rows, int64_t dim);

#endif
