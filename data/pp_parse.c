/* "op(args)|op|..." to a list of ops. */
#include "data/pp_ops.h"

#include "src/base/config.h"
#include "src/base/number.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD = 48, MAX_OPS = 64, MAX_TEXT = 4096 };

typedef struct Parser {
    const char *at;
    RinsPp *pp;
    bool decoded, ranged; /* seen a decode op; seen value_range or normalize */
    int height, width;    /* so far; 0: not known */
} Parser;

static void skip_space(Parser *parser) {
    while (isspace((unsigned char)*parser->at)) parser->at++;
}

static bool accept(Parser *parser, char c) {
    skip_space(parser);
    if (*parser->at != c) return false;
    parser->at++;
    return true;
}

/* Letters, digits and what numbers are made of. */
static RinsStatus read_word(Parser *parser, char word[WORD]) {
    skip_space(parser);
    const char quote = *parser->at == '\'' || *parser->at == '"' ? *parser->at++ : 0;
    int n = 0;
    while (n < WORD - 1 && (isalnum((unsigned char)*parser->at) || (*parser->at && strchr("_.+-", *parser->at))))
        word[n++] = *parser->at++;
    word[n] = 0;
    if (quote && *parser->at == quote)
        parser->at++;
    else if (quote)
        return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: a quote is not closed after '%s'", word);
    if (n == 0)
        return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: expected a name or a number before '%.20s'",
                         *parser->at ? parser->at : "the end");
    return RINS_OK;
}

/* RINS_ERR_CONFIG: what, then the nearest of the names, or all of them where none is near. */
static RinsStatus unknown(const char *what, const char *word, const char *const *names, int n) {
    char all[512] = "";
    const char *near = rins_nearest(word, names, (size_t)n);
    if (near) return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: %s '%s'; did you mean '%s'?", what, word, near);
    for (int i = 0; i < n; i++) {
        const size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", names[i]);
    }
    return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: %s '%s'; there are %s", what, word, all);
}

static RinsStatus find_spec(const char *name, const RinsPpSpec **found) {
    const char *names[RINS_PP_MAX_SPECS];
    for (int i = 0; i < rins_pp_n_specs; i++) {
        names[i] = rins_pp_specs[i].name;
        if (!strcmp(name, names[i])) return *found = &rins_pp_specs[i], RINS_OK;
    }
    return unknown("unknown op", name, names, rins_pp_n_specs);
}

static int n_params(const RinsPpSpec *spec) {
    int n = 0;
    while (n < RINS_PP_PARAMS && spec->params[n].name) n++;
    return n;
}

static RinsStatus find_param(const RinsPpSpec *spec, const char *name, int *found) {
    const char *names[RINS_PP_PARAMS];
    char what[96];
    const int n = n_params(spec);
    if (!n) return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: %s takes no arguments", spec->name);
    for (*found = 0; *found < n; ++*found) {
        names[*found] = spec->params[*found].name;
        if (!strcmp(name, names[*found])) return RINS_OK;
    }
    snprintf(what, sizeof what, "%s has no argument", spec->name);
    return unknown(what, name, names, n);
}

/* Position of the word in "a|b|c"; -1 if absent. */
static int choice_index(const char *choices, const char *word) {
    const size_t n = strlen(word);
    for (int i = 0;; i++) {
        const size_t length = strcspn(choices, "|");
        if (length == n && !memcmp(choices, word, n)) return i;
        if (!choices[length]) return -1;
        choices += length + 1;
    }
}

static bool to_number(const char *word, double *value) {
    static const struct {
        const char *word;
        double value;
    } names[] = {{"true", 1}, {"True", 1}, {"false", 0}, {"False", 0}, {"none", 0}, {"None", 0}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(word, names[i].word)) return *value = names[i].value, true;
    return rins_parse_double(word, strlen(word), value);
}

static RinsStatus check_number(const RinsPpSpec *spec, const RinsPpParam *param, const char *word, double value) {
    if (param->whole && value != floor(value))
        return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: %s: %s=%s must be a whole number", spec->name, param->name,
                         word);
    if (value < param->min || value > param->max)
        return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: %s: %s=%s is not in %g..%g", spec->name, param->name, word,
                         param->min, param->max);
    return RINS_OK;
}

static RinsStatus set_value(RinsPpOp *op, int index, const char *word, int at) {
    const RinsPpParam *param = &op->spec->params[index];
    if (param->choices) {
        const int choice = choice_index(param->choices, word);
        if (choice < 0)
            return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: %s: %s=%s, expected one of %s", op->spec->name,
                             param->name, word, param->choices);
        op->value[index][0] = choice;
        return RINS_OK;
    }
    if (!to_number(word, &op->value[index][at]))
        return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: %s: %s=%s is not a number", op->spec->name, param->name,
                         word);
    return check_number(op->spec, param, word, op->value[index][at]);
}

