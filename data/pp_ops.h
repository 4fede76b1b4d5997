/* The ops of preprocessing strings: one table drives parsing, messages and checks. Internal to data/. */
#ifndef RINS_DATA_PP_OPS_H
#define RINS_DATA_PP_OPS_H

#include "data/augment.h"
#include "data/decoder.h"
#include "data/pp.h"
#include "src/base/cpu.h"

typedef enum RinsPpKind {
    RINS_PP_DECODE,
    RINS_PP_DECODE_INCEPTION_CROP, /* decode and inception_crop in one */
    RINS_PP_RESIZE,
    RINS_PP_RESIZE_SMALL,
    RINS_PP_CENTRAL_CROP,
    RINS_PP_RANDOM_CROP,
    RINS_PP_PAD_CROP,
    RINS_PP_INCEPTION_CROP,
    RINS_PP_FLIP_LR,
    RINS_PP_RANDOM_ERASE,
    RINS_PP_COLOR_JITTER,
    RINS_PP_GREYSCALE,
    RINS_PP_RANDAUGMENT,
    RINS_PP_VALUE_RANGE,
    RINS_PP_NORMALIZE
} RinsPpKind;

enum { RINS_PP_PARAMS = 8, RINS_PP_VALUES = 3 };

/* A choice's values are "a|b|c", its number the position. A number has `width` values, (a,b,c)
   in the string. */
typedef struct RinsPpParam {
    const char *name;
    const char *choices; /* NULL: a number */
    double preset;       /* NAN: must be given */
    double min, max;
    bool whole;            /* an integer */
    const double *presets; /* where width is 3 */
} RinsPpParam;

typedef struct RinsPpSpec {
    const char *name;
    RinsPpKind kind;
    RinsPpParam params[RINS_PP_PARAMS]; /* up to the first without a name */
} RinsPpSpec;

extern const RinsPpSpec rins_pp_specs[];
extern const int rins_pp_n_specs;
enum { RINS_PP_MAX_SPECS = 64 };

typedef struct RinsPpOp {
    const RinsPpSpec *spec;
    double value[RINS_PP_PARAMS][RINS_PP_VALUES];
} RinsPpOp;

struct RinsPp {
    RinsPpOp *ops; /* image ops only: the decode op and the value range are taken out */
    int n_ops;
    RinsDecodeOptions decode;
    float scale[3], offset[3];
    int height, width; /* of the result; 0: not fixed */
    RinsCpuLevel level;
};

static inline double rins_pp_number(const RinsPpOp *op, int param) {
    return op->value[param][0];
}
static inline int rins_pp_int(const RinsPpOp *op, int param) {
    return (int)op->value[param][0];
}

/* One op that is not for a head (see below), or a crop of a picture that is too small for it. */
RinsStatus rins_pp_pixel_op(const RinsPpOp *op, RinsImage *image, RinsChoices *choices);

/* Leading crops, then at most one resize: what can be done while the picture is being decoded. */
typedef struct RinsPpHead {
    RinsRegion crop; /* of the picture */
    bool resizes;    /* crop to width x height; otherwise the crop is the result */
    int width, height;
    RinsResizeMethod method;
    bool antialias;
    int next; /* the first op that is left */
} RinsPpHead;

/* Makes the random choices of the head's ops for a width x height picture. */
void rins_pp_head(const RinsPp *pp, int first, int width, int height, RinsChoices *choices, RinsPpHead *head);

#endif
