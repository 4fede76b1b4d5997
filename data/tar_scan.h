/* The members of a tar: ustar, GNU and pax long names, old tars. Damage is stepped over: a header whose checksum is
   wrong makes the scan go on at the next place, at any byte, that holds a sound one. */
#ifndef RINS_DATA_TAR_SCAN_H
#define RINS_DATA_TAR_SCAN_H

#include "data/image.h"
#include "data/tar_stream.h"

typedef struct RinsTarMember {
    const char *name; /* valid during the call */
    uint64_t offset;  /* of its data; its header block lies right before */
    uint64_t size;
    uint32_t header_hash; /* rins_tar_header_hash of that block */
} RinsTarMember;

/* For each regular file whose data are all there. May view the member's data. */
typedef RinsStatus RinsTarMemberFn(void *user, RinsTarStream *stream, const RinsTarMember *member);

/* bad[] grows by what was stepped over: RINS_BAD_ARCHIVE for a run of bytes that are no member, RINS_BAD_TRUNCATED for
   a member that the tar's end cuts, RINS_BAD_TOO_LARGE for a member over RINS_MAX_MEMBER_BYTES. Fails only as the
   callback does. Time is linear in the length of the tar. */
RinsStatus rins_tar_scan(RinsTarStream *stream, RinsTarMemberFn *member, void *user, int64_t bad[RINS_BAD_N]);

enum { RINS_TAR_BLOCK = 512 };
uint32_t rins_tar_header_hash(const char block[RINS_TAR_BLOCK]);

#endif
