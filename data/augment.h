/* Pixel augmentations, each a deterministic function of the picture and its parameters, in place; the random
   choices are made by the preprocessing string's ops. Colour operations give Pillow's values. Internal to
   data/. */
#ifndef RINS_DATA_AUGMENT_H
#define RINS_DATA_AUGMENT_H

#include "data/image.h"
#include "src/base/rng.h"

/* Random choices of one sample, in the order in which they are made, and a hash of all of them. */
typedef struct RinsChoices {
    RinsRng rng;
    uint64_t hash;
} RinsChoices;

void rins_choices_note(RinsChoices *choices, int64_t value);
double rins_choose(RinsChoices *choices, double low, double high); /* uniform in [low, high) */
int rins_choose_below(RinsChoices *choices, int n);                /* uniform in [0, n); 0 for n < 2 */
bool rins_choose_if(RinsChoices *choices, double probability);

void rins_flip_lr(RinsImage *image);
/* Paints [x, x + width) x [y, y + height) in grey level `value`. */
void rins_erase(RinsImage *image, int x, int y, int width, int height, int value);

/* 0 gives black, grey mean, grey picture or blur; 1 the picture; more exaggerates. */
void rins_brightness(RinsImage *image, float factor);
void rins_contrast(RinsImage *image, float factor);
void rins_saturation(RinsImage *image, float factor);
RinsStatus rins_sharpness(RinsImage *image, float factor);
void rins_hue(RinsImage *image, float turns); /* -0.5..0.5 of the colour circle */

void rins_posterize(RinsImage *image, int bits);
void rins_solarize(RinsImage *image, int threshold); /* inverts bytes >= threshold */
void rins_autocontrast(RinsImage *image);
void rins_equalize(RinsImage *image);

/* Output pixel (x, y) shows input (m0 x + m1 y + m2, m3 x + m4 y + m5) at pixel centres, nearest; black outside. */
RinsStatus rins_affine(RinsImage *image, const double m[6]);

/* `layers` random operations of RandAugment's fourteen (arXiv 1909.13719), strength `magnitude` of 30. */
RinsStatus rins_randaugment(RinsImage *image, int layers, int magnitude, RinsChoices *choices);

#endif
