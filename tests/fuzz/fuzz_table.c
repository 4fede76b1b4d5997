/* Any bytes as a table (the first says whether csv): rows cover the text without gaps, fields lie inside their row. */
#include "data/table_parse.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static RinsBadCause fuzz_one(const uint8_t *data, size_t size) {
    if (size == 0) return RINS_BAD_NONE;
    const bool csv = data[0] & 1;
    const char *text = (const char *)data + 1;
    size_t at = 0;
    size--;
    while (at < size) {
        const size_t end = rins_table_row_end(text, size, at, csv);
        FUZZ_CHECK(end > at && end <= size);
        FUZZ_CHECK(end == size || text[end - 1] == '\n');
        const size_t length = end - at;
        char *row = malloc(length + 1); /* the caller provides one byte behind the row */
        if (!row) return RINS_BAD_NONE;
        memcpy(row, text + at, length);
        RinsTableRow fields;
        rins_table_split(row, length, csv, &fields);
        FUZZ_CHECK(fields.n >= 1 && fields.n <= RINS_MAX_COLUMNS);
        for (int i = 0; i < fields.n; i++) {
            FUZZ_CHECK(fields.fields[i] >= row && fields.fields[i] + fields.sizes[i] <= row + length);
            FUZZ_CHECK(fields.fields[i][fields.sizes[i]] == 0);
            FUZZ_CHECK(i == 0 || fields.fields[i] > fields.fields[i - 1]);
        }
        free(row);
        at = end;
    }
    return RINS_BAD_NONE;
}
