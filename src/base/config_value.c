#define _GNU_SOURCE
#include "src/base/config_value.h"
#include "src/base/list.h"
#include "src/base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* "label:line: path" of every message; a label without lines (an override) goes without. */
static const char *spot(const RinsConfigPlace *place, struct fy_node *node, char text[512]) {
    const int line = rins_yaml_line(node);
    if (place->lines)
        snprintf(text, 512, "%s:%d: '%s'", place->label, line > place->line ? line : place->line, place->path);
    else
        snprintf(text, 512, "%s: '%s'", place->label, place->path);
    return text;
}

static RinsStatus wrong_type(const RinsConfigPlace *place, struct fy_node *node, const char *expected) {
    char where[512], found[64];
    return RINS_FAIL(RINS_ERR_CONFIG, "%s: expected %s, found %s", spot(place, node, where), expected,
                     rins_yaml_describe(node, found));
}

static RinsStatus no_memory(const RinsConfigPlace *place) {
    return RINS_FAIL(RINS_ERR_MEMORY, "%s: no memory for '%s'", place->label, place->path);
}

/* A long double holds every int64_t; a double would round 2^53 + 1 into the range of seeds. */
static RinsStatus check_range(const RinsConfigPlace *place, const RinsField *field, struct fy_node *node,
                              long double value) {
    char where[512], least[RINS_NUMBER_ROOM], most[RINS_NUMBER_ROOM];
    size_t size;
    bool plain;
    if ((field->min == 0 && field->max == 0) || (value >= field->min && value <= field->max)) return RINS_OK;
    const char *text = rins_yaml_scalar(node, &size, &plain);
    rins_format_digits(field->min, 16, least);
    rins_format_digits(field->max, 16, most);
    return RINS_FAIL(RINS_ERR_CONFIG, "%s: %.*s is out of range: %s to %s", spot(place, node, where), (int)size, text,
                     least, most);
}

static RinsStatus set_bool(const RinsConfigPlace *place, bool *at, struct fy_node *node) {
    static const char *const words[] = {"false", "False", "FALSE", "true", "True", "TRUE"};
    size_t size;
    bool plain;
    const char *text = rins_yaml_scalar(node, &size, &plain);
    for (int i = 0; text && plain && i < 6; i++) {
        if (strlen(words[i]) != size || memcmp(words[i], text, size) != 0) continue;
        *at = i >= 3;
        return RINS_OK;
    }
    return wrong_type(place, node, "true or false");
}

static RinsStatus set_int(const RinsConfigPlace *place, const RinsField *field, int64_t *at, struct fy_node *node) {
    size_t size;
    bool plain;
    int64_t value;
    const char *text = rins_yaml_scalar(node, &size, &plain);
    char where[512];
    if (!text || !plain || !rins_is_whole(text, size)) return wrong_type(place, node, "a whole number");
    if (!rins_parse_int(text, size, &value)) {
        RINS_TRY(check_range(place, field, node, text[0] == '-' ? -INFINITY : INFINITY));
        return RINS_FAIL(RINS_ERR_CONFIG, "%s: %.*s does not fit into 64 bits", spot(place, node, where), (int)size,
                         text);
    }
    RINS_TRY(check_range(place, field, node, value));
    *at = value;
    return RINS_OK;
}

static RinsStatus set_float(const RinsConfigPlace *place, const RinsField *field, double *at, struct fy_node *node) {
    size_t size;
    bool plain;
    double value;
    const char *text = rins_yaml_scalar(node, &size, &plain);
    if (!text || !plain || !rins_parse_double(text, size, &value)) return wrong_type(place, node, "a number");
    RINS_TRY(check_range(place, field, node, value));
    *at = value;
    return RINS_OK;
}

static RinsStatus set_enum(const RinsConfigPlace *place, const RinsField *field, int *at, struct fy_node *node) {
    size_t size, n = 0;
    bool plain;
    const char *text = rins_yaml_scalar(node, &size, &plain);
    char choices[300] = "one of";
    for (; field->names[n]; n++) {
        if (text && strlen(field->names[n]) == size && !memcmp(field->names[n], text, size)) {
            *at = (int)n;
            return RINS_OK;
        }
        const size_t used = strlen(choices);
        snprintf(choices + used, sizeof choices - used, "%s %s", n ? "," : "", field->names[n]);
    }
    if (!text || rins_yaml_is_null(node)) return wrong_type(place, node, choices);
    char word[80], where[512];
    snprintf(word, sizeof word, "%.*s", (int)size, text);
    const char *near = rins_nearest(word, field->names, n);
    if (!near) return wrong_type(place, node, choices);
    return RINS_FAIL(RINS_ERR_CONFIG, "%s: expected %s, found '%s'; did you mean '%s'?", spot(place, node, where),
                     choices, word, near);
}

static RinsStatus copy_text(const RinsConfigPlace *place, struct fy_node *node, char **copy) {
    size_t size;
    bool plain;
    const char *text = rins_yaml_is_null(node) ? NULL : rins_yaml_scalar(node, &size, &plain);
    if (!text) return wrong_type(place, node, "a text");
    if (memchr(text, 0, size)) return wrong_type(place, node, "a text without zero bytes");
    *copy = strndup(text, size);
    return *copy ? RINS_OK : no_memory(place);
}