/* "value" or "(value, value, value)". */
static RinsStatus read_value(Parser *parser, RinsPpOp *op, int index, const char *word) {
    const RinsPpParam *param = &op->spec->params[index];
    const int width = param->presets ? RINS_PP_VALUES : 1;
    char next[WORD];
    if (word) {
        for (int i = 0; i < width; i++) RINS_TRY(set_value(op, index, word, i)); /* one for all three */
        return RINS_OK;
    }
    for (int i = 0; i < width; i++) {
        RINS_TRY(read_word(parser, next));
        RINS_TRY(set_value(op, index, next, i));
        if (i + 1 < width && !accept(parser, ','))
            return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: %s: %s needs %d values", op->spec->name, param->name,
                             width);
    }
    return accept(parser, ')')
               ? RINS_OK
               : RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: %s: %s: ')' is missing or there are too many values",
                           op->spec->name, param->name);
}

/* By position: a word goes to the next choice, a number to the next number, so resize(224, bilinear) needs no zero. */
static int next_free(const RinsPpOp *op, const bool *given, bool number) {
    for (int i = 0; i < n_params(op->spec); i++)
        if (!given[i] && !op->spec->params[i].choices == number) return i;
    return -1;
}

static RinsStatus read_argument(Parser *parser, RinsPpOp *op, bool *given, bool *named) {
    char word[WORD];
    double number;
    int index = -1;
    if (accept(parser, '(')) { /* resize((h, w)), normalize((..), (..)) */
        index = next_free(op, given, true);
        if (index >= 0 && op->spec->params[index].presets) {
            given[index] = true;
            return read_value(parser, op, index, NULL);
        }
        do RINS_TRY(read_argument(parser, op, given, named));
        while (accept(parser, ','));
        return accept(parser, ')') ? RINS_OK
                                   : RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: %s: ')' is missing", op->spec->name);
    }
    RINS_TRY(read_word(parser, word));
    if (accept(parser, '=')) {
        RINS_TRY(find_param(op->spec, word, &index));
        if (given[index])
            return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: %s: %s is given twice", op->spec->name, word);
        given[index] = *named = true;
        if (accept(parser, '(')) return read_value(parser, op, index, NULL);
        RINS_TRY(read_word(parser, word));
        return read_value(parser, op, index, word);
    }
    if (*named)
        return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: %s: '%s' stands without a name after named arguments",
                         op->spec->name, word);
    index = next_free(op, given, to_number(word, &number));
    if (index < 0)
        return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: %s: there is no place for '%s'", op->spec->name, word);
    given[index] = true;
    return read_value(parser, op, index, word);
}

static RinsStatus read_op(Parser *parser, RinsPpOp *op) {
    char name[WORD];
    bool given[RINS_PP_PARAMS] = {false}, named = false;
    RINS_TRY(read_word(parser, name));
    *op = (RinsPpOp){0};
    RINS_TRY(find_spec(name, &op->spec));
    for (int i = 0; i < n_params(op->spec); i++)
        for (int k = 0; k < RINS_PP_VALUES; k++)
            op->value[i][k] = op->spec->params[i].presets ? op->spec->params[i].presets[k] : op->spec->params[i].preset;
    if (accept(parser, '(') && !accept(parser, ')')) {
        do RINS_TRY(read_argument(parser, op, given, &named));
        while (accept(parser, ','));
        if (!accept(parser, ')'))
            return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: %s: expected ',' or ')' at '%.20s'", name,
                             *parser->at ? parser->at : "the end");
    }
    for (int i = 0; i < n_params(op->spec); i++)
        if (isnan(op->value[i][0]))
            return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: %s needs %s, as in %s(224)", name,
                             op->spec->params[i].name, name);
    return RINS_OK;
}

static RinsStatus set_decode(Parser *parser, const RinsPpOp *op) {
    if (parser->decoded || parser->pp->n_ops > 0)
        return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: %s must come first, and once", op->spec->name);
    parser->decoded = true;
    if (op->spec->kind != RINS_PP_DECODE) return RINS_OK;
    parser->pp->decode = (RinsDecodeOptions){.alpha = (RinsAlpha)rins_pp_int(op, 0),
                                             .apply_exif = rins_pp_int(op, 1),
                                             .fast = rins_pp_int(op, 2),
                                             .max_pixels = (uint64_t)rins_pp_number(op, 3),
                                             .max_bytes = (uint64_t)rins_pp_number(op, 4)};
    return RINS_OK;
}

