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

bool rins_parse_double(const char *text, size_t n, double *value) {
    char copy[64];
    if (n == 0 || n >= sizeof copy) return false;
    memcpy(copy, text, n);
    copy[n] = 0;
    if (strlen(copy) != n || !looks_decimal(copy)) return false;
    locale_t old;
    const locale_t c = enter_c_locale(&old);
    const double parsed = strtod(copy, NULL);
    leave_c_locale(c, old);
    if (!isfinite(parsed)) return false;
    *value = parsed;
    return true;
}

bool rins_parse_int(const char *text, size_t n, int64_t *value) {
    const double exact_limit = 9007199254740992.0; /* 2^53: beyond it "1e17" would be a guess */
    size_t i = n > 0 && (text[0] == '-' || text[0] == '+');
    const bool negative = n > 0 && text[0] == '-';
    int64_t sum = 0; /* kept negative: INT64_MIN has no positive twin */
    bool digits = i < n;
    for (; i < n && digits; i++) {
        if (!isdigit((unsigned char)text[i]))
            digits = false;
        else if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_sub_overflow(sum, text[i] - '0', &sum))
            return false;
    }
    if (digits) {
        if (!negative && sum == INT64_MIN) return false;
        *value = negative ? sum : -sum;
        return true;
    }
    double number;
    if (!rins_parse_double(text, n, &number) || fabs(number) > exact_limit || number != floor(number)) return false;
    *value = (int64_t)number;
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
