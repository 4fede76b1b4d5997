#include "src/train/train_state.h"

#include "src/base/file.h"
#include "src/base/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { STATE_FORMAT = 1, STATE_MAX_BYTES = 16 << 20, MAX_NAMED = 4 };

/* What may differ on resume. A budget may where the steps done keep their learning rates (training.c), memory savers
   change rounding; the others leave what a step computes as it is. Of those that say where something lies, data.train
   is represented by weights, and data.tokenizer and data.caption_templates by hashes. */
static const char *const free_keys[] = {
    "train.budget",           "train.checkpoint",      "train.eval", "train.micro_batch",
    "train.recompute",        "train.branch",          "data.train", "data.tokenizer",
    "data.workers",           "data.max_bad_fraction", "model.from", "model.image.from",
    "data.caption_templates", "model.text.from",
};
/* Keys that came after the first checkpoints, and leave no trace where they are null: what older checkpoints and
   results were trained with has not changed by them. */
static const char *const late_keys[] = {"model.image.force_size"};
static const char *const branch_keys[] = {"train.optimizer", "train.schedule", "train.loss"};

/* key is one of the names or lies under one. */
static bool is_under(const char *key, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const size_t length = strlen(names[i]);
        if (!strncmp(key, names[i], length) && (key[length] == 0 || key[length] == '.')) return true;
    }
    return false;
}

#define IS_UNDER(key, names) is_under((key), (names), sizeof(names) / sizeof *(names))

static int flatten(json_t *flat, const char *prefix, json_t *object) {
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        char key[256];
        snprintf(key, sizeof key, "%s%s%s", prefix, prefix[0] ? "." : "", name);
        if (IS_UNDER(key, free_keys) || (json_is_null(value) && IS_UNDER(key, late_keys))) continue;
        if (json_is_object(value) ? flatten(flat, key, value) : json_object_set(flat, key, value)) return -1;
    }
    return 0;
}

static int set_hash(json_t *flat, const char *key, uint64_t hash) {
    char text[32];
    snprintf(text, sizeof text, "%016" PRIx64, hash);
    return json_object_set_new(flat, key, json_string(text));
}

static int describe_data(json_t *flat, const RinsDataConfig *data, const RinsTextHashes *hashes) {
    json_t *weights = json_array();
    int failed = !weights;
    for (size_t i = 0; i < data->train.n; i++)
        failed |= json_array_append_new(weights, json_real(data->train.items[i].weight));
    failed |= json_object_set_new(flat, "data.train.weights", weights);
    if (data->caption_templates) failed |= set_hash(flat, "data.caption_templates.hash", hashes->templates);
    return failed | set_hash(flat, "data.tokenizer.hash", hashes->tokenizer);
}

RinsStatus rins_train_state_describe(RinsTrainState *state, const RinsRunConfig *config, const RinsTextHashes *hashes) {
    char *text = NULL;
    json_t *root = NULL, *flat = json_object();
    RinsStatus status = RINS_OK;
    RINS_TRY_DONE(rins_config_json(rins_run_fields, config, &text));
    RINS_TRY_DONE(rins_json_parse(text, strlen(text), "config", &root));
    if (!flat || flatten(flat, "", root) != 0 || describe_data(flat, &config->data, hashes) != 0) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory to describe the config");
        goto done;
    }
    json_decref(state->config);
    state->config = json_incref(flat);
done:
    json_decref(flat);
    json_decref(root);
    free(text);
    return status;
}

RinsStatus rins_train_state_write(const RinsTrainState *state, const char *path) {
    RinsStatus status = RINS_OK;
    json_t *root =
        json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:O}", "format", STATE_FORMAT, "step",
                  (json_int_t)state->step, "slot", (json_int_t)state->slot, "read", (json_int_t)state->read, "bad",
                  (json_int_t)state->bad, "samples", (json_int_t)state->samples, "total", (json_int_t)state->total,
                  "flops", state->flops, "flops_executed", state->flops_executed, "config", state->config);
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) : NULL;
    if (text)
        status = rins_file_write(path, text, strlen(text));
    else
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory to write '%s'", path);
    free(text);
    json_decref(root);
    return status;
}

RinsStatus rins_train_state_read(RinsTrainState *state, const char *path) {
    json_t *root, *config;
    json_error_t error;
    int format;
    json_int_t step, slot, read, bad, samples, total = 0;
    RINS_TRY(rins_json_read(path, STATE_MAX_BYTES, &root));
    RinsStatus status = RINS_OK;
    if (json_unpack_ex(root, &error, 0, "{s:i, s:I, s:I, s:I, s:I, s:I, s?I, s:F, s:F, s:o}", "format", &format, "step",
                       &step, "slot", &slot, "read", &read, "bad", &bad, "samples", &samples, "total", &total, "flops",
                       &state->flops, "flops_executed", &state->flops_executed, "config", &config) != 0)
        status = RINS_FAIL(RINS_ERR_FORMAT, "'%s': %s", path, error.text);
    else if (format != STATE_FORMAT)
        status =
            RINS_FAIL(RINS_ERR_UNSUPPORTED, "'%s' has format %d, this program reads %d", path, format, STATE_FORMAT);
    else if (step < 0 || slot < 0 || read < 0 || bad < 0 || total < 0 || !json_is_object(config))
        status = RINS_FAIL(RINS_ERR_FORMAT, "'%s' is damaged", path);
    if (status == RINS_OK) {
        state->step = step, state->slot = slot, state->read = read, state->bad = bad, state->samples = samples;
        state->total = total;
        json_decref(state->config);
        state->config = json_incref(config);
    }
    json_decref(root);
    return status;
}

void rins_train_state_free(RinsTrainState *state) {
    json_decref(state->config);
    *state = (RinsTrainState){0};
}

/* Appends "key: was X, is Y" while there is room; the rest is counted. */
static void name_difference(char *list, size_t room, int *n, const char *key, json_t *was, json_t *is) {
    char *old = was ? json_dumps(was, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    char *new = is ? json_dumps(is, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    const size_t used = strlen(list);
    if (*n < MAX_NAMED)
        snprintf(list + used, room - used, "%s%s was %s, is %s", used ? "; " : "", key, old ? old : "not there",
                 new ? new : "not there");
    (*n)++;
    free(old);
    free(new);
}

RinsStatus rins_train_state_check(const RinsTrainState *saved, const RinsTrainState *now, bool branch) {
    char list[1024] = "";
    int n = 0;
    const char *key;
    json_t *value;
    if (saved->samples != now->samples) {
        snprintf(list, sizeof list, "data.train had %" PRId64 " samples, has %" PRId64, saved->samples, now->samples);
        n++;
    }
    json_object_foreach(now->config, key, value) {
        json_t *was = json_object_get(saved->config, key);
        if (!(branch && IS_UNDER(key, branch_keys)) && !(was && json_equal(was, value)))
            name_difference(list, sizeof list, &n, key, was, value);
    }
    json_object_foreach(saved->config, key, value)
        if (!json_object_get(now->config, key) && !(branch && IS_UNDER(key, branch_keys)))
            name_difference(list, sizeof list, &n, key, value, NULL);
    if (n == 0) return RINS_OK;
    char more[48] = "";
    if (n > MAX_NAMED) snprintf(more, sizeof more, " and %d more", n - MAX_NAMED);
    return RINS_FAIL(RINS_ERR_MISMATCH,
                     "the config differs from the checkpoint's: %s%s; put that back, or "
                     "begin in another directory (--out)",
                     list, more);
}
