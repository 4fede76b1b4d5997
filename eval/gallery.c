#include "eval/gallery.h"

#include "data/image.h"
#include "data/image_write.h"
#include "src/base/html.h"

#include <stdlib.h>
#include <string.h>

enum { THUMB = 224, QUALITY = 85 };

const char rins_gallery_css[] =
    ".grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(240px,1fr));gap:1rem}\n"
    "figure{margin:0;border:1px solid var(--line);border-radius:8px;overflow:hidden}\n"
    "figure img{display:block;width:100%;aspect-ratio:1;object-fit:contain;background:#8881}\n"
    "figcaption{padding:.6rem .8rem .8rem;overflow-wrap:anywhere}figcaption "
    "b{display:block;margin-bottom:.3rem}\n"
    ".c{position:relative;display:flex;justify-content:space-between;gap:.6rem;padding:.1rem "
    ".3rem;font-size:.88rem}.c span:last-child{white-space:nowrap}\n"
    ".c i{position:absolute;inset:1px auto 1px 0;background:var(--bar);opacity:.28;border-radius:3px}\n"
    ".c span{position:relative}.r span:first-of-type{color:var(--good);font-weight:600}\n";

static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<style>\n"
    ":root{color-scheme:light dark;--line:#8884;--good:#1a7f37;--bar:#4f8cc9}\n"
    "@media(prefers-color-scheme:dark){:root{--good:#4ac26b;--bar:#3f74a8}}\n"
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1200px;padding:0 1rem}\n"
    "h1{font-size:1.4rem;margin:0 0 .3rem}p{margin:0 0 1.2rem;opacity:.8}\n";

RinsStatus rins_gallery_begin(RinsGallery *gallery, const char *path, const char *title, const char *intro) {
    *gallery = (RinsGallery){0};
    RINS_TRY(rins_atomic_open(&gallery->file, path));
    FILE *out = gallery->file.stream;
    fputs(head, out), fputs(rins_gallery_css, out), fputs("</style>\n", out);
    fputs("<title>", out), rins_html_text(out, title), fputs("</title></head><body>\n<h1>", out);
    rins_html_text(out, title), fputs("</h1>\n", out);
    if (intro) fputs("<p>", out), rins_html_text(out, intro), fputs("</p>\n", out);
    fputs("<div class=\"grid\">\n", out);
    return RINS_OK;
}

/* A JPEG of at most THUMB pixels a side; smaller pictures keep their size. */
static RinsStatus put_thumbnail(FILE *out, const uint8_t *data, size_t size) {
    const RinsDecodeOptions options = {.fast = true, .want_width = THUMB, .want_height = THUMB, .apply_exif = true};
    RinsImage image = {0}, small = {0};
    uint8_t *jpeg = NULL;
    size_t jpeg_size = 0;
    RinsStatus status = RINS_OK;
    RINS_TRY_DONE(rins_image_decode(data, size, &options, &image, NULL));
    const int longest = image.width > image.height ? image.width : image.height;
    const double scale = longest > THUMB ? (double)THUMB / longest : 1;
    const int width = (int)(image.width * scale + 0.5), height = (int)(image.height * scale + 0.5);
    const double box[4] = {0, 0, image.width, image.height};
    RINS_TRY_DONE(rins_image_resize(&image, box, width > 0 ? width : 1, height > 0 ? height : 1, RINS_RESIZE_BICUBIC,
                                    true, &small));
    RINS_TRY_DONE(rins_jpeg_encode(small.pixels, small.width, small.height, QUALITY, &jpeg, &jpeg_size));
    fputs("<img alt=\"\" src=\"", out);
    rins_html_data(out, "image/jpeg", jpeg, jpeg_size);
    fputs("\">", out);
done:
    rins_image_free(&image), rins_image_free(&small), free(jpeg);
    return status;
}

RinsStatus rins_gallery_figure(FILE *out, const uint8_t *image, size_t size, const char *heading,
                               const RinsGalleryLine *lines, int n) {
    fputs("<figure>", out);
    if (put_thumbnail(out, image, size) == RINS_ERR_MEMORY) return RINS_ERR_MEMORY;
    fputs("<figcaption>", out);
    if (heading) fputs("<b>", out), rins_html_text(out, heading), fputs("</b>", out);
    float top = 0;
    for (int i = 0; i < n; i++) top = lines[i].score > top ? lines[i].score : top;
    for (int i = 0; i < n; i++) {
        const float part = top > 0 && lines[i].score > 0 ? 100 * lines[i].score / top : 0;
        fprintf(out, "<div class=\"c%s\"><i style=\"width:%.1f%%\"></i><span>", lines[i].right ? " r" : "",
                (double)part);
        rins_html_text(out, lines[i].text);
        fprintf(out, "</span><span>%.3f</span></div>", (double)lines[i].score);
    }
    fputs("</figcaption></figure>\n", out);
    return RINS_OK;
}

RinsStatus rins_gallery_item(RinsGallery *gallery, const uint8_t *image, size_t size, const char *heading,
                             const RinsGalleryLine *lines, int n) {
    RINS_TRY(rins_gallery_figure(gallery->file.stream, image, size, heading, lines, n));
    gallery->items++;
    return RINS_OK;
}

RinsStatus rins_gallery_commit(RinsGallery *gallery) {
    fputs("</div></body></html>\n", gallery->file.stream);
    return rins_atomic_commit(&gallery->file);
}

void rins_gallery_abort(RinsGallery *gallery) {
    rins_atomic_abort(&gallery->file);
}
