/* Whether bytes are UTF-8, for all who read texts or write them. */
#ifndef RINS_BASE_UTF8_LENGTH_H
#define RINS_BASE_UTF8_LENGTH_H

#include <stddef.h>

/* Bytes of the well-formed character at the start of `left` bytes (RFC 3629), 0 where there is none: overlong forms,
   surrogates, values over U+10FFFF and characters cut short are not. */
static inline size_t rins_utf8_length(const void *text, size_t left) {
    const unsigned char *at = text, first = left ? at[0] : 0x80;
    if (first < 0x80) return 1;
    const size_t n = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || n > left) return 0;
    for (size_t i = 1; i < n; i++)
        if ((at[i] & 0xC0) != 0x80) return 0;
    if ((first == 0xE0 && at[1] < 0xA0) || (first == 0xED && at[1] > 0x9F)) return 0;
    if ((first == 0xF0 && at[1] < 0x90) || (first == 0xF4 && at[1] > 0x8F)) return 0;
    return n;
}

#endif
