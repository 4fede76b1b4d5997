#include "data/image_write.h"

#include <stdlib.h>
#include <string.h>

#include <png.h>

RinsStatus rins_png_encode(const uint8_t *pixels, int width, int height, uint8_t **data, size_t *size) {
    *data = NULL;
    *size = 0;
    if (width < 1 || height < 1 || width > 65535 || height > 65535)
        return RINS_FAIL(RINS_ERR_ARG, "a PNG cannot be %d x %d here", width, height);
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = PNG_FORMAT_RGB};
    /* zlib grows what it cannot shrink by 5 bytes in 16 KB; a filter byte a row; the chunks around it */
    const size_t raw = ((size_t)width * 3 + 1) * (size_t)height;
    png_alloc_size_t n = raw + raw / 1000 + 4096;
    uint8_t *bytes = malloc(n);
    if (!bytes) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a PNG of %d x %d", width, height);
    if (!png_image_write_to_memory(&image, bytes, &n, 0, pixels, 0, NULL)) {
        free(bytes);
        return RINS_FAIL(RINS_ERR_INTERNAL, "cannot encode a PNG of %d x %d: %s", width, height, image.message);
    }
    uint8_t *shrunk = realloc(bytes, n);
    *data = shrunk ? shrunk : bytes;
    *size = n;
    return RINS_OK;
}
