/* Tiny models in the fixture's folder. */
#ifndef RINS_TESTS_SAVED_MODEL_H
#define RINS_TESTS_SAVED_MODEL_H

#include "tests/unit/data_fixture.h"
#include "tests/unit/tiny_model.h"

#include "src/model/model_dir.h"

/* NAME inside the fixture's folder: both towers with this signature; with a tokenizer or without. */
static inline void save_model_as(const char *name, bool tokenizer, const char *signature) {
    char spiece[512], overrides[256];
    const char *root = getenv("RINS_SOURCE_ROOT");
    snprintf(spiece, sizeof spiece, "%s/tests/golden/text/spiece.model", root ? root : ".");
    snprintf(overrides, sizeof overrides,
             "text.vocab=400 text.length=48 text.recursion.signature=%s image.recursion.signature=%s", signature,
             signature);
    RinsModelConfig config = tiny_config(overrides);
    RinsModelOptions options = tiny_options(2);
    options.training = false;
    RinsDevice *dev = NULL;
    RinsModel *model = NULL;
    assert_ok(rins_device_open(&dev, "cpu", 2));
    assert_ok(rins_model_new(&model, dev, &config, &options));
    tiny_weights(model, 11);
    const RinsModelDirInfo info = {
        tokenizer ? spiece : NULL, {RINS_CLEAN_CANONICALIZE, 48, -1, -1}, "decode|resize(9)|value_range(-1,1)"};
    assert_ok(rins_mkdirs(in_dir(name)));
    assert_ok(rins_model_dir_save(in_dir(name), model, &info));
    rins_model_free(model);
    rins_device_close(dev);
    rins_config_free(rins_model_fields, &config);
}

/* "model": recursive in both towers, with a tokenizer. */
static inline void save_model(void) {
    save_model_as("model", true, "A^2B");
}

#endif
