/* A tiny training set and config made by a test: 48 pictures of one colour each with a caption, a tokenizer trained on
   them, and a model that takes milliseconds a step. */
#ifndef RINS_TESTS_TRAINING_FIXTURE_H
#define RINS_TESTS_TRAINING_FIXTURE_H

#include "data/image_write.h"
#include "src/base/file.h"
#include "src/train/training.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIXTURE_PAIRS = 48, FIXTURE_SIDE = 16, FIXTURE_BATCH = 8 };

static char fixture_dir[64];

static inline char *fixture_path(const char *name) {
    return rins_path_join(fixture_dir, name);
}

static inline void fixture_write(const char *name, const void *data, size_t size) {
    char *path = fixture_path(name);
    assert_int_equal(rins_file_write(path, data, size), RINS_OK);
    free(path);
}

static inline void fixture_picture(int i) {
    uint8_t pixels[FIXTURE_SIDE * FIXTURE_SIDE * 3], *png;
    char name[32];
    size_t size;
    for (int k = 0; k < FIXTURE_SIDE * FIXTURE_SIDE * 3; k++)
        pixels[k] = (uint8_t)(k % 3 == 0 ? 80 * (i % 4) : k % 3 == 1 ? 60 * (i / 4 % 4) : 70 * (i / 16) + k % 7);
    assert_int_equal(rins_png_encode(pixels, FIXTURE_SIDE, FIXTURE_SIDE, &png, &size), RINS_OK);
    snprintf(name, sizeof name, "%02d.png", i);
    fixture_write(name, png, size);
    free(png);
}

static inline int fixture_make(void **state) {
    (void)state;
    static const char *const red[] = {"no", "dark", "middle", "bright"},
                             *const green[] = {"grass", "leaf", "moss", "sea"},
                             *const blue[] = {"night", "dusk", "day"};
    char table[8192] = "filepath\tcaption\n", text[8192] = "";
    /* In memory where possible: hundreds of checkpoints flush thousands of files. */
    snprintf(fixture_dir, sizeof fixture_dir, "%s/rins-training-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(fixture_dir)) return -1;
    for (int i = 0; i < FIXTURE_PAIRS; i++) {
        char caption[64];
        snprintf(caption, sizeof caption, "a %s %s by %s", red[i % 4], green[i / 4 % 4], blue[i / 16]);
        snprintf(table + strlen(table), sizeof table - strlen(table), "%02d.png\t%s\n", i, caption);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s\n", caption);
        fixture_picture(i);
    }
    fixture_write("pairs.tsv", table, strlen(table));
    fixture_write("captions.txt", text, strlen(text));
    char *captions = fixture_path("captions.txt"), *model = fixture_path("spiece.model");
    assert_int_equal(rins_tokenizer_train(captions, 48, model), RINS_OK);
    free(captions);
    free(model);
    return 0;
}

static inline int fixture_remove(void **state) {
    (void)state;
    return rins_remove_tree(fixture_dir) == RINS_OK ? 0 : -1;
}

/* Not inlined: GCC 12 then takes the result for a dangling pointer. */
static __attribute__((noinline, unused)) char *fixture_read(const char *run, const char *name, size_t *size) {
    char *dir = fixture_path(run), *path = rins_path_join(dir, name), *data = NULL;
    if (rins_file_read(path, 0, &data, size) != RINS_OK) fail_msg("%s", rins_last_error());
    free(path);
    free(dir);
    return data;
}

static inline void fixture_same_file(const char *a, const char *b, const char *name) {
    size_t n, m;
    char *x = fixture_read(a, name, &n), *y = fixture_read(b, name, &m);
    if (n != m || memcmp(x, y, n) != 0) {
        size_t at = 0;
        while (at < n && at < m && x[at] == y[at]) at++;
        fail_msg("%s of %s and %s differ at byte %zu (of %zu and %zu)", name, a, b, at, n, m);
    }
    free(x);
    free(y);
}

/* The fixture's config with `more` overrides (NULL-terminated) on top. The caller frees it. */
static inline RinsRunConfig fixture_config(const char *const *more) {
    static const char *const base[] = {
        "seed=3",
        "precision=fp32",
        "model.image={width: 16, depth: 2, mlp: 32, heads: 2, patch: 8, size: 16}",
        "model.text={width: 16, depth: 2, mlp: 32, heads: 2, vocab: 64, length: 8}",
        "model.text.recursion={signature: A^2B, drop: 0.5}",
        "data.image_pp=decode|inception_crop(16)|flip_lr|value_range(-1,1)",
        "train.batch=8",
        "train.budget.steps=12",
        "train.schedule={name: cosine, warmup_steps: 3}",
        "train.optimizer.lr=0.003",
        "train.checkpoint={every_steps: 0, keep: 0}",
        "train.eval.every_steps=0",
        NULL,
    };
    RinsRunConfig config = {0};
    assert_int_equal(rins_config_defaults(rins_run_fields, &config), RINS_OK);
    char text[160];
    snprintf(text, sizeof text, "data.train=table:%s/pairs.tsv", fixture_dir);
    assert_int_equal(rins_config_override(rins_run_fields, &config, text), RINS_OK);
    snprintf(text, sizeof text, "data.tokenizer=%s/spiece.model", fixture_dir);
    assert_int_equal(rins_config_override(rins_run_fields, &config, text), RINS_OK);
    for (int list = 0; list < 2; list++)
        for (const char *const *key = list == 0 ? base : more; key && *key; key++)
            if (rins_config_override(rins_run_fields, &config, *key) != RINS_OK) fail_msg("%s", rins_last_error());
    return config;
}

#endif
