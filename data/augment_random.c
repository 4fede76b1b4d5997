/* Random choices of one sample, and RandAugment. */
#include "data/augment.h"

#include <math.h>
#include <string.h>

void rins_choices_note(RinsChoices *choices, int64_t value) {
    choices->hash = rins_hash_bytes(&value, sizeof value, choices->hash);
}

double rins_choose(RinsChoices *choices, double low, double high) {
    const double value = low + (high - low) * rins_rng_uniform(&choices->rng);
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    rins_choices_note(choices, bits);
    return value;
}

int rins_choose_below(RinsChoices *choices, int n) {
    const int value = n < 2 ? 0 : (int)rins_rng_below(&choices->rng, (uint64_t)n);
    rins_choices_note(choices, value);
    return value;
}

bool rins_choose_if(RinsChoices *choices, double probability) {
    const bool value = rins_rng_uniform(&choices->rng) < probability;
    rins_choices_note(choices, value);
    return value;
}

enum {
    IDENTITY,
    SHEAR_X,
    SHEAR_Y,
    SHIFT_X,
    SHIFT_Y,
    ROTATE,
    BRIGHTNESS,
    COLOR,
    CONTRAST,
    SHARPNESS,
    POSTERIZE,
    SOLARIZE,
    AUTOCONTRAST,
    EQUALIZE,
    N_OPERATIONS
};

/* `strength` in [-1, 1]; the sign counts only where an operation has two directions. */
static RinsStatus apply(RinsImage *image, int operation, double strength) {
    const double x = image->width, y = image->height, angle = strength * 30.0 * M_PI / 180.0;
    const double c = cos(angle), s = sin(angle);
    const float factor = (float)(1.0 + 0.9 * strength);
    switch (operation) {
    case SHEAR_X: return rins_affine(image, (double[]){1, 0.3 * strength, 0, 0, 1, 0});
    case SHEAR_Y: return rins_affine(image, (double[]){1, 0, 0, 0.3 * strength, 1, 0});
    case SHIFT_X: return rins_affine(image, (double[]){1, 0, trunc(150.0 / 331.0 * x * strength), 0, 1, 0});
    case SHIFT_Y: return rins_affine(image, (double[]){1, 0, 0, 0, 1, trunc(150.0 / 331.0 * y * strength)});
    case ROTATE:
        return rins_affine(image,
                           (double[]){c, s, x / 2 - c * x / 2 - s * y / 2, -s, c, y / 2 + s * x / 2 - c * y / 2});
    case BRIGHTNESS: rins_brightness(image, factor); break;
    case COLOR: rins_saturation(image, factor); break;
    case CONTRAST: rins_contrast(image, factor); break;
    case SHARPNESS: return rins_sharpness(image, factor);
    case POSTERIZE: rins_posterize(image, 8 - (int)lrint(4 * fabs(strength))); break;
    case SOLARIZE: rins_solarize(image, (int)lrint(255 * (1 - fabs(strength)))); break;
    case AUTOCONTRAST: rins_autocontrast(image); break;
    case EQUALIZE: rins_equalize(image); break;
    default: break;
    }
    return RINS_OK;
}

RinsStatus rins_randaugment(RinsImage *image, int layers, int magnitude, RinsChoices *choices) {
    for (int layer = 0; layer < layers; layer++) {
        const int operation = rins_choose_below(choices, N_OPERATIONS);
        const double sign = rins_choose_if(choices, 0.5) ? -1 : 1;
        RINS_TRY(apply(image, operation, sign * magnitude / 30.0));
    }
    return RINS_OK;
}
