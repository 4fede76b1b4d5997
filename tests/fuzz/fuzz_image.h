/* What the picture targets share: the whole picture, and the streamed paths of preprocessing. */
#ifndef RINS_TESTS_FUZZ_IMAGE_H
#define RINS_TESTS_FUZZ_IMAGE_H

#include "data/pp.h"
#include "tests/fuzz/fuzz.h"

/* Decodes and preprocesses; both must agree on whether the picture is usable. */
static RinsBadCause fuzz_picture(const uint8_t *data, size_t size, const RinsDecodeOptions *options, const char *text) {
    RinsImage image;
    RinsBadCause cause = RINS_BAD_NONE, streamed = RINS_BAD_NONE;
    const RinsStatus status = rins_image_decode(data, size, options, &image, &cause);
    FUZZ_CHECK((status == RINS_OK) == (cause == RINS_BAD_NONE) && (status == RINS_OK) == (image.pixels != NULL));
    unsigned sum = 0; /* every pixel was written */
    for (size_t i = 0; status == RINS_OK && i < (size_t)image.width * (size_t)image.height * 3; i++)
        sum += image.pixels[i];
    FUZZ_CHECK(sum != 1u << 31);
    rins_image_free(&image);

    uint8_t out[32 * 32 * 3];
    RinsPp *pp;
    FUZZ_CHECK(rins_pp_parse(&pp, text) == RINS_OK && rins_pp_size(pp) == 32);
    const RinsStatus applied = rins_pp_apply(pp, data, size, (RinsPpKey){1, 2, size}, out, NULL, &streamed);
    FUZZ_CHECK((applied == RINS_OK) == (streamed == RINS_BAD_NONE));
    rins_pp_free(pp);
    return cause;
}

#endif
