#include "data/table_parse.h"

#include <string.h>

enum { MAX_QUOTED = 128 << 10 };

static size_t line_end(const char *text, size_t size, size_t start) {
    const char *feed = memchr(text + start, '\n', size - start);
    return feed ? (size_t)(feed - text) + 1 : size;
}

/* Position behind the quote that closes the field opened at `open`; 0 where none does. */
static size_t quote_end(const char *text, size_t size, size_t open) {
    const size_t limit = size - open > MAX_QUOTED ? open + MAX_QUOTED : size;
    for (size_t i = open + 1; i < limit; i++) {
        if (text[i] != '"') continue;
        if (i + 1 < limit && text[i + 1] == '"')
            i++;
        else
            return i + 1;
    }
    return 0;
}

size_t rins_table_row_end(const char *text, size_t size, size_t start, bool csv) {
    if (!csv) return line_end(text, size, start);
    bool field_start = true;
    for (size_t i = start; i < size; i++) {
        if (field_start && text[i] == '"') {
            const size_t end = quote_end(text, size, i);
            if (end == 0) return line_end(text, size, start);
            i = end - 1;
            field_start = false;
        } else if (text[i] == '\n') {
            return i + 1;
        } else {
            field_start = text[i] == ',';
        }
    }
    return size;
}

/* Unquotes the field at `at` in place; gives its size and moves *next behind it. */
static size_t take_quoted(char *row, size_t size, size_t at, size_t *next) {
    size_t to = at, i = at + 1;
    for (; i < size; i++) {
        if (row[i] == '"') {
            if (i + 1 < size && row[i + 1] == '"')
                i++;
            else
                break;
        }
        row[to++] = row[i];
    }
    for (i++; i < size && row[i] != ','; i++) row[to++] = row[i]; /* text behind the closing quote is kept */
    *next = i;
    return to - at;
}

void rins_table_split(char *row, size_t size, bool csv, RinsTableRow *out) {
    const char separator = csv ? ',' : '\t';
    if (size && row[size - 1] == '\n') size--;
    if (size && row[size - 1] == '\r') size--;
    out->n = 0;
    for (size_t at = 0; at <= size && out->n < RINS_MAX_COLUMNS;) {
        size_t next, length;
        if (csv && at < size && row[at] == '"') {
            length = take_quoted(row, size, at, &next);
        } else {
            const char *end = memchr(row + at, separator, size - at);
            next = end ? (size_t)(end - row) : size;
            length = next - at;
        }
        out->fields[out->n] = row + at;
        out->sizes[out->n++] = length;
        row[at + length] = 0; /* at most the separator or the byte behind the row, which the caller provides */
        at = next + 1;
    }
}
