/* Rows of caption tables: .tsv (fields between tabs, no quoting) and .csv (RFC 4180, quotes doubled inside quotes). */
#ifndef RINS_DATA_TABLE_PARSE_H
#define RINS_DATA_TABLE_PARSE_H

#include "src/base/status.h"

#include <stdbool.h>

enum { RINS_MAX_COLUMNS = 256 };

typedef struct RinsTableRow {
    char *fields[RINS_MAX_COLUMNS]; /* into the row's own buffer, zero-terminated (zero bytes inside stay) */
    size_t sizes[RINS_MAX_COLUMNS];
    int n;
} RinsTableRow;

/* End of the row that starts at `start` (one past its line feed, or size). A quoted field that is open at the end or
   after 64 KB more than a caption's limit ends with its first line instead: one lost quote costs one row,
   not the file. */
size_t rins_table_row_end(const char *text, size_t size, size_t start, bool csv);

/* Splits a row in place. Fields over RINS_MAX_COLUMNS are dropped. */
void rins_table_split(char *row, size_t size, bool csv, RinsTableRow *out);

#endif
