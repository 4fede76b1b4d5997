#include "src/base/config_value.h"
#include "src/base/file.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_KEYS = 256, MAX_CONFIG_BYTES = 4 << 20 };

/* Path of the first field named `leaf` anywhere in the tree: "lr" at the root was meant as train.optimizer.lr. */
static bool find_leaf(const RinsField *fields, const char *leaf, char path[RINS_CONFIG_PATH]) {
    const size_t depth = strlen(path);
    for (const RinsField *field = fields; field->name; field++) {
        snprintf(path + depth, RINS_CONFIG_PATH - depth, "%s%s", depth ? "." : "", field->name);
        if (!strcmp(field->name, leaf)) return true;
        if (field->type == RINS_FIELD_STRUCT && find_leaf(field->fields, leaf, path)) return true;
    }
    path[depth] = 0;
    return false;
}

RinsStatus rins_config_unknown_key(const RinsConfigPlace *place, const RinsField *fields, const char *name) {
    const char *names[MAX_KEYS];
    size_t n = 0;
    for (; fields[n].name && n < MAX_KEYS; n++) names[n] = fields[n].name;
    char where[320], hint[RINS_CONFIG_PATH + 300], elsewhere[RINS_CONFIG_PATH] = "";
    const char *dot = place->path[0] ? "." : "";
    if (place->lines)
        snprintf(where, sizeof where, "%s:%d", place->label, place->line);
    else
        snprintf(where, sizeof where, "%s", place->label);
    const char *near = rins_nearest(name, names, n);
    if (near) {
        snprintf(hint, sizeof hint, "did you mean '%s%s%s'?", place->path, dot, near);
    } else if (find_leaf(place->root, name, elsewhere)) {
        snprintf(hint, sizeof hint, "did you mean '%s'?", elsewhere);
    } else {
        snprintf(hint, sizeof hint, "known here:");
        for (size_t i = 0; i < n; i++) {
            const size_t used = strlen(hint);
            snprintf(hint + used, sizeof hint - used, "%s %s", i ? "," : "", names[i]);
        }
    }
    return RINS_FAIL(RINS_ERR_CONFIG, "%s: unknown key '%s%s%s'; %s", where, place->path, dot, name, hint);
}

RinsStatus rins_config_parse(const RinsField *fields, void *config, const char *text, const char *label) {
    RinsYaml yaml;
    RINS_TRY(rins_yaml_parse(&yaml, text, strlen(text), label));
    RinsConfigPlace place = {.root = fields, .label = label, .lines = true};
    const RinsField root = {.name = "", .type = RINS_FIELD_STRUCT, .fields = fields};
    RinsStatus status = RINS_OK;
    if (yaml.root && !fy_node_is_mapping(yaml.root) && !rins_yaml_is_null(yaml.root)) {
        char found[64];
        status = RINS_FAIL(RINS_ERR_CONFIG, "%s:%d: expected 'key: value' lines, found %s", label,
                           rins_yaml_line(yaml.root), rins_yaml_describe(yaml.root, found));
    } else if (!rins_yaml_is_null(yaml.root)) {
        status = rins_config_set(&place, &root, config, yaml.root);
    }
    rins_yaml_close(&yaml);
    return status;
}

RinsStatus rins_config_read(const RinsField *fields, void *config, const char *path) {
    char *text;
    size_t size;
    RINS_TRY(rins_file_read(path, MAX_CONFIG_BYTES, &text, &size));
    RinsStatus status;
    if (strlen(text) != size)
        status = RINS_FAIL(RINS_ERR_CONFIG, "%s: not valid YAML: it has a zero byte", path);
    else
        status = rins_config_parse(fields, config, text, path);
    free(text);
    return status;
}

/* Follows "a.b.c" down the structs; gives the field, its struct, and what is left of the name (a map's key). */
static RinsStatus walk(RinsConfigPlace *place, const char *name, const RinsField **field, void **config,
                       const char **rest) {
    const RinsField *fields = place->root;
    for (;;) {
        char part[80];
        const size_t n = strcspn(name, ".");
        snprintf(part, sizeof part, "%.*s", (int)(n < 79 ? n : 79), name);
        const RinsField *found = fields;
        while (found->name && strcmp(found->name, part) != 0) found++;
        if (!found->name) return rins_config_unknown_key(place, fields, part);
        const size_t used = strlen(place->path);
        snprintf(place->path + used, sizeof place->path - used, "%s%s", used ? "." : "", part);
        name += n + (name[n] == '.');
        *field = found;
        *rest = name;
        if (!*name || found->type == RINS_FIELD_FLOAT_MAP) return RINS_OK;
        if (found->type != RINS_FIELD_STRUCT)
            return RINS_FAIL(RINS_ERR_CONFIG, "%s: '%s' has no keys of its own; set it whole: %s=VALUE", place->label,
                             place->path, place->path);
        *config = rins_field_at(found, *config);
        fields = found->fields;
    }
}

RinsStatus rins_config_override(const RinsField *fields, void *config, const char *assignment) {
    const char *equals = strchr(assignment, '=');
    char label[160], name[RINS_CONFIG_PATH];
    snprintf(label, sizeof label, "override '%.120s'", assignment);
    if (!equals || equals == assignment || equals[-1] == '.' || (size_t)(equals - assignment) >= sizeof name)
        return RINS_FAIL(RINS_ERR_CONFIG, "%s: expected KEY=VALUE, such as seed=1", label);
    snprintf(name, sizeof name, "%.*s", (int)(equals - assignment), assignment);
    RinsConfigPlace place = {.root = fields, .label = label};
    const RinsField *field = NULL;
    const char *rest = "";
    RINS_TRY(walk(&place, name, &field, &config, &rest));
    RinsYaml yaml;
    RINS_TRY(rins_yaml_parse(&yaml, equals + 1, strlen(equals + 1), label));
    const RinsStatus status = *rest ? rins_config_set_entry(&place, field, config, rest, strlen(rest), yaml.root)
                                    : rins_config_set(&place, field, config, yaml.root);
    rins_yaml_close(&yaml);
    return status;
}
