/* Decompressed shards kept in memory, the least recently used dropped first. A compressed tar cannot be read at random:
   the first sample of a shard costs its decompression, the others are copies as long as the shard stays. */
#ifndef RINS_DATA_SHARD_CACHE_H
#define RINS_DATA_SHARD_CACHE_H

#include "src/base/status.h"

typedef struct RinsShardCache RinsShardCache;

RinsStatus rins_shard_cache_new(RinsShardCache **cache, uint64_t max_bytes);
void rins_shard_cache_free(RinsShardCache *cache);

/* Copies n bytes at offset of the decompressed shard `number` (file `path`, of which the first `end` bytes are kept;
   over max_bytes it is decompressed up to there each time and not kept). *got: how many there were. Thread-safe. */
RinsStatus rins_shard_cache_read(RinsShardCache *cache, int64_t number, const char *path, uint64_t end, uint64_t offset,
                                 void *to, size_t n, size_t *got);

#endif
