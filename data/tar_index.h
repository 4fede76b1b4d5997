/* Where the samples of one tar shard lie. Kept beside the shard as SHARD.index: 64-byte records in memory order,
   mapped as they are, so that opening a shard costs no scan.

       | header 192 B | samples 64 B each | keys, zero-terminated |

   The header holds the shard's length and a hash over eight of its 4 KB pieces; an index that does not fit its shard,
   or is itself damaged, is not used. Each member's header block is hashed too and checked again at each read. */
#ifndef RINS_DATA_TAR_INDEX_H
#define RINS_DATA_TAR_INDEX_H

#include "data/tar_scan.h"

/* One member; size UINT32_MAX: absent. */
typedef struct RinsTarPart {
    uint64_t offset;
    uint32_t size, header_hash;
} RinsTarPart;

typedef struct RinsTarSample {
    RinsTarPart image, text, json;
    uint64_t key : 40; /* offset into keys */
    uint64_t has_label : 1;
    uint64_t : 23;
    int64_t label;
} RinsTarSample;

#define RINS_TAR_ABSENT UINT32_MAX

typedef struct RinsTarIndex {
    const RinsTarSample *samples;
    const char *keys;
    int64_t n;
    int64_t bad[RINS_BAD_N]; /* members stepped over, samples without an image */
    bool compressed;
    uint64_t end; /* one past the last byte of any member */
    void *block;  /* all of it: malloc'd or mapped */
    size_t block_size;
    bool mapped;
} RinsTarIndex;

/* Scans the shard. */
RinsStatus rins_tar_index_build(RinsTarIndex *index, const char *shard);
/* Same for an open stream (tests, fuzzing); the shard's identity is left zero. */
RinsStatus rins_tar_index_scan(RinsTarIndex *index, RinsTarStream *stream);
/* Maps SHARD.index. RINS_ERR_MISMATCH where it is absent, stale or damaged. */
RinsStatus rins_tar_index_load(RinsTarIndex *index, const char *shard);
/* Writes SHARD.index. */
RinsStatus rins_tar_index_save(const RinsTarIndex *index, const char *shard);
void rins_tar_index_free(RinsTarIndex *index);

#endif
