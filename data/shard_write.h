/* Tar shards as webdataset names them: DIR/PREFIX00000.tar, DIR/PREFIX00001.tar, ... with members KEY.EXT.
   The same members give the same bytes anywhere: ustar, mode 0644, owner 0, time 0, in the order of the calls. */
#ifndef RINS_DATA_SHARD_WRITE_H
#define RINS_DATA_SHARD_WRITE_H

#include "src/base/status.h"

typedef struct RinsShardOptions {
    const char *dir;     /* made where absent */
    const char *prefix;  /* before the five digits; NULL: none */
    int64_t max_samples; /* per shard; 0: 10,000 */
    int64_t max_bytes;   /* a shard at or over this takes no further sample; 0: 1 GB */
    /* Told each shard's name before the shard has it; NULL: nobody. */
    RinsStatus (*begins)(void *user, const char *name);
    void *user;
} RinsShardOptions;

typedef struct RinsShardWriter RinsShardWriter;

/* Half-written shards that a killed run left under the same prefix are removed. */
RinsStatus rins_shard_open(RinsShardWriter **writer, const RinsShardOptions *options);

/* One member "KEY.EXT" (ext without the dot: "jpg", "txt", "json", "cls"). Members of one sample are added one after
   the other with the same key and stay in one shard. RINS_ERR_ARG for a key that readers would group otherwise: empty,
   absolute, with ".." or with a dot in its last part. Names over ustar's limits get a pax record. */
RinsStatus rins_shard_add(RinsShardWriter *writer, const char *key, const char *ext, const void *data, size_t size);

/* Completes the last shard; shards appear under their names only when complete. Frees the writer even on failure.
   n_shards and n_samples may be NULL. An empty run writes no shard. RINS_ERR_MISMATCH where a shard of an earlier,
   longer set follows the last one: readers would take it for a part of this set. */
RinsStatus rins_shard_close(RinsShardWriter *writer, int64_t *n_shards, int64_t *n_samples);
/* Drops the unfinished shard, keeps the complete ones. NULL is harmless. */
void rins_shard_abort(RinsShardWriter *writer);

#endif
