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
    bool first, between; /* the first member; behind a whole one */
    bool ended, damaged;
    unsigned char input[INPUT];
};

RinsStatus rins_gzip_open(RinsGzip **gzip, int fd) {
    RinsGzip *made = *gzip = calloc(1, sizeof *made);
    if (made && inflateInit2(&made->z, MAX_WBITS + GZIP_ONLY) == Z_OK) {
        made->fd = fd;
        made->first = true;
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

/* What follows a whole member: another, or nothing that counts. */
static void take_result(RinsGzip *gzip, int result) {
    if (result == Z_STREAM_END) {
        gzip->first = false;
        gzip->between = inflateReset(&gzip->z) == Z_OK;
    } else if (result != Z_OK) {
        end(gzip, gzip->first || !gzip->between);
    } else if (gzip->z.total_out > 0) {
        gzip->between = false;
    }
}

size_t rins_gzip_read(RinsGzip *gzip, char *to, size_t n, bool *damaged) {
    gzip->z.next_out = (unsigned char *)to;
    gzip->z.avail_out = (unsigned)n;
    while (gzip->z.avail_out > 0 && !gzip->ended) {
        if (feed(gzip))
            take_result(gzip, inflate(&gzip->z, Z_NO_FLUSH));
        else
            end(gzip, !gzip->between);
    }
    *damaged = gzip->damaged;
    return n - gzip->z.avail_out;
}
