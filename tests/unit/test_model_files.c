/* Models on disk: Hugging Face tensors survive a round trip bit for bit, recursive models are written, read and
   unrolled without changing what they compute, and files that do not fit are refused by the tensor's name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/model/model_dir.h"
#include "src/base/rng.h"
#include "src/model/weights.h"
#include "tests/unit/golden.h"

#include <math.h>

static char root[] = "/tmp/rins-model-files-XXXXXX";
static RinsDevice *dev;

static void must(RinsStatus status) {
    if (status != RINS_OK) fail_msg("%s: %s", rins_status_name(status), rins_last_error());
}

static int start(void **state) {
    (void)state;
    return mkdtemp(root) && rins_device_open(&dev, "cpu", 2) == RINS_OK ? 0 : -1;
}

static int stop(void **state) {
    (void)state;
    rins_device_close(dev);
    return rins_remove_tree(root);
}

/* A new empty directory under the test's own. */
static const char *make_dir(char path[512], const char *name) {
    snprintf(path, 512, "%s/%s", root, name);
    must(rins_mkdirs(path));
    return path;
}

static const RinsModelOptions both = {.image = true, .text = true, .batch = 3};
static const RinsModelDirInfo plain_info = {.tokenizer = {RINS_CLEAN_CANONICALIZE, 0, -1, -1},
                                            .image_pp = "decode|resize(16)|value_range(-1,1)"};

static RinsModel *open_model(const char *path, const RinsModelOptions *options) {
    RinsModelDir *dir;
    RinsModel *model;
    must(rins_model_dir_open(&dir, path));
    must(rins_model_new(&model, dev, &dir->config, options));
    must(rins_model_dir_load(dir, model));
    rins_model_dir_free(dir);
    return model;
}

static RinsModel *random_model(const char *yaml, RinsModelConfig *config) {
    RinsModel *model;
    *config = (RinsModelConfig){0};
    must(rins_config_defaults(rins_model_fields, config));
    must(rins_config_parse(rins_model_fields, config, yaml, "test"));
    must(rins_model_new(&model, dev, config, &both));
    must(rins_params_randomise(rins_model_params(model), 7));
    return model;
}

static void same_file(const char *a, const char *b, const char *name) {
    char *x, *y, path[1024];
    size_t n, m;
    snprintf(path, sizeof path, "%s/%s", a, name);
    must(rins_file_read(path, 0, &x, &n));
    snprintf(path, sizeof path, "%s/%s", b, name);
    must(rins_file_read(path, 0, &y, &m));
    if (n != m || memcmp(x, y, n) != 0) fail_msg("%s differs between %s and %s", name, a, b);
    free(x);
    free(y);
}

static void hugging_face_tensors_survive(void **state) {
    (void)state;
    char from[512], to[512];
    golden_path(from, "siglip_tiny");
    RinsModel *model = open_model(from, &both);
    must(rins_model_dir_save(make_dir(to, "tiny"), model, &plain_info));
    RinsWeights a, b;
    must(rins_weights_open(&a, from, RINS_MODEL_HF, false));
    must(rins_weights_open(&b, to, RINS_MODEL_HF, false));
    assert_int_equal(a.files[0].n, b.files[0].n);
    for (size_t i = 0; i < a.files[0].n; i++) {
        const RinsStTensor *x = &a.files[0].list[i], *y = rins_weights_find(&b, x->name);
        if (!y || x->type != y->type || x->ndim != y->ndim || memcmp(x->shape, y->shape, sizeof x->shape) != 0 ||
            x->bytes != y->bytes || memcmp(x->data, y->data, x->bytes) != 0)
            fail_msg("%s changed", x->name);
    }
    assert_string_equal(rins_safetensors_metadata(&b.files[0], "format"), "pt");
    rins_weights_close(&a);
    rins_weights_close(&b);
    rins_model_free(model);
    model = open_model(to, &both); /* and once more: the same files */
    must(rins_model_dir_save(make_dir(from, "tiny-again"), model, &plain_info));
    same_file(from, to, "model.safetensors");
    same_file(from, to, "config.json");
    same_file(from, to, "preprocessor_config.json");
    same_file(from, to, "tokenizer_config.json");
    rins_model_free(model);
}

