/* Applying a preprocessing string: leading crops and the first resize happen while the picture is decoded. */
#include "data/pp_ops.h"

#include "data/resize.h"

#include <stdlib.h>
#include <string.h>

int rins_pp_size(const RinsPp *pp) {
    return pp->height;
}

RinsStatus rins_pp_check_size(const RinsPp *pp, const char *text) {
    return rins_pp_size(pp) > 0
               ? RINS_OK
               : RINS_FAIL(RINS_ERR_CONFIG, "'%s' does not fix the images' size; end it with a resize or crop", text);
}

const RinsDecodeOptions *rins_pp_decode_options(const RinsPp *pp) {
    return &pp->decode;
}

void rins_pp_value_range(const RinsPp *pp, float scale[3], float offset[3]) {
    memcpy(scale, pp->scale, sizeof pp->scale);
    memcpy(offset, pp->offset, sizeof pp->offset);
}

/* Rows of a picture, from a decoder or from memory. */
typedef struct Rows {
    RinsDecoder *decoder; /* NULL: from `image` */
    const RinsImage *image;
    size_t row_bytes;
    int x_skip, y;
} Rows;

static RinsStatus rows_start(Rows *rows, RinsRegion region, bool stores) {
    rows->y = region.y0;
    rows->x_skip = 0;
    rows->row_bytes = (size_t)(region.x1 - region.x0) * 3;
    if (!rows->decoder) {
        rows->x_skip = region.x0;
        return RINS_OK;
    }
    RINS_TRY(rins_decoder_start(rows->decoder, region, stores));
    rows->row_bytes = rows->decoder->row_bytes;
    rows->x_skip = rows->decoder->x_skip;
    return RINS_OK;
}

static RinsStatus rows_next(Rows *rows, uint8_t *to) {
    if (rows->decoder) return rins_decoder_row(rows->decoder, to);
    const size_t at = ((size_t)rows->y++ * (size_t)rows->image->width + (size_t)rows->x_skip) * 3;
    memcpy(to, rows->image->pixels + at, rows->row_bytes);
    return RINS_OK;
}

/* The region as a picture of its own. */
static RinsStatus keep_region(Rows *rows, RinsRegion region, RinsImage *out) {
    RINS_TRY(rows_start(rows, region, true));
    const size_t width = (size_t)(region.x1 - region.x0), height = (size_t)(region.y1 - region.y0);
    RinsStatus status = RINS_OK;
    uint8_t *pixels = malloc(width * height * 3), *row = malloc(rows->row_bytes);
    if (!pixels || !row) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "out of memory for a %zux%zu picture", width, height);
        goto done;
    }
    const size_t skip = rows->decoder ? (size_t)rows->x_skip * 3 : 0;
    for (size_t y = 0; y < height; y++) {
        RINS_TRY_DONE(rows_next(rows, row));
        memcpy(pixels + y * width * 3, row + skip, width * 3);
    }
    *out = (RinsImage){pixels, (int)width, (int)height};
    pixels = NULL;
done:
    free(pixels);
    free(row);
    return status;
}

/* Resizes the box (in the rows' own pixels) of a width x height picture; `within` is what may
   be looked at. */
static RinsStatus resize_rows(Rows *rows, RinsRegion within, const RinsResizeSpec *spec, RinsCpuLevel level,
                              RinsImage *out) {
    RinsResizer *resizer = NULL;
    RinsStatus status;
    uint8_t *pixels = malloc((size_t)spec->width * (size_t)spec->height * 3);
    if (!pixels) return RINS_FAIL(RINS_ERR_MEMORY, "out of memory for a %dx%d picture", spec->width, spec->height);
    RINS_TRY_DONE(rins_resizer_open(&resizer, spec, level));
    const RinsRegion part = rins_resizer_region(resizer);
    const RinsRegion region = {within.x0 + part.x0, within.y0 + part.y0, within.x0 + part.x1, within.y0 + part.y1};
    RINS_TRY_DONE(rows_start(rows, region, false));
    RINS_TRY_DONE(rins_resizer_start(resizer, rows->row_bytes, rows->decoder ? rows->x_skip : 0, pixels));
    for (int y = region.y0; y < region.y1; y++) {
        RINS_TRY_DONE(rows_next(rows, rins_resizer_row(resizer)));
        rins_resizer_push(resizer);
    }
    *out = (RinsImage){pixels, spec->width, spec->height};
    pixels = NULL;
done:
    rins_resizer_close(resizer);
    free(pixels);
    return status;
}

/* The head on pixels that are 1/reduce of those in which its crop is given. */
static RinsStatus run_head(const RinsPp *pp, const RinsPpHead *head, Rows *rows, int width, int height, int reduce,
                           RinsImage *out) {
    enum { MAX_PIXELS = 1 << 25 }; /* a long thin picture must not grow without bound */
    if (head->resizes && (int64_t)head->width * head->height > MAX_PIXELS)
        return RINS_FAIL(RINS_ERR_LIMIT, "a %dx%d picture would be resized to %dx%d", width, height, head->width,
                         head->height);
    if (reduce > 1) { /* only where a smooth resize follows: the crop keeps its fractions */
        const double r = reduce;
        const RinsResizeSpec spec = {
            width,       height,       {head->crop.x0 / r, head->crop.y0 / r, head->crop.x1 / r, head->crop.y1 / r},
            head->width, head->height, head->method};
        return resize_rows(rows, (RinsRegion){0, 0, width, height}, &spec, pp->level, out);
    }
    const int crop_w = head->crop.x1 - head->crop.x0, crop_h = head->crop.y1 - head->crop.y0;
    const RinsResizeSpec spec = {crop_w, crop_h, {0, 0, crop_w, crop_h}, head->width, head->height, head->method};
    if (head->resizes && head->antialias && head->method != RINS_RESIZE_NEAREST)
        return resize_rows(rows, head->crop, &spec, pp->level, out);
    RINS_TRY(keep_region(rows, head->crop, out));
    if (!head->resizes) return RINS_OK;
    RinsImage whole = *out;
    *out = (RinsImage){0};
    const RinsStatus status = rins_image_resize(&whole, spec.box, head->width, head->height, head->method, false, out);
    rins_image_free(&whole);
    return status;
}

