/* Goldens under tests/golden: opened by name, read as fp32 or as the bytes they are. For cmocka tests. */
#ifndef RINS_TESTS_GOLDEN_H
#define RINS_TESTS_GOLDEN_H

#include "src/base/file.h"
#include "src/model/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RINS_SOURCE_ROOT/tests/golden/NAME into `path`. */
static inline void golden_path(char path[512], const char *name) {
    const char *root = getenv("RINS_SOURCE_ROOT");
    snprintf(path, 512, "%s/tests/golden/%s", root ? root : ".", name);
}

static inline void golden_open(RinsSafetensors *st, const char *dir, const char *file) {
    char path[512], name[256];
    snprintf(name, sizeof name, "%s/%s", dir, file);
    golden_path(path, name);
    if (rins_safetensors_open(st, path) != RINS_OK) fail_msg("%s", rins_last_error());
}

static inline const RinsStTensor *golden_find(const RinsSafetensors *st, const char *name, RinsStType type) {
    const RinsStTensor *tensor = rins_safetensors_find(st, name);
    if (!tensor || tensor->type != type) fail_msg("golden has no tensor '%s' of the right type", name);
    return tensor;
}

/* malloc'd copy of a tensor's bytes, aligned. */
static inline void *golden_copy(const RinsSafetensors *st, const char *name, RinsStType type) {
    const RinsStTensor *tensor = golden_find(st, name, type);
    void *copy = malloc(tensor->bytes);
    assert_non_null(copy);
    memcpy(copy, tensor->data, tensor->bytes);
    return copy;
}

#endif
