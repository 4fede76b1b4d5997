#define _GNU_SOURCE
#include "src/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

RinsStatus rins_file_read(const char *path, size_t max_bytes, char **data, size_t *size) {
    RinsStatus status = RINS_OK;
    char *buffer = NULL;
    size_t used = 0, room = 0;
    FILE *stream = fopen(path, "rbe");
    *data = NULL;
    *size = 0;
    if (!stream) return RINS_FAIL(RINS_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    struct stat info;
    if (fstat(fileno(stream), &info) == 0 && S_ISREG(info.st_mode)) room = (size_t)info.st_size;
    if (max_bytes && room > max_bytes) {
        status = RINS_FAIL(RINS_ERR_LIMIT, "'%s' has %zu bytes, more than the limit of %zu", path, room, max_bytes);
        goto done;
    }
    for (;;) { /* sizes of pipes and /proc files are not known beforehand */
        if (used + 1 >= room || !buffer) {
            room = buffer ? room * 2 + 4096 : room + 2;
            char *grown = realloc(buffer, room);
            if (!grown) {
                status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for '%s' (%zu bytes)", path, room);
                goto done;
            }
            buffer = grown;
        }
        const size_t got = fread(buffer + used, 1, room - used - 1, stream);
        used += got;
        if (max_bytes && used > max_bytes) {
            status = RINS_FAIL(RINS_ERR_LIMIT, "'%s' is larger than the limit of %zu bytes", path, max_bytes);
            goto done;
        }
        if (got == 0) break;
    }
    if (ferror(stream)) {
        status = RINS_FAIL(RINS_ERR_IO, "cannot read '%s': %s", path, strerror(errno));
        goto done;
    }
    buffer[used] = 0;
    *data = buffer;
    *size = used;
    buffer = NULL;
done:
    free(buffer);
    fclose(stream);
    return status;
}

char *rins_atomic_partial(const char *path) {
    char *partial = NULL;
    return asprintf(&partial, "%s.partial", path) < 0 ? NULL : partial;
}

/* A device or a pipe, which a rename would replace by a file. */
bool rins_path_is_stream(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

/* `path`, or where it is a link to a file that file, so that the link stays. malloc'd; NULL: no memory. */
static char *target_of(const char *path) {
    struct stat link, info;
    const bool leads = lstat(path, &link) == 0 && S_ISLNK(link.st_mode) && stat(path, &info) == 0;
    char *target = leads && S_ISREG(info.st_mode) ? realpath(path, NULL) : NULL;
    return target ? target : strdup(path);
}

RinsStatus rins_atomic_open(RinsAtomicFile *file, const char *path) {
    const bool direct = rins_path_is_stream(path);
    *file = (RinsAtomicFile){0};
    file->path = target_of(path);
    if (file->path && !direct) file->partial = rins_atomic_partial(file->path);
    if (!file->path || (!direct && !file->partial)) {
        free(file->path);
        *file = (RinsAtomicFile){0};
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory to write '%s'", path);
    }
    file->stream = fopen(direct ? path : file->partial, "wbe");
    if (!file->stream) {
        const int error = errno;
        RinsStatus status = RINS_FAIL(RINS_ERR_IO, "cannot write '%s': %s", path, strerror(error));
        free(file->path);
        free(file->partial);
        *file = (RinsAtomicFile){0};
        return status;
    }
    return RINS_OK;
}

/* "a/b/c" -> "a/b" -> "a" -> "."; "/a" -> "/" */
static void cut_last_part(char *path) {
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    while (n > 0 && path[n - 1] != '/') n--;
    while (n > 1 && path[n - 1] == '/') n--;
    if (n == 0) path[n++] = '.';
    path[n] = 0;
}

RinsStatus rins_output_check(const char *path, bool folder) {
    struct stat info;
    RinsStatus status = RINS_OK;
    const size_t n = strlen(path);
    if (n == 0) return RINS_FAIL(RINS_ERR_ARG, "cannot write to a file without a name");
    if (!folder && (path[n - 1] == '/' || rins_path_is_dir(path)))
        return RINS_FAIL(RINS_ERR_IO, "cannot write '%s': it is a folder, not a file", path);
    if (!folder && rins_path_is_stream(path)) {
        if (access(path, W_OK) == 0) return RINS_OK;
        return RINS_FAIL(RINS_ERR_IO, "cannot write '%s': %s", path, strerror(errno));
    }
    char *above = folder ? strdup(path) : target_of(path);
    if (!above) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to look at '%s'", path);
    if (!folder) cut_last_part(above);
    while (folder && stat(above, &info) != 0 && strcmp(above, ".") && strcmp(above, "/")) cut_last_part(above);
    if (stat(above, &info) != 0)
        status = RINS_FAIL(RINS_ERR_IO, "cannot write '%s': there is no folder '%s'; make it first", path, above);
    else if (!S_ISDIR(info.st_mode))
        status = RINS_FAIL(RINS_ERR_IO, "cannot write '%s': '%s' is not a folder", path, above);
    else if (access(above, W_OK | X_OK) != 0)
        status = RINS_FAIL(RINS_ERR_IO, "cannot write '%s': folder '%s': %s", path, above, strerror(errno));
    free(above);
    return status;
}

RinsStatus rins_dir_sync(const char *path) {
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return RINS_FAIL(RINS_ERR_IO, "cannot open directory '%s': %s", path, strerror(errno));
    const int failed = fsync(fd);
    const int error = errno;
    close(fd);
    if (failed && error != EINVAL) return RINS_FAIL(RINS_ERR_IO, "cannot flush '%s': %s", path, strerror(error));
    return RINS_OK;
}

RinsStatus rins_atomic_commit(RinsAtomicFile *file) {
    RinsStatus status = RINS_OK;
    bool failed = fflush(file->stream) != 0 || ferror(file->stream);
    failed = failed || (file->partial && fsync(fileno(file->stream)) != 0);
    int error = errno;
    if (fclose(file->stream) != 0 && !failed) failed = true, error = errno;
    file->stream = NULL;
    if (!failed && file->partial && rename(file->partial, file->path) != 0) failed = true, error = errno;
    if (failed) status = RINS_FAIL(RINS_ERR_IO, "cannot write '%s': %s", file->path, strerror(error));
    if (!failed) {
        free(file->partial);
        file->partial = NULL;
    }
    rins_atomic_abort(file);
    return status;
}

void rins_atomic_abort(RinsAtomicFile *file) {
    if (file->stream) fclose(file->stream);
    if (file->partial) unlink(file->partial);
    free(file->partial);
    free(file->path);
    *file = (RinsAtomicFile){0};
}

RinsStatus rins_file_write(const char *path, const void *data, size_t size) {
    RinsAtomicFile file;
    RINS_TRY(rins_atomic_open(&file, path));
    fwrite(data, 1, size, file.stream);
    return rins_atomic_commit(&file);
}

/* Whether `path` still names the file of `fd`: it may have been removed before the lock was taken. */
static bool still_names(const char *path, int fd) {
    struct stat own, there;
    return fstat(fd, &own) == 0 && stat(path, &there) == 0 && own.st_ino == there.st_ino && own.st_dev == there.st_dev;
}

RinsStatus rins_lock_take(const char *path, int *lock) {
    const bool is_dir = rins_path_is_dir(path);
    for (;;) {
        *lock = open(path, (is_dir ? O_RDONLY | O_DIRECTORY : O_RDWR | O_CREAT) | O_CLOEXEC, 0666);
        if (*lock < 0)
            return RINS_FAIL(RINS_ERR_IO, "cannot %s '%s': %s", is_dir ? "open" : "write", path, strerror(errno));
        if (flock(*lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            close(*lock), *lock = -1;
            return RINS_FAIL(RINS_ERR_IO, "another process holds '%s'; wait for it or choose another output", path);
        }
        if (still_names(path, *lock)) return RINS_OK;
        close(*lock);
    }
}

void rins_lock_give(const char *path, int lock) {
    if (lock < 0) return;
    if (!rins_path_is_dir(path)) unlink(path);
    close(lock);
}

RinsStatus rins_mkdirs(const char *path) {
    if (!*path) return RINS_FAIL(RINS_ERR_ARG, "cannot make a directory without a name");
    char *copy = strdup(path);
    if (!copy) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to make '%s'", path);
    RinsStatus status = RINS_OK;
    for (char *at = copy + 1; status == RINS_OK; at++) {
        if (*at != '/' && *at != 0) continue;
        const char end = *at;
        *at = 0;
        if (mkdir(copy, 0777) != 0 && !(errno == EEXIST && rins_path_is_dir(copy)))
            status = RINS_FAIL(RINS_ERR_IO, "cannot make directory '%s': %s", copy, strerror(errno));
        *at = end;
        if (end == 0) break;
    }
    free(copy);
    return status;
}

bool rins_path_is_dir(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool rins_path_is_file(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* What is there is resolved by the system; of what is not, the parts are joined. */
char *rins_path_resolve(const char *path) {
    char *head = strdup(path), *real = NULL, *joined = NULL;
    size_t n = head ? strlen(head) : 0; /* of the part that might be there */
    while (head && !real) {
        real = realpath(n ? head : ".", NULL);
        if (real || n == 0) break;
        while (n && head[n - 1] == '/') n--;
        while (n && head[n - 1] != '/') n--;
        head[n] = 0;
    }
    for (const char *at = path + n; real && *at;) {
        const size_t part = strcspn(at, "/");
        if (part && !(part == 1 && *at == '.')) {
            const int made = asprintf(&joined, "%s/%.*s", strcmp(real, "/") ? real : "", (int)part, at);
            free(real);
            real = made < 0 ? NULL : joined;
        }
        at += part + (at[part] == '/');
    }
    free(head);
    return real;
}

bool rins_path_same_place(const char *a, const char *b) {
    char *x = rins_path_resolve(a), *y = rins_path_resolve(b);
    const bool same = x && y && !strcmp(x, y);
    free(x), free(y);
    return same;
}

char *rins_path_split(const char *path, const char **name) {
    char *real = rins_path_resolve(path), *slash = real ? strrchr(real, '/') : NULL;
    char *block = slash ? malloc(strlen(real) + 2) : NULL;
    if (block) {
        const size_t n = slash > real ? (size_t)(slash - real) : 1; /* the root keeps its slash */
        memcpy(block, real, n);
        block[n] = 0;
        *name = strcpy(block + n + 1, slash + 1);
    }
    free(real);
    return block;
}

bool rins_path_lies_in(const char *path, const char *dir) {
    const char *name;
    char *folder = rins_path_split(path, &name);
    const bool in = folder && rins_path_same_place(folder, dir);
    free(folder);
    return in;
}

bool rins_path_same_file(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISREG(x.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

bool rins_dir_holds(const char *dir, const char *name) {
    char *path = rins_path_join(dir, name);
    const bool there = path && access(path, F_OK) == 0;
    free(path);
    return there;
}

bool rins_dir_is_empty(const char *path) {
    DIR *dir = opendir(path);
    bool empty = true;
    if (!dir) return true;
    for (struct dirent *entry; empty && (entry = readdir(dir));)
        empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
    closedir(dir);
    return empty;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *ftw) {
    (void)info, (void)kind, (void)ftw;
    return remove(path);
}

RinsStatus rins_remove_tree(const char *path) {
    struct stat info;
    if (lstat(path, &info) != 0) return RINS_OK;
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
        return RINS_FAIL(RINS_ERR_IO, "cannot remove '%s': %s", path, strerror(errno));
    return RINS_OK;
}

char *rins_path_join(const char *a, const char *b) {
    char *joined = NULL;
    if (b[0] == '/' || a[0] == 0) return strdup(b);
    const bool slash = a[strlen(a) - 1] == '/';
    return asprintf(&joined, "%s%s%s", a, slash ? "" : "/", b) < 0 ? NULL : joined;
}
