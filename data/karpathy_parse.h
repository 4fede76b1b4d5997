/* Karpathy's splits of COCO, Flickr30k and Flickr8k: one JSON object with a list `images` of objects
     filename   the file's own name
     filepath   its folder, may be missing (COCO has it, Flickr not)
     split      "train", "restval", "val", "test"
     sentences  a list of objects with the caption under `raw`
   Other members are skipped. */
#ifndef RINS_DATA_KARPATHY_PARSE_H
#define RINS_DATA_KARPATHY_PARSE_H

#include "src/base/status.h"

#include <stddef.h>

typedef struct RinsKarpathyImage {
    size_t name; /* into text */
    int64_t first_caption, captions;
} RinsKarpathyImage;

typedef struct RinsKarpathy {
    RinsKarpathyImage *images; /* in the file's order */
    size_t n_images;
    size_t *captions; /* [n_captions] into text, those of an image one after the other */
    size_t n_captions;
    char *text; /* names and captions, each ends with a zero */
    size_t text_used, text_room;
} RinsKarpathy;

/* The images of `splits` ("test", or several: "train+restval"). The file is at most 1 GB and is parsed image
   by image. RINS_ERR_FORMAT names the byte or the image and its member; RINS_ERR_CONFIG names the splits
   there are where one of those asked for has no image. `set` must be freed in any case. */
RinsStatus rins_karpathy_read(RinsKarpathy *set, const char *path, const char *splits);
/* Same from `size` bytes; `label` stands for the file in errors. */
RinsStatus rins_karpathy_parse(RinsKarpathy *set, const char *json, size_t size, const char *label, const char *splits);
void rins_karpathy_free(RinsKarpathy *set);

/* "filepath/filename" of image i; caption k as it stands in the file. */
static inline const char *rins_karpathy_name(const RinsKarpathy *set, int64_t i) {
    return set->text + set->images[i].name;
}
static inline const char *rins_karpathy_caption(const RinsKarpathy *set, int64_t k) {
    return set->text + set->captions[k];
}

#endif
