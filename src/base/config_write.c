#include "src/base/config_value.h"
#include "src/base/json_writer.h"
#include "src/base/number.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Words that some YAML reader takes for something else than a text. */
static bool is_reserved(const char *text) {
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
    char lower[8] = "";
    if (strlen(text) >= sizeof lower) return false;
    for (size_t i = 0; text[i]; i++) lower[i] = (char)tolower((unsigned char)text[i]);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (!strcmp(words[i], lower)) return true;
    return false;
}

static bool may_be_plain(const char *text) {
    if (!isalpha((unsigned char)text[0]) && text[0] != '/' && text[0] != '_') return false;
    for (const char *at = text; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("_./-^()", *at)) return false;
    return !is_reserved(text);
}

static void write_string(const char *text, FILE *out) {
    if (!text) {
        fputs("null", out);
        return;
    }
    if (may_be_plain(text)) {
        fputs(text, out);
        return;
    }
    putc('"', out); /* YAML's double quotes: JSON's escapes, and \x for a byte that is no character */
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at == '"' || *at == '\\')
            fprintf(out, "\\%c", *at);
        else if (*at == '\n')
            fputs("\\n", out);
        else if (*at == '\t')
            fputs("\\t", out);
        else if (*at < 0x20 || *at == 0x7f)
            fprintf(out, "\\x%02x", *at);
        else
            putc(*at, out);
    }
    putc('"', out);
}

static const char *number(double value, char text[RINS_NUMBER_ROOM]) {
    return isnan(value) ? "null" : rins_format_double(value, text);
}

static void indent(int depth, FILE *out) {
    fprintf(out, "%*s", 2 * depth, "");
}

static void write_strings(const RinsStringList *list, int depth, FILE *out) {
    fputs(list->n ? "\n" : " []\n", out);
    for (size_t i = 0; i < list->n; i++) {
        indent(depth + 1, out);
        fputs("- ", out);
        write_string(list->items[i], out);
        putc('\n', out);
    }
}

static void write_sources(const RinsSourceList *list, int depth, FILE *out) {
    char text[RINS_NUMBER_ROOM];
    fputs(list->n ? "\n" : " []\n", out);
    for (size_t i = 0; i < list->n; i++) {
        const bool weighted = list->items[i].weight != 1;
        indent(depth + 1, out);
        fputs(weighted ? "- {source: " : "- ", out);
        write_string(list->items[i].source, out);
        if (weighted) fprintf(out, ", weight: %s}", number(list->items[i].weight, text));
        putc('\n', out);
    }
}

static void write_map(const RinsFloatMap *map, int depth, FILE *out) {
    char text[RINS_NUMBER_ROOM];
    fputs(map->n ? "\n" : " {}\n", out);
    for (size_t i = 0; i < map->n; i++) {
        indent(depth + 1, out);
        write_string(map->items[i].key, out);
        fprintf(out, ": %s\n", number(map->items[i].value, text));
    }
}

static void write_floats(const RinsFloatList *list, FILE *out) {
    char text[RINS_NUMBER_ROOM];
    fputs(" [", out);
    for (size_t i = 0; i < list->n; i++) fprintf(out, "%s%s", i ? ", " : "", number(list->items[i], text));
    fputs("]\n", out);
}

static void write_fields(const RinsField *fields, const void *config, int depth, FILE *out);

/* "-" on a line of its own, so that an item is written as any struct is. */
static void write_structs(const RinsField *field, const RinsStructList *list, int depth, FILE *out) {
    fputs(list->n ? "\n" : " []\n", out);
    for (size_t i = 0; i < list->n; i++) {
        indent(depth + 1, out);
        fputs("-\n", out);
        write_fields(field->fields, (const char *)list->items + i * field->size, depth + 2, out);
    }
}

static void write_scalar(const RinsField *field, const void *at, FILE *out) {
    char text[RINS_NUMBER_ROOM];
    putc(' ', out);
    if (field->type == RINS_FIELD_BOOL)
        fputs(*(const bool *)at ? "true" : "false", out);
    else if (field->type == RINS_FIELD_FLOAT)
        fputs(number(*(const double *)at, text), out);
    else if (field->type == RINS_FIELD_ENUM)
        fputs(field->names[*(const int *)at], out);
    else if (field->type == RINS_FIELD_STRING)
        write_string(*(char *const *)at, out);
    else if (*(const int64_t *)at == RINS_INT_NULL && rins_field_takes_null(field))
        fputs("null", out);
    else
        fprintf(out, "%" PRId64, *(const int64_t *)at);
    putc('\n', out);
}

