#include "data/augment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t pixels_of(const RinsImage *image) {
    return (size_t)image->width * (size_t)image->height;
}

/* ITU-R 601 luma in 16-bit fixed point. */
static int luma(const uint8_t *p) {
    return (p[0] * 19595 + p[1] * 38470 + p[2] * 7471 + 0x8000) >> 16;
}

/* From `from` (factor 0) through `to` (factor 1) and beyond. */
static uint8_t blend(int from, int to, float factor) {
    const float x = (float)from + factor * (float)(to - from);
    return (uint8_t)(x <= 0 ? 0 : x >= 255 ? 255 : x);
}

static void map_bytes(RinsImage *image, const uint8_t table[3][256]) {
    uint8_t *p = image->pixels;
    for (size_t i = 0; i < pixels_of(image); i++, p += 3)
        for (int c = 0; c < 3; c++) p[c] = table[c][p[c]];
}

static void blend_with_level(RinsImage *image, int level, float factor) {
    uint8_t table[3][256];
    for (int i = 0; i < 256; i++) table[0][i] = table[1][i] = table[2][i] = blend(level, i, factor);
    map_bytes(image, table);
}

void rins_brightness(RinsImage *image, float factor) {
    blend_with_level(image, 0, factor);
}

void rins_contrast(RinsImage *image, float factor) {
    double sum = 0;
    for (size_t i = 0; i < pixels_of(image); i++) sum += luma(image->pixels + 3 * i);
    blend_with_level(image, (int)(sum / (double)pixels_of(image) + 0.5), factor);
}

void rins_saturation(RinsImage *image, float factor) {
    uint8_t *p = image->pixels;
    for (size_t i = 0; i < pixels_of(image); i++, p += 3) {
        const int grey = luma(p);
        for (int c = 0; c < 3; c++) p[c] = blend(grey, p[c], factor);
    }
}

/* Blends with a 3x3 blur (centre 5, the others 1, of 13); the border stays. */
RinsStatus rins_sharpness(RinsImage *image, float factor) {
    const ptrdiff_t row = (ptrdiff_t)image->width * 3;
    uint8_t *blurred = malloc(pixels_of(image) * 3);
    if (!blurred) return RINS_FAIL(RINS_ERR_MEMORY, "out of memory sharpening a picture");
    memcpy(blurred, image->pixels, pixels_of(image) * 3);
    for (ptrdiff_t y = 1; y < image->height - 1; y++)
        for (ptrdiff_t x = 3; x < row - 3; x++) {
            const uint8_t *p = image->pixels + y * row + x;
            const int sum =
                p[-row - 3] + p[-row] + p[-row + 3] + p[-3] + 5 * p[0] + p[3] + p[row - 3] + p[row] + p[row + 3];
            blurred[y * row + x] = (uint8_t)((float)sum / 13.0f + 0.5f);
        }
    for (size_t i = 0; i < pixels_of(image) * 3; i++) image->pixels[i] = blend(blurred[i], image->pixels[i], factor);
    free(blurred);
    return RINS_OK;
}

/* Rotates hue in HSV, keeping saturation and value. */
static void turn_pixel(uint8_t *p, float turns) {
    const int max = p[0] > p[1] ? (p[0] > p[2] ? p[0] : p[2]) : (p[1] > p[2] ? p[1] : p[2]);
    const int min = p[0] < p[1] ? (p[0] < p[2] ? p[0] : p[2]) : (p[1] < p[2] ? p[1] : p[2]);
    if (max == min) return;
    const float range = (float)(max - min);
    const float at = max == p[0]   ? (float)(p[1] - p[2]) / range
                     : max == p[1] ? 2 + (float)(p[2] - p[0]) / range
                                   : 4 + (float)(p[0] - p[1]) / range;
    float hue = at + 6 * turns;
    hue -= 6 * floorf(hue / 6);
    for (int c = 0; c < 3; c++) { /* a channel is full within one sixth of its own hue and empty beyond two */
        float away = fabsf(hue - 2 * (float)c);
        if (away > 3) away = 6 - away;
        const float part = away <= 1 ? 1 : away >= 2 ? 0 : 2 - away;
        p[c] = (uint8_t)((float)min + range * part + 0.5f);
    }
}

void rins_hue(RinsImage *image, float turns) {
    for (size_t i = 0; i < pixels_of(image); i++) turn_pixel(image->pixels + 3 * i, turns);
}

void rins_posterize(RinsImage *image, int bits) {
    const uint8_t mask = (uint8_t)(0xff00 >> bits);
    for (size_t i = 0; i < pixels_of(image) * 3; i++) image->pixels[i] &= mask;
}

void rins_solarize(RinsImage *image, int threshold) {
    for (size_t i = 0; i < pixels_of(image) * 3; i++)
        if (image->pixels[i] >= threshold) image->pixels[i] = (uint8_t)(255 - image->pixels[i]);
}

static void count(const RinsImage *image, size_t histogram[3][256]) {
    memset(histogram, 0, sizeof(size_t) * 3 * 256);
    for (size_t i = 0; i < pixels_of(image); i++)
        for (int c = 0; c < 3; c++) histogram[c][image->pixels[3 * i + (size_t)c]]++;
}

/* Stretches every channel to 0..255. */
void rins_autocontrast(RinsImage *image) {
    size_t histogram[3][256];
    uint8_t table[3][256];
    count(image, histogram);
    for (int c = 0; c < 3; c++) {
        int low = 0, high = 255;
        while (low < 255 && !histogram[c][low]) low++;
        while (high > 0 && !histogram[c][high]) high--;
        const double scale = high > low ? 255.0 / (high - low) : 1, offset = high > low ? -low * scale : 0;
        for (int i = 0; i < 256; i++) {
            const int x = (int)(i * scale + offset);
            table[c][i] = (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
        }
    }
    map_bytes(image, table);
}

/* Evens out every channel's histogram. */
void rins_equalize(RinsImage *image) {
    size_t histogram[3][256];
    uint8_t table[3][256];
    count(image, histogram);
    for (int c = 0; c < 3; c++) {
        int used = 0, last = 0;
        for (int i = 0; i < 256; i++)
            if (histogram[c][i]) used++, last = i;
        const size_t step = used > 1 ? (pixels_of(image) - histogram[c][last]) / 255 : 0;
        size_t n = step / 2;
        for (int i = 0; i < 256; i++) {
            const size_t x = step ? n / step : (size_t)i;
            table[c][i] = (uint8_t)(x > 255 ? 255 : x);
            n += histogram[c][i];
        }
    }
    map_bytes(image, table);
}
