#include "data/augment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void rins_flip_lr(RinsImage *image) {
    for (int y = 0; y < image->height; y++) {
        uint8_t *left = image->pixels + (size_t)y * (size_t)image->width * 3;
        uint8_t *right = left + ((size_t)image->width - 1) * 3;
        for (; left < right; left += 3, right -= 3)
            for (int c = 0; c < 3; c++) {
                const uint8_t keep = left[c];
                left[c] = right[c];
                right[c] = keep;
            }
    }
}

void rins_erase(RinsImage *image, int x, int y, int width, int height, int value) {
    for (int row = y; row < y + height; row++)
        memset(image->pixels + ((size_t)row * (size_t)image->width + (size_t)x) * 3, value, (size_t)width * 3);
}

RinsStatus rins_affine(RinsImage *image, const double m[6]) {
    const int width = image->width, height = image->height;
    uint8_t *to = calloc((size_t)width * (size_t)height, 3);
    if (!to) return RINS_FAIL(RINS_ERR_MEMORY, "out of memory turning a picture");
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const double at_x = floor(m[0] * (x + 0.5) + m[1] * (y + 0.5) + m[2]);
            const double at_y = floor(m[3] * (x + 0.5) + m[4] * (y + 0.5) + m[5]);
            if (!(at_x >= 0 && at_x < width && at_y >= 0 && at_y < height)) continue;
            memcpy(to + ((size_t)y * (size_t)width + (size_t)x) * 3,
                   image->pixels + ((size_t)at_y * (size_t)width + (size_t)at_x) * 3, 3);
        }
    free(image->pixels);
    image->pixels = to;
    return RINS_OK;
}
