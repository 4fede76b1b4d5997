/* A two-tower model of a few thousand parameters with lively random weights, and inputs for it. */
#ifndef RINS_TESTS_TINY_MODEL_H
#define RINS_TESTS_TINY_MODEL_H

#include "src/base/rng.h"
#include "src/model/model.h"

#include <stdlib.h>
#include <string.h>

typedef struct TinyInputs {
    uint8_t *pixels;
    int32_t *ids;
    int64_t n;
} TinyInputs;

/* Overrides are separated by spaces: "image.pool=gap text.recursion.signature=A^2B". */
static inline RinsModelConfig tiny_config(const char *overrides) {
    static const char base[] = "image: {width: 12, depth: 4, mlp: 20, heads: 3, patch: 4, size: 9}\n"
                               "text: {width: 12, depth: 4, mlp: 20, heads: 2, vocab: 23, length: 5}\n";
    RinsModelConfig config = {0};
    char copy[512], *rest = copy;
    if (rins_config_defaults(rins_model_fields, &config) != RINS_OK) abort();
    if (rins_config_parse(rins_model_fields, &config, base, "tiny") != RINS_OK) abort();
    snprintf(copy, sizeof copy, "%s", overrides);
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        if (*word && rins_config_override(rins_model_fields, &config, word) != RINS_OK) abort();
    return config;
}

static inline TinyInputs tiny_inputs(const RinsModelConfig *config, int64_t n, uint64_t seed) {
    const size_t bytes = (size_t)(n * config->image.size * config->image.size * 3);
    const size_t words = (size_t)(n * config->text.length);
    TinyInputs inputs = {malloc(bytes), malloc(words * sizeof(int32_t)), n};
    RinsRng rng = rins_rng(RINS_RNG_TEST, seed, 1, 0);
    for (size_t i = 0; i < bytes; i++) inputs.pixels[i] = (uint8_t)rins_rng_below(&rng, 256);
    for (size_t i = 0; i < words; i++) inputs.ids[i] = (int32_t)rins_rng_below(&rng, (uint64_t)config->text.vocab);
    return inputs;
}

static inline void tiny_inputs_free(TinyInputs *inputs) {
    free(inputs->pixels);
    free(inputs->ids);
}

/* Weights far from their initial zeros and ones, so that every path carries signal. */
static inline void tiny_weights(RinsModel *model, uint64_t seed) {
    RinsParams *params = rins_model_params(model);
    for (int i = 0; i < params->n; i++) {
        const RinsParam *param = &params->list[i];
        float *host = malloc((size_t)param->count * sizeof *host);
        RinsRng rng = rins_rng(RINS_RNG_TEST, seed, rins_hash_str(param->name), 2);
        const bool gain = strstr(param->name, "norm") && strstr(param->name, ".weight");
        for (int64_t j = 0; j < param->count; j++) host[j] = (float)(0.35 * rins_rng_normal(&rng) + (gain ? 1.0 : 0.0));
        if (!strcmp(param->name, "logit_scale")) host[0] = 1.2f;
        if (!strcmp(param->name, "logit_bias")) host[0] = -0.9f;
        if (rins_params_set(params, params->w, i, host) != RINS_OK) abort();
        free(host);
    }
    rins_params_cast_low(params);
}

static inline RinsModelOptions tiny_options(int64_t batch) {
    return (RinsModelOptions){.training = true, .image = true, .text = true, .batch = batch};
}

#endif
