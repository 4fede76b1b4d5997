#define _GNU_SOURCE
#include "src/model/checkpoint_list.h"

#include "src/base/file.h"
#include "src/base/list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A name is one of ours only where it prints back to itself. */
static bool parse_step(const char *name, int64_t *step) {
    char again[64];
    long long value;
    if (sscanf(name, "step-%lld", &value) != 1 || value < 0) return false;
    snprintf(again, sizeof again, "step-%09lld", value);
    *step = value;
    return !strcmp(again, name);
}

static int by_step(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

RinsStatus rins_checkpoint_list(RinsCheckpointList *list, const char *run) {
    RinsStatus status = RINS_OK;
    *list = (RinsCheckpointList){0};
    char *path = rins_path_join(run, "checkpoints");
    if (!path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to list checkpoints");
    DIR *dir = opendir(path);
    if (!dir && errno != ENOENT && errno != ENOTDIR)
        status = RINS_FAIL(RINS_ERR_IO, "cannot list '%s': %s", path, strerror(errno));
    for (struct dirent *entry; dir && status == RINS_OK && (entry = readdir(dir));) {
        int64_t step;
        if (!parse_step(entry->d_name, &step)) continue;
        int64_t *grown = rins_list_grow(list->steps, list->n, sizeof *grown);
        if (!grown) {
            status = RINS_FAIL(RINS_ERR_MEMORY, "no memory to list checkpoints");
            break;
        }
        list->steps = grown;
        list->steps[list->n++] = step;
    }
    if (dir) closedir(dir);
    if (list->n > 1) qsort(list->steps, list->n, sizeof *list->steps, by_step);
    if (status != RINS_OK) rins_checkpoint_list_free(list);
    free(path);
    return status;
}

void rins_checkpoint_list_free(RinsCheckpointList *list) {
    free(list->steps);
    *list = (RinsCheckpointList){0};
}

char *rins_checkpoint_path(const char *run, int64_t step) {
    char name[64];
    snprintf(name, sizeof name, "checkpoints/step-%09lld", (long long)step);
    return rins_path_join(run, name);
}

RinsStatus rins_checkpoint_newest(const char *path, char **found) {
    RinsCheckpointList list;
    *found = NULL;
    char *state = rins_path_join(path, "train_state.json");
    if (!state) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to look for checkpoints");
    const bool is_checkpoint = rins_path_is_file(state);
    free(state);
    if (!is_checkpoint)
        RINS_TRY(rins_checkpoint_list(&list, path));
    else
        list = (RinsCheckpointList){0};
    if (is_checkpoint)
        *found = strdup(path);
    else if (list.n > 0)
        *found = rins_checkpoint_path(path, list.steps[list.n - 1]);
    const bool failed = !*found && (is_checkpoint || list.n > 0);
    rins_checkpoint_list_free(&list);
    return failed ? RINS_FAIL(RINS_ERR_MEMORY, "no memory to look for checkpoints") : RINS_OK;
}

static char *partial_root(const char *run) {
    return rins_path_join(run, "checkpoints/.partial");
}

RinsStatus rins_checkpoint_begin(const char *run, int64_t step, char **partial) {
    RinsStatus status = RINS_OK;
    char *root = partial_root(run);
    *partial = NULL;
    if (!root || asprintf(partial, "%s/step-%09lld", root, (long long)step) < 0) {
        *partial = NULL;
        free(root);
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory to write a checkpoint");
    }
    status = rins_remove_tree(root);
    if (status == RINS_OK) status = rins_mkdirs(*partial);
    free(root);
    if (status != RINS_OK) {
        free(*partial);
        *partial = NULL;
    }
    return status;
}

/* Files written by libraries need not have been flushed by them. */
static RinsStatus flush_files(const char *path) {
    RinsStatus status = RINS_OK;
    DIR *dir = opendir(path);
    if (!dir) return RINS_FAIL(RINS_ERR_IO, "cannot list '%s': %s", path, strerror(errno));
    for (struct dirent *entry; status == RINS_OK && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.') continue;
        const int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
            status = RINS_FAIL(RINS_ERR_IO, "cannot flush '%s/%s': %s", path, entry->d_name, strerror(errno));
        if (fd >= 0) close(fd);
    }
    closedir(dir);
    return status == RINS_OK ? rins_dir_sync(path) : status;
}

RinsStatus rins_checkpoint_commit(const char *run, int64_t step, const char *partial) {
    RinsStatus status = RINS_OK;
    char *folder = rins_path_join(run, "checkpoints"), *root = partial_root(run), *old = NULL;
    char *final = rins_checkpoint_path(run, step);
    if (root) old = rins_path_join(root, "replaced");
    if (!folder || !root || !old || !final) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory to write a checkpoint");
        goto done;
    }
    RINS_TRY_DONE(flush_files(partial));
    if (rins_path_is_dir(final) && rename(final, old) != 0) {
        status = RINS_FAIL(RINS_ERR_IO, "cannot replace '%s': %s", final, strerror(errno));
        goto done;
    }
    if (rename(partial, final) != 0) {
        status = RINS_FAIL(RINS_ERR_IO, "cannot complete '%s': %s", final, strerror(errno));
        goto done;
    }
    RINS_TRY_DONE(rins_dir_sync(folder));
    status = rins_remove_tree(root);
done:
    free(final);
    free(old);
    free(root);
    free(folder);
    return status;
}

RinsStatus rins_checkpoint_remove(const char *run, int64_t step) {
    /* Renamed away first: a half-deleted folder must not look complete. */
    RinsStatus status = RINS_OK;
    char *path = rins_checkpoint_path(run, step), *root = partial_root(run), *gone = NULL;
    if (root) gone = rins_path_join(root, "removed");
    if (!path || !root || !gone) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory to remove a checkpoint");
        goto done;
    }
    RINS_TRY_DONE(rins_mkdirs(root));
    RINS_TRY_DONE(rins_remove_tree(gone));
    if (rename(path, gone) != 0) {
        if (errno != ENOENT) status = RINS_FAIL(RINS_ERR_IO, "cannot remove '%s': %s", path, strerror(errno));
    } else
        status = rins_remove_tree(gone);
done:
    free(gone);
    free(root);
    free(path);
    return status;
}

RinsStatus rins_checkpoint_prune(const char *run, int64_t keep) {
    RinsCheckpointList list;
    RINS_TRY(rins_checkpoint_list(&list, run));
    RinsStatus status = RINS_OK;
    for (size_t i = 0; status == RINS_OK && keep > 0 && i + (size_t)keep < list.n; i++)
        status = rins_checkpoint_remove(run, list.steps[i]);
    rins_checkpoint_list_free(&list);
    if (status != RINS_OK) return status;
    char *root = partial_root(run);
    if (!root) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to remove partial checkpoints");
    status = rins_remove_tree(root);
    free(root);
    return status;
}
