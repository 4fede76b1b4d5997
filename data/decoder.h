/* Pull decoder: opens encoded bytes, then hands out RGB rows one by one, so that a resize can consume them
   while they are made and the whole picture is never stored where the format allows it. Internal to data/. */
#ifndef RINS_DATA_DECODER_H
#define RINS_DATA_DECODER_H

#include "data/image.h"

enum { RINS_MAX_SIDE = 1 << 20 }; /* pixels; bounds what a row or its resize weights can take */

/* Pixels [x0, x1) x [y0, y1). */
typedef struct RinsRegion {
    int x0, y0, x1, y1;
} RinsRegion;

typedef struct RinsDecoder RinsDecoder;

typedef struct RinsDecoderFormat {
    const char *name;
    /* Reads the header: sets width, height and (where asked for) orientation. */
    RinsStatus (*open)(RinsDecoder *decoder);
    /* NULL, or makes width and height 1/factor of the file's (factor 1, 2, 4 or 8), between
       open and start. */
    RinsStatus (*reduce)(RinsDecoder *decoder, int factor);
    /* Prepares rows [region.y0, region.y1); sets row_bytes and x_skip. May decode the whole picture. */
    RinsStatus (*start)(RinsDecoder *decoder, RinsRegion region);
    /* The next row, row_bytes long, of which the pixels from x_skip on are the region's. */
    RinsStatus (*row)(RinsDecoder *decoder, uint8_t *row);
    void (*close)(RinsDecoder *decoder); /* also after a failed open */
} RinsDecoderFormat;

struct RinsDecoder {
    const RinsDecoderFormat *format;
    void *state; /* of the format */
    const uint8_t *data;
    size_t size;
    RinsDecodeOptions options; /* limits filled in */
    int width, height;         /* of the rows handed out, before any EXIF rotation */
    int reduce;                /* 1, 2, 4 or 8: width and height are 1/reduce of the file's, rounded up */
    int orientation;           /* EXIF 1..8; 1 where not asked for */
    size_t row_bytes;
    int x_skip;
    RinsBadCause cause;
};

/* Borrows data until the close. */
RinsStatus rins_decoder_open(RinsDecoder **decoder, const void *data, size_t size, const RinsDecodeOptions *options,
                             RinsBadCause *cause);

/* For `fast`: decodes at the smallest scale at which region_w x region_h pixels still cover want_w x want_h.
   Leaves the scale alone where the format has none. */
RinsStatus rins_decoder_reduce(RinsDecoder *decoder, int region_w, int region_h, int want_w, int want_h);

/* `stores_picture`: the caller will keep the whole region, which then counts against the memory limit. */
RinsStatus rins_decoder_start(RinsDecoder *decoder, RinsRegion region, bool stores_picture);
RinsStatus rins_decoder_row(RinsDecoder *decoder, uint8_t *row);
void rins_decoder_close(RinsDecoder *decoder);

/* What a call fails with where the picture has this fault. */
static inline RinsStatus rins_bad_status(RinsBadCause cause) {
    return cause == RINS_BAD_TOO_LARGE || cause == RINS_BAD_TOO_SLOW ? RINS_ERR_LIMIT : RINS_ERR_FORMAT;
}

/* Sets the cause and records the message. */
#define RINS_DECODER_FAIL(decoder, why, ...) ((decoder)->cause = (why), RINS_FAIL(rins_bad_status(why), __VA_ARGS__))

/* What to count a failure as: the decoder's cause, or that there was too much of something. */
RinsBadCause rins_decoder_cause(const RinsDecoder *decoder, RinsStatus status);

/* Refuses pictures over the pixel limit; every format calls it as soon as it knows the size. */
RinsStatus rins_decoder_check_size(RinsDecoder *decoder, uint64_t width, uint64_t height);
/* Refuses when `bytes` of decoder memory are over the limit. */
RinsStatus rins_decoder_check_memory(RinsDecoder *decoder, uint64_t bytes);

/* RGBA to RGB under an alpha policy, rounded as Pillow's paste with a mask; `rgb` may be `rgba`. */
void rins_alpha_row(RinsAlpha alpha, const uint8_t *rgba, int width, uint8_t *rgb);

extern const RinsDecoderFormat rins_decoder_jpeg, rins_decoder_png, rins_decoder_webp;

/* Orientation 1..8 from a TIFF-structured EXIF block (without "Exif\0\0"); 1 where it has none
   or is damaged. */
int rins_exif_orientation(const uint8_t *tiff, size_t size);

/* Rotates and mirrors as EXIF orientation 2..8 asks for. RINS_ERR_MEMORY leaves the image as it was. */
RinsStatus rins_image_orient(RinsImage *image, int orientation);

#endif
