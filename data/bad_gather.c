#define _GNU_SOURCE
#include "data/bad_log.h"

#include "data/source_impl.h"
#include "src/base/file.h"
#include "src/base/list.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct File {
    char *path, *text;
    int64_t rank;
} File;

typedef struct Line {
    const char *text;
    size_t size, place; /* with its end; among all lines read */
    int64_t slot, rank;
} Line;

typedef struct Gather {
    File *files;
    Line *lines;
    size_t n_files, n_lines;
} Gather;

static RinsStatus add_file(Gather *gather, char *path, int64_t rank) {
    File *files = path ? rins_list_grow(gather->files, gather->n_files, sizeof *files) : NULL;
    if (!files) {
        free(path);
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory to gather bad samples");
    }
    gather->files = files;
    files[gather->n_files++] = (File){.path = path, .rank = rank};
    return RINS_OK;
}

/* The files NAME.1, NAME.2, ... beside `path`. */
static RinsStatus find_files(Gather *gather, const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const size_t n = strlen(name);
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    if (!folder) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to gather bad samples");
    RinsStatus status = RINS_OK;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && status == RINS_OK && (entry = readdir(dir));) {
        char *end;
        if (strncmp(entry->d_name, name, n) != 0 || entry->d_name[n] != '.') continue;
        const char *digits = entry->d_name + n + 1;
        if (strspn(digits, "0123456789") != strlen(digits) || *digits == '0' || !*digits || strlen(digits) > 9)
            continue;
        status = add_file(gather, rins_path_join(folder, entry->d_name), strtoll(digits, &end, 10));
    }
    if (dir) closedir(dir);
    free(folder);
    return status;
}

static RinsStatus read_lines(Gather *gather, File *file, int64_t first_slot) {
    size_t size;
    RINS_TRY(rins_file_read(file->path, 0, &file->text, &size));
    for (const char *at = file->text, *feed; (feed = strchr(at, '\n')); at = feed + 1) {
        const int64_t slot = rins_bad_line_slot(at);
        if (slot < 0 || slot >= first_slot) continue;
        Line *lines = rins_list_grow(gather->lines, gather->n_lines, sizeof *lines);
        if (!lines) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to gather bad samples");
        gather->lines = lines;
        lines[gather->n_lines] = (Line){at, (size_t)(feed - at) + 1, gather->n_lines, slot, file->rank};
        gather->n_lines++;
    }
    return RINS_OK;
}

static int in_order(const void *a, const void *b) {
    const Line *x = a, *y = b;
    if (x->slot != y->slot) return x->slot < y->slot ? -1 : 1;
    if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

/* A slot's lines are all of one rank: those of a second one are what a gathering left that was ended before its last step, or
   of ranks that a run without this step went on without. */
static RinsStatus write_lines(const Gather *gather, const char *path) {
    RinsAtomicFile file;
    const Line *kept = NULL;
    RINS_TRY(rins_atomic_open(&file, path));
    for (size_t i = 0; i < gather->n_lines; i++) {
        const Line *line = &gather->lines[i];
        if (kept && kept->slot == line->slot && kept->rank != line->rank) continue;
        fwrite(line->text, 1, line->size, file.stream);
        kept = line;
    }
    return rins_atomic_commit(&file);
}

RinsStatus rins_bad_log_gather(const char *path, int64_t first_slot) {
    Gather gather = {0};
    RinsStatus status = RINS_OK;
    RINS_TRY_DONE(find_files(&gather, path));
    if (gather.n_files == 0) goto done;
    if (rins_path_is_file(path)) RINS_TRY_DONE(add_file(&gather, strdup(path), 0));
    for (size_t i = 0; i < gather.n_files; i++) RINS_TRY_DONE(read_lines(&gather, &gather.files[i], first_slot));
    if (gather.n_lines) qsort(gather.lines, gather.n_lines, sizeof *gather.lines, in_order);
    RINS_TRY_DONE(write_lines(&gather, path));
    for (size_t i = 0; i < gather.n_files; i++)
        if (gather.files[i].rank > 0) unlink(gather.files[i].path);
done:
    for (size_t i = 0; i < gather.n_files; i++) free(gather.files[i].path), free(gather.files[i].text);
    free(gather.files);
    free(gather.lines);
    return status;
}
