/* Shared by the config_*.c files only: typed access to a field, and where an error stands. */
#ifndef RINS_BASE_CONFIG_VALUE_H
#define RINS_BASE_CONFIG_VALUE_H

#include "src/base/config.h"
#include "src/base/yaml.h"

enum { RINS_CONFIG_PATH = 256 };

/* Where a value came from: "label:line: " before every message. */
typedef struct RinsConfigPlace {
    const RinsField *root; /* the whole table, to look for a key that was written at the wrong place */
    const char *label;
    bool lines;                  /* the label is a file: say lines */
    int line;                    /* of the key being read */
    char path[RINS_CONFIG_PATH]; /* "train.optimizer.lr" */
} RinsConfigPlace;

static inline void *rins_field_at(const RinsField *field, void *config) {
    return (char *)config + field->offset;
}

static inline const void *rins_field_at_const(const RinsField *field, const void *config) {
    return (const char *)config + field->offset;
}

/* A null is allowed: declared so, or the default is one. */
bool rins_field_takes_null(const RinsField *field);

/* Sets one field of `config` from a parsed value; place->path names it. */
RinsStatus rins_config_set(RinsConfigPlace *place, const RinsField *field, void *config, struct fy_node *node);
/* One entry of a RINS_FIELD_FLOAT_MAP: added, or replaced. */
RinsStatus rins_config_set_entry(RinsConfigPlace *place, const RinsField *field, void *config, const char *key,
                                 size_t key_size, struct fy_node *node);
/* Fails with the nearest known key; `name` is the unknown one, `fields` the table it was looked up in. */
RinsStatus rins_config_unknown_key(const RinsConfigPlace *place, const RinsField *fields, const char *name);

/* Frees what one field owns and zeroes it. */
void rins_field_free(const RinsField *field, void *config);

#endif
