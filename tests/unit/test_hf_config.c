/* Hugging Face directories: absent keys take transformers' defaults, what was written is read back, and what the model
   cannot hold is refused in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/model/hf_config.h"
#include "src/model/hf_processor.h"
#include "src/model/model_dir.h"
#include "src/base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *json(const char *text) {
    json_t *root;
    assert_int_equal(rins_json_parse(text, strlen(text), "test", &root), RINS_OK);
    return root;
}

static RinsStatus read_config(RinsModelConfig *config, const char *text) {
    json_t *root = json(text);
    const RinsStatus status = rins_hf_config_read(config, root);
    json_decref(root);
    return status;
}

/* The values of transformers 5.23's configuration_siglip.py. */
static void absent_keys_take_the_defaults(void **state) {
    (void)state;
    RinsModelConfig c;
    assert_int_equal(read_config(&c, "{\"model_type\": \"siglip\", \"text_config\": {}}"), RINS_OK);
    assert_int_equal(c.image.encoder.width, 768);
    assert_int_equal(c.image.encoder.depth, 12);
    assert_int_equal(c.image.encoder.mlp, 3072);
    assert_int_equal(c.image.encoder.heads, 12);
    assert_int_equal(c.image.size, 224);
    assert_int_equal(c.image.patch, 16);
    assert_int_equal(c.text.encoder.width, 768);
    assert_int_equal(c.text.vocab, 32000);
    assert_int_equal(c.text.length, 64);
    assert_int_equal(c.embed_dim, 768);
    assert_int_equal(c.act, 0);
    assert_int_equal(c.image.pool, RINS_VIT_POOL_MAP);
    assert_int_equal(c.text.pool, RINS_TEXT_POOL_LAST);
    assert_string_equal(c.text.encoder.recursion.signature, "A");
    rins_config_free(rins_model_fields, &c);
}

/* The published so400m and SigLIP 2 base configurations, in their own few keys. */
static void published_configs_are_read(void **state) {
    (void)state;
    RinsModelConfig c;
    assert_int_equal(
        read_config(&c, "{\"model_type\": \"siglip\","
                        "\"text_config\": {\"hidden_size\": 1152, \"intermediate_size\": 4304,"
                        "\"num_attention_heads\": 16, \"num_hidden_layers\": 27},"
                        "\"vision_config\": {\"hidden_size\": 1152, \"image_size\": 384, \"intermediate_size\":"
                        "4304, \"num_attention_heads\": 16, \"num_hidden_layers\": 27, \"patch_size\": 14}}"),
        RINS_OK);
    assert_int_equal(c.image.encoder.width, 1152);
    assert_int_equal(c.image.encoder.depth, 27);
    assert_int_equal(c.image.size, 384);
    assert_int_equal(c.image.patch, 14);
    assert_int_equal(c.embed_dim, 1152);
    rins_config_free(rins_model_fields, &c);
    assert_int_equal(read_config(&c,
                                 "{\"model_type\": \"siglip\", \"text_config\": {\"model_type\": \"siglip_text_model\","
                                 "\"vocab_size\": 256000, \"hidden_act\": \"gelu\"},"
                                 "\"vision_config\": {\"image_size\": [256, 256], \"hidden_act\": \"gelu\"}}"),
                     RINS_OK);
    assert_int_equal(c.text.vocab, 256000);
    assert_int_equal(c.image.size, 256);
    assert_int_equal(c.act, 1);
    rins_config_free(rins_model_fields, &c);
}

