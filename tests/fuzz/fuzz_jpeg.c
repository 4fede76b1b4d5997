/* JPEG: whole, and streamed with crops and reduced scales. */
#include "tests/fuzz/fuzz_image.h"

static RinsBadCause fuzz_one(const uint8_t *data, size_t size) {
    const RinsDecodeOptions options = {.apply_exif = true};
    if (size && data[size - 1] & 1)
        return fuzz_picture(data, size, &options, "decode(fast=1)|inception_crop(32)|flip_lr");
    return fuzz_picture(data, size, &options, "decode|central_crop|resize(32)");
}