static RinsStatus add_string(const RinsConfigPlace *place, RinsStringList *list, struct fy_node *node) {
    char *text = NULL;
    RINS_TRY(copy_text(place, node, &text));
    return rins_strings_take(list, text);
}

static RinsStatus set_weight(RinsConfigPlace *place, double *weight, struct fy_node *node) {
    const RinsField plain = {.name = "weight"};
    RINS_TRY(set_float(place, &plain, weight, node));
    char where[512];
    if (*weight > 0) return RINS_OK;
    return RINS_FAIL(RINS_ERR_CONFIG, "%s: weight must be above 0", spot(place, node, where));
}

static RinsStatus add_source(RinsConfigPlace *place, RinsSourceList *list, struct fy_node *node) {
    static const RinsField keys[] = {{.name = "source"}, {.name = "weight"}, {.name = NULL}};
    struct RinsSourceEntry *grown = rins_list_grow(list->items, list->n, sizeof *grown);
    if (!grown) return no_memory(place);
    list->items = grown;
    struct RinsSourceEntry *entry = &grown[list->n];
    *entry = (struct RinsSourceEntry){.source = NULL, .weight = 1};
    if (!node || !fy_node_is_mapping(node)) {
        RINS_TRY(copy_text(place, node, &entry->source));
        list->n++;
        return RINS_OK;
    }
    list->n++; /* owned from here, whatever follows */
    void *at = NULL;
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &at));) {
        char name[80];
        size_t size;
        bool is_plain;
        const char *text = rins_yaml_scalar(fy_node_pair_key(pair), &size, &is_plain);
        place->line = rins_yaml_line(fy_node_pair_key(pair));
        snprintf(name, sizeof name, "%.*s", text ? (int)(size < 79 ? size : 79) : 0, text ? text : "");
        if (!strcmp(name, "source"))
            RINS_TRY(copy_text(place, fy_node_pair_value(pair), &entry->source));
        else if (!strcmp(name, "weight"))
            RINS_TRY(set_weight(place, &entry->weight, fy_node_pair_value(pair)));
        else
            return rins_config_unknown_key(place, keys, name);
    }
    return entry->source ? RINS_OK : wrong_type(place, node, "a source, or {source: TEXT, weight: NUMBER}");
}

RinsStatus rins_config_set_entry(RinsConfigPlace *place, const RinsField *field, void *config, const char *key,
                                 size_t key_size, struct fy_node *node) {
    RinsFloatMap *map = rins_field_at(field, config);
    double value;
    RINS_TRY(set_float(place, field, &value, node));
    for (size_t i = 0; i < map->n; i++) {
        if (strlen(map->items[i].key) != key_size || memcmp(map->items[i].key, key, key_size) != 0) continue;
        map->items[i].value = value;
        return RINS_OK;
    }
    struct RinsFloatEntry *grown = rins_list_grow(map->items, map->n, sizeof *grown);
    if (!grown) return no_memory(place);
    map->items = grown;
    grown[map->n] = (struct RinsFloatEntry){strndup(key, key_size), value};
    if (!grown[map->n].key) return no_memory(place);
    map->n++;
    return RINS_OK;
}

static RinsStatus set_map(RinsConfigPlace *place, const RinsField *field, void *config, struct fy_node *node) {
    if (!node || !fy_node_is_mapping(node)) return wrong_type(place, node, "a map of numbers");
    void *at = NULL;
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &at));) {
        size_t size;
        bool plain;
        const char *key = rins_yaml_scalar(fy_node_pair_key(pair), &size, &plain);
        if (!key) return wrong_type(place, node, "a map of numbers");
        place->line = rins_yaml_line(fy_node_pair_key(pair));
        RINS_TRY(rins_config_set_entry(place, field, config, key, size, fy_node_pair_value(pair)));
    }
    return RINS_OK;
}

static RinsStatus add_float(const RinsConfigPlace *place, const RinsField *field, RinsFloatList *list,
                            struct fy_node *node) {
    double *grown = rins_list_grow(list->items, list->n, sizeof *grown);
    if (!grown) return no_memory(place);
    list->items = grown;
    RINS_TRY(set_float(place, field, &grown[list->n], node));
    list->n++;
    return RINS_OK;
}

static RinsStatus set_struct(RinsConfigPlace *place, const RinsField *fields, void *config, struct fy_node *node);

static RinsStatus add_struct(RinsConfigPlace *place, const RinsField *field, RinsStructList *list,
                             struct fy_node *node) {
    char *grown = rins_list_grow(list->items, list->n, field->size);
    if (!grown) return no_memory(place);
    list->items = grown;
    void *item = grown + list->n++ * field->size; /* owned from here, whatever follows */
    memset(item, 0, field->size);
    RINS_TRY(rins_config_defaults(field->fields, item));
    return set_struct(place, field->fields, item, node);
}

