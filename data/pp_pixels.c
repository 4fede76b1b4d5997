/* Preprocessing ops that work on a picture in memory: padding crops, flips and colour. */
#include "data/pp_ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Cuts width x height at (x, y), which may lie outside: black there. */
static RinsStatus cut(RinsImage *image, int x, int y, int width, int height) {
    uint8_t *to = calloc((size_t)width * (size_t)height, 3);
    if (!to) return RINS_FAIL(RINS_ERR_MEMORY, "out of memory cropping a picture");
    const int left = x < 0 ? 0 : x, right = x + width < image->width ? x + width : image->width;
    for (int row = 0; row < height; row++) {
        const int from = y + row;
        if (from < 0 || from >= image->height || left >= right) continue;
        memcpy(to + ((size_t)row * (size_t)width + (size_t)(left - x)) * 3,
               image->pixels + ((size_t)from * (size_t)image->width + (size_t)left) * 3, (size_t)(right - left) * 3);
    }
    free(image->pixels);
    *image = (RinsImage){to, width, height};
    return RINS_OK;
}

/* Offset of `size` pixels cut from `have`, padded evenly where there are too few. */
static int random_offset(int have, int size, RinsChoices *choices) {
    return have < size ? -((size - have) / 2) : rins_choose_below(choices, have - size + 1);
}

static int central_offset(int have, int size) {
    return have < size ? -((size - have) / 2) : (have - size) / 2;
}

static RinsStatus pad_crop(const RinsPpOp *op, RinsImage *image, RinsChoices *choices) {
    const int size = rins_pp_int(op, 0), pad = rins_pp_int(op, 1);
    const int y = random_offset(image->height + 2 * pad, size, choices),
              x = random_offset(image->width + 2 * pad, size, choices);
    return cut(image, x - pad, y - pad, size, size);
}

static void random_erase(const RinsPpOp *op, RinsImage *image, RinsChoices *choices) {
    enum { ATTEMPTS = 10 };
    if (!rins_choose_if(choices, rins_pp_number(op, 0))) return;
    const double area = (double)image->width * image->height;
    for (int i = 0; i < ATTEMPTS; i++) {
        const double part = area * rins_choose(choices, rins_pp_number(op, 1), rins_pp_number(op, 2)) / 100;
        const double ratio = exp(rins_choose(choices, log(rins_pp_number(op, 3)), log(rins_pp_number(op, 4))));
        const double h = rint(sqrt(part * ratio)), w = rint(sqrt(part / ratio));
        if (!(h >= 1 && w >= 1 && h < image->height && w < image->width)) continue;
        const int y = rins_choose_below(choices, image->height - (int)h + 1);
        const int x = rins_choose_below(choices, image->width - (int)w + 1);
        rins_erase(image, x, y, (int)w, (int)h, rins_pp_int(op, 5));
        return;
    }
}

/* The four changes in random order, each by a uniform factor; a strength of 0 leaves its change out. */
static void color_jitter(const RinsPpOp *op, RinsImage *image, RinsChoices *choices) {
    if (!rins_choose_if(choices, rins_pp_number(op, 4))) return;
    int order[4] = {0, 1, 2, 3};
    for (int i = 3; i > 0; i--) {
        const int j = rins_choose_below(choices, i + 1), keep = order[i];
        order[i] = order[j];
        order[j] = keep;
    }
    for (int i = 0; i < 4; i++) {
        const double strength = rins_pp_number(op, order[i]);
        if (strength == 0) continue;
        const double low = order[i] == 3 ? -strength : fmax(0, 1 - strength);
        const float factor = (float)rins_choose(choices, low, order[i] == 3 ? strength : 1 + strength);
        if (order[i] == 0)
            rins_brightness(image, factor);
        else if (order[i] == 1)
            rins_contrast(image, factor);
        else if (order[i] == 2)
            rins_saturation(image, factor);
        else
            rins_hue(image, factor);
    }
}

RinsStatus rins_pp_pixel_op(const RinsPpOp *op, RinsImage *image, RinsChoices *choices) {
    const int size = rins_pp_int(op, 0), wide = rins_pp_int(op, 1) ? rins_pp_int(op, 1) : size;
    switch (op->spec->kind) {
    case RINS_PP_CENTRAL_CROP:
        return cut(image, central_offset(image->width, wide), central_offset(image->height, size), wide, size);
    case RINS_PP_RANDOM_CROP: {
        const int y = random_offset(image->height, size, choices), x = random_offset(image->width, wide, choices);
        return cut(image, x, y, wide, size);
    }
    case RINS_PP_PAD_CROP: return pad_crop(op, image, choices);
    case RINS_PP_FLIP_LR:
        if (rins_choose_if(choices, rins_pp_number(op, 0))) rins_flip_lr(image);
        return RINS_OK;
    case RINS_PP_RANDOM_ERASE: random_erase(op, image, choices); return RINS_OK;
    case RINS_PP_COLOR_JITTER: color_jitter(op, image, choices); return RINS_OK;
    case RINS_PP_GREYSCALE:
        if (rins_choose_if(choices, rins_pp_number(op, 0))) rins_saturation(image, 0);
        return RINS_OK;
    case RINS_PP_RANDAUGMENT: return rins_randaugment(image, size, rins_pp_int(op, 1), choices);
    default: return RINS_FAIL(RINS_ERR_INTERNAL, "%s is not an op on pixels", op->spec->name);
    }
}
