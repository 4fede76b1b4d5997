#include "data/pp_ops.h"

#include <math.h>

#define NUMBER(name, preset, min, max)                                                                                 \
    { name, NULL, preset, min, max, false, NULL }
#define WHOLE(name, preset, min, max)                                                                                  \
    { name, NULL, preset, min, max, true, NULL }
#define CHOICE(name, choices, preset)                                                                                  \
    { name, choices, preset, 0, 0, true, NULL }
#define TRIPLE(name, presets)                                                                                          \
    { name, NULL, 0, -1e6, 1e6, false, presets }
#define SIDE(name, preset) WHOLE(name, preset, (preset) == 0 ? 0 : 1, 16384)
#define METHOD CHOICE("method", "nearest|bilinear|bicubic", RINS_RESIZE_BICUBIC)
#define ANTIALIAS WHOLE("antialias", 1, 0, 1)
/* Percent of the picture's area; width by height. */
#define AREA NUMBER("area_min", 5, 0, 100), NUMBER("area_max", 100, 0, 100)
#define RATIO NUMBER("ratio_min", 3.0 / 4, 0.01, 100), NUMBER("ratio_max", 4.0 / 3, 0.01, 100)

#define JITTER                                                                                                         \
    NUMBER("brightness", 0.4, 0, 10), NUMBER("contrast", 0.4, 0, 10), NUMBER("saturation", 0.4, 0, 10),                \
        NUMBER("hue", 0.1, 0, 0.5), NUMBER("p", 1, 0, 1)
#define LAYERS WHOLE("layers", 2, 0, 16), WHOLE("magnitude", 10, 0, 30)

static const double imagenet_mean[] = {0.485, 0.456, 0.406}, imagenet_std[] = {0.229, 0.224, 0.225};

const RinsPpSpec rins_pp_specs[] = {
    {"decode",
     RINS_PP_DECODE,
     {CHOICE("alpha", "white|black|drop", RINS_ALPHA_WHITE), CHOICE("exif", "ignore|apply", 0), WHOLE("fast", 0, 0, 1),
      WHOLE("max_pixels", 0, 0, 1e9), WHOLE("max_bytes", 0, 0, 1e11)}},
    {"decode_jpeg_and_inception_crop",
     RINS_PP_DECODE_INCEPTION_CROP,
     {SIDE("size", NAN), AREA, RATIO, METHOD, ANTIALIAS}},
    {"resize", RINS_PP_RESIZE, {SIDE("size", NAN), SIDE("width", 0), METHOD, ANTIALIAS}},
    {"resize_small", RINS_PP_RESIZE_SMALL, {SIDE("size", NAN), METHOD, ANTIALIAS}},
    {"central_crop", RINS_PP_CENTRAL_CROP, {SIDE("size", 0), SIDE("width", 0)}},
    {"random_crop", RINS_PP_RANDOM_CROP, {SIDE("size", NAN), SIDE("width", 0)}},
    {"pad_crop", RINS_PP_PAD_CROP, {SIDE("size", NAN), WHOLE("pad", NAN, 0, 4096)}},
    {"inception_crop", RINS_PP_INCEPTION_CROP, {SIDE("size", NAN), AREA, RATIO, METHOD, ANTIALIAS}},
    {"flip_lr", RINS_PP_FLIP_LR, {NUMBER("p", 0.5, 0, 1)}},
    {"random_erase",
     RINS_PP_RANDOM_ERASE,
     {NUMBER("p", 0.25, 0, 1), NUMBER("area_min", 2, 0, 100), NUMBER("area_max", 33, 0, 100),
      NUMBER("ratio_min", 0.3, 0.01, 100), NUMBER("ratio_max", 3.3, 0.01, 100), WHOLE("value", 128, 0, 255)}},
    {"color_jitter", RINS_PP_COLOR_JITTER, {JITTER}},
    {"greyscale", RINS_PP_GREYSCALE, {NUMBER("p", 1, 0, 1)}},
    {"randaugment", RINS_PP_RANDAUGMENT, {LAYERS}},
    {"value_range",
     RINS_PP_VALUE_RANGE,
     {NUMBER("vmin", 0, -1e6, 1e6), NUMBER("vmax", 1, -1e6, 1e6), NUMBER("in_min", 0, -1e6, 1e6),
      NUMBER("in_max", 255, -1e6, 1e6)}},
    {"normalize", RINS_PP_NORMALIZE, {TRIPLE("mean", imagenet_mean), TRIPLE("std", imagenet_std)}},
    /* other spellings */
    {"colour_jitter", RINS_PP_COLOR_JITTER, {JITTER}},
    {"grayscale", RINS_PP_GREYSCALE, {NUMBER("p", 1, 0, 1)}},
    {"randaug", RINS_PP_RANDAUGMENT, {LAYERS}},
};
const int rins_pp_n_specs = sizeof rins_pp_specs / sizeof *rins_pp_specs;
_Static_assert(sizeof rins_pp_specs / sizeof *rins_pp_specs <= RINS_PP_MAX_SPECS, "raise RINS_PP_MAX_SPECS");

static int clamp_int(long x, int low, int high) {
    return x < low ? low : x > high ? high : (int)x;
}

