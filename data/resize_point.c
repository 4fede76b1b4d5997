/* Resampling without antialias: the three methods of tf.image.resize with half-pixel centres, in single
   precision and in its order of operations. */
#include "data/resize.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { TAPS = 4, CUBIC_STEPS = 1024 };

typedef struct Taps {
    int at[TAPS]; /* samples, clamped to the picture */
    float weight[TAPS];
} Taps;

static int clamp(int x, int n) {
    return x < 0 ? 0 : x >= n ? n - 1 : x;
}

/* Keys' cubic with a = -0.5: near for |x| <= 1, far for 1 <= |x| <= 2. */
static float near_weight(float x) {
    return (1.5f * x - 2.5f) * x * x + 1;
}
static float far_weight(float x) {
    return ((-0.5f * x + 2.5f) * x - 4.0f) * x + 2.0f;
}

static void cubic_taps(Taps *taps, int base, float delta, int n) {
    /* The original looks weights up in a table of 1024 steps. */
    const float x = (float)lrintf(delta * CUBIC_STEPS) / CUBIC_STEPS;
    const float weights[TAPS] = {far_weight(x + 1), near_weight(x), near_weight(1 - x), far_weight(2 - x)};
    float sum = 0;
    for (int k = 0; k < TAPS; k++) {
        taps->at[k] = clamp(base + k - 1, n);
        taps->weight[k] = taps->at[k] == base + k - 1 ? weights[k] : 0;
        sum += taps->weight[k];
    }
    if (fabsf(sum) < 1000 * FLT_MIN) return;
    for (int k = 0; k < TAPS; k++) taps->weight[k] /= sum;
}

static Taps *axis_taps(double box0, double box1, int in, int out, RinsResizeMethod method) {
    Taps *taps = calloc((size_t)out, sizeof *taps);
    if (!taps) return NULL;
    const float scale = (float)(box1 - box0) / (float)out, first = (float)box0;
    for (int i = 0; i < out; i++) {
        const float center = ((float)i + 0.5f) * scale + first, at = center - 0.5f;
        const float base = floorf(at);
        if (method == RINS_RESIZE_NEAREST) {
            taps[i].at[0] = clamp((int)floorf(center), in);
        } else if (method == RINS_RESIZE_BILINEAR) {
            taps[i].at[0] = clamp((int)base, in);
            taps[i].at[1] = clamp((int)ceilf(at), in);
            taps[i].weight[1] = at - base;
        } else {
            cubic_taps(&taps[i], (int)base, at - base, in);
        }
    }
    return taps;
}

static uint8_t to_byte(float x) {
    return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
}

static float sample(const RinsImage *from, int x, int y, int c) {
    return from->pixels[((size_t)y * (size_t)from->width + (size_t)x) * 3 + (size_t)c];
}

static float bilinear(const RinsImage *from, const Taps *across, const Taps *down, int c) {
    const float tl = sample(from, across->at[0], down->at[0], c), tr = sample(from, across->at[1], down->at[0], c);
    const float bl = sample(from, across->at[0], down->at[1], c), br = sample(from, across->at[1], down->at[1], c);
    const float top = tl + (tr - tl) * across->weight[1], bottom = bl + (br - bl) * across->weight[1];
    return top + (bottom - top) * down->weight[1];
}

static float bicubic(const RinsImage *from, const Taps *across, const Taps *down, int c) {
    float sum = 0;
    for (int k = 0; k < TAPS; k++) {
        float column = 0;
        for (int j = 0; j < TAPS; j++) column += sample(from, across->at[k], down->at[j], c) * down->weight[j];
        sum += column * across->weight[k];
    }
    return sum;
}

RinsStatus rins_resize_point(const RinsImage *from, const RinsResizeSpec *spec, uint8_t *out) {
    Taps *across = axis_taps(spec->box[0], spec->box[2], from->width, spec->width, spec->method);
    Taps *down = axis_taps(spec->box[1], spec->box[3], from->height, spec->height, spec->method);
    RinsStatus status = RINS_OK;
    if (!across || !down) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "out of memory for a resize to %dx%d", spec->width, spec->height);
        goto done;
    }
    for (int y = 0; y < spec->height; y++)
        for (int x = 0; x < spec->width; x++)
            for (int c = 0; c < 3; c++)
                *out++ = spec->method == RINS_RESIZE_NEAREST ? (uint8_t)sample(from, across[x].at[0], down[y].at[0], c)
                         : spec->method == RINS_RESIZE_BILINEAR ? to_byte(bilinear(from, &across[x], &down[y], c))
                                                                : to_byte(bicubic(from, &across[x], &down[y], c));
done:
    free(across);
    free(down);
    return status;
}