/* Embeddings of three random pairs: (3, E) of images, then of texts. */
static float *embed(RinsModel *model) {
    const RinsModelConfig *config = rins_model_config(model);
    const int64_t e = rins_model_embed_dim(model), pixels = 3 * config->image.size * config->image.size * 3;
    uint8_t *image = malloc((size_t)pixels);
    int32_t *ids = malloc((size_t)(3 * config->text.length) * sizeof *ids);
    float *out = malloc((size_t)(6 * e) * sizeof *out);
    RinsRng rng = rins_rng(RINS_RNG_TEST, 1, 2, 3);
    for (int64_t i = 0; i < pixels; i++) image[i] = (uint8_t)rins_rng_below(&rng, 256);
    for (int64_t i = 0; i < 3 * config->text.length; i++)
        ids[i] = (int32_t)rins_rng_below(&rng, (uint64_t)config->text.vocab);
    must(rins_model_encode_image(model, image, 3, 0, false, out));
    must(rins_model_encode_text(model, ids, 3, 0, false, out + 3 * e));
    free(image);
    free(ids);
    return out;
}

static const char recursive[] =
    "{image: {variant: mu, depth: 2, patch: 8, size: 16, recursion: {signature: A^3B}},"
    "text: {variant: mu, depth: 4, vocab: 50, length: 5, recursion: {signature: (A^2B)^2}}}";

static void recursive_models_survive(void **state) {
    (void)state;
    char path[512], again[512];
    RinsModelConfig config;
    RinsModel *model = random_model(recursive, &config);
    must(rins_model_dir_save(make_dir(path, "recursive"), model, &plain_info));
    must(rins_model_dir_save(make_dir(again, "recursive-again"), model, &plain_info));
    same_file(path, again, "model.safetensors");
    same_file(path, again, "config.json");
    RinsModel *back = open_model(path, &both);
    assert_string_equal(rins_model_config(back)->image.encoder.recursion.signature, "A^3B");
    float *a = embed(model), *b = embed(back);
    assert_memory_equal(a, b, (size_t)(6 * rins_model_embed_dim(model)) * sizeof *a);
    free(a);
    free(b);
    rins_model_free(model);
    rins_model_free(back);
    rins_config_free(rins_model_fields, &config);
}

static void unrolled_models_compute_the_same(void **state) {
    (void)state;
    char path[512];
    RinsModelConfig config;
    RinsModel *model = random_model(recursive, &config);
    must(rins_model_dir_save_unrolled(make_dir(path, "unrolled"), model, &plain_info));
    RinsModel *plain = open_model(path, &both);
    const RinsModelConfig *c = rins_model_config(plain);
    assert_string_equal(c->image.encoder.recursion.signature, "A");
    assert_int_equal(c->image.encoder.depth, 4); /* 0 0 0 1 */
    assert_int_equal(c->text.encoder.depth, 12); /* (0 1 0 1 2 3) twice */
    float *a = embed(model), *b = embed(plain);
    assert_memory_equal(a, b, (size_t)(6 * rins_model_embed_dim(model)) * sizeof *a);
    free(a);
    free(b);
    rins_model_free(model);
    rins_model_free(plain);
    rins_config_free(rins_model_fields, &config);
}

/* All rounds run in an unrolled model, where no early exit's adapter is at work. */
static void early_exits_are_left_out_of_an_unrolled_model(void **state) {
    (void)state;
    char path[512];
    RinsModelConfig config;
    RinsModel *model =
        random_model("{image: {variant: mu, depth: 2, patch: 8, size: 16, recursion: {signature: A^2B, adapter: exit}},"
                     "text: {variant: mu, depth: 2, vocab: 50, length: 5}}",
                     &config);
    must(rins_model_dir_save_unrolled(make_dir(path, "exits"), model, &plain_info));
    RinsModel *plain = open_model(path, &both);
    assert_int_equal(rins_params_find(rins_model_params(plain), "vision_model.encoder.adapters.0.weight"), -1);
    float *a = embed(model), *b = embed(plain);
    assert_memory_equal(a, b, (size_t)(6 * rins_model_embed_dim(model)) * sizeof *a);
    free(a);
    free(b);
    rins_model_free(model);
    rins_model_free(plain);
    rins_config_free(rins_model_fields, &config);
}

