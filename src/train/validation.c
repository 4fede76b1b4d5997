#include "src/train/validation.h"

#include <string.h>

/* Whether labels mean the same in both. */
static bool same_classes(const RinsSource *a, const RinsSource *b) {
    bool same = rins_source_classes(a) == rins_source_classes(b);
    for (int i = 0; same && i < rins_source_classes(a); i++)
        same = !strcmp(rins_source_class_name(a, i), rins_source_class_name(b, i));
    return same;
}

/* The training data's class names go with its labels; another set of folders goes by its own. */
static void choose_names(RinsLoaderOptions *options, const RinsTrainingData *data, const RinsSource *source) {
    for (int i = 0; i < data->n_sources; i++)
        if (same_classes(data->sources[i], source)) return;
    options->class_names = NULL;
    options->n_class_names = 0;
}

RinsStatus rins_validation_loss(RinsModel *model, const RinsTrainingData *data, const RinsRunConfig *config, int index,
                                double *loss, int64_t *pairs) {
    RinsLoaderOptions options = rins_training_loader_options(data, config);
    const int64_t count = rins_source_count(data->eval_sources[index]);
    options.sources = &data->eval_sources[index];
    options.n_sources = 1;
    choose_names(&options, data, data->eval_sources[index]);
    options.weights = NULL;
    options.pp = data->eval_pp;
    options.shuffle = false;
    options.cache = false;
    if (options.batch > count) options.batch = count;
    const int64_t batches = count / options.batch;
    options.end_slot = batches * options.batch;

    RinsLoader *loader;
    RINS_TRY(rins_loader_open(&loader, &options));
    RinsStatus status = RINS_OK;
    double sum = 0;
    for (int64_t i = 0; i < batches; i++) {
        const RinsBatch *batch;
        float one;
        RINS_TRY_DONE(rins_loader_next(loader, &batch));
        RINS_TRY_DONE(rins_model_loss(model, batch->pixels, batch->ids, batch->n, (RinsRounds){0, 0}, &one));
        sum += one;
    }
    *loss = sum / (double)batches;
    *pairs = batches * options.batch;
done:
    rins_loader_free(loader);
    return status;
}
