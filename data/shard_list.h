/* "shards/{00000..00012}.tar" to file names. */
#ifndef RINS_DATA_SHARD_LIST_H
#define RINS_DATA_SHARD_LIST_H

#include "src/base/list.h"

#include <stdbool.h>

enum { RINS_MAX_SHARDS = 1000000 };

/* Braces as in a shell: {a..b} counts up (as many digits as `a` where it has leading zeros), {x,y,z} lists; several
   multiply, the last fastest. RINS_ERR_CONFIG for a brace that is not closed, a range that goes down or
   too many names. */
RinsStatus rins_braces_expand(const char *pattern, RinsStringList *list);

/* Braces, then wildcards (* ? [) sorted by bytes, then folders as all .tar .tar.gz .tgz .tar.zst in them, sorted. A
   wildcard without a match and a folder without a tar are RINS_ERR_IO. */
RinsStatus rins_shard_list(const char *pattern, RinsStringList *list);

/* Does the name end as a tar's? */
bool rins_is_tar_name(const char *name);

#endif
