#define _GNU_SOURCE
#include "src/base/number.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A program that set a locale with a decimal comma must neither read nor write "0,5". */
static locale_t enter_c_locale(locale_t *old) {
    const locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    *old = uselocale(c);
    return c;
}

static void leave_c_locale(locale_t c, locale_t old) {
    uselocale(old);
    if (c) freelocale(c);
}

static bool looks_decimal(const char *text) {
    const char *at = text + (*text == '-' || *text == '+');
    const size_t whole = strspn(at, "0123456789");
    at += whole;
    size_t part = 0;
    if (*at == '.') {
        part = strspn(++at, "0123456789");
        at += part;
    }
    if (whole + part == 0) return false;
    if (*at == 'e' || *at == 'E') {
        at += 1 + (at[1] == '-' || at[1] == '+');
        if (!isdigit((unsigned char)*at)) return false;
        at += strspn(at, "0123456789");
    }
    return *at == 0;
}

enum { LONGEST = 63 };

static bool copy_decimal(const char *text, size_t n, char copy[LONGEST + 1]) {
    if (n == 0 || n > LONGEST) return false;
    memcpy(copy, text, n);
    copy[n] = 0;
    return strlen(copy) == n && looks_decimal(copy);
}

bool rins_parse_double(const char *text, size_t n, double *value) {
    char copy[LONGEST + 1];
    if (!copy_decimal(text, n, copy)) return false;
    locale_t old;
    const locale_t c = enter_c_locale(&old);
    const double parsed = strtod(copy, NULL);
    leave_c_locale(c, old);
    if (!isfinite(parsed)) return false;
    *value = parsed;
    return true;
}

/* Digits without sign, point and the zeros at their end, and how many zeros follow: "2.50e3" is 25 and 2. Negative where
   it is no whole number. */
static int strip(const char *text, char digits[LONGEST + 1]) {
    size_t n = 0;
    int zeros = 0;
    bool part = false;
    for (text += *text == '-' || *text == '+'; *text && *text != 'e' && *text != 'E'; text++) {
        if (*text == '.') {
            part = true;
            continue;
        }
        digits[n++] = *text;
        zeros -= part;
    }
    for (; n && digits[n - 1] == '0'; n--) zeros++;
    digits[n] = 0;
    if (n == 0) return 0;
    const long power = *text ? strtol(text + 1, NULL, 10) : 0; /* at its own limit where there are too many digits */
    return power < -1000 ? -1 : zeros + (int)(power > 1000 ? 1000 : power);
}

bool rins_is_whole(const char *text, size_t n) {
    char copy[LONGEST + 1], digits[LONGEST + 1];
    return copy_decimal(text, n, copy) && strip(copy, digits) >= 0;
}

/* Without a double in between, which would round what has more than 53 bits. */
bool rins_parse_int(const char *text, size_t n, int64_t *value) {
    char copy[LONGEST + 1], digits[LONGEST + 1];
    int64_t sum = 0; /* kept negative: INT64_MIN has no positive twin */
    if (!copy_decimal(text, n, copy)) return false;
    const int zeros = strip(copy, digits), n_digits = (int)strlen(digits);
    if (zeros < 0) return false;
    for (int i = 0; i < n_digits + (n_digits ? zeros : 0); i++) {
        const int digit = i < n_digits ? digits[i] - '0' : 0;
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_sub_overflow(sum, digit, &sum)) return false;
    }
    if (copy[0] != '-' && sum == INT64_MIN) return false;
    *value = copy[0] == '-' ? sum : -sum;
    return true;
}

const char *rins_format_digits(double value, int digits, char text[RINS_NUMBER_ROOM]) {
    locale_t old;
    const locale_t c = enter_c_locale(&old);
    snprintf(text, RINS_NUMBER_ROOM, "%.*g", digits, value);
    leave_c_locale(c, old);
    return text;
}

const char *rins_format_double(double value, char text[RINS_NUMBER_ROOM]) {
    if (!isfinite(value)) {
        snprintf(text, RINS_NUMBER_ROOM, "%s", isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
        return text;
    }
    locale_t old;
    const locale_t c = enter_c_locale(&old);
    if (value == floor(value) && fabs(value) < 1e15) {
        snprintf(text, RINS_NUMBER_ROOM, "%.1f", value);
    } else {
        for (int digits = 1; digits <= 17; digits++) {
            snprintf(text, RINS_NUMBER_ROOM, "%.*g", digits, value);
            if (strtod(text, NULL) == value) break;
        }
        /* YAML 1.1 readers take "1e-08" for a string; "1.0e-08" is a number to all. */
        char *e = strchr(text, 'e');
        if (e && !strchr(text, '.')) {
            memmove(e + 2, e, strlen(e) + 1);
            memcpy(e, ".0", 2);
        }
    }
    leave_c_locale(c, old);
    return text;
}
