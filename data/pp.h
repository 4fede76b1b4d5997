/* Preprocessing as one readable string: "decode|inception_crop(224)|flip_lr|value_range(-1,1)".
   Parsed once, applied per sample; every random choice is keyed by (seed, epoch, sample). */
#ifndef RINS_DATA_PP_H
#define RINS_DATA_PP_H

#include "data/image.h"

typedef struct RinsPp RinsPp;

/* RINS_ERR_CONFIG names the op and argument that are wrong, and the nearest known op. */
RinsStatus rins_pp_parse(RinsPp **pp, const char *text);
void rins_pp_free(RinsPp *pp);

/* Output side in pixels (images leave square); 0 where the string does not fix it. */
int rins_pp_size(const RinsPp *pp);
/* RINS_ERR_CONFIG where it does not; `text`: what was parsed. */
RinsStatus rins_pp_check_size(const RinsPp *pp, const char *text);
/* value = byte * scale[c] + offset[c], from value_range or vgg/mean-std ops: applied on the
   device, not here. */
void rins_pp_value_range(const RinsPp *pp, float scale[3], float offset[3]);
/* How rins_pp_apply decodes (alpha, EXIF, limits), so that a cache of whole pictures
   decodes alike; borrowed. */
const RinsDecodeOptions *rins_pp_decode_options(const RinsPp *pp);

typedef struct RinsPpKey {
    uint64_t seed, epoch, sample;
} RinsPpKey;

/* Encoded bytes -> out (size, size, 3). `crop_hash` (may be NULL) receives a hash of all
   random choices made. */
RinsStatus rins_pp_apply(const RinsPp *pp, const void *data, size_t n, RinsPpKey key, uint8_t *out, uint64_t *crop_hash,
                         RinsBadCause *cause);
/* Same from decoded pixels (the decode op is skipped). */
RinsStatus rins_pp_apply_image(const RinsPp *pp, const RinsImage *image, RinsPpKey key, uint8_t *out,
                               uint64_t *crop_hash);

#endif