static void foreign_models_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        RinsStatus status;
        const char *says;
    } cases[] = {
        {"{}", RINS_ERR_FORMAT, "no model_type"},
        {"{\"model_type\": \"clip\"}", RINS_ERR_UNSUPPORTED, "'clip'"},
        {"{\"model_type\": \"siglip2\"}", RINS_ERR_UNSUPPORTED, "NaFlex"},
        {"{\"model_type\": \"siglip\", \"text_config\": 3}", RINS_ERR_FORMAT, "text_config is not an object"},
        {"{\"model_type\": \"siglip\", \"text_config\": {\"hidden_size\": 9223372036854775807}}", RINS_ERR_FORMAT,
         "text_config.hidden_size"},
        {"{\"model_type\": \"siglip\", \"text_config\": {\"hidden_size\": \"768\"}}", RINS_ERR_FORMAT, "whole number"},
        {"{\"model_type\": \"siglip\", \"text_config\": {\"hidden_size\": 512}}", RINS_ERR_FORMAT,
         "projection_size 512"},
        {"{\"model_type\": \"siglip\", \"text_config\": {\"layer_norm_eps\": 1e-5}}", RINS_ERR_UNSUPPORTED, "1e-06"},
        {"{\"model_type\": \"siglip\", \"text_config\": {\"hidden_act\": \"relu\"}}", RINS_ERR_UNSUPPORTED, "'relu'"},
        {"{\"model_type\": \"siglip\", \"text_config\": {\"hidden_act\": \"gelu\"}}", RINS_ERR_UNSUPPORTED, "differ"},
        {"{\"model_type\": \"siglip\", \"vision_config\": {\"num_channels\": 1}}", RINS_ERR_UNSUPPORTED,
         "num_channels"},
        {"{\"model_type\": \"siglip\", \"vision_config\": {\"vision_use_head\": false}}", RINS_ERR_UNSUPPORTED, "head"},
        {"{\"model_type\": \"siglip\", \"vision_config\": {\"image_size\": [224, 192]}}", RINS_ERR_UNSUPPORTED,
         "square"},
        {"{\"model_type\": \"siglip\", \"vision_config\": {\"num_attention_heads\": 11}}", RINS_ERR_CONFIG, "11 heads"},
        {"{\"model_type\": \"siglip\", \"vision_config\": {\"image_size\": 8}}", RINS_ERR_FORMAT, "do not fit"},
        {"{\"model_type\": \"rins\"}", RINS_ERR_FORMAT, "'rins'"},
        {"{\"model_type\": \"rins\", \"rins\": {\"imag\": {}}}", RINS_ERR_CONFIG, "image"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        RinsModelConfig c;
        const RinsStatus status = read_config(&c, cases[i].text);
        if (status != cases[i].status || !strstr(rins_last_error(), cases[i].says))
            fail_msg("%s: got %s '%s', wanted %s '%s'", cases[i].text, rins_status_name(status), rins_last_error(),
                     rins_status_name(cases[i].status), cases[i].says);
    }
}

static void small_config(RinsModelConfig *c, const char *text) {
    *c = (RinsModelConfig){0};
    assert_int_equal(rins_config_defaults(rins_model_fields, c), RINS_OK);
    assert_int_equal(rins_config_parse(rins_model_fields, c, text, "test"), RINS_OK);
}

static void check_round_trip(const char *yaml, const char *model_type, const char *why) {
    RinsModelConfig c, again;
    bool fits;
    const char *reason;
    char *text, *second;
    small_config(&c, yaml);
    assert_int_equal(rins_hf_config_fits(&c, &fits, &reason), RINS_OK);
    assert_int_equal(fits, why == NULL);
    if (why) assert_string_equal(reason, why);
    const RinsHfIds ids = {.pad = 1, .eos = 1};
    assert_int_equal(rins_hf_config_text(&c, ids, &text), RINS_OK);
    assert_null(strstr(text, "/elsewhere"));
    json_t *root = json(text);
    assert_string_equal(json_string_value(json_object_get(root, "model_type")), model_type);
    json_decref(root);
    assert_int_equal(read_config(&again, text), RINS_OK);
    assert_int_equal(rins_hf_config_text(&again, ids, &second), RINS_OK);
    assert_string_equal(text, second);
    assert_int_equal(again.image.patch, c.image.patch);
    assert_int_equal(again.text.vocab, c.text.vocab);
    free(text);
    free(second);
    rins_config_free(rins_model_fields, &c);
    rins_config_free(rins_model_fields, &again);
}

