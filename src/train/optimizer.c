#include "src/train/optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

RinsOptimizerOptions rins_optimizer_options(const RinsOptimizerConfig *config) {
    return (RinsOptimizerOptions){.b1 = config->b1,
                                  .b2 = config->b2,
                                  .eps = config->eps,
                                  .weight_decay = config->weight_decay,
                                  .clip = config->clip,
                                  .decay_all = config->decay_all,
                                  .lr_mults = &config->lr_mults};
}

/* How well `key` names `param`: 0 not at all, 1 its tower, else 1 + the length of the name prefix. */
static size_t key_fit(const char *key, const RinsParam *param) {
    if (!strcmp(key, "image")) return param->tower == RINS_TOWER_IMAGE;
    if (!strcmp(key, "text")) return param->tower == RINS_TOWER_TEXT;
    const size_t n = strlen(key);
    if (n == 0 || strncmp(param->name, key, n) != 0) return 0;
    const bool at_dot = param->name[n] == 0 || param->name[n] == '.' || key[n - 1] == '.';
    return at_dot ? 1 + n : 0;
}

static double lr_mult_of(const RinsFloatMap *map, const RinsParam *param, bool *used) {
    size_t best = 0, at = 0;
    for (size_t i = 0; map && i < map->n; i++) {
        const size_t fit = key_fit(map->items[i].key, param);
        if (fit > 0) used[i] = true;
        if (fit > best) best = fit, at = i;
    }
    return best > 0 ? map->items[at].value : 1;
}

static RinsStatus check_keys(const RinsFloatMap *map, const bool *used) {
    for (size_t i = 0; map && i < map->n; i++) {
        const char *key = map->items[i].key;
        if (!used[i])
            return RINS_FAIL(
                RINS_ERR_CONFIG,
                "train.optimizer.lr_mults: '%s' fits no trained parameter; use image, text or the beginning "
                "of a name up to a dot, such as text_model.embeddings",
                key);
        if (!(map->items[i].value >= 0) || !isfinite(map->items[i].value))
            return RINS_FAIL(RINS_ERR_CONFIG, "train.optimizer.lr_mults: %s: %g is not a factor", key,
                             map->items[i].value);
    }
    return RINS_OK;
}

static RinsStatus check_options(const RinsOptimizerOptions *o) {
    if (!(o->b1 >= 0 && o->b1 < 1)) return RINS_FAIL(RINS_ERR_CONFIG, "train.optimizer.b1: %g is not in [0, 1)", o->b1);
    if (!(o->b2 >= 0 && o->b2 < 1)) return RINS_FAIL(RINS_ERR_CONFIG, "train.optimizer.b2: %g is not in [0, 1)", o->b2);
    if (!(o->eps > 0)) return RINS_FAIL(RINS_ERR_CONFIG, "train.optimizer.eps: %g is not above 0", o->eps);
    if (!(o->clip >= 0)) return RINS_FAIL(RINS_ERR_CONFIG, "train.optimizer.clip: %g is negative", o->clip);
    if (!(o->weight_decay >= 0))
        return RINS_FAIL(RINS_ERR_CONFIG, "train.optimizer.weight_decay: %g is negative", o->weight_decay);
    return RINS_OK;
}

/* Padding between two parameters of a range is zero in every buffer and stays so. */
static void append(RinsOptimizer *o, const RinsParam *param, double lr_mult, bool decay) {
    RinsRange *last = o->n_ranges ? &o->ranges[o->n_ranges - 1] : NULL;
    if (last && last->lr_mult == lr_mult && last->decay == decay) {
        last->count = param->offset + param->count - last->offset;
        return;
    }
    o->ranges[o->n_ranges++] = (RinsRange){param->offset, param->count, lr_mult, decay};
}

RinsStatus rins_optimizer_make(RinsOptimizer *optimizer, RinsParams *params, const RinsOptimizerOptions *options) {
    RINS_TRY(check_options(options));
    *optimizer = (RinsOptimizer){.params = params, .options = *options};
    const RinsFloatMap *map = options->lr_mults;
    RinsStatus status = RINS_OK;
    bool *used = calloc(map && map->n ? map->n : 1, sizeof *used);
    optimizer->ranges = calloc((size_t)(params->n > 0 ? params->n : 1), sizeof *optimizer->ranges);
    if (!used || !optimizer->ranges) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for the optimiser's %d ranges", params->n);
        goto done;
    }
    for (int i = 0; i < params->n; i++) {
        const RinsParam *param = &params->list[i];
        if (!param->frozen)
            append(optimizer, param, lr_mult_of(map, param, used), param->spec.decay || options->decay_all);
    }
    RINS_TRY_DONE(check_keys(map, used));
    if (optimizer->n_ranges == 0)
        status = RINS_FAIL(RINS_ERR_CONFIG, "everything is frozen: there is nothing to train");
done:
    free(used);
    optimizer->options.lr_mults = NULL;
    if (status != RINS_OK) rins_optimizer_free(optimizer);
    return status;
}

void rins_optimizer_free(RinsOptimizer *optimizer) {
    free(optimizer->ranges);
    *optimizer = (RinsOptimizer){0};
}

void rins_optimizer_step(const RinsOptimizer *optimizer, int64_t step, double lr, const double *sqsum) {
    RinsParams *p = optimizer->params;
    const RinsOptimizerOptions *o = &optimizer->options;
    for (int i = 0; i < optimizer->n_ranges; i++) {
        const RinsRange *range = &optimizer->ranges[i];
        const RinsAdamW adamw = {
            .w = p->w + range->offset,
            .m = p->m + range->offset,
            .v = p->v + range->offset,
            .g = p->g + range->offset,
            .low = p->low ? p->low + range->offset : NULL,
            .n = range->count,
            .lr = (float)(lr * range->lr_mult),
            .b1 = (float)o->b1,
            .b2 = (float)o->b2,
            .eps = (float)o->eps,
            .weight_decay = range->decay ? (float)o->weight_decay : 0,
            .clip = (float)o->clip,
            .bias1 = 1 - pow(o->b1, (double)step),
            .bias2 = 1 - pow(o->b2, (double)step),
            .sqsum = sqsum,
        };
        p->dev->ops->adamw(p->dev, &adamw);
    }
}
