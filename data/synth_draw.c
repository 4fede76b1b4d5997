/* The rasteriser: background, shapes with textures, noise. A pixel's coverage is read off the signed distance
   of its centre, so edges antialias without supersampling. */
#include "data/synth.h"

#include <math.h>

typedef struct Rgb {
    float c[3];
} Rgb;

static const Rgb colours[RINS_SYNTH_COLOURS] = {
    {{214, 40, 40}},  {{245, 212, 40}},  {{40, 150, 60}}, {{20, 200, 215}}, {{40, 80, 215}},
    {{135, 50, 180}}, {{250, 120, 185}}, {{125, 75, 35}}, {{25, 25, 28}},   {{250, 250, 250}},
};
static const Rgb backgrounds[RINS_SYNTH_BACKGROUNDS] = {
    {{165, 165, 165}}, {{212, 190, 150}}, {{150, 188, 228}}, {{165, 214, 186}},
    {{192, 172, 222}}, {{92, 104, 122}},  {{236, 180, 160}}, {{122, 135, 95}},
};

/* Plain comparisons: without finite-math flags fminf and fmaxf are calls. */
static float least(float a, float b) {
    return a < b ? a : b;
}
static float most(float a, float b) {
    return a > b ? a : b;
}
static float clamp01(float v) {
    return v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
}
static float uniform(RinsRng *rng, float low, float high) {
    return low + (high - low) * (float)(rins_rng_u32(rng) >> 8) * 0x1p-24f;
}

static Rgb jitter(Rgb colour, float by, RinsRng *rng) {
    const float light = uniform(rng, -by, by);
    for (int i = 0; i < 3; i++) colour.c[i] += light + uniform(rng, -by, by) * 0.6f;
    return colour;
}

/* The second tone of a texture: towards white, or towards black where the colour is light already. */
static Rgb second_tone(Rgb colour) {
    const float light = 0.3f * colour.c[0] + 0.6f * colour.c[1] + 0.1f * colour.c[2];
    for (int i = 0; i < 3; i++)
        colour.c[i] = light > 215.0f ? colour.c[i] * 0.42f : colour.c[i] * 0.25f + 255.0f * 0.75f;
    return colour;
}

/* Signed distance to the nearest change of a square wave with this period, positive in its first half. */
static float wave(float at, float period) {
    const float phase = at / period - floorf(at / period);
    return (0.25f - fabsf(phase - 0.5f)) * -period;
}

/* Share of the second tone at a point; u, v in pixels from the shape's centre. */
static float tone(int texture, float u, float v, float radius, float shift) {
    if (texture == 1) return clamp01(0.5f + wave(v + shift, most(3.2f, radius * 0.48f)));
    if (texture == 2) {
        const float step = most(3.6f, radius * 0.5f), a = u / step + 0.5f, b = v / step + 0.5f;
        const float du = (a - floorf(a) - 0.5f) * step, dv = (b - floorf(b) - 0.5f) * step;
        return clamp01(0.5f + step * 0.32f - sqrtf(du * du + dv * dv));
    }
    if (texture == 3) {
        const float period = most(4.4f, radius * 0.8f), a = wave(u + shift, period), b = wave(v + shift, period);
        const float edge = least(fabsf(a), fabsf(b));
        return clamp01(0.5f + (a * b > 0.0f ? edge : -edge));
    }
    return 0.0f;
}

/* Hollow shapes keep a line along the edge. */
static float coverage(const RinsSynthObject *object, float distance, float radius) {
    if (object->texture != 4) return clamp01(0.5f - distance);
    const float half = most(0.7f, radius * (object->shape == 7 ? 0.05f : 0.085f));
    return clamp01(0.5f + half - fabsf(distance + half));
}