/* A crop of `area` of the region (width x height) with width / height = ratio; false where none fits. The
   height is uniform between those of the least and the largest area, as in
   tf.image.sample_distorted_bounding_box. */
static bool draw_box(int width, int height, double area_min, double area_max, double ratio, RinsChoices *choices,
                     int *box_w, int *box_h) {
    const double area = (double)width * height, least = area_min * area, most = area_max * area;
    int h = (int)lrint(sqrt(least / ratio)), h_max = (int)fmin(lrint(sqrt(most / ratio)), height);
    if (lrint(h_max * ratio) > width) h_max = (int)((width + 0.5 - 1e-7) / ratio);
    if (lrint(h_max * ratio) > width) h_max--;
    if (h > h_max) h = h_max;
    if (h < h_max) h += (int)rins_rng_below(&choices->rng, (uint64_t)(h_max - h + 1));
    int w = (int)lrint(h * ratio);
    if ((double)w * h < least) h++, w = (int)lrint(h * ratio); /* rounding may have left the range of areas */
    if ((double)w * h > most) h--, w = (int)lrint(h * ratio);
    *box_w = w;
    *box_h = h;
    return (double)w * h >= least && (double)w * h <= most && w >= 1 && h >= 1 && w <= width && h <= height;
}

static void inception_crop(const RinsPpOp *op, RinsChoices *choices, RinsRegion *crop) {
    enum { ATTEMPTS = 100 };
    const int width = crop->x1 - crop->x0, height = crop->y1 - crop->y0;
    const double area_min = rins_pp_number(op, 1) / 100, area_max = rins_pp_number(op, 2) / 100;
    const double ratio_min = rins_pp_number(op, 3), ratio_max = rins_pp_number(op, 4);
    int w, h;
    bool found = false;
    for (int i = 0; i < ATTEMPTS && !found; i++) {
        const double ratio = ratio_min + (ratio_max - ratio_min) * rins_rng_uniform(&choices->rng);
        found = draw_box(width, height, area_min, area_max, ratio, choices, &w, &h);
    }
    if (found) {
        /* the original draws below the slack, not up to it: the last position is never taken */
        crop->y0 += h < height ? (int)rins_rng_below(&choices->rng, (uint64_t)(height - h)) : 0;
        crop->x0 += w < width ? (int)rins_rng_below(&choices->rng, (uint64_t)(width - w)) : 0;
        crop->x1 = crop->x0 + w;
        crop->y1 = crop->y0 + h;
    }
    const int chosen[] = {crop->x0, crop->y0, crop->x1, crop->y1};
    for (int i = 0; i < 4; i++) rins_choices_note(choices, chosen[i]);
}

static void crop_by(RinsRegion *crop, int x, int y, int width, int height) {
    crop->x0 += x;
    crop->y0 += y;
    crop->x1 = crop->x0 + width;
    crop->y1 = crop->y0 + height;
}

static void target(RinsPpHead *head, const RinsPpOp *op, int width, int height, int method_param) {
    head->resizes = true;
    head->width = width;
    head->height = height;
    head->method = (RinsResizeMethod)rins_pp_int(op, method_param);
    head->antialias = rins_pp_int(op, method_param + 1);
}

/* One op; false where it is not for the head. */
static bool head_op(const RinsPpOp *op, RinsChoices *choices, RinsPpHead *head) {
    const int width = head->crop.x1 - head->crop.x0, height = head->crop.y1 - head->crop.y0;
    const int side = width < height ? width : height, size = rins_pp_int(op, 0);
    const int wide = rins_pp_int(op, 1) ? rins_pp_int(op, 1) : size; /* of ops with (size, width) */
    switch (op->spec->kind) {
    case RINS_PP_RESIZE: target(head, op, wide, size, 2); return true;
    case RINS_PP_RESIZE_SMALL:
        target(head, op, clamp_int(lrint((double)width * size / side), 1, 1 << 20),
               clamp_int(lrint((double)height * size / side), 1, 1 << 20), 1);
        return true;
    case RINS_PP_INCEPTION_CROP:
    case RINS_PP_DECODE_INCEPTION_CROP:
        inception_crop(op, choices, &head->crop);
        target(head, op, size, size, 5);
        return true;
    case RINS_PP_CENTRAL_CROP:
        if (size == 0)
            crop_by(&head->crop, (width - side) / 2, (height - side) / 2, side, side);
        else if (size <= height && wide <= width)
            crop_by(&head->crop, (width - wide) / 2, (height - size) / 2, wide, size);
        else
            return false;
        return true;
    case RINS_PP_RANDOM_CROP:
        if (size > height || wide > width) return false;
        {
            const int y = rins_choose_below(choices, height - size + 1),
                      x = rins_choose_below(choices, width - wide + 1);
            crop_by(&head->crop, x, y, wide, size);
        }
        return true;
    default: return false;
    }
}

void rins_pp_head(const RinsPp *pp, int first, int width, int height, RinsChoices *choices, RinsPpHead *head) {
    *head = (RinsPpHead){.crop = {0, 0, width, height}, .next = first};
    while (!head->resizes && head->next < pp->n_ops && head_op(&pp->ops[head->next], choices, head)) head->next++;
}
