#define _GNU_SOURCE
#include "data/tar_scan.h"

#include "data/source.h"
#include "src/base/rng.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = RINS_TAR_BLOCK,
    MAX_NAME = 4096,
    MAX_PAX = 64 << 10,
    MAX_GAP = 512 << 20 /* bytes without a header after which the rest is given up: twice the largest member */
};

typedef struct Scan {
    RinsTarStream *stream;
    int64_t *bad;
    uint64_t at;
    char name[MAX_NAME + 1]; /* from a GNU or pax header, for the member that follows; "" for none */
    bool has_size;
    uint64_t size; /* from a pax header */
} Scan;

uint32_t rins_tar_header_hash(const char block[BLOCK]) {
    const uint64_t hash = rins_hash_bytes(block, BLOCK, RINS_HASH_BASIS);
    return (uint32_t)(hash ^ hash >> 32);
}

/* An octal or (first bit set) binary number field; false where it is neither. */
static bool parse_number(const char *field, size_t width, uint64_t *value) {
    const unsigned char *bytes = (const unsigned char *)field;
    uint64_t out = 0;
    size_t i = 0;
    if (bytes[0] & 0x80) {
        if (bytes[0] != 0x80) return false; /* negative, or over 2^64 */
        for (i = 1; i < width; i++) {
            if (out >> 55) return false;
            out = out << 8 | bytes[i];
        }
        *value = out;
        return true;
    }
    while (i < width && bytes[i] == ' ') i++;
    for (; i < width && bytes[i] >= '0' && bytes[i] <= '7'; i++) out = out << 3 | (uint64_t)(bytes[i] - '0');
    *value = out;
    return i == width || bytes[i] == 0 || bytes[i] == ' ';
}

/* Sum of the bytes with the checksum's own field as spaces; old writers took the bytes as signed. */
static bool checksum_holds(const char *block) {
    uint64_t stored;
    if (!parse_number(block + 148, 8, &stored)) return false;
    int64_t plain = 8 * ' ', as_signed = 8 * ' ';
    for (int i = 0; i < BLOCK; i++) {
        if (i >= 148 && i < 156) continue;
        plain += (unsigned char)block[i];
        as_signed += (signed char)block[i];
    }
    return (int64_t)stored == plain || (int64_t)stored == as_signed;
}

static bool is_zero(const char *block) {
    for (int i = 0; i < BLOCK; i++)
        if (block[i]) return false;
    return true;
}

/* Moves scan->at to the next sound header with ustar magic at or behind `from`; false where there is none. */
static bool find_header(Scan *scan, uint64_t from) {
    for (uint64_t at = from; at - from < MAX_GAP;) {
        size_t got;
        const char *bytes = rins_tar_view(scan->stream, at, RINS_TAR_VIEW_MAX, &got);
        if (got < BLOCK) return false;
        const char *end = bytes + got - BLOCK + 257 + 5;
        for (const char *hit = bytes + 257; (hit = memmem(hit, (size_t)(end - hit), "ustar", 5)); hit++)
            if (checksum_holds(hit - 257)) {
                scan->at = at + (uint64_t)(hit - 257 - bytes);
                return true;
            }
        if (got < RINS_TAR_VIEW_MAX) return false;
        at += got - BLOCK + 1; /* a header that begins in the last bytes is seen whole in the next view */
    }
    return false;
}

/* "LEN key=value\n" records: path and size of the next member. */
static void parse_pax(Scan *scan, const char *text, size_t size) {
    while (size) {
        size_t length = 0, digits = 0;
        while (digits < size && digits < 7 && text[digits] >= '0' && text[digits] <= '9')
            length = length * 10 + (size_t)(text[digits++] - '0');
        if (digits == 0 || length > size || length < digits + 3 || text[digits] != ' ') return;
        const char *key = text + digits + 1, *end = text + length - 1; /* at the line feed */
        const char *equals = memchr(key, '=', (size_t)(end - key));
        if (!equals) return;
        const size_t n = (size_t)(end - equals - 1);
        if (equals - key == 4 && !memcmp(key, "path", 4) && n <= MAX_NAME) {
            memcpy(scan->name, equals + 1, n);
            scan->name[n] = 0;
        } else if (equals - key == 4 && !memcmp(key, "size", 4) && n > 0 && n < 19) {
            scan->size = 0;
            for (const char *c = equals + 1; c < end && *c >= '0' && *c <= '9'; c++)
                scan->size = scan->size * 10 + (uint64_t)(*c - '0');
            scan->has_size = true;
        }
        text += length;
        size -= length;
    }
}

