/* One YAML document, parsed whole and strictly: duplicate keys, aliases and second documents are errors. */
#ifndef RINS_BASE_YAML_H
#define RINS_BASE_YAML_H

#include "src/base/status.h"

#include <libfyaml.h>
#include <stdbool.h>

typedef struct RinsYaml {
    struct fy_node *root; /* NULL: an empty document */
    struct fy_parser *parser;
    struct fy_document *document;
} RinsYaml;

/* text stays readable until rins_yaml_close. `label` stands for the file in errors; RINS_ERR_CONFIG gives the line. */
RinsStatus rins_yaml_parse(RinsYaml *yaml, const char *text, size_t size, const char *label);
void rins_yaml_close(RinsYaml *yaml);

/* 1-based line on which a node (or, for lists and maps, the first scalar in it) stands; 0 where it has none. */
int rins_yaml_line(struct fy_node *node);

/* A scalar's text (not zero-terminated) and whether it is plain, that is unquoted; NULL where node is no scalar. */
const char *rins_yaml_scalar(struct fy_node *node, size_t *size, bool *plain);
/* No node, or a plain null, ~ or nothing. */
bool rins_yaml_is_null(struct fy_node *node);
/* "a list", "a map", "'text'": what a node is, for errors. */
const char *rins_yaml_describe(struct fy_node *node, char text[64]);

#endif
