#include "data/image.h"

#include "data/decoder.h"

#include <stdlib.h>
#include <string.h>

const char *const rins_bad_names[] = {"none",      "missing",  "format",  "truncated", "corrupt",
                                      "too_large", "too_slow", "caption", "archive"};
_Static_assert(sizeof rins_bad_names / sizeof *rins_bad_names == RINS_BAD_N, "one name per cause");

void rins_image_free(RinsImage *image) {
    free(image->pixels);
    *image = (RinsImage){0};
}

/* The whole picture: rows land where they stay. */
static RinsStatus read_all(RinsDecoder *decoder, RinsImage *image) {
    const RinsRegion all = {0, 0, decoder->width, decoder->height};
    RINS_TRY(rins_decoder_start(decoder, all, true));
    const size_t row_bytes = (size_t)decoder->width * 3;
    *image = (RinsImage){malloc(row_bytes * (size_t)decoder->height), decoder->width, decoder->height};
    if (!image->pixels)
        return RINS_FAIL(RINS_ERR_MEMORY, "out of memory for a %dx%d picture", decoder->width, decoder->height);
    for (int y = 0; y < decoder->height; y++)
        RINS_TRY(rins_decoder_row(decoder, image->pixels + (size_t)y * row_bytes));
    return rins_image_orient(image, decoder->orientation);
}

RinsStatus rins_image_decode(const void *data, size_t size, const RinsDecodeOptions *options, RinsImage *image,
                             RinsBadCause *cause) {
    *image = (RinsImage){0};
    RinsDecoder *decoder;
    RinsStatus status;
    RINS_TRY(rins_decoder_open(&decoder, data, size, options, cause));
    if (decoder->options.fast)
        RINS_TRY_DONE(rins_decoder_reduce(decoder, decoder->width, decoder->height, decoder->options.want_width,
                                          decoder->options.want_height));
    RINS_TRY_DONE(read_all(decoder, image));
done:
    if (status != RINS_OK) rins_image_free(image);
    if (cause) *cause = rins_decoder_cause(decoder, status);
    rins_decoder_close(decoder);
    return status;
}