static void written_configs_are_read_back(void **state) {
    (void)state;
    check_round_trip("{image: {variant: Ti, patch: 8}, text: {variant: Ti, vocab: 77}}", "siglip", NULL);
    check_round_trip("{act: gelu_erf, image: {variant: mu, recursion: {signature: AB}, depth: 2}, text: {variant: mu}}",
                     "siglip", NULL);
    check_round_trip(
        "{from: /elsewhere, image: {variant: mu, depth: 2, recursion: {signature: A^2B}, from: /elsewhere},"
        "text: {variant: mu, from: /elsewhere}}",
        "rins", "the image tower is recursive");
    check_round_trip(
        "{image: {variant: mu}, text: {variant: mu, recursion: {signature: A^3, drop: 0.5, adapter: exit}}}", "rins",
        "the text tower is recursive");
    check_round_trip("{image: {variant: mu, pool: gap}, text: {variant: mu}}", "rins", "image.pool is not map");
    check_round_trip("{image: {variant: mu}, text: {variant: mu, pool: mean}}", "rins", "text.pool is not last");
    check_round_trip("{image: {variant: mu, pool: gap}, text: {variant: mu, pool: mean}}", "rins",
                     "image.pool is not map and text.pool is not last");
    check_round_trip("{embed_dim: 16, image: {variant: mu}, text: {variant: mu}}", "rins",
                     "embed_dim differs from the image tower's width");
}

