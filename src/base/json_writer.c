#include "src/base/json_writer.h"
#include "src/base/number.h"
#include "src/base/utf8_length.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put(RinsJsonWriter *json, const char *text, size_t n) {
    if (json->failed) return;
    if (json->used + n + 1 > json->room) {
        const size_t room = 2 * json->room + n + 256;
        char *grown = realloc(json->text, room);
        if (!grown) {
            json->failed = true;
            return;
        }
        json->text = grown;
        json->room = room;
    }
    memcpy(json->text + json->used, text, n);
    json->used += n;
    json->text[json->used] = 0;
}

static void put_text(RinsJsonWriter *json, const char *text) {
    put(json, text, strlen(text));
}

static void new_line(RinsJsonWriter *json) {
    if (json->indent == 0) return;
    put_text(json, "\n");
    for (int i = 0; i < json->indent * json->depth; i++) put_text(json, " ");
}

static void put_quoted(RinsJsonWriter *json, const char *text) {
    const unsigned char *end = (const unsigned char *)text + strlen(text);
    put_text(json, "\"");
    for (const unsigned char *at = (const unsigned char *)text; at < end;) {
        char escape[8];
        const size_t n = rins_utf8_length(at, (size_t)(end - at));
        if (n == 0) {
            put_text(json, "\xef\xbf\xbd");
            at++;
            continue;
        }
        if (*at == '"' || *at == '\\') {
            snprintf(escape, sizeof escape, "\\%c", *at);
            put_text(json, escape);
        } else if (*at < 0x20 || *at == 0x7f) {
            if (*at == '\n')
                snprintf(escape, sizeof escape, "\\n");
            else if (*at == '\t')
                snprintf(escape, sizeof escape, "\\t");
            else
                snprintf(escape, sizeof escape, "\\u%04x", *at);
            put_text(json, escape);
        } else {
            put(json, (const char *)at, n);
        }
        at += n;
    }
    put_text(json, "\"");
}

static void start_value(RinsJsonWriter *json, const char *key) {
    if (json->depth > 0) {
        if (json->has_members[json->depth - 1]) put_text(json, json->indent ? "," : ", ");
        json->has_members[json->depth - 1] = true;
        new_line(json);
    }
    if (!key) return;
    put_quoted(json, key);
    put_text(json, ": ");
}

void rins_json_open(RinsJsonWriter *json, const char *key, char bracket) {
    start_value(json, key);
    if (json->depth == RINS_JSON_WRITER_DEPTH) {
        json->failed = true;
        return;
    }
    put(json, &bracket, 1);
    json->closers[json->depth] = bracket == '{' ? '}' : ']';
    json->has_members[json->depth++] = false;
}

void rins_json_close(RinsJsonWriter *json) {
    if (json->depth == 0) {
        json->failed = true;
        return;
    }
    json->depth--;
    if (json->has_members[json->depth]) new_line(json);
    put(json, &json->closers[json->depth], 1);
}

void rins_json_int(RinsJsonWriter *json, const char *key, int64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    start_value(json, key);
    put_text(json, text);
}

void rins_json_float(RinsJsonWriter *json, const char *key, double value) {
    char text[RINS_NUMBER_ROOM];
    start_value(json, key);
    put_text(json, isfinite(value) ? rins_format_digits(value, 9, text) : "null");
}

void rins_json_double(RinsJsonWriter *json, const char *key, double value) {
    char text[RINS_NUMBER_ROOM];
    start_value(json, key);
    put_text(json, isfinite(value) ? rins_format_double(value, text) : "null");
}

void rins_json_bool(RinsJsonWriter *json, const char *key, bool value) {
    start_value(json, key);
    put_text(json, value ? "true" : "false");
}

void rins_json_null(RinsJsonWriter *json, const char *key) {
    start_value(json, key);
    put_text(json, "null");
}

void rins_json_string(RinsJsonWriter *json, const char *key, const char *text) {
    start_value(json, key);
    if (text)
        put_quoted(json, text);
    else
        put_text(json, "null");
}

static RinsStatus check(const RinsJsonWriter *json) {
    if (json->failed) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to write JSON, or nested too deep");
    if (json->depth != 0) return RINS_FAIL(RINS_ERR_INTERNAL, "JSON written with %d brackets open", json->depth);
    return RINS_OK;
}

RinsStatus rins_json_flush(RinsJsonWriter *json, FILE *stream) {
    put_text(json, "\n");
    RinsStatus status = check(json);
    if (status == RINS_OK && fwrite(json->text, 1, json->used, stream) != json->used)
        status = RINS_FAIL(RINS_ERR_IO, "cannot write JSON: %s", strerror(errno));
    json->used = 0;
    json->depth = 0;
    json->failed = false;
    return status;
}

RinsStatus rins_json_take(RinsJsonWriter *json, char **text) {
    const int indent = json->indent;
    put(json, "", 0);
    const RinsStatus status = check(json);
    *text = NULL;
    if (status == RINS_OK) {
        *text = json->text;
        json->text = NULL;
    }
    rins_json_writer_free(json);
    json->indent = indent;
    return status;
}

void rins_json_writer_free(RinsJsonWriter *json) {
    free(json->text);
    *json = (RinsJsonWriter){0};
}