/* Runs ops [first, n_ops) on the picture, replacing it. */
static RinsStatus run_ops(const RinsPp *pp, int first, RinsImage *image, RinsChoices *choices) {
    while (first < pp->n_ops) {
        RinsPpHead head;
        rins_pp_head(pp, first, image->width, image->height, choices, &head);
        if (head.next == first) {
            RINS_TRY(rins_pp_pixel_op(&pp->ops[first++], image, choices));
            continue;
        }
        Rows rows = {.image = image};
        RinsImage next = {0};
        RINS_TRY(run_head(pp, &head, &rows, image->width, image->height, 1, &next));
        rins_image_free(image);
        *image = next;
        first = head.next;
    }
    return RINS_OK;
}

static RinsStatus deliver(const RinsPp *pp, const RinsImage *image, const RinsChoices *choices, uint8_t *out,
                          uint64_t *crop_hash) {
    if (image->width != pp->width || image->height != pp->height)
        return RINS_FAIL(RINS_ERR_INTERNAL, "preprocessing made %dx%d, expected %dx%d", image->width, image->height,
                         pp->width, pp->height);
    memcpy(out, image->pixels, (size_t)pp->width * (size_t)pp->height * 3);
    if (crop_hash) *crop_hash = choices->hash;
    return RINS_OK;
}

static RinsStatus check_fixed(const RinsPp *pp) {
    return pp->height
               ? RINS_OK
               : RINS_FAIL(RINS_ERR_CONFIG, "the preprocessing string fixes no image size: add resize(size) to it");
}

static RinsChoices choices_of(RinsPpKey key) {
    return (RinsChoices){rins_rng(RINS_RNG_AUGMENT, key.seed, key.epoch, key.sample), RINS_HASH_BASIS};
}

/* Decodes and runs the ops; the picture is the result. */
static RinsStatus decode_and_run(const RinsPp *pp, RinsDecoder *decoder, RinsChoices *choices, RinsImage *image) {
    int next = 0;
    if (decoder->orientation > 1) {
        Rows rows = {.decoder = decoder};
        RINS_TRY(keep_region(&rows, (RinsRegion){0, 0, decoder->width, decoder->height}, image));
        RINS_TRY(rins_image_orient(image, decoder->orientation));
    } else {
        RinsPpHead head;
        rins_pp_head(pp, 0, decoder->width, decoder->height, choices, &head);
        next = head.next;
        if (decoder->options.fast && head.resizes && head.antialias && head.method != RINS_RESIZE_NEAREST)
            RINS_TRY(rins_decoder_reduce(decoder, head.crop.x1 - head.crop.x0, head.crop.y1 - head.crop.y0, head.width,
                                         head.height));
        Rows rows = {.decoder = decoder};
        RINS_TRY(run_head(pp, &head, &rows, decoder->width, decoder->height, decoder->reduce, image));
    }
    return run_ops(pp, next, image, choices);
}

RinsStatus rins_pp_apply(const RinsPp *pp, const void *data, size_t n, RinsPpKey key, uint8_t *out, uint64_t *crop_hash,
                         RinsBadCause *cause) {
    if (cause) *cause = RINS_BAD_NONE;
    RINS_TRY(check_fixed(pp));
    RinsDecoder *decoder;
    RinsImage image = {0};
    RinsStatus status;
    RinsChoices choices = choices_of(key);
    RINS_TRY(rins_decoder_open(&decoder, data, n, &pp->decode, cause));
    RINS_TRY_DONE(decode_and_run(pp, decoder, &choices, &image));
    RINS_TRY_DONE(deliver(pp, &image, &choices, out, crop_hash));
done:
    if (cause) *cause = rins_decoder_cause(decoder, status);
    rins_image_free(&image);
    rins_decoder_close(decoder);
    return status;
}

RinsStatus rins_pp_apply_image(const RinsPp *pp, const RinsImage *from, RinsPpKey key, uint8_t *out,
                               uint64_t *crop_hash) {
    RINS_TRY(check_fixed(pp));
    RinsImage image = {0};
    RinsStatus status;
    RinsChoices choices = choices_of(key);
    RinsPpHead head;
    rins_pp_head(pp, 0, from->width, from->height, &choices, &head);
    Rows rows = {.image = from};
    RINS_TRY_DONE(run_head(pp, &head, &rows, from->width, from->height, 1, &image));
    RINS_TRY_DONE(run_ops(pp, head.next, &image, &choices));
    RINS_TRY_DONE(deliver(pp, &image, &choices, out, crop_hash));
done:
    rins_image_free(&image);
    return status;
}
