/* rins data show: samples before and after augmentation on one HTML page. */
#include "data/image_write.h"
#include "data/pp.h"
#include "data/source.h"
#include "src/base/file.h"
#include "src/base/html.h"
#include "src/base/log.h"
#include "src/base/rng.h"
#include "tools/data_actions.h"
#include "tools/flags.h"

#include <stdio.h>
#include <stdlib.h>

enum { THUMB = 256, QUALITY = 85 };

static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<style>\n"
    ":root{color-scheme:light dark}body{font:15px/1.45 system-ui,sans-serif;margin:2rem "
    "auto;max-width:1400px;padding:0 1rem}\n"
    "h1{font-size:1.3rem;margin:0 0 .3rem}code{font-size:.9em}\n"
    "section{border-top:1px solid #8884;padding:.8rem "
    "0}.row{display:flex;flex-wrap:wrap;gap:.5rem;align-items:flex-start}\n"
    "img{display:block;border-radius:4px;max-height:256px;background:#8881}.was{margin-right:1rem}\n"
    "p{margin:.4rem 0 0;overflow-wrap:anywhere}.key{opacity:.65;font-size:.85rem}.bad{color:#c33;font-weight:600}\n"
    "</style>\n";

typedef struct Sheet {
    FILE *out;
    const RinsPp *pp; /* NULL: only before */
    int64_t crops;
    uint64_t seed;
    uint8_t *pixels; /* of one crop */
    int64_t bad;
    char first_bad[512];
} Sheet;

static RinsStatus put_image(FILE *out, const uint8_t *pixels, int width, int height, const char *css_class) {
    uint8_t *data;
    size_t size;
    RINS_TRY(rins_jpeg_encode(pixels, width, height, QUALITY, &data, &size));
    fprintf(out, "<img class=\"%s\" width=\"%d\" height=\"%d\" alt=\"\" src=\"", css_class, width, height);
    rins_html_data(out, "image/jpeg", data, size);
    fputs("\">\n", out);
    free(data);
    return RINS_OK;
}

static RinsStatus put_before(FILE *out, const RinsImage *image) {
    const int longer = image->width > image->height ? image->width : image->height;
    if (longer <= THUMB) return put_image(out, image->pixels, image->width, image->height, "was");
    const double scale = (double)THUMB / longer, box[4] = {0, 0, image->width, image->height};
    const int width = (int)(image->width * scale + 0.5), height = (int)(image->height * scale + 0.5);
    RinsImage small = {0};
    RINS_TRY(rins_image_resize(image, box, width ? width : 1, height ? height : 1, RINS_RESIZE_BICUBIC, true, &small));
    const RinsStatus status = put_image(out, small.pixels, small.width, small.height, "was");
    rins_image_free(&small);
    return status;
}

static RinsStatus put_pictures(const Sheet *sheet, const RinsSample *sample, int64_t index, RinsBadCause *cause) {
    const RinsDecodeOptions plain = {0};
    RinsImage image = {0};
    RINS_TRY(rins_image_decode(sample->image, sample->image_size,
                               sheet->pp ? rins_pp_decode_options(sheet->pp) : &plain, &image, cause));
    const int width = image.width, height = image.height;
    fputs("<div class=\"row\">\n", sheet->out);
    RinsStatus status = put_before(sheet->out, &image);
    rins_image_free(&image);
    for (int64_t epoch = 0; sheet->pp && status == RINS_OK && epoch < sheet->crops; epoch++) {
        const RinsPpKey key = {sheet->seed, (uint64_t)epoch, (uint64_t)index};
        const int size = rins_pp_size(sheet->pp);
        status = rins_pp_apply(sheet->pp, sample->image, sample->image_size, key, sheet->pixels, NULL, cause);
        if (status == RINS_OK) status = put_image(sheet->out, sheet->pixels, size, size, "");
    }
    fprintf(sheet->out, "</div>\n<p class=\"key\">%d x %d, %zu bytes</p>\n", width, height, sample->image_size);
    return status;
}

static RinsStatus put_sample(Sheet *sheet, RinsSource *source, int64_t index, RinsSample *sample) {
    RinsBadCause cause = RINS_BAD_NONE;
    fputs("<section>\n", sheet->out);
    RinsStatus status = rins_source_read(source, index, sample, &cause);
    if (status == RINS_OK) status = put_pictures(sheet, sample, index, &cause);
    if (status != RINS_OK && cause == RINS_BAD_NONE) return status;
    if (status != RINS_OK) {
        fprintf(sheet->out, "<p class=\"bad\">%s: ", rins_bad_names[cause]);
        rins_html_text(sheet->out, rins_last_error());
        if (!sheet->bad++) snprintf(sheet->first_bad, sizeof sheet->first_bad, "%s", rins_last_error());
        fputs("</p>\n", sheet->out);
    }
    for (int i = 0; i < sample->n_captions; i++) {
        fputs("<p>", sheet->out);
        rins_html_text(sheet->out, sample->captions[i]);
        fputs("</p>\n", sheet->out);
    }
    fprintf(sheet->out, "<p class=\"key\">%lld: ", (long long)index);
    rins_html_text(sheet->out, sample->key ? sample->key : "");
    if (sample->label >= 0) {
        fprintf(sheet->out, ", class %d: ", sample->label);
        rins_html_text(sheet->out, rins_source_class_name(source, sample->label));
    }
    fputs("</p>\n</section>\n", sheet->out);
    return RINS_OK;
}