static RinsStatus set_range(Parser *parser, const RinsPpOp *op) {
    if (parser->ranged) return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: value_range and normalize may come once");
    parser->ranged = true;
    for (int c = 0; c < 3; c++) {
        double scale, offset;
        if (op->spec->kind == RINS_PP_VALUE_RANGE) {
            const double low = rins_pp_number(op, 0), high = rins_pp_number(op, 1), in = rins_pp_number(op, 2);
            const double span = rins_pp_number(op, 3) - in;
            if (span == 0) return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: value_range: in_min equals in_max");
            scale = (high - low) / span;
            offset = low - in * scale;
        } else {
            if (op->value[1][c] == 0) return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: normalize: std is 0");
            scale = 1 / (255 * op->value[1][c]);
            offset = -op->value[0][c] / op->value[1][c];
        }
        parser->pp->scale[c] = (float)scale;
        parser->pp->offset[c] = (float)offset;
    }
    return RINS_OK;
}

static RinsStatus check_ranges(const RinsPpOp *op) {
    const int n = n_params(op->spec);
    for (int i = 0; i + 1 < n; i++) {
        const char *name = op->spec->params[i].name;
        if ((!strcmp(name, "area_min") || !strcmp(name, "ratio_min")) && op->value[i][0] > op->value[i + 1][0])
            return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: %s: %s=%g is above %s=%g", op->spec->name, name,
                             op->value[i][0], op->spec->params[i + 1].name, op->value[i + 1][0]);
    }
    return RINS_OK;
}

/* What the op does to the size that is known so far. */
static void follow(Parser *parser, const RinsPpOp *op) {
    const int size = rins_pp_int(op, 0);
    switch (op->spec->kind) {
    case RINS_PP_CENTRAL_CROP:
        if (size == 0) {
            parser->height = parser->width = parser->height < parser->width ? parser->height : parser->width;
            break;
        }
        /* fall through */
    case RINS_PP_RESIZE:
    case RINS_PP_RANDOM_CROP:
        parser->height = size;
        parser->width = rins_pp_int(op, 1) ? rins_pp_int(op, 1) : size;
        break;
    case RINS_PP_RESIZE_SMALL:
        parser->height = parser->width = parser->height && parser->height == parser->width ? size : 0;
        break;
    case RINS_PP_PAD_CROP:
    case RINS_PP_INCEPTION_CROP:
    case RINS_PP_DECODE_INCEPTION_CROP: parser->height = parser->width = size; break;
    default: break;
    }
}

static RinsStatus add_op(Parser *parser) {
    RinsPp *pp = parser->pp;
    RinsPpOp op;
    RINS_TRY(read_op(parser, &op));
    RINS_TRY(check_ranges(&op));
    const RinsPpKind kind = op.spec->kind;
    if (kind == RINS_PP_VALUE_RANGE || kind == RINS_PP_NORMALIZE) return set_range(parser, &op);
    if (parser->ranged)
        return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: %s works on bytes and must come before value_range",
                         op.spec->name);
    if (kind == RINS_PP_DECODE || kind == RINS_PP_DECODE_INCEPTION_CROP) RINS_TRY(set_decode(parser, &op));
    if (kind == RINS_PP_DECODE) return RINS_OK;
    if (pp->n_ops == MAX_OPS) return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: more than %d ops", MAX_OPS);
    follow(parser, &op);
    pp->ops[pp->n_ops++] = op;
    return RINS_OK;
}

static RinsStatus parse_all(Parser *parser, const char *text) {
    if (strnlen(text, MAX_TEXT + 1) > MAX_TEXT)
        return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: the string is longer than %d bytes", MAX_TEXT);
    do RINS_TRY(add_op(parser));
    while (accept(parser, '|'));
    skip_space(parser);
    if (*parser->at) return RINS_FAIL(RINS_ERR_CONFIG, "preprocessing: expected '|' at '%.20s'", parser->at);
    if (parser->height != parser->width)
        return RINS_FAIL(RINS_ERR_CONFIG,
                         "preprocessing: images come out %dx%d (width x height), models take square ones",
                         parser->width, parser->height);
    parser->pp->height = parser->height;
    parser->pp->width = parser->width;
    return RINS_OK;
}

RinsStatus rins_pp_parse(RinsPp **out, const char *text) {
    *out = NULL;
    RinsPp *pp = calloc(1, sizeof *pp);
    RinsStatus status;
    if (!pp || !(pp->ops = calloc(MAX_OPS, sizeof *pp->ops))) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "out of memory for a preprocessing string");
        goto done;
    }
    for (int c = 0; c < 3; c++) pp->scale[c] = 1;
    RinsCpu cpu;
    RINS_TRY_DONE(rins_cpu_detect(&cpu));
    pp->level = cpu.level;
    Parser parser = {.at = text, .pp = pp};
    status = parse_all(&parser, text);
    if (status != RINS_OK) {
        status = rins_fail_context(status, "'%.100s'", text);
        goto done;
    }
    *out = pp;
    pp = NULL;
done:
    rins_pp_free(pp);
    return status;
}

void rins_pp_free(RinsPp *pp) {
    if (!pp) return;
    free(pp->ops);
    free(pp);
}
