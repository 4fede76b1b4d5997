#include "src/nn/params.h"

#include "src/base/arena.h"
#include "src/base/list.h"
#include "src/base/rng.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN_ELEMENTS = RINS_ALIGN / sizeof(float) };

/* Deviation of a standard normal truncated at two, as jax.nn.initializers divides it out. */
static const double TRUNCATED_STD = 0.87962566103423978;

void rins_params_init(RinsParams *params, RinsDevice *dev) {
    *params = (RinsParams){.dev = dev};
}

void rins_params_free(RinsParams *params) {
    if (params->dev) {
        const RinsOps *ops = params->dev->ops;
        void *buffers[] = {params->w, params->g, params->m, params->v, params->low};
        for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
            if (buffers[i]) ops->free(params->dev, buffers[i]);
    }
    free(params->list);
    *params = (RinsParams){0};
}

static int64_t padded(int64_t n) {
    return (n + ALIGN_ELEMENTS - 1) / ALIGN_ELEMENTS * ALIGN_ELEMENTS;
}

static RinsStatus grow(RinsParams *params) {
    RinsParam *list = rins_list_grow(params->list, (size_t)params->n, sizeof *list);
    if (!list) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for the parameter table");
    params->list = list;
    return RINS_OK;
}

RinsStatus rins_params_add(RinsParams *params, RinsTower tower, bool frozen, const RinsParamSpec *spec, int *index,
                           const char *name, ...) {
    RINS_TRY(grow(params));
    RinsParam *param = &params->list[params->n];
    *param = (RinsParam){.spec = *spec, .count = 1, .tower = tower, .frozen = frozen};
    va_list ap;
    va_start(ap, name);
    const int length = vsnprintf(param->name, sizeof param->name, name, ap);
    va_end(ap);
    if (length >= (int)sizeof param->name)
        return RINS_FAIL(RINS_ERR_INTERNAL, "parameter name too long: %s", param->name);
    for (; param->ndim < 4 && spec->shape[param->ndim] > 0; param->ndim++) param->count *= spec->shape[param->ndim];
    if (!frozen && params->total > params->trainable)
        return RINS_FAIL(RINS_ERR_INTERNAL, "trainable parameter '%s' added after a frozen one", param->name);
    /* A packed parameter begins where the one before it ends; all others on a cache line. */
    param->offset =
        spec->packed ? params->list[params->n - 1].offset + params->list[params->n - 1].count : padded(params->total);
    params->total = param->offset + param->count;
    if (!frozen) params->trainable = params->total;
    *index = params->n++;
    return RINS_OK;
}

static RinsStatus alloc_flat(RinsParams *params, void *where, int64_t n, size_t element) {
    void *data = params->dev->ops->alloc(params->dev, (size_t)padded(n) * element);
    if (!data)
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld parameters on %s", (long long)n, params->dev->name);
    memcpy(where, &data, sizeof data);
    return RINS_OK;
}

RinsStatus rins_params_alloc(RinsParams *params, bool training, bool low) {
    RINS_TRY(alloc_flat(params, &params->w, params->total, sizeof(float)));
    if (low) RINS_TRY(alloc_flat(params, &params->low, params->total, sizeof(uint16_t)));
    if (!training || params->trainable == 0) return RINS_OK;
    RINS_TRY(alloc_flat(params, &params->g, params->trainable, sizeof(float)));
    RINS_TRY(alloc_flat(params, &params->m, params->trainable, sizeof(float)));
    return alloc_flat(params, &params->v, params->trainable, sizeof(float));
}

/* Draws are keyed by runs of this many elements, so that threads can share a large matrix. */
enum { DRAW_RUN = 16384 };

static double draw_one(const RinsParamSpec *spec, RinsRng *rng) {
    switch (spec->init) {
    case RINS_INIT_CONST: return spec->init_arg;
    case RINS_INIT_NORMAL: return spec->init_arg * rins_rng_normal(rng);
    case RINS_INIT_XAVIER_UNIFORM:
        return sqrt(6.0 / (double)(spec->fan_in + spec->fan_out)) * (2.0 * rins_rng_uniform(rng) - 1.0);
    case RINS_INIT_LECUN_TRUNCATED_NORMAL:
        return sqrt(1.0 / (double)spec->fan_in) / TRUNCATED_STD * rins_rng_truncated_normal(rng);
    }
    return 0;
}

static void draw(const RinsParam *param, uint64_t seed, float *host) {
    const uint64_t name = rins_hash_str(param->name);
#pragma omp parallel for schedule(dynamic)
    for (int64_t run = 0; run < param->count; run += DRAW_RUN) {
        RinsRng rng = rins_rng(RINS_RNG_INIT, seed, name, (uint64_t)(run / DRAW_RUN));
        const int64_t end = run + DRAW_RUN < param->count ? run + DRAW_RUN : param->count;
        for (int64_t i = run; i < end; i++) host[i] = (float)draw_one(&param->spec, &rng);
    }
}

RinsStatus rins_params_randomise(RinsParams *params, uint64_t seed) {
    RinsStatus status = RINS_OK;
    for (int i = 0; i < params->n && status == RINS_OK; i++) {
        float *host = malloc((size_t)params->list[i].count * sizeof *host);
        if (!host) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to draw '%s'", params->list[i].name);
        draw(&params->list[i], seed, host);
        status = rins_params_set(params, params->w, i, host);
        free(host);
    }
    rins_params_cast_low(params);
    return status;
}

int rins_params_find(const RinsParams *params, const char *name) {
    for (int i = 0; i < params->n; i++)
        if (!strcmp(params->list[i].name, name)) return i;
    return -1;
}

int64_t rins_params_count(const RinsParams *params, RinsTower tower, bool trainable_only) {
    int64_t count = 0;
    for (int i = 0; i < params->n; i++) {
        const RinsParam *param = &params->list[i];
        if ((tower == RINS_TOWER_NONE || param->tower == tower) && !(trainable_only && param->frozen))
            count += param->count;
    }
    return count;
}

size_t rins_params_bytes(const RinsParams *params) {
    const size_t all = (size_t)params->total, trained = params->g ? (size_t)params->trainable : 0;
    return all * (sizeof(float) + (params->low ? sizeof(uint16_t) : 0)) + 3 * trained * sizeof(float);
}

RinsStatus rins_params_get(const RinsParams *params, const float *buffer, int index, float *host) {
    const RinsParam *param = &params->list[index];
    params->dev->ops->copy_out(params->dev, host, buffer + param->offset, (size_t)param->count * sizeof *host);
    return params->dev->ops->sync(params->dev);
}

RinsStatus rins_params_set(RinsParams *params, float *buffer, int index, const float *host) {
    const RinsParam *param = &params->list[index];
    params->dev->ops->copy_in(params->dev, buffer + param->offset, host, (size_t)param->count * sizeof *host);
    return params->dev->ops->sync(params->dev);
}

void rins_params_cast_low(RinsParams *params) {
    if (!params->low) return;
    params->dev->ops->cast(params->dev, rins_tensor(params->low, RINS_BF16, 1, params->total),
                           rins_f32(params->w, 1, params->total));
}
