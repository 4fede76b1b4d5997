#include "tools/command.h"

#include "src/base/file.h"
#include "src/base/log.h"
#include "src/model/hf_config.h"
#include "src/model/model_dir.h"
#include "tools/flags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Export {
    const char *model, *tokenizer, *out;
    bool unroll;
} Export;

/* A model's files beside a run's checkpoints would be read from then on in the place of its newest checkpoint. */
static RinsStatus check_no_run(const char *out) {
    return rins_dir_holds(out, "checkpoints")
               ? RINS_FAIL(RINS_ERR_ARG,
                           "--out '%s' is a run: '--model %s' would then be the export, not the run's newest "
                           "checkpoint; choose another directory, such as %s/export",
                           out, out, out)
               : RINS_OK;
}

/* Overwriting the model being read would destroy it where writing fails half-way. */
static RinsStatus check_out(const RinsModelDir *dir, const char *out) {
    if (!rins_path_same_place(dir->path, out)) return RINS_OK;
    return RINS_FAIL(RINS_ERR_ARG, "--out '%s' is the model itself: choose another directory", out);
}

/* What transformers' tokenizer comes as: it prefers these to spiece.model. */
static const char *const tokenizer_files[] = {"tokenizer.json", "special_tokens_map.json"};

/* A model takes the place of a model; what else goes by these names is somebody's own. */
static RinsStatus check_own(const char *out) {
    const char *const names[] = {
        "open_clip_config.json",    "config.json",           "model.safetensors", "spiece.model",
        "preprocessor_config.json", "tokenizer_config.json", tokenizer_files[0],  tokenizer_files[1]};
    if (rins_dir_holds(out, "config.json") && rins_dir_holds(out, "model.safetensors")) return RINS_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (rins_dir_holds(out, names[i]))
            return RINS_FAIL(
                RINS_ERR_ARG,
                "--out '%s' holds a %s, but no model that rins wrote: it would be replaced or hidden; choose "
                "another directory, or remove it",
                out, names[i]);
    return RINS_OK;
}

/* Where the model came with them. */
static RinsStatus copy_tokenizer_files(const RinsModelDir *dir, const char *out) {
    RinsStatus status = RINS_OK;
    for (int i = 0; i < 2 && status == RINS_OK; i++) {
        char *from = rins_path_join(dir->path, tokenizer_files[i]), *to = rins_path_join(out, tokenizer_files[i]),
             *data = NULL;
        size_t size;
        if (!from || !to)
            status = RINS_FAIL(RINS_ERR_MEMORY, "no memory to copy '%s'", tokenizer_files[i]);
        else if (rins_path_is_file(from))
            status = rins_file_read(from, 0, &data, &size);
        if (status == RINS_OK && data) status = rins_file_write(to, data, size);
        free(data);
        free(from);
        free(to);
    }
    return status;
}

static RinsStatus run(const Export *args, int threads) {
    RinsModelDir *dir = NULL;
    RinsDevice *dev = NULL;
    RinsModel *model = NULL;
    const bool new = !rins_path_is_dir(args->out);
    bool fits = false;
    const char *why;
    const RinsModelOptions options = {.image = true, .text = true, .batch = 1};
    RinsStatus status = RINS_OK;
    RINS_TRY_DONE(check_no_run(args->out));
    RINS_TRY_DONE(check_own(args->out));
    RINS_TRY_DONE(rins_model_dir_open(&dir, args->model));
    if (args->tokenizer) RINS_TRY_DONE(rins_model_dir_set_tokenizer(dir, args->tokenizer));
    RINS_TRY_DONE(rins_device_open(&dev, "cpu", threads));
    RINS_TRY_DONE(rins_model_new(&model, dev, &dir->config, &options));
    RINS_TRY_DONE(rins_model_dir_load(dir, model));
    RINS_TRY_DONE(rins_mkdirs(args->out));
    RINS_TRY_DONE(check_out(dir, args->out));
    const RinsModelDirInfo info = {
        .tokenizer_path = dir->tokenizer_path, .tokenizer = dir->tokenizer, .image_pp = dir->image_pp};
    RINS_TRY_DONE(args->unroll ? rins_model_dir_save_unrolled(args->out, model, &info)
                               : rins_model_dir_save(args->out, model, &info));
    if (!args->tokenizer) RINS_TRY_DONE(copy_tokenizer_files(dir, args->out));
    if (!dir->tokenizer_path)
        rins_log(RINS_LOG_WARN, "'%s' has no tokenizer, nor has the export: --tokenizer F gives it one", dir->path);
    rins_log(RINS_LOG_INFO, "'%s' written to '%s'", dir->path, args->out);
    RINS_TRY_DONE(rins_hf_config_fits(&dir->config, &fits, &why));
    if (!fits && !args->unroll)
        rins_log(RINS_LOG_INFO, "rins reads it, transformers' SiglipModel cannot: %s%s", why,
                 rins_model_config_unrolls(&dir->config) == RINS_OK ? " (--unroll writes it as a plain one)" : "");
done:
    if (status != RINS_OK && new) rmdir(args->out); /* does nothing to one that holds files */
    rins_model_free(model);
    rins_device_close(dev);
    rins_model_dir_free(dir);
    return status;
}

int rins_cmd_export(int argc, char **argv) {
    Export args = {0};
    RinsCommon common = {0};
    int n;
    const RinsFlag flags[] = {
        {"model", RINS_FLAG_STRING, &args.model, "M",
         "a run, a checkpoint, a Hugging Face or open_clip SigLIP directory, or a big_vision .npz", true},
        {"out", RINS_FLAG_OUT_DIR, &args.out, "DIR", "directory to write; made where it does not exist", true},
        {"tokenizer", RINS_FLAG_STRING, &args.tokenizer, "F",
         "SentencePiece model to write beside it instead of the model's own"},
        {"unroll", RINS_FLAG_BOOL, &args.unroll, NULL,
         "copy repeated blocks out: a plain, deeper model for transformers"},
        {NULL}};
    const RinsCli cli = {
        .name = "rins export",
        .usage = "--model M --out DIR [--unroll]",
        .about = "Writes a model as config.json, model.safetensors and its tokenizer and preprocessing files.\n"
                 "Plain models load in transformers as they are; recursive ones with --unroll.",
        .flags = flags,
        .common = &common};
    const int parsed = rins_cli_parse(&cli, argc, argv, &n);
    if (parsed != RINS_CLI_GO_ON) return parsed;
    return rins_report(run(&args, (int)common.threads));
}
