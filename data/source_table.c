#define _GNU_SOURCE
#include "data/source_impl.h"
#include "data/table_parse.h"
#include "data/text_check.h"

#include "src/base/file.h"
#include "src/base/list.h"
#include "src/base/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Rows stay on the disk; memory holds where each one lies. */
typedef struct Row {
    uint64_t start;
    uint32_t size, line;
} Row;

typedef struct Table {
    char *path, *dir;
    int fd;
    bool csv;
    int image_column, caption_column;
    Row *rows;
    size_t n_rows;
    int64_t *group_start, *group_rows; /* images view: (count + 1) and (n_rows), rows listed by image; else NULL */
} Table;

enum { MAX_ROW = 1 << 20 };

static int find_column(const RinsTableRow *row, const char *name) {
    for (int i = 0; i < row->n; i++)
        if (!strcmp(row->fields[i], name)) return i;
    return -1;
}

static RinsStatus read_header(Table *table, char *text, size_t size, const RinsSourceArgs *args) {
    RinsTableRow row;
    rins_table_split(text, size, table->csv, &row);
    const char *const wanted[2] = {args->image ? args->image : "filepath", args->caption ? args->caption : "caption"};
    int *const to[2] = {&table->image_column, &table->caption_column};
    for (int i = 0; i < 2; i++) {
        *to[i] = find_column(&row, wanted[i]);
        if (*to[i] >= 0) continue;
        char present[256] = "";
        if (size == 0)
            return RINS_FAIL(RINS_ERR_FORMAT, "'%s' has no first line, which names the columns", table->path);
        for (int c = 0; c < row.n && strlen(present) < 150; c++)
            snprintf(present + strlen(present), 64, "%s%s", c ? ", " : "", row.fields[c]);
        return RINS_FAIL(RINS_ERR_FORMAT,
                         "'%s' has no column '%s' in its first line, only: %s; table(image=COLUMN,caption=COLUMN):FILE "
                         "gives other names",
                         table->path, wanted[i], present);
    }
    return RINS_OK;
}

/* Lists the rows behind the header; blank lines are none. */
static RinsStatus find_rows(Table *table, const char *text, size_t size, size_t at) {
    uint32_t line = 2;
    while (at < size) {
        const size_t end = rins_table_row_end(text, size, at, table->csv);
        Row *rows = rins_list_grow(table->rows, table->n_rows, sizeof *rows);
        if (!rows) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for the rows of '%s'", table->path);
        table->rows = rows;
        const size_t length = end - at;
        if (text[at] != '\n' && !(length == 2 && text[at] == '\r'))
            rows[table->n_rows++] = (Row){at, length > MAX_ROW ? MAX_ROW + 1 : (uint32_t)length, line};
        for (const char *feed = text + at; (feed = memchr(feed, '\n', (size_t)(text + end - feed))); feed++) line++;
        at = end;
    }
    return RINS_OK;
}

/* Reads row r into buffer (MAX_ROW + 1) and splits it. */
static RinsStatus load_row(const Table *table, int64_t r, char *buffer, RinsTableRow *row) {
    const Row *at = &table->rows[r];
    if (at->size > MAX_ROW) return RINS_FAIL(RINS_ERR_LIMIT, "the row is longer than %d bytes", MAX_ROW);
    size_t used = 0;
    while (used < at->size) {
        const ssize_t got = pread(table->fd, buffer + used, at->size - used, (off_t)(at->start + used));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return RINS_FAIL(RINS_ERR_IO, "cannot read the row: %s", got ? strerror(errno) : "it is gone");
        used += (size_t)got;
    }
    rins_table_split(buffer, at->size, table->csv, row);
    return RINS_OK;
}

/* The path field of a row, NULL where there is none that can name a file. */
static const char *row_path(const Table *table, const RinsTableRow *row) {
    if (table->image_column >= row->n) return NULL;
    const char *path = row->fields[table->image_column];
    return *path && strlen(path) == row->sizes[table->image_column] ? path : NULL;
}

static RinsStatus add_row_caption(const Table *table, const RinsTableRow *row, RinsSample *sample,
                                  RinsBadCause *cause) {
    const int column = table->caption_column;
    if (column >= row->n) {
        *cause = RINS_BAD_CAPTION;
        return RINS_FAIL(RINS_ERR_FORMAT, "the row has only %d columns", row->n);
    }
    return rins_sample_add_caption(sample, row->fields[column], row->sizes[column], cause);
}

/* Captions of an image's rows; bad ones are left out as long as one is good. */
static RinsStatus read_captions(const Table *table, const int64_t *rows, int64_t n, char *buffer, RinsSample *sample,
                                RinsBadCause *cause) {
    RinsStatus status = RINS_OK;
    for (int64_t i = 0; i < n; i++) {
        RinsTableRow row;
        *cause = RINS_BAD_CAPTION;
        status = load_row(table, rows[i], buffer, &row);
        if (status == RINS_OK) status = add_row_caption(table, &row, sample, cause);
        if (status == RINS_ERR_MEMORY) return status;
    }
    return sample->n_captions ? RINS_OK : status;
}

