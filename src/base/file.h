/* Whole files: read in one piece, written so that a reader or a crash never sees half of one. */
#ifndef RINS_BASE_FILE_H
#define RINS_BASE_FILE_H

#include "src/base/status.h"

#include <stdbool.h>
#include <stdio.h>

/* Reads all of `path` into malloc'd memory with a zero byte after it (not counted). The caller frees *data.
   RINS_ERR_IO where it cannot be read, RINS_ERR_LIMIT where it is larger than max_bytes (0: no limit). */
RinsStatus rins_file_read(const char *path, size_t max_bytes, char **data, size_t *size);

/* An output that appears under its name only when committed: written to `path` + ".partial", flushed to the disk,
   then renamed. Check nothing in between: write errors are kept by stdio and reported by the commit. A link to a file
   stays, and the file is replaced; a device or a pipe is written to at once and never replaced. */
typedef struct RinsAtomicFile {
    FILE *stream;         /* write here; NULL when closed */
    char *path, *partial; /* partial: NULL where the path is written to at once */
} RinsAtomicFile;

RinsStatus rins_atomic_open(RinsAtomicFile *file, const char *path);
RinsStatus rins_atomic_commit(RinsAtomicFile *file);
/* Drops the partial file; harmless after a commit and on a zeroed struct, so that one `done:` can call it. */
void rins_atomic_abort(RinsAtomicFile *file);

/* malloc'd name that it is written under, which a killed process leaves. NULL when out of memory. */
char *rins_atomic_partial(const char *path);

/* rins_atomic_open + write + commit. */
RinsStatus rins_file_write(const char *path, const void *data, size_t size);

/* Can a file (or, with `folder`, a directory and those above it) be written under this name? Makes nothing, and
   replaces no error of the writing itself: it is for asking before hours of work. RINS_ERR_IO says what stands in the
   way. */
RinsStatus rins_output_check(const char *path, bool folder);

/* Takes `path`, a directory or else a file made for this alone, against other processes; *lock is its descriptor, -1
   after a failure. RINS_ERR_IO where another process has it. Where a file system knows no locks nobody is kept out. A
   process that dies gives it back. */
RinsStatus rins_lock_take(const char *path, int *lock);
/* Gives it back and removes the file (a directory stays); harmless where lock is -1. */
void rins_lock_give(const char *path, int lock);

/* mkdir -p. */
RinsStatus rins_mkdirs(const char *path);
bool rins_path_is_dir(const char *path);    /* follows symbolic links */
bool rins_path_is_stream(const char *path); /* a device or pipe: written to, never replaced */
bool rins_path_is_file(const char *path);   /* follows symbolic links */
/* malloc'd: the absolute path without links, "." and "//", also of what is not there yet (in that part a ".." stays).
   NULL when out of memory, or where the working folder is gone. */
char *rins_path_resolve(const char *path);
/* Both resolve to the same, there or not. */
bool rins_path_same_place(const char *a, const char *b);
/* malloc'd: the folder that the resolved path lies in; *name, in the same block, is its last part. NULL as above. */
char *rins_path_split(const char *path, const char **name);
bool rins_path_lies_in(const char *path, const char *dir); /* right in it, not further down; there or not */
bool rins_path_same_file(const char *a, const char *b);    /* both are there and one and the same regular file */
bool rins_dir_holds(const char *dir, const char *name);    /* something of that name is in it */
bool rins_dir_is_empty(const char *path);                  /* or absent */
/* Flushes a directory's entries to the disk (after a rename in it). */
RinsStatus rins_dir_sync(const char *path);
/* Deletes a directory and all in it; does not follow symbolic links. OK where it does not exist. */
RinsStatus rins_remove_tree(const char *path);

/* malloc'd "a/b"; `b` alone where it is absolute or `a` is empty. NULL when out of memory. */
char *rins_path_join(const char *a, const char *b);

#endif
