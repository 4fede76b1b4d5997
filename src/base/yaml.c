#include "src/base/yaml.h"

#include <stdlib.h>
#include <string.h>

const char *rins_yaml_scalar(struct fy_node *node, size_t *size, bool *plain) {
    if (!node || !fy_node_is_scalar(node)) return NULL;
    const char *text = fy_node_get_scalar(node, size);
    *plain = fy_node_get_style(node) == FYNS_PLAIN;
    if (!text) *size = 0;
    return text ? text : "";
}

bool rins_yaml_is_null(struct fy_node *node) {
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    size_t size;
    bool plain;
    if (!node) return true;
    const char *text = rins_yaml_scalar(node, &size, &plain);
    if (!text || (!plain && size > 0)) return false;
    if (!plain) return fy_node_get_style(node) == FYNS_ANY;
    for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++)
        if (strlen(nulls[i]) == size && !memcmp(nulls[i], text, size)) return true;
    return false;
}

int rins_yaml_line(struct fy_node *node) {
    if (!node) return 0;
    if (fy_node_is_mapping(node)) {
        struct fy_node_pair *pair = fy_node_mapping_get_by_index(node, 0);
        return pair ? rins_yaml_line(fy_node_pair_key(pair)) : 0;
    }
    if (fy_node_is_sequence(node)) return rins_yaml_line(fy_node_sequence_get_by_index(node, 0));
    struct fy_token *token = fy_node_get_scalar_token(node);
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    return mark ? mark->line + 1 : 0;
}

const char *rins_yaml_describe(struct fy_node *node, char text[64]) {
    size_t size;
    bool plain;
    if (rins_yaml_is_null(node)) return "nothing";
    if (fy_node_is_mapping(node)) return "a map";
    if (fy_node_is_sequence(node)) return "a list";
    const char *value = rins_yaml_scalar(node, &size, &plain);
    size_t n = size < 40 ? size : 40;
    while (n < size && n > 0 && ((unsigned char)value[n] & 0xc0) == 0x80) n--; /* no half character */
    snprintf(text, 64, "'%.*s%s'", (int)n, value, size > n ? "..." : "");
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < ' ') *at = ' ';
    return text;
}

enum { MAX_MAP = 4096 }; /* keys of one map: the search for duplicates is quadratic */

static RinsStatus check_duplicate(struct fy_node *map, int index, const char *label) {
    struct fy_node *key = fy_node_pair_key(fy_node_mapping_get_by_index(map, index));
    size_t size, other_size;
    bool plain;
    const char *text = rins_yaml_scalar(key, &size, &plain);
    for (int i = 0; text && i < index; i++) {
        struct fy_node *other = fy_node_pair_key(fy_node_mapping_get_by_index(map, i));
        const char *name = rins_yaml_scalar(other, &other_size, &plain);
        if (name && other_size == size && !memcmp(name, text, size))
            return RINS_FAIL(RINS_ERR_CONFIG, "%s:%d: duplicate key '%.*s', first given in line %d", label,
                             rins_yaml_line(key), (int)(size < 80 ? size : 80), text, rins_yaml_line(other));
    }
    return RINS_OK;
}

/* What libfyaml lets through (aliases) or places wrongly (duplicate keys). Depth is bounded by its parser. */
static RinsStatus check_tree(struct fy_node *node, const char *label) {
    if (!node) return RINS_OK;
    if (fy_node_is_alias(node))
        return RINS_FAIL(
            RINS_ERR_CONFIG,
            "%s:%d: aliases ('*name') are not supported; repeat the value, or quote a text that begins with '*'", label,
            rins_yaml_line(node));
    if (fy_node_is_sequence(node)) {
        void *at = NULL;
        for (struct fy_node *item; (item = fy_node_sequence_iterate(node, &at));) RINS_TRY(check_tree(item, label));
    } else if (fy_node_is_mapping(node)) {
        const int n = fy_node_mapping_item_count(node);
        if (n > MAX_MAP) return RINS_FAIL(RINS_ERR_CONFIG, "%s: a map has more than %d keys", label, MAX_MAP);
        for (int i = 0; i < n; i++) {
            struct fy_node_pair *pair = fy_node_mapping_get_by_index(node, i);
            RINS_TRY(check_duplicate(node, i, label));
            RINS_TRY(check_tree(fy_node_pair_key(pair), label));
            RINS_TRY(check_tree(fy_node_pair_value(pair), label));
        }
    }
    return RINS_OK;
}

static RinsStatus syntax_error(struct fy_diag *diag, const char *label) {
    void *at = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &at);
    if (!error) return RINS_FAIL(RINS_ERR_CONFIG, "%s: not valid YAML", label);
    const char *message = error->msg ? error->msg : "syntax error";
    return RINS_FAIL(RINS_ERR_CONFIG, "%s:%d: not valid YAML: %s (column %d)", label, error->line > 0 ? error->line : 1,
                     message, error->column);
}

RinsStatus rins_yaml_parse(RinsYaml *yaml, const char *text, size_t size, const char *label) {
    RinsStatus status = RINS_OK;
    *yaml = (RinsYaml){0};
    if (memchr(text, 0, size)) return RINS_FAIL(RINS_ERR_CONFIG, "%s: not valid YAML: it has a zero byte", label);
    struct fy_diag *diag = fy_diag_create(NULL);
    if (!diag) return RINS_FAIL(RINS_ERR_MEMORY, "%s: no memory to parse it", label);
    fy_diag_set_collect_errors(diag, true);
    const struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_ALLOW_DUPLICATE_KEYS,
                                        .diag = diag};
    yaml->parser = fy_parser_create(&config);
    if (!yaml->parser || fy_parser_set_string(yaml->parser, text, size) != 0) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "%s: no memory to parse it", label);
        goto done;
    }
    yaml->document = fy_parse_load_document(yaml->parser);
    if (fy_parser_get_stream_error(yaml->parser)) {
        status = syntax_error(diag, label);
        goto done;
    }
    yaml->root = yaml->document ? fy_document_root(yaml->document) : NULL;
    RINS_TRY_DONE(check_tree(yaml->root, label));
    struct fy_document *second = yaml->document ? fy_parse_load_document(yaml->parser) : NULL;
    if (second) {
        fy_parse_document_destroy(yaml->parser, second);
        status = RINS_FAIL(RINS_ERR_CONFIG, "%s: it holds more than one YAML document; keep the first", label);
    } else if (fy_parser_get_stream_error(yaml->parser)) {
        status = syntax_error(diag, label);
    }
done:
    fy_diag_destroy(diag);
    if (status != RINS_OK) rins_yaml_close(yaml);
    return status;
}

void rins_yaml_close(RinsYaml *yaml) {
    if (yaml->document) fy_parse_document_destroy(yaml->parser, yaml->document);
    if (yaml->parser) fy_parser_destroy(yaml->parser);
    *yaml = (RinsYaml){0};
}
