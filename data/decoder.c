#include "data/decoder.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_PIXELS = 64000000, DEFAULT_BYTES = 256000000 };

static const RinsDecoderFormat *sniff(const uint8_t *data, size_t size) {
    if (size >= 3 && !memcmp(data, "\xff\xd8\xff", 3)) return &rins_decoder_jpeg;
    if (size >= 8 && !memcmp(data, "\x89PNG\r\n\x1a\n", 8)) return &rins_decoder_png;
    if (size >= 16 && !memcmp(data, "RIFF", 4) && !memcmp(data + 8, "WEBPVP8", 7)) return &rins_decoder_webp;
    return NULL;
}

RinsStatus rins_decoder_open(RinsDecoder **out, const void *data, size_t size, const RinsDecodeOptions *options,
                             RinsBadCause *cause) {
    *out = NULL;
    if (cause) *cause = RINS_BAD_NONE;
    const RinsDecoderFormat *format = sniff(data, size);
    if (!format) {
        if (cause) *cause = RINS_BAD_FORMAT;
        return RINS_FAIL(RINS_ERR_FORMAT, "not a JPEG, PNG or WebP picture (%zu bytes)", size);
    }
    RinsDecoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder) return RINS_FAIL(RINS_ERR_MEMORY, "out of memory for a decoder");
    *decoder = (RinsDecoder){.format = format, .data = data, .size = size, .reduce = 1, .orientation = 1};
    if (options) decoder->options = *options;
    if (!decoder->options.max_pixels) decoder->options.max_pixels = DEFAULT_PIXELS;
    if (!decoder->options.max_bytes) decoder->options.max_bytes = DEFAULT_BYTES;
    const RinsStatus status = format->open(decoder);
    if (status != RINS_OK) {
        if (cause) *cause = rins_decoder_cause(decoder, status);
        rins_decoder_close(decoder);
        return status;
    }
    *out = decoder;
    return RINS_OK;
}

RinsStatus rins_decoder_reduce(RinsDecoder *decoder, int region_w, int region_h, int want_w, int want_h) {
    int factor = 8;
    while (factor > 1 && (region_w < factor * want_w || region_h < factor * want_h)) factor /= 2;
    if (factor == 1 || want_w < 1 || want_h < 1 || !decoder->format->reduce) return RINS_OK;
    return decoder->format->reduce(decoder, factor);
}

RinsStatus rins_decoder_start(RinsDecoder *decoder, RinsRegion region, bool stores_picture) {
    if (region.x0 < 0 || region.y0 < 0 || region.x1 > decoder->width || region.y1 > decoder->height ||
        region.x0 >= region.x1 || region.y0 >= region.y1)
        return RINS_FAIL(RINS_ERR_ARG, "region %d,%d..%d,%d is not inside the %dx%d picture", region.x0, region.y0,
                         region.x1, region.y1, decoder->width, decoder->height);
    if (stores_picture) {
        const uint64_t picture = 3ull * (uint64_t)(region.x1 - region.x0) * (uint64_t)(region.y1 - region.y0);
        RINS_TRY(rins_decoder_check_memory(decoder, picture));
        decoder->options.max_bytes -= picture;
    }
    return decoder->format->start(decoder, region);
}

RinsStatus rins_decoder_row(RinsDecoder *decoder, uint8_t *row) {
    return decoder->format->row(decoder, row);
}

void rins_decoder_close(RinsDecoder *decoder) {
    if (!decoder) return;
    decoder->format->close(decoder);
    free(decoder);
}

RinsBadCause rins_decoder_cause(const RinsDecoder *decoder, RinsStatus status) {
    if (status == RINS_OK || decoder->cause != RINS_BAD_NONE) return status == RINS_OK ? RINS_BAD_NONE : decoder->cause;
    return status == RINS_ERR_LIMIT || status == RINS_ERR_MEMORY ? RINS_BAD_TOO_LARGE : RINS_BAD_CORRUPT;
}

RinsStatus rins_decoder_check_size(RinsDecoder *decoder, uint64_t width, uint64_t height) {
    if (width == 0 || height == 0)
        return RINS_DECODER_FAIL(decoder, RINS_BAD_CORRUPT, "%s: a picture without pixels", decoder->format->name);
    if (width > decoder->options.max_pixels / height || width > RINS_MAX_SIDE || height > RINS_MAX_SIDE)
        return RINS_DECODER_FAIL(decoder, RINS_BAD_TOO_LARGE, "%s: %llux%llu pixels, the limit is %llu",
                                 decoder->format->name, (unsigned long long)width, (unsigned long long)height,
                                 (unsigned long long)decoder->options.max_pixels);
    return RINS_OK;
}

RinsStatus rins_decoder_check_memory(RinsDecoder *decoder, uint64_t bytes) {
    if (bytes <= decoder->options.max_bytes) return RINS_OK;
    return RINS_DECODER_FAIL(decoder, RINS_BAD_TOO_LARGE, "%s: needs %llu bytes to decode, %llu are left of the limit",
                             decoder->format->name, (unsigned long long)bytes,
                             (unsigned long long)decoder->options.max_bytes);
}

void rins_alpha_row(RinsAlpha alpha, const uint8_t *rgba, int width, uint8_t *rgb) {
    const unsigned back = alpha == RINS_ALPHA_WHITE ? 255 : 0;
    for (int x = 0; x < width; x++, rgba += 4, rgb += 3) {
        const unsigned a = alpha == RINS_ALPHA_DROP ? 255 : rgba[3];
        for (int c = 0; c < 3; c++) {
            const unsigned sum = rgba[c] * a + back * (255 - a) + 128; /* rounded division by 255 */
            rgb[c] = (uint8_t)((sum + (sum >> 8)) >> 8);
        }
    }
}
