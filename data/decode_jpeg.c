/* JPEG rows by libjpeg-turbo, with the settings that Pillow uses: accurate integer IDCT, fancy upsampling. */
#include "data/decoder.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

enum { MAX_WARNINGS = 100, EXIF_BYTES = 65533 };
/* A scan walks every block again: 0.5 to 1 ns a pixel even where it holds nothing. */
static const uint64_t max_scan_pixels = 400000000;

typedef struct Jpeg {
    struct jpeg_decompress_struct info; /* first: callbacks get its address */
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    struct jpeg_source_mgr source;
    RinsDecoder *decoder;
    jmp_buf jump; /* set anew by every entry, so it never points into a frame that is gone */
    bool created;
    uint8_t *cmyk; /* one row, 4 bytes a pixel; NULL for RGB output */
} Jpeg;

static Jpeg *jpeg_of(j_common_ptr info) {
    return (Jpeg *)(void *)info;
}

static RinsBadCause cause_of(int code) {
    switch (code) {
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE:
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW: return RINS_BAD_TOO_LARGE;
    case JERR_INPUT_EMPTY:
    case JERR_INPUT_EOF: return RINS_BAD_TRUNCATED;
    default: return RINS_BAD_CORRUPT;
    }
}

static _Noreturn void stop(Jpeg *jpeg) {
    longjmp(jpeg->jump, 1);
}

static void on_error(j_common_ptr info) {
    Jpeg *jpeg = jpeg_of(info);
    char text[JMSG_LENGTH_MAX];
    info->err->format_message(info, text);
    RINS_DECODER_FAIL(jpeg->decoder, cause_of(info->err->msg_code), "JPEG: %s", text);
    stop(jpeg);
}

static void on_message(j_common_ptr info, int level) {
    if (level >= 0 || ++info->err->num_warnings <= MAX_WARNINGS) return;
    RINS_DECODER_FAIL(jpeg_of(info)->decoder, RINS_BAD_TOO_SLOW, "JPEG: more than %d damaged places", MAX_WARNINGS);
    stop(jpeg_of(info));
}

static void on_output(j_common_ptr info) {
    (void)info;
}

static void on_progress(j_common_ptr info) {
    Jpeg *jpeg = jpeg_of(info);
    const uint64_t scans = (uint64_t)jpeg->info.input_scan_number;
    if (scans * jpeg->info.image_width * jpeg->info.image_height <= max_scan_pixels) return;
    RINS_DECODER_FAIL(jpeg->decoder, RINS_BAD_TOO_SLOW, "JPEG: %llu scans of %ux%u pixels or more",
                      (unsigned long long)scans, jpeg->info.image_width, jpeg->info.image_height);
    stop(jpeg);
}

static boolean on_end_of_data(j_decompress_ptr info) {
    Jpeg *jpeg = jpeg_of((j_common_ptr)info);
    RINS_DECODER_FAIL(jpeg->decoder, RINS_BAD_TRUNCATED, "JPEG: the data ends after %zu bytes, inside the picture",
                      jpeg->decoder->size);
    stop(jpeg);
}

static void on_skip(j_decompress_ptr info, long n) {
    if (n <= 0) return;
    if ((size_t)n > info->src->bytes_in_buffer) (void)on_end_of_data(info);
    info->src->next_input_byte += n;
    info->src->bytes_in_buffer -= (size_t)n;
}

static void on_source(j_decompress_ptr info) {
    (void)info;
}

static void connect(Jpeg *jpeg) {
    struct jpeg_decompress_struct *info = &jpeg->info;
    info->err = jpeg_std_error(&jpeg->errors);
    jpeg->errors.error_exit = on_error;
    jpeg->errors.emit_message = on_message;
    jpeg->errors.output_message = on_output;
    jpeg_create_decompress(info);
    jpeg->created = true;
    jpeg->progress.progress_monitor = on_progress;
    info->progress = &jpeg->progress;
    jpeg->source = (struct jpeg_source_mgr){.next_input_byte = jpeg->decoder->data,
                                            .bytes_in_buffer = jpeg->decoder->size,
                                            .init_source = on_source,
                                            .fill_input_buffer = on_end_of_data,
                                            .skip_input_data = on_skip,
                                            .resync_to_restart = jpeg_resync_to_restart,
                                            .term_source = on_source};
    info->src = &jpeg->source;
}

static int orientation_of(const struct jpeg_decompress_struct *info) {
    for (jpeg_saved_marker_ptr m = info->marker_list; m; m = m->next)
        if (m->marker == JPEG_APP0 + 1 && m->data_length > 6 && !memcmp(m->data, "Exif\0", 6))
            return rins_exif_orientation(m->data + 6, m->data_length - 6);
    return 1;
}

static RinsStatus jpeg_open(RinsDecoder *decoder) {
    Jpeg *jpeg = calloc(1, sizeof *jpeg);
    if (!jpeg) return RINS_FAIL(RINS_ERR_MEMORY, "out of memory for a JPEG decoder");
    decoder->state = jpeg;
    jpeg->decoder = decoder;
    if (setjmp(jpeg->jump)) return rins_bad_status(decoder->cause);
    connect(jpeg);
    struct jpeg_decompress_struct *info = &jpeg->info;
    if (decoder->options.apply_exif) jpeg_save_markers(info, JPEG_APP0 + 1, EXIF_BYTES);
    while (jpeg_read_header(info, FALSE) == JPEG_HEADER_TABLES_ONLY) {
    }
    RINS_TRY(rins_decoder_check_size(decoder, info->image_width, info->image_height));
    const int n = info->num_components;
    if (n != 1 && n != 3 && n != 4)
        return RINS_DECODER_FAIL(decoder, RINS_BAD_CORRUPT, "JPEG: %d colour components, expected 1, 3 or 4", n);
    info->out_color_space = n == 4 ? JCS_CMYK : JCS_RGB;
    if (decoder->options.apply_exif) decoder->orientation = orientation_of(info);
    decoder->width = (int)info->image_width;
    decoder->height = (int)info->image_height;
    return RINS_OK;
}