static void what_siglip_cannot_hold_is_not_unrolled(void **state) {
    (void)state;
    static const struct {
        const char *yaml, *says;
    } cases[] = {
        {"{image: {variant: mu, patch: 8, size: 16}, text: {variant: mu, vocab: 50, length: 5, "
         "recursion: {signature: A^2, adapter: round}}}",
         "the text tower has adapters"},
        {"{image: {variant: mu, patch: 8, size: 16, pool: gap}, text: {variant: mu, vocab: 50, length: 5}}",
         "image.pool is not map"},
        {"{embed_dim: 16, image: {variant: mu, patch: 8, size: 16}, text: {variant: mu, vocab: 50, length: 5}}",
         "embed_dim differs"},
    };
    for (int i = 0; i < 3; i++) {
        char path[512], file[600], name[24];
        RinsModelConfig config;
        snprintf(name, sizeof name, "refused-%d", i);
        RinsModel *model = random_model(cases[i].yaml, &config);
        assert_int_equal(rins_model_dir_save_unrolled(make_dir(path, name), model, &plain_info), RINS_ERR_UNSUPPORTED);
        assert_non_null(strstr(rins_last_error(), cases[i].says));
        snprintf(file, sizeof file, "%s/model.safetensors", path);
        assert_false(rins_path_is_file(file));
        must(rins_model_dir_save(make_dir(path, name), model, &plain_info)); /* plain saving holds everything */
        RinsModel *back = open_model(path, &both);
        float *a = embed(model), *b = embed(back);
        assert_memory_equal(a, b, (size_t)(6 * rins_model_embed_dim(model)) * sizeof *a);
        free(a);
        free(b);
        rins_model_free(back);
        rins_model_free(model);
        rins_config_free(rins_model_fields, &config);
    }
}

static void one_tower_loads_alone(void **state) {
    (void)state;
    char path[512];
    RinsModelDir *dir;
    RinsModel *model;
    golden_path(path, "siglip_odd");
    must(rins_model_dir_open(&dir, path));
    const RinsModelOptions image_only = {.image = true, .batch = 2};
    must(rins_model_new(&model, dev, &dir->config, &image_only));
    must(rins_model_dir_load(dir, model));
    rins_model_free(model);
    must(rins_model_new(&model, dev, &dir->config, &both));
    RinsParams *params = rins_model_params(model);
    must(rins_params_randomise(params, 3));
    const int head = rins_params_find(params, "text_model.head.bias"),
              norm = rins_params_find(params, "vision_model.post_layernorm.weight");
    float before[60], after[60], image[60];
    must(rins_params_get(params, params->w, head, before));
    must(rins_model_dir_load_tower(dir, model, RINS_TOWER_IMAGE));
    must(rins_params_get(params, params->w, head, after));
    assert_memory_equal(before, after, sizeof before);
    must(rins_params_get(params, params->w, norm, image));
    assert_true(image[0] != 1.0f); /* the golden's norms are random */
    rins_model_free(model);
    rins_model_dir_free(dir);
}

/* A model with this recursion of the text tower. */
static RinsModel *recursive_text(const char *recursion, RinsModelConfig *config) {
    char yaml[256];
    snprintf(yaml, sizeof yaml,
             "{image: {variant: mu, patch: 8, size: 16}, text: {variant: mu, depth: 2, vocab: 50, length: 5, "
             "recursion: {%s}}}",
             recursion);
    return random_model(yaml, config);
}

/* Loads a model of recursion `from`, its adapters all ones, into one of recursion `to`; *weight: an adapter's first
   value then. */
