/* A tiny model in "model" inside the fixture's folder, recursive in both towers, with a tokenizer. */
#ifndef RINS_TESTS_SAVED_MODEL_H
#define RINS_TESTS_SAVED_MODEL_H

#include "tests/unit/data_fixture.h"
#include "tests/unit/tiny_model.h"

#include "src/model/model_dir.h"

static inline void save_model(void) {
    char spiece[512];
    const char *root = getenv("RINS_SOURCE_ROOT");
    snprintf(spiece, sizeof spiece, "%s/tests/golden/text/spiece.model", root ? root : ".");
    RinsModelConfig config = tiny_config(
        "text.vocab=400 text.length=48 text.recursion.signature=A^2B image.recursion.signature=A^2B");
    RinsModelOptions options = tiny_options(2);
    options.training = false;
    RinsDevice *dev = NULL;
    RinsModel *model = NULL;
    assert_ok(rins_device_open(&dev, "cpu", 2));
    assert_ok(rins_model_new(&model, dev, &config, &options));
    tiny_weights(model, 11);
    const RinsModelDirInfo info = {
        spiece, {RINS_CLEAN_CANONICALIZE, 48, -1, -1}, "decode|resize(9)|value_range(-1,1)"};
    assert_ok(rins_mkdirs(in_dir("model")));
    assert_ok(rins_model_dir_save(in_dir("model"), model, &info));
    rins_model_free(model);
    rins_device_close(dev);
    rins_config_free(rins_model_fields, &config);
}

#endif
