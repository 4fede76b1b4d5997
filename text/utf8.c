#include "text/utf8.h"

#include "src/base/utf8_length.h"
#include "text/unicode_tables.h"

#include <string.h>

enum { CAPITAL_SIGMA = 0x3A3, SMALL_SIGMA = 0x3C3, FINAL_SIGMA = 0x3C2, CAPITAL_I_DOT = 0x130, DOT_ABOVE = 0x307 };

int32_t rins_utf8_next(const char **at) {
    const unsigned char *p = (const unsigned char *)*at;
    const size_t n = rins_utf8_length(p, 4); /* a zero byte ends a character that is cut short */
    if (n == 0) return -1;
    *at += n;
    if (n == 1) return p[0];
    int32_t point = (int32_t)(p[0] & (0xFFu >> (n + 1)));
    for (size_t i = 1; i < n; i++) point = point << 6 | (p[i] & 0x3F);
    return point;
}

/* Writes one code point (1 to 4 bytes) and gives the place behind it. */
static char *put(char *to, int32_t point) {
    if (point < 0x80) {
        *to++ = (char)point;
    } else if (point < 0x800) {
        *to++ = (char)(0xC0 | point >> 6);
        *to++ = (char)(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        *to++ = (char)(0xE0 | point >> 12);
        *to++ = (char)(0x80 | (point >> 6 & 0x3F));
        *to++ = (char)(0x80 | (point & 0x3F));
    } else {
        *to++ = (char)(0xF0 | point >> 18);
        *to++ = (char)(0x80 | (point >> 12 & 0x3F));
        *to++ = (char)(0x80 | (point >> 6 & 0x3F));
        *to++ = (char)(0x80 | (point & 0x3F));
    }
    return to;
}

int64_t rins_utf8_invalid_at(const char *text) {
    for (const char *at = text; *at;)
        if (rins_utf8_next(&at) < 0) return at - text;
    return -1;
}

static bool in_ranges(const PointRange *ranges, size_t n, int32_t point) {
    size_t low = 0, high = n;
    while (low < high) {
        const size_t mid = (low + high) / 2;
        if (point > ranges[mid].last)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n && point >= ranges[low].first;
}
#define IN_RANGES(ranges, point) in_ranges(ranges, sizeof ranges / sizeof ranges[0], point)

bool rins_is_space(int32_t point) {
    return IN_RANGES(space_ranges, point);
}

static int32_t lower_point(int32_t point) {
    if (point < 0x80) return point >= 'A' && point <= 'Z' ? point + 32 : point;
    size_t low = 0, high = sizeof lower_ranges / sizeof lower_ranges[0];
    const size_t n = high;
    while (low < high) {
        const size_t mid = (low + high) / 2;
        if (point > lower_ranges[mid].last)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == n || point < lower_ranges[low].first) return point;
    const CaseRange *range = &lower_ranges[low];
    return (point - range->first) % range->stride ? point : point + range->delta;
}

/* Whether the nearest point before `at` that is not case-ignorable is cased. */
static bool cased_before(const char *text, const char *at) {
    while (at > text) {
        do at--;
        while (((unsigned char)*at & 0xC0) == 0x80);
        const char *next = at;
        const int32_t point = rins_utf8_next(&next);
        if (!IN_RANGES(ignorable_ranges, point)) return IN_RANGES(cased_ranges, point);
    }
    return false;
}

static bool cased_after(const char *at) {
    while (*at) {
        const int32_t point = rins_utf8_next(&at);
        if (point < 0) return false;
        if (!IN_RANGES(ignorable_ranges, point)) return IN_RANGES(cased_ranges, point);
    }
    return false;
}

void rins_utf8_lower(const char *text, bool final_sigma, char *to) {
    for (const char *at = text; *at;) {
        const char *start = at;
        const int32_t point = rins_utf8_next(&at);
        if (point < 0) { /* not reached on valid text; keeps the bound on the output */
            *to++ = *at++;
        } else if (point == CAPITAL_I_DOT) {
            to = put(put(to, 'i'), DOT_ABOVE);
        } else if (point == CAPITAL_SIGMA) {
            const bool final = final_sigma && cased_before(text, start) && !cased_after(at);
            to = put(to, final ? FINAL_SIGMA : SMALL_SIGMA);
        } else {
            to = put(to, lower_point(point));
        }
    }
    *to = 0;
}
