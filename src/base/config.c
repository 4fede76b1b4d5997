#define _GNU_SOURCE
#include "src/base/config_value.h"
#include "src/base/list.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool rins_field_takes_null(const RinsField *field) {
    return field->nullable || (field->preset && !strcmp(field->preset, "null"));
}

static RinsStatus set_default(const RinsField *field, void *config) {
    RinsYaml yaml;
    RinsConfigPlace place = {.root = field, .label = "built-in default"};
    snprintf(place.path, sizeof place.path, "%s", field->name);
    RINS_TRY(rins_yaml_parse(&yaml, field->preset, strlen(field->preset), place.label));
    const RinsStatus status = rins_config_set(&place, field, config, yaml.root);
    rins_yaml_close(&yaml);
    return status;
}

RinsStatus rins_config_defaults(const RinsField *fields, void *config) {
    for (const RinsField *field = fields; field->name; field++) {
        if (field->type == RINS_FIELD_STRUCT)
            RINS_TRY(rins_config_defaults(field->fields, rins_field_at(field, config)));
        else
            RINS_TRY(set_default(field, config));
    }
    return RINS_OK;
}

static void free_map(RinsFloatMap *map) {
    for (size_t i = 0; i < map->n; i++) free(map->items[i].key);
    free(map->items);
}

static void free_sources(RinsSourceList *list) {
    for (size_t i = 0; i < list->n; i++) free(list->items[i].source);
    free(list->items);
}

static void free_structs(const RinsField *field, RinsStructList *list) {
    for (size_t i = 0; i < list->n; i++) rins_config_free(field->fields, (char *)list->items + i * field->size);
    free(list->items);
    *list = (RinsStructList){0};
}

void rins_field_free(const RinsField *field, void *config) {
    void *at = rins_field_at(field, config);
    switch (field->type) {
    case RINS_FIELD_BOOL: *(bool *)at = false; break;
    case RINS_FIELD_INT: *(int64_t *)at = 0; break;
    case RINS_FIELD_FLOAT: *(double *)at = 0; break;
    case RINS_FIELD_ENUM: *(int *)at = 0; break;
    case RINS_FIELD_STRING:
        free(*(char **)at);
        *(char **)at = NULL;
        break;
    case RINS_FIELD_STRING_LIST: rins_strings_free(at); break;
    case RINS_FIELD_FLOAT_MAP:
        free_map(at);
        *(RinsFloatMap *)at = (RinsFloatMap){0};
        break;
    case RINS_FIELD_SOURCE_LIST:
        free_sources(at);
        *(RinsSourceList *)at = (RinsSourceList){0};
        break;
    case RINS_FIELD_FLOAT_LIST:
        free(((RinsFloatList *)at)->items);
        *(RinsFloatList *)at = (RinsFloatList){0};
        break;
    case RINS_FIELD_STRUCT: rins_config_free(field->fields, at); break;
    case RINS_FIELD_STRUCT_LIST: free_structs(field, at); break;
    }
}

void rins_config_free(const RinsField *fields, void *config) {
    for (const RinsField *field = fields; field->name; field++) rins_field_free(field, config);
}

static bool copy_strings(RinsStringList *to, const RinsStringList *from) {
    if (from->n && !(to->items = calloc(rins_list_room(from->n), sizeof *to->items))) return false;
    for (; to->n < from->n; to->n++)
        if (!(to->items[to->n] = strdup(from->items[to->n]))) return false;
    return true;
}

static bool copy_map(RinsFloatMap *to, const RinsFloatMap *from) {
    if (from->n && !(to->items = calloc(rins_list_room(from->n), sizeof *to->items))) return false;
    for (; to->n < from->n; to->n++) {
        to->items[to->n].value = from->items[to->n].value;
        if (!(to->items[to->n].key = strdup(from->items[to->n].key))) return false;
    }
    return true;
}

static bool copy_sources(RinsSourceList *to, const RinsSourceList *from) {
    if (from->n && !(to->items = calloc(rins_list_room(from->n), sizeof *to->items))) return false;
    for (; to->n < from->n; to->n++) {
        to->items[to->n].weight = from->items[to->n].weight;
        if (!(to->items[to->n].source = strdup(from->items[to->n].source))) return false;
    }
    return true;
}

static bool copy_floats(RinsFloatList *to, const RinsFloatList *from) {
    if (from->n && !(to->items = calloc(rins_list_room(from->n), sizeof *to->items))) return false;
    if (from->n) memcpy(to->items, from->items, from->n * sizeof *to->items);
    to->n = from->n;
    return true;
}

static bool copy_structs(const RinsField *field, RinsStructList *to, const RinsStructList *from) {
    if (from->n && !(to->items = calloc(rins_list_room(from->n), field->size))) return false;
    for (; to->n < from->n; to->n++)
        if (rins_config_copy(field->fields, (char *)to->items + to->n * field->size,
                             (const char *)from->items + to->n * field->size) != RINS_OK)
            return false;
    return true;
}

/* `to` is freed already; false: out of memory. */
static bool copy_field(const RinsField *field, void *to, const void *from) {
    switch (field->type) {
    case RINS_FIELD_BOOL: *(bool *)to = *(const bool *)from; return true;
    case RINS_FIELD_INT: *(int64_t *)to = *(const int64_t *)from; return true;
    case RINS_FIELD_FLOAT: *(double *)to = *(const double *)from; return true;
    case RINS_FIELD_ENUM: *(int *)to = *(const int *)from; return true;
    case RINS_FIELD_STRING: {
        const char *text = *(char *const *)from;
        *(char **)to = text ? strdup(text) : NULL;
        return !text || *(char **)to;
    }
    case RINS_FIELD_STRING_LIST: return copy_strings(to, from);
    case RINS_FIELD_FLOAT_MAP: return copy_map(to, from);
    case RINS_FIELD_SOURCE_LIST: return copy_sources(to, from);
    case RINS_FIELD_FLOAT_LIST: return copy_floats(to, from);
    case RINS_FIELD_STRUCT: return rins_config_copy(field->fields, to, from) == RINS_OK;
    case RINS_FIELD_STRUCT_LIST: return copy_structs(field, to, from);
    }
    return false;
}

RinsStatus rins_config_copy(const RinsField *fields, void *to, const void *from) {
    if (to == from) return RINS_OK;
    for (const RinsField *field = fields; field->name; field++) {
        if (field->type != RINS_FIELD_STRUCT) rins_field_free(field, to);
        if (!copy_field(field, rins_field_at(field, to), rins_field_at_const(field, from)))
            return RINS_FAIL(RINS_ERR_MEMORY, "no memory to copy '%s'", field->name);
    }
    return RINS_OK;
}
