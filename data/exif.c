/* EXIF orientation: the one tag that changes pixels. */
#include "data/decoder.h"

#include <stdlib.h>
#include <string.h>

enum { TAG_ORIENTATION = 0x0112, ENTRY_BYTES = 12 };

static unsigned get16(const uint8_t *p, bool little) {
    return little ? p[0] | (unsigned)p[1] << 8 : p[1] | (unsigned)p[0] << 8;
}

static uint32_t get32(const uint8_t *p, bool little) {
    return little ? get16(p, true) | (uint32_t)get16(p + 2, true) << 16
                  : get16(p + 2, false) | (uint32_t)get16(p, false) << 16;
}

int rins_exif_orientation(const uint8_t *tiff, size_t size) {
    if (size >= 6 && !memcmp(tiff, "Exif\0", 6)) tiff += 6, size -= 6; /* WebP and PNG writers leave it in */
    if (size < 8 || (memcmp(tiff, "II*\0", 4) != 0 && memcmp(tiff, "MM\0*", 4) != 0)) return 1;
    const bool little = tiff[0] == 'I';
    const size_t ifd = get32(tiff + 4, little);
    if (ifd > size - 2) return 1;
    const unsigned n = get16(tiff + ifd, little);
    for (unsigned i = 0; i < n && ifd + 2 + (size_t)(i + 1) * ENTRY_BYTES <= size; i++) {
        const uint8_t *entry = tiff + ifd + 2 + (size_t)i * ENTRY_BYTES;
        if (get16(entry, little) != TAG_ORIENTATION) continue;
        const unsigned type = get16(entry + 2, little);
        const uint32_t value = type == 3 ? get16(entry + 8, little) : type == 4 ? get32(entry + 8, little) : 1;
        return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

RinsStatus rins_image_orient(RinsImage *image, int orientation) {
    if (orientation <= 1 || orientation > 8) return RINS_OK;
    const bool swap = orientation >= 5;
    const int from_w = image->width, from_h = image->height;
    const int width = swap ? from_h : from_w, height = swap ? from_w : from_h;
    uint8_t *pixels = malloc((size_t)width * (size_t)height * 3);
    if (!pixels) return RINS_FAIL(RINS_ERR_MEMORY, "out of memory rotating a %dx%d picture", from_w, from_h);
    /* In the shown picture, which way the stored columns and rows run. */
    const bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const int a = swap ? y : x, b = swap ? x : y;
            const size_t sx = (size_t)(flip_x ? from_w - 1 - a : a), sy = (size_t)(flip_y ? from_h - 1 - b : b);
            memcpy(pixels + ((size_t)y * (size_t)width + (size_t)x) * 3, image->pixels + (sy * (size_t)from_w + sx) * 3,
                   3);
        }
    free(image->pixels);
    *image = (RinsImage){pixels, width, height};
    return RINS_OK;
}