static RinsStatus load_into(const char *from, const char *to, int adapter, float *weight) {
    char path[512], name[80];
    float values[32 * 32];
    static int n;
    RinsModelConfig config, wanted;
    RinsModelDir *dir;
    snprintf(name, sizeof name, "adapters-%d", n++);
    RinsModel *model = recursive_text(from, &config), *into = recursive_text(to, &wanted);
    RinsParams *params = rins_model_params(into);
    RinsParams *theirs = rins_model_params(model);
    for (int i = 0; i < 32 * 32; i++) values[i] = 1;
    for (int i = 0; i < theirs->n; i++)
        if (strstr(theirs->list[i].name, ".adapters.")) must(rins_params_set(theirs, theirs->w, i, values));
    must(rins_model_dir_save(make_dir(path, name), model, &plain_info));
    must(rins_model_dir_open(&dir, path));
    const RinsStatus status = rins_model_dir_load(dir, into);
    snprintf(name, sizeof name, "text_model.encoder.adapters.%d.weight", adapter);
    must(rins_params_get(params, params->w, rins_params_find(params, name), values));
    *weight = values[0];
    rins_model_dir_free(dir);
    rins_model_free(model);
    rins_model_free(into);
    rins_config_free(rins_model_fields, &config);
    rins_config_free(rins_model_fields, &wanted);
    return status;
}

static void adapters_the_start_has_not_begin_at_zero(void **state) {
    (void)state;
    float weight;
    must(load_into("signature: A", "signature: A^2B, adapter: exit", 0, &weight));
    assert_true(weight == 0);
    must(load_into("signature: A^2B, adapter: round", "signature: A^2B, adapter: exit", 0, &weight)); /* another kind */
    assert_true(weight == 0);
    must(load_into("signature: A^2B, adapter: exit", "signature: A^3B, adapter: exit", 0, &weight));
    assert_true(weight == 1);
    must(load_into("signature: A^2B, adapter: exit", "signature: A^3B, adapter: exit", 1, &weight));
    assert_true(weight == 0);
}

static void misfits_are_named(void **state) {
    (void)state;
    char from[512], to[512];
    RinsModelDir *dir;
    RinsModel *model;
    golden_path(from, "siglip_tiny");
    must(rins_model_dir_open(&dir, from));
    dir->config.text.vocab = 65;
    must(rins_model_new(&model, dev, &dir->config, &both));
    assert_int_equal(rins_model_dir_load(dir, model), RINS_ERR_MISMATCH);
    assert_non_null(
        strstr(rins_last_error(),
               "'text_model.embeddings.token_embedding.weight' has shape [64, 32] where the model has [65, 32]"));
    rins_model_free(model);
    dir->config.text.vocab = 64;
    dir->config.image.encoder.depth = 3;
    must(rins_model_new(&model, dev, &dir->config, &both));
    assert_int_equal(rins_model_dir_load(dir, model), RINS_ERR_MISMATCH);
    assert_non_null(strstr(rins_last_error(), "vision_model.encoder.layers.2."));
    assert_non_null(strstr(rins_last_error(), "is missing"));
    rins_model_free(model);
    rins_model_dir_free(dir);
    RinsWeights weights;
    assert_int_equal(rins_weights_open(&weights, make_dir(to, "none"), RINS_MODEL_HF, false), RINS_ERR_IO);
    char index[600];
    snprintf(index, sizeof index, "%s/model.safetensors.index.json", to);
    static const char outside[] = "{\"weight_map\": {\"a\": \"../x.safetensors\"}}",
                      gone[] = "{\"weight_map\": {\"a\": \"x\"}}";
    must(rins_file_write(index, outside, sizeof outside - 1));
    assert_int_equal(rins_weights_open(&weights, to, RINS_MODEL_HF, false), RINS_ERR_FORMAT);
    must(rins_file_write(index, gone, sizeof gone - 1));
    assert_int_equal(rins_weights_open(&weights, to, RINS_MODEL_HF, false), RINS_ERR_IO);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hugging_face_tensors_survive),
        cmocka_unit_test(recursive_models_survive),
        cmocka_unit_test(unrolled_models_compute_the_same),
        cmocka_unit_test(early_exits_are_left_out_of_an_unrolled_model),
        cmocka_unit_test(what_siglip_cannot_hold_is_not_unrolled),
        cmocka_unit_test(one_tower_loads_alone),
        cmocka_unit_test(adapters_the_start_has_not_begin_at_zero),
        cmocka_unit_test(misfits_are_named),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
