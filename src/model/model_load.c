#include "src/base/log.h"
#include "src/model/model_dir.h"
#include "src/model/weights.h"

#include <string.h>

/* Which tower a tensor of a file belongs to, by its name. */
static RinsTower tower_of(const char *name) {
    if (!strncmp(name, "vision_model.", 13)) return RINS_TOWER_IMAGE;
    return strncmp(name, "text_model.", 11) ? RINS_TOWER_NONE : RINS_TOWER_TEXT;
}

static bool ends_with(const char *text, const char *end) {
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

/* Tensors that the model has no place for are worth a word: a config with fewer layers than the file loads
   otherwise without a trace. position_ids are buffers that old files carry. */
static void warn_of_unused(const RinsWeights *weights, const RinsParams *params, const char *path) {
    const char *first = NULL;
    bool has[3] = {false, false, false};
    int n = 0;
    for (int i = 0; i < params->n; i++) has[params->list[i].tower] = true;
    for (size_t f = 0; f < weights->n; f++)
        for (size_t i = 0; i < weights->files[f].n; i++) {
            const char *name = weights->files[f].list[i].name;
            if (!has[tower_of(name)] || ends_with(name, ".position_ids") || rins_params_find(params, name) >= 0)
                continue;
            if (!n++) first = name;
        }
    if (n)
        rins_log(RINS_LOG_WARN, "'%s': %d tensor%s the model has no place for, the first is '%s'", path, n,
                 n == 1 ? "" : "s", first);
}

/* Adapters belong to a kind and a number of rounds: what the file has none of stays as it was drawn, zero. A file of
   the very same recursion must have them all. */
static bool has_other_adapters(const RinsModelDir *dir, const RinsModel *model, const RinsWeights *weights,
                               const RinsParam *param) {
    if (!strstr(param->name, ".encoder.adapters.")) return false;
    const bool image = param->tower == RINS_TOWER_IMAGE;
    const RinsModelConfig *config = rins_model_config(model);
    const RinsRecursionConfig *from =
        image ? &dir->config.image.encoder.recursion : &dir->config.text.encoder.recursion;
    const RinsRecursionConfig *to = image ? &config->image.encoder.recursion : &config->text.encoder.recursion;
    if (from->adapter != to->adapter) return true;
    return strcmp(from->signature, to->signature) != 0 && !rins_weights_find(weights, param->name);
}

static RinsStatus load(const RinsModelDir *dir, RinsModel *model, bool all, RinsTower tower) {
    RinsWeights weights;
    RinsParams *params = rins_model_params(model);
    RINS_TRY(rins_weights_open(&weights, dir->path, dir->format, false));
    RinsStatus status = RINS_OK;
    for (int i = 0; i < params->n && status == RINS_OK; i++)
        if ((all || params->list[i].tower == tower) && !has_other_adapters(dir, model, &weights, &params->list[i]))
            status = rins_weights_load(&weights, params, i);
    if (status == RINS_OK && all && !weights.names) warn_of_unused(&weights, params, dir->path);
    rins_weights_close(&weights);
    if (status != RINS_OK) return rins_fail_context(status, "model '%s'", dir->path);
    rins_params_cast_low(params);
    return RINS_OK;
}

RinsStatus rins_model_dir_load(const RinsModelDir *dir, RinsModel *model) {
    return load(dir, model, true, RINS_TOWER_NONE);
}

RinsStatus rins_model_dir_load_tower(const RinsModelDir *dir, RinsModel *model, RinsTower tower) {
    return load(dir, model, false, tower);
}
