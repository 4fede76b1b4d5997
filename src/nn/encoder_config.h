/* What both towers share in their configuration: sizes and recursion. */
#ifndef RINS_NN_ENCODER_CONFIG_H
#define RINS_NN_ENCODER_CONFIG_H

#include "src/base/config.h"
#include "src/nn/recursion.h"

typedef struct RinsRecursionConfig {
    char *signature;
    double drop; /* p_s: probability of skipping each extra round in training */
    int adapter; /* RinsAdapter */
} RinsRecursionConfig;

typedef struct RinsEncoderConfig {
    int variant;                      /* index into rins_variant_names */
    int64_t width, depth, mlp, heads; /* null: the variant's */
    RinsRecursionConfig recursion;
} RinsEncoderConfig;

/* Sizes in force: the variant's, with explicit ones over them. */
typedef struct RinsEncoderSize {
    int64_t width, depth, mlp, heads;
} RinsEncoderSize;

extern const char *const rins_variant_names[]; /* mu Ti S M B L So400m, NULL */
extern const RinsField rins_recursion_fields[];

/* RINS_ERR_CONFIG where heads do not divide the width or a size is not positive. */
RinsStatus rins_encoder_size(const RinsEncoderConfig *config, RinsEncoderSize *size);

/* The plan of these sizes and this recursion; rounds 0: the signature's own. size may be NULL. Errors are those of
   rins_encoder_size and rins_plan_make; the caller frees the plan. */
RinsStatus rins_encoder_plan(const RinsEncoderConfig *config, int rounds, RinsEncoderSize *size, RinsPlan *plan);

/* The signature's own rounds, r; 1 where it has no recursive group. */
RinsStatus rins_encoder_rounds(const RinsEncoderConfig *config, int *rounds);

/* The shared rows of a tower's field table; `S` has a member `encoder`. */
/* clang-format off */
#define RINS_ENCODER_FIELDS(S)                                                                                         \
    {"variant", RINS_FIELD_ENUM, offsetof(S, encoder.variant), "B", "tower size: mu Ti S M B L So400m",                \
     .names = rins_variant_names},                                                                                     \
    {"width", RINS_FIELD_INT, offsetof(S, encoder.width), "null", "tokens' width, instead of the variant's",           \
     1, 65536, true},                                                                                                  \
    {"depth", RINS_FIELD_INT, offsetof(S, encoder.depth), "null", "unique blocks, instead of the variant's",           \
     1, 1024, true},                                                                                                   \
    {"mlp", RINS_FIELD_INT, offsetof(S, encoder.mlp), "null", "MLP width, instead of the variant's",                   \
     1, 262144, true},                                                                                                 \
    {"heads", RINS_FIELD_INT, offsetof(S, encoder.heads), "null", "attention heads, instead of the variant's",         \
     1, 1024, true},                                                                                                   \
    {"recursion", RINS_FIELD_STRUCT, offsetof(S, encoder.recursion), NULL, "RINS on this tower",                       \
     .fields = rins_recursion_fields}
/* clang-format on */

#endif
