/* PNG: whole under every alpha policy, and streamed. */
#include "tests/fuzz/fuzz_image.h"

static RinsBadCause fuzz_one(const uint8_t *data, size_t size) {
    const RinsDecodeOptions options = {.alpha = size % 3, .apply_exif = size % 2};
    return fuzz_picture(data, size, &options, "decode(alpha=black)|inception_crop(32)");
}
