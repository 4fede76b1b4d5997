/* Numbers as text, the same in every locale. */
#ifndef RINS_BASE_NUMBER_H
#define RINS_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RINS_NUMBER_ROOM = 40 };

/* Decimal text of n bytes, all of it: "12", "-0.5", "1e-8". False for anything else, infinities and NaN included. */
bool rins_parse_double(const char *text, size_t n, double *value);
/* Same for integers, exactly; "1e6" and "2.5e1" are such, "1.5" is not. False where it does not fit. */
bool rins_parse_int(const char *text, size_t n, int64_t *value);
/* A whole number, whether it fits or not. */
bool rins_is_whole(const char *text, size_t n);

/* Shortest text that reads back as the same double, and as a float to every YAML and JSON reader ("1.0", "1.0e-08").
   Not finite: "nan", "inf", "-inf". */
const char *rins_format_double(double value, char text[RINS_NUMBER_ROOM]);
/* At most `digits` significant ones, as "%.9g" does. */
const char *rins_format_digits(double value, int digits, char text[RINS_NUMBER_ROOM]);

#endif