static RinsStatus jpeg_reduce(RinsDecoder *decoder, int factor) {
    Jpeg *jpeg = decoder->state;
    if (setjmp(jpeg->jump)) return rins_bad_status(decoder->cause);
    jpeg->info.scale_num = 1;
    jpeg->info.scale_denom = (unsigned)factor;
    jpeg_calc_output_dimensions(&jpeg->info);
    decoder->reduce = factor;
    decoder->width = (int)jpeg->info.output_width;
    decoder->height = (int)jpeg->info.output_height;
    return RINS_OK;
}

/* Several scans: the coefficients of the whole picture stay in memory. */
static RinsStatus check_memory(Jpeg *jpeg) {
    if (!jpeg_has_multiple_scans(&jpeg->info)) return RINS_OK;
    uint64_t bytes = 0;
    for (int i = 0; i < jpeg->info.num_components; i++) {
        const jpeg_component_info *part = &jpeg->info.comp_info[i];
        bytes += (uint64_t)part->width_in_blocks * part->height_in_blocks * sizeof(JBLOCK);
    }
    return rins_decoder_check_memory(jpeg->decoder, bytes);
}

/* Asks for columns around the region, a whole MCU more on both sides: upsampling looks at neighbours. */
static void crop_columns(Jpeg *jpeg, RinsRegion region) {
    struct jpeg_decompress_struct *info = &jpeg->info;
    const int mcu = info->max_h_samp_factor * info->min_DCT_scaled_size, width = (int)info->output_width;
    const int left = region.x0 > mcu ? region.x0 - mcu : 0;
    const int right = region.x1 + mcu < width ? region.x1 + mcu : width;
    if (right - left > width - width / 8) return;
    JDIMENSION offset = (JDIMENSION)left, columns = (JDIMENSION)(right - left);
    jpeg_crop_scanline(info, &offset, &columns);
    jpeg->decoder->x_skip = region.x0 - (int)offset;
}

static RinsStatus jpeg_start(RinsDecoder *decoder, RinsRegion region) {
    Jpeg *jpeg = decoder->state;
    struct jpeg_decompress_struct *info = &jpeg->info;
    RINS_TRY(check_memory(jpeg));
    if (setjmp(jpeg->jump)) return rins_bad_status(decoder->cause);
    info->mem->max_memory_to_use = (long)decoder->options.max_bytes;
    jpeg_start_decompress(info);
    decoder->x_skip = region.x0;
    crop_columns(jpeg, region);
    if (region.y0 > 0) jpeg_skip_scanlines(info, (JDIMENSION)region.y0);
    decoder->row_bytes = (size_t)info->output_width * 3;
    if (info->out_color_space == JCS_CMYK) {
        jpeg->cmyk = malloc((size_t)info->output_width * 4);
        if (!jpeg->cmyk) return RINS_FAIL(RINS_ERR_MEMORY, "out of memory for a row of CMYK");
    }
    return RINS_OK;
}

/* Inverted (Adobe) CMYK without a colour profile: each channel times key, rounded as Pillow does. */
static void cmyk_row(const uint8_t *cmyk, int width, uint8_t *rgb) {
    for (int x = 0; x < width; x++, cmyk += 4, rgb += 3)
        for (int c = 0; c < 3; c++) {
            const int ink = (255 - cmyk[c]) * cmyk[3] + 128;
            const int value = cmyk[3] - ((ink + (ink >> 8)) >> 8);
            rgb[c] = (uint8_t)(value < 0 ? 0 : value);
        }
}

static RinsStatus read_line(Jpeg *jpeg, uint8_t *line) {
    if (setjmp(jpeg->jump)) return rins_bad_status(jpeg->decoder->cause);
    JSAMPROW lines[1] = {line};
    if (jpeg_read_scanlines(&jpeg->info, lines, 1) == 1) return RINS_OK;
    return RINS_DECODER_FAIL(jpeg->decoder, RINS_BAD_TRUNCATED, "JPEG: rows are missing");
}

static RinsStatus jpeg_row(RinsDecoder *decoder, uint8_t *row) {
    Jpeg *jpeg = decoder->state;
    RINS_TRY(read_line(jpeg, jpeg->cmyk ? jpeg->cmyk : row));
    if (jpeg->cmyk) cmyk_row(jpeg->cmyk, (int)jpeg->info.output_width, row);
    return RINS_OK;
}

static void jpeg_close(RinsDecoder *decoder) {
    Jpeg *jpeg = decoder->state;
    if (!jpeg) return;
    if (jpeg->created) jpeg_destroy_decompress(&jpeg->info);
    free(jpeg->cmyk);
    free(jpeg);
}

const RinsDecoderFormat rins_decoder_jpeg = {"JPEG", jpeg_open, jpeg_reduce, jpeg_start, jpeg_row, jpeg_close};
