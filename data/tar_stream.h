/* The bytes of a tar, plain or decompressed, read at ascending offsets in memory. */
#ifndef RINS_DATA_TAR_STREAM_H
#define RINS_DATA_TAR_STREAM_H

#include "src/base/status.h"

#include <stdbool.h>

enum { RINS_TAR_VIEW_MAX = 64 << 10 };
#define RINS_MAX_TAR_BYTES (16ull << 30) /* decompressed; what lies behind is not read */

typedef struct RinsTarStream RinsTarStream;

/* The compression (none, gzip, zstd) is seen from the first bytes. */
RinsStatus rins_tar_open(RinsTarStream **stream, const char *path);
/* A plain tar in memory (borrowed), for tests and fuzzing. */
RinsStatus rins_tar_open_memory(RinsTarStream **stream, const void *data, size_t size);
void rins_tar_close(RinsTarStream *stream);

bool rins_tar_compressed(const RinsTarStream *stream);
/* Length of a plain tar; UINT64_MAX where it is not known (compressed). */
uint64_t rins_tar_size(const RinsTarStream *stream);

/* The bytes at offset, n <= RINS_TAR_VIEW_MAX of them or fewer (*got) where the tar ends or its compression is damaged.
   Valid until the next call. In a compressed tar an offset may go back only within the last view. */
const char *rins_tar_view(RinsTarStream *stream, uint64_t offset, size_t n, size_t *got);

/* Copies n bytes; gives how many there were. */
size_t rins_tar_copy(RinsTarStream *stream, uint64_t offset, void *to, size_t n);

/* Did decompression fail before the end? */
bool rins_tar_damaged(const RinsTarStream *stream);

#endif
