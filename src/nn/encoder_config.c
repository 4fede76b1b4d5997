#include "src/nn/encoder_config.h"

const char *const rins_variant_names[] = {"mu", "Ti", "S", "M", "B", "L", "So400m", NULL};
static const char *const adapter_names[] = {"none", "exit", "round", NULL};

/* big_vision's decode_variant; in the order of rins_variant_names. */
static const RinsEncoderSize variants[] = {
    {32, 1, 128, 2},     {192, 12, 768, 3},    {384, 12, 1536, 6},   {512, 12, 2048, 8},
    {768, 12, 3072, 12}, {1024, 24, 4096, 16}, {1152, 27, 4304, 16},
};

const RinsField rins_recursion_fields[] = {
    {"signature", RINS_FIELD_STRING, offsetof(RinsRecursionConfig, signature), "A",
     "execution order of the blocks, such as A^2B (see rins flops)"},
    {"drop", RINS_FIELD_FLOAT, offsetof(RinsRecursionConfig, drop), "0.0",
     "probability p_s of skipping each extra round in a training step", 0, 1},
    {"adapter", RINS_FIELD_ENUM, offsetof(RinsRecursionConfig, adapter), "none",
     "linear adapters: none, exit (one per early exit) or round (one per gap between rounds)", .names = adapter_names},
    {NULL}};

static int64_t pick(int64_t given, int64_t preset) {
    return given == RINS_INT_NULL ? preset : given;
}

RinsStatus rins_encoder_size(const RinsEncoderConfig *config, RinsEncoderSize *size) {
    const RinsEncoderSize *variant = &variants[config->variant];
    *size = (RinsEncoderSize){pick(config->width, variant->width), pick(config->depth, variant->depth),
                              pick(config->mlp, variant->mlp), pick(config->heads, variant->heads)};
    if (size->width < 1 || size->depth < 1 || size->mlp < 1 || size->heads < 1)
        return RINS_FAIL(RINS_ERR_CONFIG, "width, depth, mlp and heads must be at least 1");
    if (size->width % size->heads != 0)
        return RINS_FAIL(RINS_ERR_CONFIG, "%lld heads do not divide width %lld: choose heads that do",
                         (long long)size->heads, (long long)size->width);
    return RINS_OK;
}

RinsStatus rins_encoder_plan(const RinsEncoderConfig *config, int rounds, RinsEncoderSize *size, RinsPlan *plan) {
    RinsEncoderSize own;
    if (!size) size = &own;
    RINS_TRY(rins_encoder_size(config, size));
    return rins_plan_make(plan, config->recursion.signature, (int)size->depth, rounds,
                          (RinsAdapter)config->recursion.adapter);
}

RinsStatus rins_encoder_rounds(const RinsEncoderConfig *config, int *rounds) {
    RinsEncoderSize size;
    RINS_TRY(rins_encoder_size(config, &size));
    return rins_signature_rounds(config->recursion.signature, (int)size.depth, rounds);
}