/* Takes a header that describes the next member: x, L; skips g, K. */
static void take_extension(Scan *scan, char type, uint64_t data, uint64_t size) {
    size_t got;
    if (type == 'x' && size <= MAX_PAX) {
        const char *text = rins_tar_view(scan->stream, data, (size_t)size, &got);
        parse_pax(scan, text, got);
    } else if (type == 'L' && size <= MAX_NAME) {
        const char *text = rins_tar_view(scan->stream, data, (size_t)size, &got);
        memcpy(scan->name, text, got);
        scan->name[got] = 0;
    }
}

static void header_name(Scan *scan, const char *block) {
    if (scan->name[0]) return;
    const size_t prefix = strnlen(block + 345, 155), name = strnlen(block, 100);
    size_t at = 0;
    if (!memcmp(block + 257, "ustar", 6) && prefix) { /* GNU's "ustar " keeps other things there */
        memcpy(scan->name, block + 345, prefix);
        scan->name[prefix] = '/';
        at = prefix + 1;
    }
    memcpy(scan->name + at, block, name);
    scan->name[at + name] = 0;
}

/* Is the whole of [at, at + n) in the tar? Decompresses up to its last byte where the length is not known; data of up
   to a view's length can still be viewed then. */
static bool is_inside(const Scan *scan, uint64_t at, uint64_t n) {
    const uint64_t size = rins_tar_size(scan->stream);
    if (n == 0) return true;
    if (size != UINT64_MAX) return at < size && n <= size - at;
    size_t got;
    const size_t tail = n <= RINS_TAR_VIEW_MAX ? (size_t)n : 1;
    rins_tar_view(scan->stream, at + n - tail, tail, &got);
    return got == tail;
}

typedef enum Step { STEP_NEXT, STEP_LOST, STEP_CUT } Step;

/* One sound header at scan->at: passes a regular file on and moves behind it. */
static Step take_member(Scan *scan, const char *block, RinsTarMemberFn *fn, void *user, RinsStatus *status) {
    const char type = block[156];
    const uint64_t data = scan->at + BLOCK;
    const bool extension = type == 'x' || type == 'L' || type == 'g' || type == 'K';
    uint64_t size;
    if (!parse_number(block + 124, 12, &size)) return STEP_LOST;
    if (scan->has_size && !extension) size = scan->size;
    if (type >= '1' && type <= '6') size = 0; /* links, devices and folders have no data whatever they say */
    if (size > UINT64_MAX / 4) return STEP_LOST;
    if (!is_inside(scan, data, size)) return STEP_CUT;
    const uint64_t next = data + (size + BLOCK - 1) / BLOCK * BLOCK;
    if (extension) {
        take_extension(scan, type, data, size);
        scan->at = next;
        return STEP_NEXT;
    }
    header_name(scan, block);
    const RinsTarMember member = {scan->name, data, size, rins_tar_header_hash(block)};
    const bool regular = type == '0' || type == 0 || type == '7';
    if (regular && size > RINS_MAX_MEMBER_BYTES)
        scan->bad[RINS_BAD_TOO_LARGE]++;
    else if (regular)
        *status = fn(user, scan->stream, &member);
    scan->at = next;
    scan->name[0] = 0;
    scan->has_size = false;
    return STEP_NEXT;
}

/* At a zero block: is this the end? Damage may have zeroed a part, so what follows is looked at. */
static bool continues_behind_zeros(Scan *scan) {
    const uint64_t from = scan->at;
    if (!find_header(scan, from)) return false;
    if (scan->at - from > BLOCK) scan->bad[RINS_BAD_ARCHIVE]++; /* GNU tar too takes a lone zero block for a slip */
    return true;
}

RinsStatus rins_tar_scan(RinsTarStream *stream, RinsTarMemberFn *member, void *user, int64_t bad[RINS_BAD_N]) {
    RinsStatus status = RINS_OK;
    Scan scan = {.stream = stream, .bad = bad};
    while (status == RINS_OK) {
        size_t got;
        char block[BLOCK];
        const char *view = rins_tar_view(stream, scan.at, BLOCK, &got);
        if (got < BLOCK) {
            if (got > 0 || rins_tar_damaged(stream)) bad[RINS_BAD_TRUNCATED]++;
            break;
        }
        memcpy(block, view, BLOCK); /* taking the member moves the view */
        Step step = STEP_LOST;
        if (is_zero(block)) {
            if (!continues_behind_zeros(&scan)) break;
            continue;
        }
        if (checksum_holds(block)) step = take_member(&scan, block, member, user, &status);
        if (step == STEP_NEXT) continue;
        bad[step == STEP_CUT ? RINS_BAD_TRUNCATED : RINS_BAD_ARCHIVE]++;
        scan.name[0] = 0;
        scan.has_size = false;
        if (!find_header(&scan, scan.at + 1)) break;
    }
    return status;
}
