/* The journal of sharded embeddings, X.json. Inside embed_output only. */
#ifndef RINS_EVAL_EMBED_JOURNAL_H
#define RINS_EVAL_EMBED_JOURNAL_H

#include "eval/embed_output.h"

/* malloc'd name of file k; NULL when out of memory. */
char *rins_embed_shard_path(const RinsEmbedOutput *output, int64_t k);
RinsStatus rins_embed_shard_add(RinsEmbedOutput *output, const RinsEmbedShard *shard);

/* Fills the shards from STEM.json after comparing the identity; *found is false where there is none. */
RinsStatus rins_embed_journal_read(RinsEmbedOutput *output, bool *found);
RinsStatus rins_embed_journal_write(const RinsEmbedOutput *output, bool complete);

#endif
