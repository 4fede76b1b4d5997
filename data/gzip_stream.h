/* Decompresses gzip. libarchive's filter would do, but it drops what it has decoded, up to 64 KB, where its input breaks off:
   here all of it comes out. */
#ifndef RINS_DATA_GZIP_STREAM_H
#define RINS_DATA_GZIP_STREAM_H

#include "src/base/status.h"

#include <stdbool.h>

typedef struct RinsGzip RinsGzip;

/* Reads `fd` (borrowed) from its start. */
RinsStatus rins_gzip_open(RinsGzip **gzip, int fd);
void rins_gzip_close(RinsGzip *gzip);

/* The next n decoded bytes, fewer at the end or before a break, which *damaged tells (a cut or corrupt stream, a sum that
   does not hold). Members one after the other are one stream; bytes behind the last that are no member are left. */
size_t rins_gzip_read(RinsGzip *gzip, char *to, size_t n, bool *damaged);

#endif
