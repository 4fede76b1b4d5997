#define _GNU_SOURCE
#include "src/train/run_dir.h"

#include "src/base/file.h"
#include "src/base/log.h"
#include "src/model/checkpoint_list.h"
#include "src/model/model_dir.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Does checkpoint `path` (RUN/checkpoints/step-N) lie in this run? */
static bool is_own(const RinsRunDir *dir, const char *path) {
    char *root = rins_path_join(dir->path, "checkpoints");
    const bool own = root && rins_path_lies_in(path, root);
    free(root);
    return own;
}

static RinsStatus find_from(RinsRunDir *dir, const char *from, const char *newest, const char *takes) {
    RINS_TRY(rins_checkpoint_newest(from, &dir->checkpoint));
    if (!dir->checkpoint)
        return RINS_FAIL(RINS_ERR_ARG,
                         "'%s' holds no complete checkpoint to go on from; %s or a checkpoint such as "
                         "RUN/checkpoints/step-000001000",
                         from, takes);
    dir->branch = !is_own(dir, dir->checkpoint);
    if (dir->branch && newest)
        return RINS_FAIL(RINS_ERR_ARG,
                         "'%s' has checkpoints of its own, so it cannot branch off '%s'; use --resume auto to "
                         "go on, or another --out",
                         dir->path, from);
    if (!dir->branch && newest && !rins_path_same_place(newest, dir->checkpoint))
        return RINS_FAIL(RINS_ERR_ARG,
                         "'%s' is newer than '%s'; remove the newer checkpoints to go back, or branch off "
                         "with another --out",
                         newest, dir->checkpoint);
    return RINS_OK;
}

static RinsStatus find_start(RinsRunDir *dir, RinsResume resume, const char *from, const char *branch) {
    char *newest = NULL;
    RINS_TRY(rins_checkpoint_newest(dir->path, &newest));
    RinsStatus status = RINS_OK;
    if (resume == RINS_RESUME_FROM)
        status = find_from(dir, from, newest, "--resume takes auto, never, a run");
    else if (newest)
        dir->checkpoint = newest, newest = NULL;
    else if (branch && (status = find_from(dir, branch, NULL, "give a run")) != RINS_OK)
        status = rins_fail_context(status, "train.branch");
    free(newest);
    return status;
}

static bool is_run(const char *dir) {
    return rins_dir_holds(dir, "config.yaml") &&
           (rins_dir_holds(dir, "checkpoints") || rins_dir_holds(dir, "metrics.jsonl"));
}

/* Is `path` one of n names in a run's folder? */
static bool is_in_run(const char *path, const char *const *names, size_t n) {
    const char *name;
    char *dir = rins_path_split(path, &name);
    bool is = false;
    for (size_t i = 0; dir && i < n; i++) is |= !strcmp(name, names[i]);
    is = is && is_run(dir);
    free(dir);
    return is;
}

bool rins_run_dir_keeps(const char *path) {
    static const char *const kept[] = {"config.yaml", "metrics.jsonl", "timing.jsonl", "eval.jsonl", "bad.jsonl"};
    return is_in_run(path, kept, sizeof kept / sizeof *kept);
}

static bool is_checkpoints(const char *path) {
    return is_in_run(path, (const char *const[]){"checkpoints"}, 1);
}

/* A new run replaces nobody's config.yaml, and no model hides it: a folder that is both is opened as the model. Other
   files may lie beside a run's. */
static RinsStatus check_folder(const char *path) {
    const char *what = NULL;
    if (is_run(path)) return RINS_OK;
    if (rins_dir_holds(path, "config.yaml"))
        what = "holds a config.yaml but no run, whose own config.yaml would replace it";
    if (rins_model_dir_is(path)) what = "holds a model, and a run's models are its checkpoints";
    if (is_checkpoints(path)) what = "is where another run keeps its checkpoints";
    if (what) return RINS_FAIL(RINS_ERR_ARG, "'%s' %s; choose another --out, such as '%s/run'", path, what, path);
    if (!rins_dir_is_empty(path) && !rins_dir_holds(path, "checkpoints"))
        rins_log(RINS_LOG_INFO, "'%s' is not empty: the run's files go beside what is there", path);
    return RINS_OK;
}

static RinsStatus make_and_lock(RinsRunDir *dir, RinsResume resume) {
    if (resume == RINS_RESUME_NEVER && !rins_dir_is_empty(dir->path))
        return RINS_FAIL(RINS_ERR_ARG, "'%s' is not empty; remove it, choose another --out, or use --resume auto",
                         dir->path);
    RINS_TRY(check_folder(dir->path));
    dir->made = !rins_path_is_dir(dir->path);
    RINS_TRY(rins_mkdirs(dir->path));
    RINS_TRY(rins_lock_take(dir->path, &dir->lock));
    char *checkpoints = rins_path_join(dir->path, "checkpoints"); /* before all else: it says that here is a run */
    if (!checkpoints) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to open '%s'", dir->path);
    const RinsStatus status = rins_mkdirs(checkpoints);
    free(checkpoints);
    return status;
}

/* By rank 0, for all. */
static RinsStatus make_shared(RinsRunDir *dir, RinsResume resume, RinsComm *comm) {
    const RinsStatus status = comm->rank == 0 ? make_and_lock(dir, resume) : RINS_OK;
    bool failed = status != RINS_OK;
    RINS_TRY(rins_comm_any(comm, &failed));
    return failed && status == RINS_OK ? RINS_FAIL(RINS_ERR_IO, "rank 0 could not open '%s'", dir->path) : status;
}

RinsStatus rins_run_dir_open(RinsRunDir *dir, const char *path, RinsResume resume, const char *from, const char *branch,
                             RinsComm *comm) {
    *dir = (RinsRunDir){.lock = -1, .path = strdup(path)};
    if (!dir->path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to open '%s'", path);
    RinsStatus status = comm ? make_shared(dir, resume, comm) : make_and_lock(dir, resume);
    if (status == RINS_OK) status = find_start(dir, resume, from, branch);
    if (status != RINS_OK) rins_run_dir_close(dir);
    return status;
}

/* Nothing was written: the run did not begin. */
static void remove_unused(const RinsRunDir *dir) {
    char *checkpoints = rins_path_join(dir->path, "checkpoints");
    int others = 0;
    DIR *folder = opendir(dir->path);
    for (const struct dirent *entry; folder && (entry = readdir(folder));)
        others += entry->d_name[0] != '.' && strcmp(entry->d_name, "checkpoints") != 0;
    if (folder) closedir(folder);
    if (folder && checkpoints && others == 0 && rmdir(checkpoints) == 0 && dir->made) rmdir(dir->path);
    free(checkpoints);
}

void rins_run_dir_close(RinsRunDir *dir) {
    if (dir->lock >= 0) remove_unused(dir);
    rins_lock_give(dir->path, dir->lock);
    free(dir->checkpoint);
    free(dir->path);
    *dir = (RinsRunDir){.lock = -1};
}
