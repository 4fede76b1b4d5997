/* Encoded bytes to RGB pixels, under limits: JPEG, PNG and WebP as Pillow converts them to RGB. */
#ifndef RINS_DATA_IMAGE_H
#define RINS_DATA_IMAGE_H

#include "src/base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct RinsImage {
    uint8_t *pixels; /* (height, width, 3) interleaved RGB, malloc'd */
    int width, height;
} RinsImage;

void rins_image_free(RinsImage *image);

typedef enum RinsAlpha { RINS_ALPHA_WHITE, RINS_ALPHA_BLACK, RINS_ALPHA_DROP } RinsAlpha;

/* Why a sample could not be used: counted per cause in metrics and named in bad.jsonl. */
typedef enum RinsBadCause {
    RINS_BAD_NONE,
    RINS_BAD_MISSING,   /* no file or no image member */
    RINS_BAD_FORMAT,    /* not JPEG, PNG or WebP */
    RINS_BAD_TRUNCATED, /* data ends early */
    RINS_BAD_CORRUPT,   /* the decoder refused it */
    RINS_BAD_TOO_LARGE, /* pixels or decoder memory over the limit */
    RINS_BAD_TOO_SLOW,  /* scans x pixels or warnings over the limit */
    RINS_BAD_CAPTION,   /* no caption, not UTF-8, or too long */
    RINS_BAD_ARCHIVE,   /* damaged tar member */
    RINS_BAD_N
} RinsBadCause;

extern const char *const rins_bad_names[]; /* "missing" "format" ... indexed by RinsBadCause */

typedef struct RinsDecodeOptions {
    RinsAlpha alpha;
    bool apply_exif; /* rotate as EXIF says; published models were trained without */
    bool fast;       /* DCT-domain scaling towards want_width x want_height where it is at least twice that */
    int want_width, want_height;
    uint64_t max_pixels; /* 0: 64 M */
    uint64_t max_bytes;  /* decoder memory, 0: 256 MB */
} RinsDecodeOptions;

/* cause (may be NULL) is set on failure. */
RinsStatus rins_image_decode(const void *data, size_t size, const RinsDecodeOptions *options, RinsImage *image,
                             RinsBadCause *cause);

typedef enum RinsResizeMethod { RINS_RESIZE_NEAREST, RINS_RESIZE_BILINEAR, RINS_RESIZE_BICUBIC } RinsResizeMethod;

/* Resamples the box (x0, y0, x1, y1, in pixels of `from`, may be fractional) to width x height. With antialias:
   Pillow's resize to the bit (8-bit fixed-point passes, horizontal then vertical). Without: as TensorFlow's
   tf.image.resize. */
RinsStatus rins_image_resize(const RinsImage *from, const double box[4], int width, int height, RinsResizeMethod method,
                             bool antialias, RinsImage *to);

#endif