static void draw_object(const RinsSynthObject *object, int size, float *image, RinsRng *rng) {
    RinsSynthOutline outline;
    rins_synth_outline(&outline, object->shape);
    const Rgb first = jitter(colours[object->colour], 14.0f, rng), second = second_tone(first);
    const float radius = (float)object->radius * (float)size, cx = (float)object->x * (float)size,
                cy = (float)object->y * (float)size;
    const float c = cosf((float)object->angle), s = sinf((float)object->angle);
    const float slant = uniform(rng, -1.2f, 1.2f), cs = cosf(slant), ss = sinf(slant); /* of stripes */
    const float shift = uniform(rng, 0.0f, radius), reach = radius * 1.02f + 1.0f;
    const int x0 = (int)most(0.0f, floorf(cx - radius - 1.0f)), x1 = (int)least((float)size, ceilf(cx + radius + 1.0f));
    const int y0 = (int)most(0.0f, floorf(cy - radius - 1.0f)), y1 = (int)least((float)size, ceilf(cy + radius + 1.0f));
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) {
            const float dx = (float)x + 0.5f - cx, dy = (float)y + 0.5f - cy;
            const float u = c * dx + s * dy, v = c * dy - s * dx;
            if (u * u + v * v > reach * reach) continue;
            const float distance = rins_synth_distance(&outline, u / radius, v / radius) * radius;
            const float cover = coverage(object, distance, radius);
            if (cover <= 0.0f) continue;
            const bool striped = object->texture == 1;
            const float mixed =
                tone(object->texture, striped ? cs * u + ss * v : u, striped ? cs * v - ss * u : v, radius, shift);
            float *pixel = image + 3 * ((size_t)y * (size_t)size + (size_t)x);
            for (int i = 0; i < 3; i++) {
                const float colour = first.c[i] + mixed * (second.c[i] - first.c[i]);
                pixel[i] += cover * (colour - pixel[i]);
            }
        }
}

/* A tint, lit from one side, with a soft ripple. */
static void draw_background(int which, int size, float *image, RinsRng *rng) {
    const Rgb base = jitter(backgrounds[which], 10.0f, rng);
    const float slope_x = uniform(rng, -22.0f, 22.0f), slope_y = uniform(rng, -22.0f, 22.0f);
    const float wave_x = uniform(rng, -14.0f, 14.0f), wave_y = uniform(rng, -14.0f, 14.0f),
                height = uniform(rng, 0.0f, 9.0f);
    float sines[RINS_SYNTH_MAX_SIDE], cosines[RINS_SYNTH_MAX_SIDE]; /* of the wave along x; sin(a + b) does the rest */
    for (int x = 0; x < size; x++) {
        const float u = ((float)x + 0.5f) / (float)size - 0.5f;
        sines[x] = height * sinf(wave_x * u);
        cosines[x] = height * cosf(wave_x * u);
    }
    for (int y = 0; y < size; y++) {
        const float v = ((float)y + 0.5f) / (float)size - 0.5f, s = sinf(wave_y * v), c = cosf(wave_y * v);
        float *row = image + 3 * (size_t)y * (size_t)size;
        for (int x = 0; x < size; x++) {
            const float u = ((float)x + 0.5f) / (float)size - 0.5f;
            const float light = slope_x * u + slope_y * v + sines[x] * c + cosines[x] * s;
            for (int i = 0; i < 3; i++) row[3 * x + i] = base.c[i] + light;
        }
    }
}

/* Uniform noise of +-strength per channel, one random word a pixel. */
static void finish(const float *image, int size, float strength, RinsRng *rng, uint8_t *pixels) {
    for (size_t i = 0; i < (size_t)size * (size_t)size; i++) {
        uint32_t word = rins_rng_u32(rng);
        for (int channel = 0; channel < 3; channel++, word >>= 10) {
            const float noise = ((float)(word & 1023u) * (2.0f / 1023.0f) - 1.0f) * strength;
            const float value = image[3 * i + (size_t)channel] + noise + 0.5f;
            pixels[3 * i + (size_t)channel] = (uint8_t)(value < 0.0f ? 0.0f : value > 255.0f ? 255.0f : value);
        }
    }
}

void rins_synth_draw(const RinsSynthScene *scene, int size, float *scratch, uint8_t *pixels) {
    RinsRng rng = scene->pixels;
    draw_background(scene->background, size, scratch, &rng);
    for (int i = 0; i < scene->n_objects; i++) draw_object(&scene->objects[i], size, scratch, &rng);
    finish(scratch, size, uniform(&rng, 4.0f, 14.0f), &rng, pixels);
}
