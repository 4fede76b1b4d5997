#define _GNU_SOURCE
#include "src/model/model_dir.h"

#include "src/base/file.h"
#include "src/model/checkpoint_list.h"
#include "src/model/foreign_config.h"
#include "src/model/hf_config.h"
#include "src/model/hf_processor.h"
#include "src/model/weights.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_npz(const char *path) {
    const size_t n = strlen(path);
    return n > 4 && !strcmp(path + n - 4, ".npz") && rins_path_is_file(path);
}

bool rins_model_dir_is(const char *path) {
    return rins_dir_holds(path, "config.json") || rins_dir_holds(path, "open_clip_config.json");
}

/* malloc'd: `path` itself where a model's files lie in it, else its newest complete checkpoint. NULL: neither. */
static RinsStatus look_in(const char *path, char **found) {
    if (!rins_model_dir_is(path)) return rins_checkpoint_newest(path, found);
    *found = strdup(path);
    return *found ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory to open '%s'", path);
}

/* malloc'd: the last folder by name in `path` that is a model or a run; NULL: none. For who is a level too high. */
static char *model_below(const char *path) {
    char *best = NULL;
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char *folder = entry->d_name[0] == '.' ? NULL : rins_path_join(path, entry->d_name), *model = NULL;
        if (folder && rins_path_is_dir(folder) && (!best || strcmp(folder, best) > 0) &&
            look_in(folder, &model) == RINS_OK && model) {
            free(best);
            best = folder;
            folder = NULL;
        }
        free(model);
        free(folder);
    }
    if (dir) closedir(dir);
    return best;
}

static RinsStatus no_model(const char *path) {
    if (rins_dir_holds(path, "checkpoints"))
        return RINS_FAIL(RINS_ERR_IO, "the run '%s' has no complete checkpoint yet", path);
    char *below = model_below(path);
    const RinsStatus status =
        below
            ? RINS_FAIL(RINS_ERR_IO, "'%s' holds neither config.json nor checkpoints; did you mean '%s'?", path, below)
            : RINS_FAIL(RINS_ERR_IO,
                        "'%s' holds neither config.json nor checkpoints: give a run, a checkpoint "
                        "or a Hugging Face SigLIP directory",
                        path);
    free(below);
    return status;
}

RinsStatus rins_model_dir_find(const char *path, char **found) {
    *found = NULL;
    if (is_npz(path)) {
        *found = strdup(path);
        return *found ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory to open '%s'", path);
    }
    if (!rins_path_is_dir(path))
        return RINS_FAIL(RINS_ERR_IO, "no model at '%s': give a run, a checkpoint or a Hugging Face SigLIP directory",
                         path);
    RINS_TRY(look_in(path, found));
    return *found ? RINS_OK : no_model(path);
}

enum { MAX_JSON = 16 << 20 };

/* Parses dir/name; *root stays NULL where the file is absent and may be. */
static RinsStatus read_json(const char *dir, const char *name, bool required, json_t **root) {
    *root = NULL;
    if (!required && !rins_dir_holds(dir, name)) return RINS_OK;
    char *path = rins_path_join(dir, name);
    if (!path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to open '%s'", name);
    const RinsStatus status = rins_json_read(path, MAX_JSON, root);
    free(path);
    return status;
}

static RinsStatus read_hf(RinsModelDir *dir) {
    json_t *root;
    RinsModelConfig *config = &dir->config;
    RINS_TRY(read_json(dir->path, "config.json", true, &root));
    RinsStatus status = rins_hf_config_read(config, root);
    json_decref(root);
    if (status != RINS_OK) return rins_fail_context(status, "'%s/config.json'", dir->path);
    RINS_TRY(read_json(dir->path, "preprocessor_config.json", false, &root));
    status = rins_hf_preprocessor_read(root, config->image.size, &dir->image_pp);
    json_decref(root);
    if (status != RINS_OK) return rins_fail_context(status, "'%s/preprocessor_config.json'", dir->path);
    RINS_TRY(read_json(dir->path, "tokenizer_config.json", false, &root));
    status = rins_hf_tokenizer_read(root, config->text.vocab, config->text.length, &dir->tokenizer);
    json_decref(root);
    if (status != RINS_OK) return rins_fail_context(status, "'%s/tokenizer_config.json'", dir->path);
    return RINS_OK;
}

/* Checkpoints of other projects: shapes tell most of the configuration. */
static RinsStatus read_foreign(RinsModelDir *dir) {
    const bool open_clip = dir->format == RINS_MODEL_OPEN_CLIP;
    RinsWeights weights;
    json_t *root = NULL;
    if (open_clip) RINS_TRY(read_json(dir->path, "open_clip_config.json", true, &root));
    RinsStatus status = rins_weights_open(&weights, dir->path, dir->format, true);
    if (status == RINS_OK) {
        status = open_clip ? rins_open_clip_config(&dir->config, &dir->image_pp, root, rins_weights_find, &weights)
                           : rins_big_vision_config(&dir->config, &dir->image_pp, rins_weights_find, &weights);
        if (status != RINS_OK) rins_fail_context(status, "model '%s'", dir->path);
    }
    if (status == RINS_OK) dir->tokenizer = rins_foreign_tokenizer(&dir->config, open_clip);
    rins_weights_close(&weights);
    json_decref(root);
    return status;
}

static RinsStatus read_files(RinsModelDir *dir) {
    if (is_npz(dir->path))
        dir->format = RINS_MODEL_BIG_VISION;
    else if (!rins_dir_holds(dir->path, "config.json") && rins_dir_holds(dir->path, "open_clip_config.json"))
        dir->format = RINS_MODEL_OPEN_CLIP;
    RINS_TRY(dir->format == RINS_MODEL_HF ? read_hf(dir) : read_foreign(dir));
    static const char *const names[] = {"spiece.model", "tokenizer.model"}; /* SigLIP's and Gemma's */
    for (int i = 0; i < 2 && !dir->tokenizer_path; i++)
        if (rins_dir_holds(dir->path, names[i]) && !(dir->tokenizer_path = rins_path_join(dir->path, names[i])))
            return RINS_FAIL(RINS_ERR_MEMORY, "no memory to open '%s'", dir->path);
    return RINS_OK;
}

RinsStatus rins_model_dir_open(RinsModelDir **out, const char *path) {
    *out = NULL;
    RinsModelDir *dir = calloc(1, sizeof *dir);
    if (!dir) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to open '%s'", path);
    RinsStatus status = rins_model_dir_find(path, &dir->path);
    if (status == RINS_OK) status = read_files(dir);
    if (status != RINS_OK)
        rins_model_dir_free(dir);
    else
        *out = dir;
    return status;
}

RinsStatus rins_model_dir_set_tokenizer(RinsModelDir *dir, const char *path) {
    if (!rins_path_is_file(path))
        return RINS_FAIL(RINS_ERR_IO, "no tokenizer at '%s': give a SentencePiece model (spiece.model)", path);
    char *copy = strdup(path);
    if (!copy) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to open '%s'", path);
    free(dir->tokenizer_path);
    dir->tokenizer_path = copy;
    return RINS_OK;
}

void rins_model_dir_free(RinsModelDir *dir) {
    if (!dir) return;
    rins_config_free(rins_model_fields, &dir->config);
    free(dir->path);
    free(dir->tokenizer_path);
    free(dir->image_pp);
    free(dir);
}
