/* WebP by libwebp: decoded whole, since it has no rows to pull. An animation shows its first frame. */
#include "data/decoder.h"

#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

typedef struct WebP {
    WebPDemuxer *demuxer;
    WebPIterator frame;
    bool has_frame, rgba, lossless;
    uint8_t *picture; /* (height, width, rgba ? 4 : 3) */
    int next;         /* row */
} WebP;

static RinsStatus webp_open(RinsDecoder *decoder) {
    WebP *self = calloc(1, sizeof *self);
    if (!self) return RINS_FAIL(RINS_ERR_MEMORY, "out of memory for a WebP decoder");
    decoder->state = self;
    const WebPData data = {decoder->data, decoder->size};
    WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
    self->demuxer = WebPDemuxPartial(&data, &state);
    if (state == WEBP_DEMUX_PARSE_ERROR)
        return RINS_DECODER_FAIL(decoder, RINS_BAD_CORRUPT, "WebP: the container is damaged");
    if (!self->demuxer || state != WEBP_DEMUX_DONE)
        return RINS_DECODER_FAIL(decoder, RINS_BAD_TRUNCATED, "WebP: the data ends after %zu bytes, inside the picture",
                                 decoder->size);
    RINS_TRY(rins_decoder_check_size(decoder, WebPDemuxGetI(self->demuxer, WEBP_FF_CANVAS_WIDTH),
                                     WebPDemuxGetI(self->demuxer, WEBP_FF_CANVAS_HEIGHT)));
    decoder->width = (int)WebPDemuxGetI(self->demuxer, WEBP_FF_CANVAS_WIDTH);
    decoder->height = (int)WebPDemuxGetI(self->demuxer, WEBP_FF_CANVAS_HEIGHT);
    self->has_frame = WebPDemuxGetFrame(self->demuxer, 1, &self->frame);
    WebPBitstreamFeatures features;
    if (!self->has_frame ||
        WebPGetFeatures(self->frame.fragment.bytes, self->frame.fragment.size, &features) != VP8_STATUS_OK)
        return RINS_DECODER_FAIL(decoder, RINS_BAD_CORRUPT, "WebP: no picture inside");
    self->lossless = features.format == 2;
    const bool partial = self->frame.width != decoder->width || self->frame.height != decoder->height;
    self->rgba = features.has_alpha || partial;
    WebPChunkIterator chunk;
    if (decoder->options.apply_exif && WebPDemuxGetChunk(self->demuxer, "EXIF", 1, &chunk)) {
        decoder->orientation = rins_exif_orientation(chunk.chunk.bytes, chunk.chunk.size);
        WebPDemuxReleaseChunkIterator(&chunk);
    }
    return RINS_OK;
}

static RinsStatus fail_of(RinsDecoder *decoder, VP8StatusCode code) {
    switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY:
        return RINS_DECODER_FAIL(decoder, RINS_BAD_TOO_LARGE, "WebP: out of memory while decoding");
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return RINS_DECODER_FAIL(decoder, RINS_BAD_TRUNCATED, "WebP: the picture's data ends early");
    default: return RINS_DECODER_FAIL(decoder, RINS_BAD_CORRUPT, "WebP: the picture's data is damaged");
    }
}

static RinsStatus webp_start(RinsDecoder *decoder, RinsRegion region) {
    WebP *self = decoder->state;
    const size_t width = (size_t)decoder->width, height = (size_t)decoder->height, depth = self->rgba ? 4 : 3;
    /* libwebp's own: a lossless picture as ARGB, or one plane of alpha. */
    const size_t inside = self->lossless ? 4 : self->rgba ? 1 : 0;
    RINS_TRY(rins_decoder_check_memory(decoder, width * height * (depth + inside)));
    self->picture = calloc(height, width * depth);
    WebPDecoderConfig config;
    if (!self->picture || !WebPInitDecoderConfig(&config))
        return RINS_FAIL(RINS_ERR_MEMORY, "out of memory for a %zux%zu WebP", width, height);
    const size_t first = ((size_t)self->frame.y_offset * width + (size_t)self->frame.x_offset) * depth;
    config.output.colorspace = self->rgba ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = self->picture + first;
    config.output.u.RGBA.stride = (int)(width * depth);
    config.output.u.RGBA.size = width * height * depth - first;
    const VP8StatusCode code = WebPDecode(self->frame.fragment.bytes, self->frame.fragment.size, &config);
    if (code != VP8_STATUS_OK) return fail_of(decoder, code);
    self->next = region.y0;
    decoder->row_bytes = width * 3;
    decoder->x_skip = region.x0;
    return RINS_OK;
}

static RinsStatus webp_row(RinsDecoder *decoder, uint8_t *row) {
    WebP *self = decoder->state;
    const size_t width = (size_t)decoder->width;
    const uint8_t *from = self->picture + (size_t)self->next++ * width * (self->rgba ? 4 : 3);
    if (self->rgba)
        rins_alpha_row(decoder->options.alpha, from, decoder->width, row);
    else
        memcpy(row, from, width * 3);
    return RINS_OK;
}

static void webp_close(RinsDecoder *decoder) {
    WebP *self = decoder->state;
    if (!self) return;
    if (self->has_frame) WebPDemuxReleaseIterator(&self->frame);
    WebPDemuxDelete(self->demuxer);
    free(self->picture);
    free(self);
}

const RinsDecoderFormat rins_decoder_webp = {"WebP", webp_open, NULL, webp_start, webp_row, webp_close};