static void unrolling_is_promised_where_it_works(void **state) {
    (void)state;
    static const struct {
        const char *yaml, *why; /* NULL: it can be unrolled */
    } cases[] = {
        {"{image: {variant: mu, depth: 2, recursion: {signature: A^2B}}, text: {variant: mu}}", NULL},
        {"{image: {variant: mu}, text: {variant: mu, recursion: {signature: A^3, drop: 0.5, adapter: exit}}}", NULL},
        {"{image: {variant: mu}, text: {variant: mu, recursion: {signature: A^3, adapter: round}}}",
         "the text tower has adapters between its rounds"},
        {"{image: {variant: mu, pool: gap, recursion: {signature: A^3}}, text: {variant: mu}}",
         "image.pool is not map"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        RinsModelConfig c;
        small_config(&c, cases[i].yaml);
        assert_int_equal(rins_model_config_unrolls(&c), cases[i].why ? RINS_ERR_UNSUPPORTED : RINS_OK);
        if (cases[i].why && !strstr(rins_last_error(), cases[i].why)) fail_msg("%s", rins_last_error());
        rins_config_free(rins_model_fields, &c);
    }
}

static void check_pp(const char *text, const char *wanted) {
    char *pp;
    json_t *root = text ? json(text) : NULL;
    const RinsStatus status = rins_hf_preprocessor_read(root, 224, &pp);
    if (status != RINS_OK) fail_msg("%s: %s", text, rins_last_error());
    assert_string_equal(pp, wanted);
    json_decref(root);
    free(pp);
}

static void preprocessors_become_strings(void **state) {
    (void)state;
    check_pp(NULL, "decode|resize(224,method=bicubic)|value_range(-1,1)");
    check_pp("{\"size\": {\"height\": 224, \"width\": 224}, \"resample\": 2, \"image_mean\": [0.5, 0.5, 0.5],"
             "\"image_std\": [0.5, 0.5, 0.5], \"rescale_factor\": 0.00392156862745098, \"do_convert_rgb\": null}",
             "decode|resize(224,method=bilinear)|value_range(-1,1)");
    check_pp("{\"size\": 224, \"do_normalize\": false}", "decode|resize(224,method=bicubic)|value_range(0,1)");
    check_pp("{\"size\": {\"shortest_edge\": 256}, \"do_center_crop\": true, \"crop_size\": 224, \"resample\": 0}",
             "decode|resize_small(256,method=nearest)|central_crop(224)|value_range(-1,1)");
    check_pp("{\"image_pp\": \"decode|resize(224,antialias=false)|value_range(-1,1)\"}",
             "decode|resize(224,antialias=false)|value_range(-1,1)");
}

static void wrong_preprocessors_are_refused(void **state) {
    (void)state;
    static const char *const cases[] = {"{\"size\": 256}",
                                        "{\"size\": {\"height\": 224, \"width\": 256}}",
                                        "{\"resample\": 1}",
                                        "{\"do_resize\": false}",
                                        "{\"image_mean\": [0.1, 0.2, 0.3]}",
                                        "{\"image_std\": [0, 0, 0]}",
                                        "{\"size\": {\"shortest_edge\": 224}}",
                                        "{\"size\": -1}"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *pp;
        json_t *root = json(cases[i]);
        if (rins_hf_preprocessor_read(root, 224, &pp) == RINS_OK) fail_msg("%s was taken as %s", cases[i], pp);
        json_decref(root);
    }
}

static void preprocessors_are_written_back(void **state) {
    (void)state;
    static const char *const strings[] = {"decode|resize(224,method=bilinear)|value_range(-1,1)",
                                          "decode|resize_small(256)|central_crop(224)|value_range(0,1)"};
    for (int i = 0; i < 2; i++) {
        char *text, *again;
        assert_int_equal(rins_hf_preprocessor_text(strings[i], 224, &text), RINS_OK);
        json_t *root = json(text);
        assert_int_equal(rins_hf_preprocessor_read(root, 224, &again), RINS_OK);
        assert_string_equal(again, strings[i]);
        free(again);
        json_object_del(root, "image_pp"); /* what transformers sees of it */
        assert_int_equal(rins_hf_preprocessor_read(root, 224, &again), RINS_OK);
        assert_string_equal(again, i == 0 ? strings[0] : "decode|resize(224,method=bicubic)|value_range(0,1)");
        json_decref(root);
        free(text);
        free(again);
    }
}

static void tokenizers_are_recognised(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t vocab;
        RinsTokenizerOptions want;
    } cases[] = {
        {NULL, 32000, {RINS_CLEAN_HF_SIGLIP, 64, -1, -1}},
        {NULL, 256000, {RINS_CLEAN_LOWER, 64, 0, 1}},
        {"{\"tokenizer_class\": \"SiglipTokenizer\", \"do_lower_case\": true, \"model_max_length\": 64, \"pad_token\":"
         "\"</s>\", \"eos_token\": \"</s>\", \"added_tokens_decoder\": {\"1\": {\"content\": \"</s>\"}}}",
         32000,
         {RINS_CLEAN_HF_SIGLIP, 64, -1, 1}},
        {"{\"tokenizer_class\": \"SiglipTokenizer\", \"pad_token\": {\"content\": \"<pad>\"}, \"eos_token\": \"</s>\","
         "\"added_tokens_decoder\": {\"0\": {\"content\": \"<pad>\"}, \"5\": {\"content\": \"</s>\"}}}",
         32000,
         {RINS_CLEAN_HF_SIGLIP, 64, 0, 5}},
        {"{\"tokenizer_class\": \"GemmaTokenizer\", \"do_lower_case\": true, \"model_max_length\": 1e30}",
         256000,
         {RINS_CLEAN_LOWER, 64, 0, 1}},
        {"{\"tokenizer_class\": \"GemmaTokenizerFast\", \"do_lower_case\": false}",
         256000,
         {RINS_CLEAN_NONE, 64, 0, 1}},
        {"{\"rins_cleaning\": \"canonicalize\", \"rins_pad_id\": 3, \"rins_eos_id\": -1}",
         100,
         {RINS_CLEAN_CANONICALIZE, 64, 3, -1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        RinsTokenizerOptions got, again;
        json_t *root = cases[i].text ? json(cases[i].text) : NULL;
        assert_int_equal(rins_hf_tokenizer_read(root, cases[i].vocab, 64, &got), RINS_OK);
        json_decref(root);
        if (memcmp(&got, &cases[i].want, sizeof got) != 0)
            fail_msg("case %zu: cleaning %d length %lld pad %lld eos %lld", i, got.cleaning, (long long)got.length,
                     (long long)got.pad_id, (long long)got.eos_id);
        char *text;
        assert_int_equal(rins_hf_tokenizer_text(&got, &text), RINS_OK);
        root = json(text);
        assert_int_equal(rins_hf_tokenizer_read(root, cases[i].vocab, 64, &again), RINS_OK);
        assert_memory_equal(&got, &again, sizeof got);
        json_decref(root);
        free(text);
    }
}

static void runs_resolve_to_their_newest_checkpoint(void **state) {
    (void)state;
    char run[] = "/tmp/rins-hf-config-XXXXXX", path[128], *found;
    RinsModelDir *dir;
    assert_non_null(mkdtemp(run));
    assert_int_equal(rins_model_dir_find("/nonexistent", &found), RINS_ERR_IO);
    assert_int_equal(rins_model_dir_open(&dir, run), RINS_ERR_IO);
    assert_non_null(strstr(rins_last_error(), "neither config.json nor checkpoints"));
    snprintf(path, sizeof path, "%s/checkpoints/.partial/step-000009000", run);
    assert_int_equal(rins_mkdirs(path), RINS_OK);
    assert_int_equal(rins_model_dir_open(&dir, run), RINS_ERR_IO);
    assert_non_null(strstr(rins_last_error(), "no complete checkpoint"));
    static const char *const names[] = {"step-000000200", "step-000001000", "step-000000900", "step-000002000.partial"};
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/checkpoints/%s", run, names[i]);
        assert_int_equal(rins_mkdirs(path), RINS_OK);
    }
    assert_int_equal(rins_model_dir_find(run, &found), RINS_OK);
    assert_string_equal(strrchr(found, '/') + 1, "step-000001000");
    free(found);
    assert_int_equal(rins_model_dir_open(&dir, run), RINS_ERR_IO); /* its files are gone */
    assert_non_null(strstr(rins_last_error(), "step-000001000/config.json'"));
    snprintf(path, sizeof path, "%s/checkpoints/step-000001000/config.json", run);
    static const char config[] = "{\"model_type\": \"siglip\"}", broken[] = "{\"model_type\": ";
    assert_int_equal(rins_file_write(path, config, sizeof config - 1), RINS_OK);
    assert_int_equal(rins_model_dir_open(&dir, run), RINS_OK);
    assert_int_equal(dir->config.image.size, 224);
    assert_null(dir->tokenizer_path);
    rins_model_dir_free(dir);
    assert_int_equal(rins_file_write(path, broken, sizeof broken - 1), RINS_OK);
    assert_int_equal(rins_model_dir_open(&dir, run), RINS_ERR_FORMAT);
    assert_non_null(strstr(rins_last_error(), "config.json"));
    assert_int_equal(rins_remove_tree(run), RINS_OK);
}

static void a_level_too_high_is_told_the_way(void **state) {
    (void)state;
    char top[] = "/tmp/rins-hf-config-XXXXXX", path[128], *found;
    static const char *const folders[] = {"a/checkpoints/step-000000200", "b/checkpoints/step-000000100",
                                          "b/checkpoints/step-000000300", "c/checkpoints",
                                          "d/model/checkpoints",          ".e/checkpoints/step-000000100"};
    assert_non_null(mkdtemp(top));
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", top, folders[i]);
        assert_int_equal(rins_mkdirs(path), RINS_OK);
    }
    assert_int_equal(rins_model_dir_find(top, &found), RINS_ERR_IO);
    snprintf(path, sizeof path, "did you mean '%s/b'?", top);
    if (!strstr(rins_last_error(), path)) fail_msg("\"%s\" does not say \"%s\"", rins_last_error(), path);
    snprintf(path, sizeof path, "%s/b/checkpoints/step-000000300/config.json", top);
    assert_int_equal(rins_file_write(path, "{}", 2), RINS_OK);
    snprintf(path, sizeof path, "%s/b/checkpoints", top); /* and a level too low */
    assert_int_equal(rins_model_dir_find(path, &found), RINS_ERR_IO);
    assert_non_null(strstr(rins_last_error(), "did you mean"));
    assert_non_null(strstr(rins_last_error(), "step-000000300'?"));
    assert_int_equal(rins_remove_tree(top), RINS_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_keys_take_the_defaults),
        cmocka_unit_test(published_configs_are_read),
        cmocka_unit_test(foreign_models_are_refused),
        cmocka_unit_test(written_configs_are_read_back),
        cmocka_unit_test(unrolling_is_promised_where_it_works),
        cmocka_unit_test(preprocessors_become_strings),
        cmocka_unit_test(wrong_preprocessors_are_refused),
        cmocka_unit_test(preprocessors_are_written_back),
        cmocka_unit_test(tokenizers_are_recognised),
        cmocka_unit_test(runs_resolve_to_their_newest_checkpoint),
        cmocka_unit_test(a_level_too_high_is_told_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
