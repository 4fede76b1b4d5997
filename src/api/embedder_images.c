#define _GNU_SOURCE
#include "src/api/embedder.h"

#include "eval/source_pixels.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static RinsStatus status_of(RinsBadCause cause) {
    switch (cause) {
    case RINS_BAD_NONE: return RINS_OK;
    case RINS_BAD_MISSING: return RINS_ERR_IO;
    case RINS_BAD_TOO_LARGE:
    case RINS_BAD_TOO_SLOW: return RINS_ERR_LIMIT;
    default: return RINS_ERR_FORMAT;
    }
}

/* With `each`, bad images are reported there; without, the first one is the failure. */
static RinsStatus embed(RinsEmbedder *embedder, RinsPixelsFn *pixels, void *user, size_t n, float *out,
                        RinsStatus *each) {
    RINS_TRY(rins_need_images(embedder));
    if (n == 0) return RINS_OK;
    RinsBadCause *causes = calloc(n, sizeof *causes);
    char *bad = NULL;
    if (!causes) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %zu images", n);
    RinsStatus status = rins_embed_images(embedder->em, pixels, user, 0, (int64_t)n, true, out, causes, &bad);
    for (size_t i = 0; status == RINS_OK && i < n; i++) {
        if (each)
            each[i] = status_of(causes[i]);
        else if (causes[i] != RINS_BAD_NONE)
            status = RINS_FAIL(status_of(causes[i]), "image %zu: %s", i + 1, bad ? bad : rins_bad_names[causes[i]]);
    }
    free(causes), free(bad);
    return status;
}

typedef struct Images {
    const RinsPp *pp;
    const char *const *paths;
    const RinsBytes *encoded;
    const RinsPixels *pixels;
} Images;

static RinsStatus from_path(void *user, int64_t index, uint8_t *pixels, RinsBadCause *cause) {
    const Images *images = user;
    char *path = (char *)images->paths[index]; /* read only */
    const RinsPathPixels one = {&path, images->pp};
    return rins_path_pixels((void *)&one, 0, pixels, cause);
}

static RinsStatus from_bytes(void *user, int64_t index, uint8_t *pixels, RinsBadCause *cause) {
    const Images *images = user;
    const RinsBytes *bytes = &images->encoded[index];
    return rins_pp_apply(images->pp, bytes->data, bytes->size, (RinsPpKey){0}, pixels, NULL, cause);
}

/* A view where the rows are packed already, else a packed copy for the caller to free. */
static RinsStatus pack(const RinsPixels *from, RinsImage *image, uint8_t **copy) {
    const size_t row = 3 * (size_t)from->width, stride = from->stride ? from->stride : row;
    *copy = NULL;
    *image = (RinsImage){(uint8_t *)from->data, from->width, from->height};
    if (stride == row) return RINS_OK;
    *copy = malloc(row * (size_t)from->height);
    if (!*copy) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for an image of %d x %d", from->width, from->height);
    for (int y = 0; y < from->height; y++) memcpy(*copy + (size_t)y * row, from->data + (size_t)y * stride, row);
    image->pixels = *copy;
    return RINS_OK;
}

static RinsStatus from_pixels(void *user, int64_t index, uint8_t *pixels, RinsBadCause *cause) {
    const Images *images = user;
    RinsImage image;
    uint8_t *copy = NULL;
    (void)cause; /* sizes were checked; what is left to fail is no fault of the image */
    RINS_TRY(pack(&images->pixels[index], &image, &copy));
    const RinsStatus status = rins_pp_apply_image(images->pp, &image, (RinsPpKey){0}, pixels, NULL);
    free(copy);
    return status;
}

RinsStatus rins_embedder_files(RinsEmbedder *embedder, const char *const *paths, size_t n, float *out,
                               RinsStatus *each) {
    Images images = {.pp = embedder->em->pp, .paths = paths};
    for (size_t i = 0; i < n; i++)
        if (!paths[i]) return RINS_FAIL(RINS_ERR_ARG, "image %zu: its path is NULL", i + 1);
    return embed(embedder, from_path, &images, n, out, each);
}

RinsStatus rins_embedder_encoded(RinsEmbedder *embedder, const RinsBytes *images, size_t n, float *out,
                                 RinsStatus *each) {
    Images from = {.pp = embedder->em->pp, .encoded = images};
    for (size_t i = 0; i < n; i++)
        if (!images[i].data && images[i].size) return RINS_FAIL(RINS_ERR_ARG, "image %zu: its data is NULL", i + 1);
    return embed(embedder, from_bytes, &from, n, out, each);
}

RinsStatus rins_embedder_pixels(RinsEmbedder *embedder, const RinsPixels *images, size_t n, float *out,
                                RinsStatus *each) {
    Images from = {.pp = embedder->em->pp, .pixels = images};
    for (size_t i = 0; i < n; i++) {
        const RinsPixels *image = &images[i];
        if (!image->data || image->width < 1 || image->height < 1 || image->width > INT_MAX / 3 ||
            (image->stride && image->stride < 3 * (size_t)image->width))
            return RINS_FAIL(RINS_ERR_ARG, "image %zu: %d x %d pixels with a stride of %zu bytes are no image", i + 1,
                             image->width, image->height, image->stride);
    }
    return embed(embedder, from_pixels, &from, n, out, each);
}