static void put_head(const Sheet *sheet, const RinsSource *source, int64_t n, const char *pp) {
    FILE *out = sheet->out;
    fputs(head, out);
    fputs("<title>", out), rins_html_text(out, rins_source_spec(source)), fputs("</title></head><body>\n<h1>", out);
    rins_html_text(out, rins_source_spec(source));
    fprintf(out, "</h1>\n<p>%lld of %lld samples", (long long)n, (long long)rins_source_count(source));
    if (pp) {
        fprintf(out, ", each as it is and in %lld epochs of <code>", (long long)sheet->crops);
        rins_html_text(out, pp);
        fputs("</code>", out);
    }
    fputs("</p>\n", out);
}

static RinsStatus show(const char *data, const char *html, const char *pp_text, int64_t n, int64_t crops, uint64_t seed,
                       bool first) {
    RinsSource *source = NULL;
    RinsPp *pp = NULL;
    RinsAtomicFile file = {0};
    RinsSample sample = {0};
    Sheet sheet = {.crops = crops, .seed = seed};
    RinsStatus status = RINS_OK;
    RINS_TRY_DONE(rins_source_open_view(&source, data, RINS_VIEW_IMAGES));
    if (pp_text) RINS_TRY_DONE(rins_pp_parse(&pp, pp_text));
    if (pp_text) RINS_TRY_DONE(rins_pp_check_size(pp, pp_text));
    const size_t size = pp ? (size_t)rins_pp_size(pp) : 1;
    sheet.pp = pp;
    sheet.pixels = malloc(size * size * 3);
    if (!sheet.pixels) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for an image of %zu pixels", size);
        goto done;
    }
    RINS_TRY_DONE(rins_atomic_open(&file, html));
    sheet.out = file.stream;
    const int64_t count = rins_source_count(source);
    if (n > count) n = count;
    put_head(&sheet, source, n, pp_text);
    for (int64_t i = 0; i < n; i++) {
        const int64_t index = first ? i : (int64_t)rins_permute((uint64_t)i, (uint64_t)count, seed, 0);
        RINS_TRY_DONE(put_sample(&sheet, source, index, &sample));
    }
    fputs("</body></html>\n", sheet.out);
    status = rins_atomic_commit(&file);
    if (status == RINS_OK && sheet.bad)
        rins_log(RINS_LOG_WARN, "%lld of the %lld samples shown are bad; the first: %s", (long long)sheet.bad,
                 (long long)n, sheet.first_bad);
done:
    rins_atomic_abort(&file);
    rins_sample_free(&sample);
    free(sheet.pixels);
    rins_pp_free(pp);
    rins_source_free(source);
    return status;
}

int rins_data_show(int argc, char **argv) {
    const char *html = NULL, *pp = NULL;
    int64_t n = 24, crops = 4, seed = 0;
    bool first = false;
    const RinsFlag flags[] = {
        {"html", RINS_FLAG_OUT, &html, "F", "the page to write", true},
        {"pp", RINS_FLAG_STRING, &pp, "STRING",
         "preprocessing to show, such as \"decode|inception_crop(224)|flip_lr\""},
        {"n", RINS_FLAG_INT, &n, "N", "samples (24)", .min = 1, .max = INFINITY},
        {"epochs", RINS_FLAG_INT, &crops, "K", "how many epochs of the preprocessing to show (4)", .min = 1,
         .max = INFINITY},
        {"seed", RINS_FLAG_INT, &seed, "S", "which samples and which augmentation (0)", .max = INFINITY},
        {"first", RINS_FLAG_BOOL, &first, NULL, "the first N samples, not a random choice"},
        {0}};
    const RinsCli cli = {
        "rins data show",
        "D --html F [--pp STRING] [--n N]",
        "Writes samples with their captions to one self-contained HTML page, before and after augmentation.",
        flags,
        1,
        1,
        NULL};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    const RinsStatus status = show(argv[0], html, pp, n, crops, (uint64_t)seed, first);
    if (status == RINS_OK) printf("%s\n", html);
    return rins_report(status);
}
