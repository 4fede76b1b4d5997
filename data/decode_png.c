/* PNG rows by libpng, under a memory cap of our own: an oversized text chunk must not allocate what it promises. */
#include "data/decoder.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

enum { MAX_WARNINGS = 100, ALLOC_HEADER = 16 };
static const png_alloc_size_t max_chunk = 8 << 20; /* iCCP, PLTE and eXIf are far smaller */
static const uint64_t max_inflated = 600000000;    /* bytes of pixel rows: about 1 ns each */

typedef struct Png {
    png_structp png;
    png_infop info;
    RinsDecoder *decoder;
    size_t at;     /* next byte of the data */
    uint64_t used; /* bytes that libpng holds */
    int warnings;
    int channels;     /* 3 or 4, of libpng's rows */
    bool clip16;      /* 16-bit grey: Pillow clips it to 255 on its way to RGB */
    uint8_t *picture; /* whole, when interlaced */
    uint8_t *line;    /* one row of libpng's, when it is not RGB */
    RinsRegion region;
    int next; /* row */
} Png;

static png_voidp allocate(png_structp png, png_alloc_size_t size) {
    Png *self = png_get_mem_ptr(png);
    if (size > self->decoder->options.max_bytes || self->used + size > self->decoder->options.max_bytes) {
        self->decoder->cause = RINS_BAD_TOO_LARGE;
        return NULL;
    }
    char *block = malloc(size + ALLOC_HEADER);
    if (!block) return NULL;
    memcpy(block, &size, sizeof size);
    self->used += size;
    return block + ALLOC_HEADER;
}

static void release(png_structp png, png_voidp at) {
    if (!at) return;
    png_alloc_size_t size;
    char *block = (char *)at - ALLOC_HEADER;
    memcpy(&size, block, sizeof size);
    ((Png *)png_get_mem_ptr(png))->used -= size;
    free(block);
}

static void on_error(png_structp png, png_const_charp text) {
    Png *self = png_get_error_ptr(png);
    if (self->decoder->cause == RINS_BAD_NONE) self->decoder->cause = RINS_BAD_CORRUPT;
    RINS_DECODER_FAIL(self->decoder, self->decoder->cause, "PNG: %s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    Png *self = png_get_error_ptr(png);
    (void)text;
    if (++self->warnings <= MAX_WARNINGS) return;
    self->decoder->cause = RINS_BAD_TOO_SLOW;
    png_error(png, "more than 100 damaged places");
}

static void on_read(png_structp png, png_bytep to, size_t n) {
    Png *self = png_get_io_ptr(png);
    if (n > self->decoder->size - self->at) {
        self->decoder->cause = RINS_BAD_TRUNCATED;
        png_error(png, "the data ends inside the picture");
    }
    memcpy(to, self->decoder->data + self->at, n);
    self->at += n;
}

/* Text, time and profiles are never looked at: not even inflated. */
static void ignore_chunks(png_structp png, bool exif) {
    static const png_byte names[] = "tEXt\0zTXt\0iTXt\0iCCP\0sPLT\0tIME\0pCAL\0sCAL\0hIST\0bKGD\0gAMA\0cHRM\0sRGB\0"
                                    "pHYs\0oFFs\0sBIT\0eXIf";
    const int n = (int)(sizeof names / 5);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, names, exif ? n - 1 : n);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
}

