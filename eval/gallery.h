/* One self-contained HTML page of pictures with their best captions: thumbnails are inside it. */
#ifndef RINS_EVAL_GALLERY_H
#define RINS_EVAL_GALLERY_H

#include "src/base/file.h"

#include <stdbool.h>

typedef struct RinsGalleryLine {
    const char *text;
    float score; /* a cosine: shown with a bar */
    bool right;
} RinsGalleryLine;

/* For the <style> of a page with figures; the page defines --line, --good and --bar. */
extern const char rins_gallery_css[];

/* One <figure>; arguments as of rins_gallery_item. They stand in a <div class='grid'>. */
RinsStatus rins_gallery_figure(FILE *out, const uint8_t *image, size_t size, const char *heading,
                               const RinsGalleryLine *lines, int n);

typedef struct RinsGallery {
    RinsAtomicFile file;
    int64_t items;
} RinsGallery;

/* `intro`: one paragraph of plain text under the title, NULL: none. */
RinsStatus rins_gallery_begin(RinsGallery *gallery, const char *path, const char *title, const char *intro);

/* image: encoded bytes as a source holds them. `heading` stands under the picture (NULL: none), then the
   lines. An image that cannot be decoded is shown as its heading alone. */
RinsStatus rins_gallery_item(RinsGallery *gallery, const uint8_t *image, size_t size, const char *heading,
                             const RinsGalleryLine *lines, int n);
RinsStatus rins_gallery_commit(RinsGallery *gallery);
void rins_gallery_abort(RinsGallery *gallery); /* harmless after a commit and on a zeroed gallery */

#endif