static void write_fields(const RinsField *fields, const void *config, int depth, FILE *out) {
    for (const RinsField *field = fields; field->name; field++) {
        const void *at = rins_field_at_const(field, config);
        indent(depth, out);
        fprintf(out, "%s:", field->name);
        switch (field->type) {
        case RINS_FIELD_STRUCT:
            putc('\n', out);
            write_fields(field->fields, at, depth + 1, out);
            break;
        case RINS_FIELD_STRING_LIST: write_strings(at, depth, out); break;
        case RINS_FIELD_SOURCE_LIST: write_sources(at, depth, out); break;
        case RINS_FIELD_FLOAT_MAP: write_map(at, depth, out); break;
        case RINS_FIELD_FLOAT_LIST: write_floats(at, out); break;
        case RINS_FIELD_STRUCT_LIST: write_structs(field, at, depth, out); break;
        default: write_scalar(field, at, out);
        }
    }
}

RinsStatus rins_config_write(const RinsField *fields, const void *config, FILE *out) {
    write_fields(fields, config, 0, out);
    return ferror(out) ? RINS_FAIL(RINS_ERR_IO, "cannot write the configuration: %s", strerror(errno)) : RINS_OK;
}

static void json_sources(RinsJsonWriter *json, const char *key, const RinsSourceList *list) {
    rins_json_open(json, key, '[');
    for (size_t i = 0; i < list->n; i++) {
        if (list->items[i].weight == 1) {
            rins_json_string(json, NULL, list->items[i].source);
            continue;
        }
        rins_json_open(json, NULL, '{');
        rins_json_string(json, "source", list->items[i].source);
        rins_json_double(json, "weight", list->items[i].weight);
        rins_json_close(json);
    }
    rins_json_close(json);
}

static void json_floats(RinsJsonWriter *json, const char *key, const RinsFloatList *list) {
    rins_json_open(json, key, '[');
    for (size_t i = 0; i < list->n; i++) rins_json_double(json, NULL, list->items[i]);
    rins_json_close(json);
}

static void json_fields(RinsJsonWriter *json, const RinsField *fields, const void *config);

static void json_structs(RinsJsonWriter *json, const RinsField *field, const RinsStructList *list) {
    rins_json_open(json, field->name, '[');
    for (size_t i = 0; i < list->n; i++) {
        rins_json_open(json, NULL, '{');
        json_fields(json, field->fields, (const char *)list->items + i * field->size);
        rins_json_close(json);
    }
    rins_json_close(json);
}

static void json_fields(RinsJsonWriter *json, const RinsField *fields, const void *config) {
    for (const RinsField *field = fields; field->name; field++) {
        const void *at = rins_field_at_const(field, config);
        const RinsStringList *strings = at;
        const RinsFloatMap *map = at;
        switch (field->type) {
        case RINS_FIELD_BOOL: rins_json_bool(json, field->name, *(const bool *)at); break;
        case RINS_FIELD_FLOAT: rins_json_double(json, field->name, *(const double *)at); break;
        case RINS_FIELD_STRING: rins_json_string(json, field->name, *(char *const *)at); break;
        case RINS_FIELD_ENUM: rins_json_string(json, field->name, field->names[*(const int *)at]); break;
        case RINS_FIELD_SOURCE_LIST: json_sources(json, field->name, at); break;
        case RINS_FIELD_INT:
            if (*(const int64_t *)at == RINS_INT_NULL && rins_field_takes_null(field))
                rins_json_null(json, field->name);
            else
                rins_json_int(json, field->name, *(const int64_t *)at);
            break;
        case RINS_FIELD_STRUCT:
            rins_json_open(json, field->name, '{');
            json_fields(json, field->fields, at);
            rins_json_close(json);
            break;
        case RINS_FIELD_FLOAT_LIST: json_floats(json, field->name, at); break;
        case RINS_FIELD_STRUCT_LIST: json_structs(json, field, at); break;
        case RINS_FIELD_STRING_LIST:
            rins_json_open(json, field->name, '[');
            for (size_t i = 0; i < strings->n; i++) rins_json_string(json, NULL, strings->items[i]);
            rins_json_close(json);
            break;
        case RINS_FIELD_FLOAT_MAP:
            rins_json_open(json, field->name, '{');
            for (size_t i = 0; i < map->n; i++) rins_json_double(json, map->items[i].key, map->items[i].value);
            rins_json_close(json);
            break;
        }
    }
}

RinsStatus rins_config_json(const RinsField *fields, const void *config, char **text) {
    RinsJsonWriter json = {.indent = 2};
    rins_json_open(&json, NULL, '{');
    json_fields(&json, fields, config);
    rins_json_close(&json);
    return rins_json_take(&json, text);
}