static void expand_to_rgb(Png *self, int depth, int colour) {
    png_structp png = self->png;
    const bool alpha = self->decoder->options.alpha != RINS_ALPHA_DROP;
    const bool transparent = alpha && (colour & PNG_COLOR_MASK_ALPHA || png_get_valid(png, self->info, PNG_INFO_tRNS));
    self->clip16 = depth == 16 && colour == PNG_COLOR_TYPE_GRAY;
    if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (colour == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(png);
    if (alpha && png_get_valid(png, self->info, PNG_INFO_tRNS)) png_set_tRNS_to_alpha(png);
    if (!transparent) png_set_strip_alpha(png);
    if (depth == 16 && !self->clip16) png_set_strip_16(png);
    if (!(colour & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(png);
    self->channels = transparent ? 4 : 3;
}

static int orientation_of(Png *self) {
    png_bytep exif = NULL;
    png_uint_32 n = 0;
    if (!png_get_eXIf_1(self->png, self->info, &n, &exif)) return 1;
    return rins_exif_orientation(exif, n);
}

static RinsStatus png_open(RinsDecoder *decoder) {
    Png *self = calloc(1, sizeof *self);
    if (!self) return RINS_FAIL(RINS_ERR_MEMORY, "out of memory for a PNG decoder");
    decoder->state = self;
    self->decoder = decoder;
    self->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, self, on_error, on_warning, self, allocate, release);
    if (!self->png) return RINS_FAIL(RINS_ERR_MEMORY, "out of memory for a PNG decoder");
    if (setjmp(png_jmpbuf(self->png))) return rins_bad_status(decoder->cause);
    self->info = png_create_info_struct(self->png);
    if (!self->info) return RINS_FAIL(RINS_ERR_MEMORY, "out of memory for a PNG decoder");
    png_set_read_fn(self->png, self, on_read);
    png_set_user_limits(self->png, RINS_MAX_SIDE, RINS_MAX_SIDE);
    png_set_chunk_malloc_max(self->png, max_chunk);
    png_set_benign_errors(self->png, 1);
    ignore_chunks(self->png, decoder->options.apply_exif);
    png_read_info(self->png, self->info);
    png_uint_32 width, height;
    int depth, colour;
    png_get_IHDR(self->png, self->info, &width, &height, &depth, &colour, NULL, NULL, NULL);
    RINS_TRY(rins_decoder_check_size(decoder, width, height));
    const uint64_t inflated = (uint64_t)png_get_rowbytes(self->png, self->info) * height;
    if (inflated > max_inflated)
        return RINS_DECODER_FAIL(decoder, RINS_BAD_TOO_SLOW, "PNG: %llu bytes of pixel data",
                                 (unsigned long long)inflated);
    expand_to_rgb(self, depth, colour);
    if (decoder->options.apply_exif) decoder->orientation = orientation_of(self);
    decoder->width = (int)width;
    decoder->height = (int)height;
    return RINS_OK;
}

static RinsStatus read_interlaced(Png *self, int passes, size_t row_bytes) {
    RinsDecoder *decoder = self->decoder;
    const size_t height = (size_t)decoder->height;
    RINS_TRY(rins_decoder_check_memory(decoder, row_bytes * height));
    self->picture = calloc(height, row_bytes);
    if (!self->picture) return RINS_FAIL(RINS_ERR_MEMORY, "out of memory for an interlaced PNG");
    if (setjmp(png_jmpbuf(self->png))) return rins_bad_status(decoder->cause);
    for (int pass = 0; pass < passes; pass++)
        for (size_t y = 0; y < height; y++) png_read_row(self->png, self->picture + y * row_bytes, NULL);
    return RINS_OK;
}

static RinsStatus png_start(RinsDecoder *decoder, RinsRegion region) {
    Png *self = decoder->state;
    if (setjmp(png_jmpbuf(self->png))) return rins_bad_status(decoder->cause);
    const int passes = png_set_interlace_handling(self->png);
    png_read_update_info(self->png, self->info);
    const size_t line_bytes = png_get_rowbytes(self->png, self->info);
    const size_t expected = (size_t)decoder->width * (size_t)self->channels * (self->clip16 ? 2 : 1);
    if (line_bytes != expected)
        return RINS_FAIL(RINS_ERR_INTERNAL, "PNG rows of %zu bytes, expected %zu", line_bytes, expected);
    self->line = malloc(line_bytes);
    if (!self->line) return RINS_FAIL(RINS_ERR_MEMORY, "out of memory for a row of PNG");
    self->region = region;
    decoder->row_bytes = (size_t)decoder->width * 3;
    decoder->x_skip = region.x0;
    if (passes > 1) {
        RINS_TRY(read_interlaced(self, passes, line_bytes));
        self->next = region.y0;
    }
    return RINS_OK;
}

static void clip_row(const uint8_t *line, size_t samples, uint8_t *to) {
    for (size_t i = 0; i < samples; i++) to[i] = line[2 * i] ? 255 : line[2 * i + 1];
}

static RinsStatus png_row(RinsDecoder *decoder, uint8_t *row) {
    Png *self = decoder->state;
    const bool plain = self->channels == 3 && !self->clip16;
    if (setjmp(png_jmpbuf(self->png))) return rins_bad_status(decoder->cause);
    const size_t samples = (size_t)decoder->width * (size_t)self->channels;
    if (self->picture) {
        const size_t bytes = samples * (self->clip16 ? 2 : 1);
        memcpy(plain ? row : self->line, self->picture + (size_t)self->next * bytes, bytes);
        self->next++;
    } else {
        for (; self->next < self->region.y0; self->next++) png_read_row(self->png, self->line, NULL);
        png_read_row(self->png, plain ? row : self->line, NULL);
        self->next++;
    }
    if (plain) return RINS_OK;
    if (self->clip16) clip_row(self->line, samples, self->line);
    if (self->channels == 4)
        rins_alpha_row(decoder->options.alpha, self->line, decoder->width, row);
    else
        memcpy(row, self->line, samples);
    return RINS_OK;
}

static void png_close(RinsDecoder *decoder) {
    Png *self = decoder->state;
    if (!self) return;
    if (self->png) png_destroy_read_struct(&self->png, self->info ? &self->info : NULL, NULL);
    free(self->picture);
    free(self->line);
    free(self);
}

const RinsDecoderFormat rins_decoder_png = {"PNG", png_open, NULL, png_start, png_row, png_close};
