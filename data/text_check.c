#include "data/text_check.h"

#include "data/source_impl.h"
#include "src/base/json.h"
#include "src/base/utf8_length.h"

#include <string.h>

bool rins_utf8_valid(const char *text, size_t size) {
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t i = 0; i < size;) {
        const size_t length = rins_utf8_length(bytes + i, size - i);
        if (length == 0 || bytes[i] == 0) return false;
        i += length;
    }
    return true;
}

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

RinsStatus rins_sample_add_caption(RinsSample *sample, const char *text, size_t size, RinsBadCause *cause) {
    while (size && is_space(text[0])) text++, size--;
    while (size && is_space(text[size - 1])) size--;
    *cause = RINS_BAD_CAPTION;
    if (size == 0) return RINS_FAIL(RINS_ERR_FORMAT, "the caption is empty");
    if (size > RINS_MAX_CAPTION_BYTES)
        return RINS_FAIL(RINS_ERR_LIMIT, "the caption has %zu bytes, more than %d", size, RINS_MAX_CAPTION_BYTES);
    if (!rins_utf8_valid(text, size)) return RINS_FAIL(RINS_ERR_FORMAT, "the caption is not UTF-8");
    *cause = RINS_BAD_NONE;
    return rins_sample_push_caption(sample, text, size);
}

static RinsStatus add_json_value(RinsSample *sample, const json_t *value, RinsBadCause *cause) {
    const char *text = json_string_value(value);
    *cause = RINS_BAD_CAPTION;
    if (!text) return RINS_FAIL(RINS_ERR_FORMAT, "the JSON's caption is not a text");
    return rins_sample_add_caption(sample, text, json_string_length(value), cause);
}

/* As with the rows of a table: bad captions are left out as long as one is good. */
static RinsStatus add_json_list(RinsSample *sample, const json_t *list, RinsBadCause *cause) {
    const int before = sample->n_captions;
    RinsStatus status = RINS_OK;
    for (size_t i = 0; i < json_array_size(list); i++) {
        status = add_json_value(sample, json_array_get(list, i), cause);
        if (status == RINS_ERR_MEMORY) return status;
    }
    if (sample->n_captions == before) return status;
    *cause = RINS_BAD_NONE;
    return RINS_OK;
}

RinsStatus rins_sample_add_json(RinsSample *sample, const char *json, size_t size, const char *text_key,
                                RinsBadCause *cause) {
    *cause = RINS_BAD_CAPTION;
    if (size > RINS_MAX_JSON_BYTES)
        return RINS_FAIL(RINS_ERR_LIMIT, "the JSON has %zu bytes, more than %d", size, RINS_MAX_JSON_BYTES);
    if (rins_json_check_depth(json, size, "the JSON") != RINS_OK)
        return RINS_FAIL(RINS_ERR_LIMIT, "the JSON is nested deeper than %d", RINS_JSON_MAX_DEPTH);
    json_error_t error;
    json_t *root = json_loadb(json, size, 0, &error);
    if (!root) return RINS_FAIL(RINS_ERR_FORMAT, "the JSON is malformed: %s", error.text);
    const json_t *value = json_object_get(root, text_key ? text_key : "caption");
    if (!value && !text_key) value = json_object_get(root, "text");
    RinsStatus status = RINS_OK;
    if (json_is_array(value) && json_array_size(value) > 0) {
        status = add_json_list(sample, value, cause);
    } else if (value) {
        status = add_json_value(sample, value, cause);
    } else {
        status = RINS_FAIL(RINS_ERR_FORMAT, "the JSON has no '%s'", text_key ? text_key : "caption");
    }
    json_decref(root);
    return status;
}