static RinsStatus add_item(RinsConfigPlace *place, const RinsField *field, void *list, struct fy_node *node) {
    switch (field->type) {
    case RINS_FIELD_SOURCE_LIST: return add_source(place, list, node);
    case RINS_FIELD_FLOAT_LIST: return add_float(place, field, list, node);
    case RINS_FIELD_STRUCT_LIST: return add_struct(place, field, list, node);
    default: return add_string(place, list, node);
    }
}

/* A lone entry stands for a list of one: `data.train=folder:photos` on a command line. */
static RinsStatus set_list(RinsConfigPlace *place, const RinsField *field, void *config, struct fy_node *node) {
    void *list = rins_field_at(field, config), *at = NULL;
    if (rins_yaml_is_null(node)) return wrong_type(place, node, "a list (an empty one is [])");
    if (!fy_node_is_sequence(node) && field->list_only) {
        char expected[80];
        snprintf(expected, sizeof expected, "a list such as %s", field->list_only);
        return wrong_type(place, node, expected);
    }
    if (!fy_node_is_sequence(node)) return add_item(place, field, list, node);
    for (struct fy_node *item; (item = fy_node_sequence_iterate(node, &at));)
        RINS_TRY(add_item(place, field, list, item));
    return RINS_OK;
}

static void set_null(const RinsField *field, void *config) {
    rins_field_free(field, config);
    if (field->type == RINS_FIELD_INT) *(int64_t *)rins_field_at(field, config) = RINS_INT_NULL;
    if (field->type == RINS_FIELD_FLOAT) *(double *)rins_field_at(field, config) = NAN;
}

static RinsStatus set_struct(RinsConfigPlace *place, const RinsField *fields, void *config, struct fy_node *node) {
    if (!node || !fy_node_is_mapping(node)) return wrong_type(place, node, "a map of keys");
    const size_t depth = strlen(place->path);
    void *at = NULL;
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &at));) {
        struct fy_node *key = fy_node_pair_key(pair);
        char name[80];
        size_t size;
        bool plain;
        const char *text = rins_yaml_scalar(key, &size, &plain);
        if (!text) return wrong_type(place, key, "a key");
        place->line = rins_yaml_line(key);
        snprintf(name, sizeof name, "%.*s", (int)(size < 79 ? size : 79), text);
        const RinsField *field = fields;
        while (field->name && strcmp(field->name, name) != 0) field++;
        if (!field->name) return rins_config_unknown_key(place, fields, name);
        snprintf(place->path + depth, sizeof place->path - depth, "%s%s", depth ? "." : "", name);
        RINS_TRY(rins_config_set(place, field, config, fy_node_pair_value(pair)));
        place->path[depth] = 0;
    }
    return RINS_OK;
}

/* The map settles what this struct is as a whole: "{steps: 9}" a budget, "{name: constant}" a schedule. */
static bool chooses(const RinsField *field, struct fy_node *map) {
    if (!field->choice || !map || !fy_node_is_mapping(map)) return false;
    const bool any = !strcmp(field->choice, "*");
    void *at = NULL;
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(map, &at));) {
        size_t size;
        bool plain;
        const char *key = rins_yaml_scalar(fy_node_pair_key(pair), &size, &plain);
        const bool fits = any || (key && strlen(field->choice) == size && !memcmp(field->choice, key, size));
        if (fits && !rins_yaml_is_null(fy_node_pair_value(pair))) return true;
    }
    return false;
}

RinsStatus rins_config_set(RinsConfigPlace *place, const RinsField *field, void *config, struct fy_node *node) {
    void *at = rins_field_at(field, config);
    if (field->type == RINS_FIELD_STRUCT) {
        if (chooses(field, node)) RINS_TRY(rins_config_defaults(field->fields, at));
        return set_struct(place, field->fields, at, node);
    }
    if (rins_yaml_is_null(node) && rins_field_takes_null(field)) {
        set_null(field, config);
        return RINS_OK;
    }
    switch (field->type) {
    case RINS_FIELD_BOOL: return set_bool(place, at, node);
    case RINS_FIELD_INT: return set_int(place, field, at, node);
    case RINS_FIELD_FLOAT: return set_float(place, field, at, node);
    case RINS_FIELD_ENUM: return set_enum(place, field, at, node);
    case RINS_FIELD_STRING: {
        char *text;
        RINS_TRY(copy_text(place, node, &text));
        free(*(char **)at);
        *(char **)at = text;
        return RINS_OK;
    }
    case RINS_FIELD_STRING_LIST:
    case RINS_FIELD_FLOAT_LIST:
    case RINS_FIELD_STRUCT_LIST:
    case RINS_FIELD_SOURCE_LIST: rins_field_free(field, config); return set_list(place, field, config, node);
    case RINS_FIELD_FLOAT_MAP: rins_field_free(field, config); return set_map(place, field, config, node);
    case RINS_FIELD_STRUCT: break;
    }
    return RINS_FAIL(RINS_ERR_INTERNAL, "field '%s' has no such type", field->name);
}
