#define _GNU_SOURCE
#include "data/source_impl.h"

#include "src/base/file.h"
#include "src/base/list.h"
#include "src/base/log.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 16 };

typedef struct Folder {
    char *dir;
    RinsStringList paths; /* relative to dir */
    int *labels;          /* (n), NULL for a flat folder */
} Folder;

/* Visible names of a directory, sorted by bytes, split into folders and images (links followed, the rest left out). */
static RinsStatus list_dir(const char *path, RinsStringList *folders, RinsStringList *images) {
    RinsStatus status = RINS_OK;
    DIR *dir = opendir(path);
    if (!dir) return RINS_FAIL(RINS_ERR_IO, "cannot open folder '%s': %s", path, strerror(errno));
    for (const struct dirent *entry; status == RINS_OK && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.') continue;
        bool is_dir = entry->d_type == DT_DIR;
        if (entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN) {
            char *full = rins_path_join(path, entry->d_name);
            is_dir = full && rins_path_is_dir(full);
            free(full);
        }
        if (is_dir)
            status = rins_strings_add(folders, entry->d_name);
        else if (rins_image_ending(entry->d_name))
            status = rins_strings_add(images, entry->d_name);
    }
    closedir(dir);
    rins_strings_sort(folders, 0);
    rins_strings_sort(images, 0);
    return status;
}

/* Directories being walked, to see a link that leads back into one of them. */
typedef struct Trail {
    const struct Trail *up;
    dev_t device;
    ino_t inode;
    int depth;
} Trail;

static bool leads_back(const Trail *trail, const struct stat *info) {
    for (; trail; trail = trail->up)
        if (trail->device == info->st_dev && trail->inode == info->st_ino) return true;
    return false;
}

/* All images under dir/relative, depth first, in byte order of names at each level. */
static RinsStatus walk(const char *dir, const char *relative, const Trail *up, RinsStringList *out) {
    RinsStatus status = RINS_OK;
    RinsStringList folders = {0}, images = {0};
    struct stat info;
    char *path = rins_path_join(dir, relative);
    if (!path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for file names");
    if (stat(path, &info) != 0) {
        status = RINS_FAIL(RINS_ERR_IO, "cannot read folder '%s': %s", path, strerror(errno));
        goto done;
    }
    if (leads_back(up, &info)) goto done;
    const Trail here = {up, info.st_dev, info.st_ino, up ? up->depth + 1 : 0};
    if (here.depth > MAX_DEPTH) {
        status = RINS_FAIL(RINS_ERR_LIMIT, "'%s' is nested deeper than %d folders", path, MAX_DEPTH);
        goto done;
    }
    RINS_TRY_DONE(list_dir(path, &folders, &images));
    for (size_t i = 0; i < images.n; i++)
        RINS_TRY_DONE(rins_strings_take(out, rins_path_join(relative, images.items[i])));
    for (size_t i = 0; i < folders.n; i++) {
        char *sub = rins_path_join(relative, folders.items[i]);
        status = sub ? walk(dir, sub, &here, out) : RINS_FAIL(RINS_ERR_MEMORY, "no memory for file names");
        free(sub);
        if (status != RINS_OK) goto done;
    }
done:
    rins_strings_free(&folders);
    rins_strings_free(&images);
    free(path);
    return status;
}

static RinsStatus read_folder(RinsSource *source, int64_t index, RinsSampleParts parts, RinsSample *sample,
                              RinsBadCause *cause) {
    const Folder *folder = source->impl;
    const char *name = folder->paths.items[index];
    const char *slash = folder->dir[strlen(folder->dir) - 1] == '/' ? "" : "/";
    RINS_TRY(rins_sample_set_key(sample, "%s%s%s", folder->dir, slash, name));
    if (folder->labels) sample->label = folder->labels[index];
    return parts & RINS_SAMPLE_IMAGE ? rins_sample_read_file(sample, sample->key, cause) : RINS_OK;
}

static void free_folder(void *impl) {
    Folder *folder = impl;
    if (!folder) return;
    free(folder->dir);
    rins_strings_free(&folder->paths);
    free(folder->labels);
    free(folder);
}

static const RinsSourceOps folder_ops = {"folder", read_folder, free_folder};

static RinsStatus walk_classes(RinsSource *source, Folder *folder, const RinsStringList *classes) {
    struct stat info;
    if (stat(folder->dir, &info) != 0)
        return RINS_FAIL(RINS_ERR_IO, "cannot read folder '%s': %s", folder->dir, strerror(errno));
    const Trail root = {NULL, info.st_dev, info.st_ino, -1}; /* a link to it would put every class into one */
    for (size_t label = 0; label < classes->n; label++) {
        const size_t before = folder->paths.n;
        RINS_TRY(walk(folder->dir, classes->items[label], &root, &folder->paths));
        for (size_t i = before; i < folder->paths.n; i++) {
            int *labels = rins_list_grow(folder->labels, i, sizeof *labels);
            if (!labels) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for '%s'", folder->dir);
            folder->labels = labels;
            labels[i] = (int)label;
        }
    }
    source->count = (int64_t)folder->paths.n;
    return RINS_OK;
}

RinsStatus rins_source_open_folder(RinsSource *source, const char *dir, const RinsSourceArgs *args) {
    (void)args;
    RinsStatus status = RINS_OK;
    RinsStringList classes = {0};
    Folder *folder = calloc(1, sizeof *folder);
    source->ops = &folder_ops;
    source->impl = folder;
    if (!folder || !(folder->dir = strdup(*dir ? dir : ".")))
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory for '%s'", dir);
    RINS_TRY_DONE(list_dir(folder->dir, &classes, &folder->paths));
    source->count = (int64_t)folder->paths.n;
    if (classes.n == 0) goto done;
    if (folder->paths.n)
        rins_log(RINS_LOG_WARN, "'%s' has class folders: the %zu images beside them are left out", folder->dir,
                 folder->paths.n);
    rins_strings_free(&folder->paths);
    RINS_TRY_DONE(walk_classes(source, folder, &classes));
    source->class_names = classes.items; /* the source frees them */
    source->n_classes = (int)classes.n;
    classes = (RinsStringList){0};
done:
    rins_strings_free(&classes);
    return status;
}
