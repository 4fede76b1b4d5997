#include "src/train/checkpoint.h"

#include "src/model/safetensors.h"
#include "src/model/checkpoint_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOMENTS = 2, NAME_ROOM = sizeof((RinsParam *)0)->name + 2 };

static const char *const moment_names[MOMENTS] = {"m", "v"};

static float *moment(const RinsParams *params, int which) {
    return which == 0 ? params->m : params->v;
}

static void moment_name(char name[NAME_ROOM], int which, const RinsParam *param) {
    snprintf(name, NAME_ROOM, "%s.%s", moment_names[which], param->name);
}

static int trained(const RinsParams *params) {
    int n = 0;
    for (int i = 0; i < params->n; i++) n += !params->list[i].frozen;
    return n;
}

static float *host_buffer(const RinsParams *params) {
    int64_t most = 1;
    for (int i = 0; i < params->n; i++) most = params->list[i].count > most ? params->list[i].count : most;
    return malloc((size_t)most * sizeof(float));
}

static void describe(const RinsParams *params, RinsStTensor *list, char (*names)[NAME_ROOM]) {
    for (int which = 0, at = 0; which < MOMENTS; which++)
        for (int i = 0; i < params->n; i++) {
            const RinsParam *param = &params->list[i];
            if (param->frozen) continue;
            moment_name(names[at], which, param);
            list[at] = (RinsStTensor){.name = names[at], .type = RINS_ST_F32, .ndim = param->ndim};
            memcpy(list[at].shape, param->spec.shape, (size_t)param->ndim * sizeof param->spec.shape[0]);
            at++;
        }
}

static RinsStatus save_moments(const char *path, const RinsParams *params) {
    RinsStatus status = RINS_OK;
    RinsStWriter writer = {0};
    const size_t n = (size_t)(MOMENTS * trained(params));
    RinsStTensor *list = calloc(n ? n : 1, sizeof *list);
    char(*names)[NAME_ROOM] = calloc(n ? n : 1, sizeof *names);
    float *host = host_buffer(params);
    if (!list || !names || !host) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory to write '%s'", path);
        goto done;
    }
    describe(params, list, names);
    RINS_TRY_DONE(rins_st_writer_open(&writer, path, list, n, NULL, 0));
    for (int which = 0; which < MOMENTS; which++)
        for (int i = 0; i < params->n; i++) {
            if (params->list[i].frozen) continue;
            RINS_TRY_DONE(rins_params_get(params, moment(params, which), i, host));
            rins_st_writer_put(&writer, host, (size_t)params->list[i].count * sizeof *host);
        }
    status = rins_st_writer_commit(&writer);
done:
    rins_st_writer_abort(&writer);
    free(host);
    free(names);
    free(list);
    return status;
}

static RinsStatus load_moment(const RinsSafetensors *file, const char *path, RinsParams *params, int which, int i,
                              float *host) {
    char name[NAME_ROOM];
    const RinsParam *param = &params->list[i];
    moment_name(name, which, param);
    const RinsStTensor *tensor = rins_safetensors_find(file, name);
    if (!tensor || tensor->count != param->count)
        return RINS_FAIL(RINS_ERR_MISMATCH, "'%s': %s %s, so it is not this model's", path, name,
                         tensor ? "has another size" : "is missing");
    RINS_TRY(rins_st_to_f32(tensor, host));
    return rins_params_set(params, moment(params, which), i, host);
}

static RinsStatus load_moments(const char *path, RinsParams *params) {
    RinsSafetensors file = {0};
    RinsStatus status = RINS_OK;
    float *host = host_buffer(params);
    if (!host) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to read '%s'", path);
    RINS_TRY_DONE(rins_safetensors_open(&file, path));
    for (int which = 0; which < MOMENTS; which++)
        for (int i = 0; i < params->n; i++)
            if (!params->list[i].frozen) RINS_TRY_DONE(load_moment(&file, path, params, which, i, host));
done:
    rins_safetensors_close(&file);
    free(host);
    return status;
}

static RinsStatus write_parts(const char *partial, RinsModel *model, const RinsModelDirInfo *info,
                              const RinsTrainState *state) {
    RinsStatus status = RINS_OK;
    char *moments = rins_path_join(partial, "optimizer.safetensors"),
         *about = rins_path_join(partial, "train_state.json");
    if (!moments || !about) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory to write a checkpoint");
        goto done;
    }
    RINS_TRY_DONE(rins_model_dir_save(partial, model, info));
    RINS_TRY_DONE(save_moments(moments, rins_model_params(model)));
    status = rins_train_state_write(state, about);
done:
    free(about);
    free(moments);
    return status;
}

RinsStatus rins_checkpoint_save(const char *run, RinsModel *model, const RinsModelDirInfo *info,
                                const RinsTrainState *state, int64_t spare, int64_t keep) {
    char *partial;
    RINS_TRY(rins_checkpoint_begin(run, state->step, &partial));
    RinsStatus status = write_parts(partial, model, info, state);
    if (status == RINS_OK) status = rins_checkpoint_commit(run, state->step, partial);
    if (status == RINS_OK && spare > 0 && spare != state->step) status = rins_checkpoint_remove(run, spare);
    if (status == RINS_OK) status = rins_checkpoint_prune(run, keep);
    free(partial);
    return status == RINS_OK ? status : rins_fail_context(status, "checkpoint of step %lld", (long long)state->step);
}

RinsStatus rins_checkpoint_load(const char *path, RinsModel *model) {
    RinsModelDir *dir = NULL;
    RinsStatus status = RINS_OK;
    char *moments = rins_path_join(path, "optimizer.safetensors");
    if (!moments) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to read '%s'", path);
    RINS_TRY_DONE(rins_model_dir_open(&dir, path));
    RINS_TRY_DONE(rins_model_dir_load(dir, model));
    status = load_moments(moments, rins_model_params(model));
done:
    rins_model_dir_free(dir);
    free(moments);
    return status;
}
