/* Embeddings of given pixels and ids, for comparisons with other implementations:
     parity_tool MODEL_DIR IN.safetensors OUT.safetensors
   IN: pixels u8 (N, size, size, 3) and ids i32 (N, length), either may be missing. OUT: image_embeds, text_embeds. */
#include "src/model/model_dir.h"
#include "src/model/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Output {
    RinsStTensor tensor;
    float *data;
} Output;

static RinsStatus check(const RinsStTensor *in, RinsStType type, int64_t row) {
    if (in->type == type && in->ndim > 1 && in->shape[0] > 0 && in->count == in->shape[0] * row) return RINS_OK;
    return RINS_FAIL(RINS_ERR_MISMATCH, "'%s' must be (N, ...) %s with %lld elements a row", in->name,
                     rins_st_type_name(type), (long long)row);
}

static RinsStatus make_output(Output *out, const char *name, int64_t n, int64_t dim) {
    out->tensor = (RinsStTensor){.name = name, .type = RINS_ST_F32, .ndim = 2, .shape = {n, dim}};
    out->data = malloc((size_t)(n * dim) * sizeof *out->data);
    return out->data ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld embeddings", (long long)n);
}

static RinsStatus embed(RinsModel *model, const RinsSafetensors *in, Output outputs[2], int *n) {
    const RinsModelConfig *config = rins_model_config(model);
    const RinsStTensor *pixels = rins_safetensors_find(in, "pixels"), *ids = rins_safetensors_find(in, "ids");
    const int64_t dim = rins_model_embed_dim(model);
    if (pixels) {
        Output *out = &outputs[(*n)++];
        RINS_TRY(check(pixels, RINS_ST_U8, config->image.size * config->image.size * 3));
        RINS_TRY(make_output(out, "image_embeds", pixels->shape[0], dim));
        RINS_TRY(rins_model_encode_image(model, pixels->data, pixels->shape[0], 0, true, out->data));
    }
    if (ids) {
        Output *out = &outputs[(*n)++];
        RINS_TRY(check(ids, RINS_ST_I32, config->text.length));
        RINS_TRY(make_output(out, "text_embeds", ids->shape[0], dim));
        int32_t *copy = malloc(ids->bytes); /* a mapped file's tensors may lie anywhere */
        if (!copy) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for the ids");
        memcpy(copy, ids->data, ids->bytes);
        const RinsStatus status = rins_model_encode_text(model, copy, ids->shape[0], 0, true, out->data);
        free(copy);
        return status;
    }
    return RINS_OK;
}

static RinsStatus write_outputs(const char *path, const Output *outputs, int n) {
    RinsStWriter writer;
    RinsStTensor tensors[2];
    for (int i = 0; i < n; i++) tensors[i] = outputs[i].tensor;
    RINS_TRY(rins_st_writer_open(&writer, path, tensors, (size_t)n, NULL, 0));
    for (int i = 0; i < n; i++)
        rins_st_writer_put(&writer, outputs[i].data,
                           (size_t)(tensors[i].shape[0] * tensors[i].shape[1]) * sizeof(float));
    return rins_st_writer_commit(&writer);
}

static RinsStatus run(const char *model_path, const char *in_path, const char *out_path) {
    RinsModelDir *dir = NULL;
    RinsDevice *dev = NULL;
    RinsModel *model = NULL;
    RinsSafetensors in = {0};
    Output outputs[2] = {{.data = NULL}};
    int n = 0;
    const RinsModelOptions options = {.image = true, .text = true, .batch = 8};
    RinsStatus status = rins_model_dir_open(&dir, model_path);
    if (status != RINS_OK) goto done;
    RINS_TRY_DONE(rins_safetensors_open(&in, in_path));
    RINS_TRY_DONE(rins_device_open(&dev, "cpu", 0));
    RINS_TRY_DONE(rins_model_new(&model, dev, &dir->config, &options));
    RINS_TRY_DONE(rins_model_dir_load(dir, model));
    RINS_TRY_DONE(embed(model, &in, outputs, &n));
    status = write_outputs(out_path, outputs, n);
done:
    free(outputs[0].data);
    free(outputs[1].data);
    rins_model_free(model);
    if (dev) rins_device_close(dev);
    rins_safetensors_close(&in);
    rins_model_dir_free(dir);
    return status;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: %s MODEL_DIR IN.safetensors OUT.safetensors\n", argv[0]);
        return 2;
    }
    if (run(argv[1], argv[2], argv[3]) == RINS_OK) return 0;
    fprintf(stderr, "%s: %s\n", argv[0], rins_last_error());
    return 1;
}