static RinsStatus read_table(RinsSource *source, int64_t index, RinsSampleParts parts, RinsSample *sample,
                             RinsBadCause *cause) {
    const Table *table = source->impl;
    const int64_t *rows = table->group_rows ? table->group_rows + table->group_start[index] : &index;
    const int64_t n_rows = table->group_rows ? table->group_start[index + 1] - table->group_start[index] : 1;
    RinsStatus status = RINS_OK;
    RinsTableRow row;
    char *buffer = NULL, *path = NULL;
    RINS_TRY(rins_sample_set_key(sample, "%s:%u", table->path, table->rows[rows[0]].line));
    uint32_t longest = 0;
    for (int64_t i = 0; i < n_rows; i++)
        if (table->rows[rows[i]].size > longest) longest = table->rows[rows[i]].size;
    buffer = malloc((size_t)longest + 1);
    if (!buffer) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a row");
    *cause = RINS_BAD_MISSING;
    RINS_TRY_DONE(load_row(table, rows[0], buffer, &row));
    const char *name = row_path(table, &row);
    if (!name) {
        status = RINS_FAIL(RINS_ERR_FORMAT, "the row names no file");
        goto done;
    }
    path = rins_path_join(table->dir, name);
    status = path ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    if (status != RINS_OK) goto done;
    if (parts & RINS_SAMPLE_CAPTIONS) RINS_TRY_DONE(read_captions(table, rows, n_rows, buffer, sample, cause));
    if (parts & RINS_SAMPLE_IMAGE) RINS_TRY_DONE(rins_sample_read_file(sample, path, cause));
done:
    free(path);
    free(buffer);
    return status;
}

static void free_table(void *impl) {
    Table *table = impl;
    if (!table) return;
    if (table->fd >= 0) close(table->fd);
    free(table->path);
    free(table->dir);
    free(table->rows);
    free(table->group_start);
    free(table->group_rows);
    free(table);
}

static const RinsSourceOps table_ops = {"table", read_table, free_table};

/* Sorts rows by (hash of the path, row) to bring an image's rows together. */
typedef struct PathRow {
    uint64_t hash;
    int64_t row, first; /* first: the row its image appeared in first */
} PathRow;

static int by_hash(const void *a, const void *b) {
    const PathRow *x = a, *y = b;
    return x->hash != y->hash ? (x->hash < y->hash ? -1 : 1) : (x->row > y->row) - (x->row < y->row);
}

static int by_first(const void *a, const void *b) {
    const PathRow *x = a, *y = b;
    return x->first != y->first ? (x->first < y->first ? -1 : 1) : (x->row > y->row) - (x->row < y->row);
}

/* Images view: group_start and group_rows. Paths are told apart by a 64-bit hash; rows without a path stay alone. */
static RinsStatus group_by_image(RinsSource *source, Table *table, const char *text) {
    const size_t n = table->n_rows;
    RinsStatus status = RINS_OK;
    char *buffer = malloc((size_t)MAX_ROW + 1);
    PathRow *rows = calloc(n + 1, sizeof *rows);
    table->group_start = calloc(n + 1, sizeof *table->group_start);
    table->group_rows = calloc(n + 1, sizeof *table->group_rows);
    if (!buffer || !rows || !table->group_start || !table->group_rows) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for the rows of '%s'", table->path);
        goto done;
    }
    for (size_t r = 0; r < n; r++) {
        RinsTableRow row = {.n = 0};
        const Row *at = &table->rows[r];
        if (at->size <= MAX_ROW) {
            memcpy(buffer, text + at->start, at->size);
            rins_table_split(buffer, at->size, table->csv, &row);
        }
        const char *path = row_path(table, &row);
        rows[r].row = (int64_t)r;
        rows[r].hash = path ? rins_hash_str(path) : rins_hash_bytes(&r, sizeof r, RINS_HASH_BASIS);
    }
    qsort(rows, n, sizeof *rows, by_hash);
    for (size_t i = 0; i < n; i++)
        rows[i].first = i && rows[i].hash == rows[i - 1].hash ? rows[i - 1].first : rows[i].row;
    qsort(rows, n, sizeof *rows, by_first);
    int64_t groups = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || rows[i].first != rows[i - 1].first) table->group_start[groups++] = (int64_t)i;
        table->group_rows[i] = rows[i].row;
    }
    table->group_start[groups] = (int64_t)n;
    source->count = groups;
done:
    free(rows);
    free(buffer);
    return status;
}

static RinsStatus open_table(RinsSource *source, Table *table, const char *path, const RinsSourceArgs *args) {
    RinsStatus status = RINS_OK;
    char *text = NULL;
    size_t size;
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    table->path = strdup(path);
    table->dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("");
    table->csv = dot && !strcasecmp(dot, ".csv");
    if (!table->path || !table->dir) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for '%s'", path);
    if (!table->csv && !(dot && !strcasecmp(dot, ".tsv")))
        return RINS_FAIL(RINS_ERR_CONFIG, "'%s' is neither .tsv nor .csv", path);
    RINS_TRY_DONE(rins_file_read(path, 0, &text, &size));
    table->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (table->fd < 0) {
        status = RINS_FAIL(RINS_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
        goto done;
    }
    const size_t mark = size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0; /* byte order mark */
    const size_t header_end = rins_table_row_end(text, size, mark, table->csv);
    RINS_TRY_DONE(find_rows(table, text, size, header_end));
    source->count = (int64_t)table->n_rows;
    RINS_TRY_DONE(read_header(table, text + mark, header_end - mark, args));
    if (args->view == RINS_VIEW_IMAGES) status = group_by_image(source, table, text);
done:
    free(text);
    return status;
}

RinsStatus rins_source_open_table(RinsSource *source, const char *path, const RinsSourceArgs *args) {
    Table *table = calloc(1, sizeof *table);
    if (!table) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for '%s'", path);
    table->fd = -1;
    source->ops = &table_ops;
    source->impl = table;
    return open_table(source, table, path, args);
}
