#define _GNU_SOURCE
#include "src/model/hf_processor.h"

#include "src/base/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pillow's filter numbers, as in "resample". */
static const struct {
    int number;
    const char *method;
} filters[] = {{0, "nearest"}, {2, "bilinear"}, {3, "bicubic"}};

static RinsStatus read_method(const json_t *root, const char **method) {
    const json_t *value = json_object_get(root, "resample");
    const json_int_t number = value ? json_integer_value(value) : 3;
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++)
        if (number == filters[i].number) {
            *method = filters[i].method;
            return RINS_OK;
        }
    return RINS_FAIL(RINS_ERR_UNSUPPORTED, "resample %lld is not supported (0 nearest, 2 bilinear, 3 bicubic are)",
                     (long long)number);
}

/* A side given as a number or as {"height": n, "width": n}; *side is 0 where it is neither. */
static RinsStatus read_square(const json_t *value, const char *name, int64_t *side) {
    const json_t *height = json_object_get(value, "height"), *width = json_object_get(value, "width");
    *side = json_is_integer(value) ? json_integer_value(value) : json_integer_value(height);
    if (height && !json_equal(height, width)) return RINS_FAIL(RINS_ERR_UNSUPPORTED, "%s is not square", name);
    return RINS_OK;
}

static RinsStatus read_geometry(const json_t *root, int64_t size, char **ops) {
    const char *method = NULL;
    int64_t side = size, made;
    const json_t *given = json_object_get(root, "size"), *edge = json_object_get(given, "shortest_edge");
    if (json_is_false(json_object_get(root, "do_resize")))
        return RINS_FAIL(RINS_ERR_UNSUPPORTED, "do_resize is false: images would keep their sizes");
    RINS_TRY(read_method(root, &method));
    if (edge) {
        if (!json_is_true(json_object_get(root, "do_center_crop")))
            return RINS_FAIL(RINS_ERR_UNSUPPORTED,
                             "size.shortest_edge without do_center_crop leaves images that are not square");
        side = json_integer_value(edge);
        RINS_TRY(read_square(json_object_get(root, "crop_size"), "crop_size", &made));
    } else {
        if (given) RINS_TRY(read_square(given, "size", &side));
        made = side;
    }
    if (made != size || side < 1)
        return RINS_FAIL(RINS_ERR_MISMATCH, "images of %lld pixels are made, the model takes %lld", (long long)made,
                         (long long)size);
    const int printed = edge ? asprintf(ops, "decode|resize_small(%lld,method=%s)|central_crop(%lld)", (long long)side,
                                        method, (long long)made)
                             : asprintf(ops, "decode|resize(%lld,method=%s)", (long long)side, method);
    if (printed < 0) *ops = NULL;
    return *ops ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory for the preprocessing string");
}

/* Three numbers, or `preset` three times where the key is absent. */
static RinsStatus read_channels(const json_t *root, const char *name, double preset, double out[3]) {
    const json_t *list = json_object_get(root, name);
    for (size_t c = 0; c < 3; c++) {
        const json_t *item = json_array_get(list, c);
        if (list && (json_array_size(list) != 3 || !json_is_number(item)))
            return RINS_FAIL(RINS_ERR_FORMAT, "%s is not a list of three numbers", name);
        out[c] = list ? json_number_value(item) : preset;
    }
    return RINS_OK;
}

/* value = (byte * rescale_factor - mean) / std, as the values that bytes 0 and 255 get. */
static RinsStatus read_range(const json_t *root, double *low, double *high) {
    double mean[3] = {0}, std[3] = {1, 1, 1};
    const json_t *factor = json_object_get(root, "rescale_factor");
    double top = factor ? 255 * json_number_value(factor) : 1;
    if (json_is_false(json_object_get(root, "do_rescale"))) top = 255;
    if (!json_is_false(json_object_get(root, "do_normalize"))) {
        RINS_TRY(read_channels(root, "image_mean", 0.5, mean));
        RINS_TRY(read_channels(root, "image_std", 0.5, std));
    }
    for (int c = 0; c < 3; c++)
        if (mean[c] != mean[0] || std[c] != std[0] || !(std[c] > 0))
            return RINS_FAIL(RINS_ERR_UNSUPPORTED, "image_mean and image_std must be alike in all channels");
    *low = (0 - mean[0]) / std[0];
    *high = (top - mean[0]) / std[0];
    if (fabs(*low - round(*low)) < 1e-6) *low = round(*low) + 0.0; /* rescale_factor is a rounded 1 / 255 */
    if (fabs(*high - round(*high)) < 1e-6) *high = round(*high);
    return RINS_OK;
}

RinsStatus rins_hf_preprocessor_read(const json_t *root, int64_t size, char **image_pp) {
    char *ops = NULL;
    double low = -1, high = 1;
    RinsStatus status = RINS_OK;
    *image_pp = NULL;
    const char *own = json_string_value(json_object_get(root, "image_pp"));
    if (own) {
        *image_pp = strdup(own);
    } else {
        RINS_TRY_DONE(read_geometry(root, size, &ops));
        RINS_TRY_DONE(read_range(root, &low, &high));
        char text[2][RINS_NUMBER_ROOM];
        if (asprintf(image_pp, "%s|value_range(%s,%s)", ops, rins_format_digits(low, 9, text[0]),
                     rins_format_digits(high, 9, text[1])) < 0)
            *image_pp = NULL;
    }
    if (!*image_pp) status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for the preprocessing string");
done:
    free(ops);
    return status;
}

/* What transformers can be told of a preprocessing string. */
typedef struct View {
    int resample;
    double low, high;
} View;

/* A number with white space round it. */
static bool next_number(const char **at, double *value) {
    *at += strspn(*at, " \t");
    const size_t n = strcspn(*at, " \t,)|");
    const bool read = rins_parse_double(*at, n, value);
    *at += n;
    *at += strspn(*at, " \t");
    return read;
}

static View view_of(const char *image_pp) {
    View view = {.resample = 3, .low = -1, .high = 1};
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        char *wanted;
        if (asprintf(&wanted, "method=%s", filters[i].method) < 0) continue;
        if (strstr(image_pp, wanted)) view.resample = filters[i].number;
        free(wanted);
    }
    double low, high;
    const char *range = strstr(image_pp, "value_range(");
    range = range ? range + strlen("value_range(") : "";
    if (next_number(&range, &low) && *range++ == ',' && next_number(&range, &high) && high > low)
        view.low = low, view.high = high;
    return view;
}

RinsStatus rins_hf_preprocessor_text(const char *image_pp, int64_t size, char **text) {
    const View view = view_of(image_pp);
    const double std = 1 / (view.high - view.low), mean = -view.low * std;
    json_t *root = json_pack("{s:s, s:s, s:b, s:b, s:b, s:{s:I, s:I}, s:i, s:f, s:[f,f,f], s:[f,f,f], s:s}",
                             "image_processor_type", "SiglipImageProcessor", "processor_class", "SiglipProcessor",
                             "do_resize", 1, "do_rescale", 1, "do_normalize", 1, "size", "height", (json_int_t)size,
                             "width", (json_int_t)size, "resample", view.resample, "rescale_factor", 1 / 255.0,
                             "image_mean", mean, mean, mean, "image_std", std, std, std, "image_pp", image_pp);
    *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(16)) : NULL;
    json_decref(root);
    return *text ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory for preprocessor_config.json");
}
