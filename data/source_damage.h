/* What opening a source left out, by place and cause: damaged tar members, keys without an image, shards that hold
   nothing. Bad rows and files are not among it: they are samples whose read fails. */
#ifndef RINS_DATA_SOURCE_DAMAGE_H
#define RINS_DATA_SOURCE_DAMAGE_H

#include "data/source.h"

typedef struct RinsSourceDamage {
    const char *place; /* the shard's path */
    RinsBadCause cause;
    int64_t count;   /* of this cause there */
    int64_t samples; /* that the place does hold */
} RinsSourceDamage;

/* All of it (n), in order of place, then cause; the source's own. A shard without any sample has at least one. */
const RinsSourceDamage *rins_source_damage(const RinsSource *source, int64_t *n);

/* "SHARD: 2 members cut off by the end", without a line's end. */
void rins_source_damage_describe(const RinsSourceDamage *damage, char *to, size_t size);

/* Shards of the source, and those of them without a sample. Both 0 where it is none of shards. */
void rins_source_shards(const RinsSource *source, int64_t *shards, int64_t *without);

/* For sources, while they open. RINS_ERR_MEMORY. */
RinsStatus rins_source_add_damage(RinsSource *source, const char *place, RinsBadCause cause, int64_t count,
                                  int64_t samples);
/* One warning that names the first damaged shards; none where only keys without an image were left out. */
void rins_source_warn_of_damage(const RinsSource *source);

#endif
