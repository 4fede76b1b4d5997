#include "data/gzip_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <zlib.h>

enum { GZIP_ONLY = 16, INPUT = 64 << 10 };

struct RinsGzip {
    int fd;
    off_t at; /* of the next input in the file */
    z_stream z;
    bool between; /* behind a whole member, and no other has begun */
    bool ended, damaged;
    unsigned char input[INPUT];
};

RinsStatus rins_gzip_open(RinsGzip **gzip, int fd) {
    RinsGzip *made = *gzip = calloc(1, sizeof *made);
    if (made && inflateInit2(&made->z, MAX_WBITS + GZIP_ONLY) == Z_OK) {
        made->fd = fd;
        return RINS_OK;
    }
    free(made);
    *gzip = NULL;
    return RINS_FAIL(RINS_ERR_MEMORY, "no memory to decompress");
}

void rins_gzip_close(RinsGzip *gzip) {
    if (!gzip) return;
    inflateEnd(&gzip->z);
    free(gzip);
}

/* More input where there is none left; false at the end of the file. */
static bool feed(RinsGzip *gzip) {
    if (gzip->z.avail_in > 0) return true;
    ssize_t got;
    do got = pread(gzip->fd, gzip->input, INPUT, gzip->at);
    while (got < 0 && errno == EINTR);
    if (got <= 0) return false;
    gzip->at += got;
    gzip->z.next_in = gzip->input;
    gzip->z.avail_in = (unsigned)got;
    return true;
}

static void end(RinsGzip *gzip, bool damaged) {
    gzip->ended = true;
    gzip->damaged = damaged;
}

/* What follows a whole member: another, or, where its first two bytes are not a member's, nothing that counts. */
static void take_result(RinsGzip *gzip, int result) {
    if (gzip->z.total_in > 2) gzip->between = false;
    if (result == Z_STREAM_END)
        gzip->between = inflateReset(&gzip->z) == Z_OK;
    else if (result != Z_OK)
        end(gzip, !gzip->between);
}

size_t rins_gzip_read(RinsGzip *gzip, char *to, size_t n, bool *damaged) {
    gzip->z.next_out = (unsigned char *)to;
    gzip->z.avail_out = (unsigned)n;
    while (gzip->z.avail_out > 0 && !gzip->ended) {
        const bool fed = feed(gzip);
        const int result = inflate(&gzip->z, Z_NO_FLUSH); /* which may have kept back what had no room */
        if (fed || result != Z_BUF_ERROR)
            take_result(gzip, result);
        else
            end(gzip, !gzip->between);
    }
    *damaged = gzip->damaged;
    return n - gzip->z.avail_out;
}
