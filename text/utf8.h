/* UTF-8 and the few Unicode facts that text cleaning needs. */
#ifndef RINS_TEXT_UTF8_H
#define RINS_TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The code point at *at, which is moved behind it; -1 where the bytes are not strict UTF-8 (overlong forms,
   surrogates and points above U+10FFFF are not). *at is zero-terminated, so a cut sequence never reads
   beyond the end. */
int32_t rins_utf8_next(const char **at);

/* Bytes before the first invalid sequence, or -1 where all of it is valid. */
int64_t rins_utf8_invalid_at(const char *text);

bool rins_is_space(int32_t point); /* as Python's str.isspace */

/* Most bytes that rins_utf8_lower writes for n bytes, the zero included. */
static inline size_t rins_utf8_lower_room(size_t n) {
    return 2 * n + 1;
}

/* Lower case as Python's str.lower, zero-terminated, of valid UTF-8. Where `final_sigma` a capital sigma
   that ends a word becomes U+03C2 (Python, Unicode SpecialCasing); elsewhere always U+03C3 (case mapping
   point by point, as Rust's char has it). */
void rins_utf8_lower(const char *text, bool final_sigma, char *to);

#endif
