/* One field table per config struct: it drives parsing, overrides, defaults, range checks, printing, documentation
   and saved copies. Nothing else knows a config struct's fields by position. */
#ifndef RINS_BASE_CONFIG_H
#define RINS_BASE_CONFIG_H

#include "src/base/list.h"
#include "src/base/status.h"

#include <stdbool.h>
#include <stdio.h>

typedef enum RinsFieldType {
    RINS_FIELD_BOOL,        /* bool */
    RINS_FIELD_INT,         /* int64_t; null where `nullable` is INT64_MIN */
    RINS_FIELD_FLOAT,       /* double; null is NaN */
    RINS_FIELD_STRING,      /* char *, malloc'd; null is NULL */
    RINS_FIELD_ENUM,        /* int, an index into `names` */
    RINS_FIELD_STRING_LIST, /* RinsStringList */
    RINS_FIELD_FLOAT_MAP,   /* RinsFloatMap: free keys, such as lr_mults */
    RINS_FIELD_SOURCE_LIST, /* RinsSourceList: strings or {source: S, weight: W} */
    RINS_FIELD_FLOAT_LIST,  /* RinsFloatList */
    RINS_FIELD_STRUCT,      /* a nested struct with the table `fields` */
    RINS_FIELD_STRUCT_LIST  /* RinsStructList of structs of `size` bytes with the table `fields` */
} RinsFieldType;

#define RINS_INT_NULL INT64_MIN

typedef struct RinsFloatList {
    double *items;
    size_t n;
} RinsFloatList;
typedef struct RinsStructList {
    void *items;
    size_t n;
} RinsStructList;
typedef struct RinsFloatMap {
    struct RinsFloatEntry {
        char *key;
        double value;
    } * items;
    size_t n;
} RinsFloatMap;
typedef struct RinsSourceList {
    struct RinsSourceEntry {
        char *source;
        double weight;
    } * items;
    size_t n;
} RinsSourceList;

typedef struct RinsField {
    const char *name; /* NULL ends a table */
    RinsFieldType type;
    size_t offset;      /* offsetof in the struct */
    const char *preset; /* the default, as YAML text ("0.9", "null", "[]"); unused for STRUCT */
    const char *doc;    /* one line, with the unit */
    double min, max;    /* inclusive bounds of numbers; both 0: no bounds */
    bool nullable;
    const char *const *names;       /* ENUM: NULL-terminated */
    const struct RinsField *fields; /* STRUCT, STRUCT_LIST */
    size_t size;                    /* STRUCT_LIST: of one item */
    const char *list_only;          /* lists: a lone entry is an error that shows this list, "[0, 1]" */
    const char *choice;             /* STRUCT: a map that sets this key ("*": any of them, not to null) is the whole
                                       struct, and what it leaves out goes to its default; NULL: that stays as it is */
} RinsField;

/* Sets every field to its default. `config` must be zeroed or initialised. */
RinsStatus rins_config_defaults(const RinsField *fields, void *config);

/* Reads a YAML file over the present values. Unknown keys are errors that name the nearest known one; every error
   gives file and line; after one, fields before it in the file are set. */
RinsStatus rins_config_read(const RinsField *fields, void *config, const char *path);

/* Same from text; `label` stands for the file in errors. */
RinsStatus rins_config_parse(const RinsField *fields, void *config, const char *text, const char *label);

/* One override "a.b.c=value"; the value is YAML ("0.1", "[x, y]", "{variant: Ti}", "null"). Lists and maps are replaced
   whole (a lone entry stands for a list of one), structs only in the keys given, unless their `choice` is among these;
   "map.key=1" sets one entry. */
RinsStatus rins_config_override(const RinsField *fields, void *config, const char *assignment);

/* Writes all values as block YAML that rins_config_read takes back to the same bytes; floats shortest-exact. */
RinsStatus rins_config_write(const RinsField *fields, const void *config, FILE *out);

/* Same as one JSON object, for config.json's "rins" part and for run metadata; rins_config_parse takes it back.
   malloc'd. */
RinsStatus rins_config_json(const RinsField *fields, const void *config, char **text);

/* Frees what the fields own and zeroes them. */
void rins_config_free(const RinsField *fields, void *config);

/* Copies field by field; `to` is initialised or zeroed. */
RinsStatus rins_config_copy(const RinsField *fields, void *to, const void *from);

/* The entry of `names` nearest to `word`: the same in other case, else by edit distance. NULL where none is near or
   shares a letter with it. For "did you mean". */
const char *rins_nearest(const char *word, const char *const *names, size_t n);

#endif
