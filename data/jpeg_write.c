#include "data/image_write.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

typedef struct ErrorTrap {
    struct jpeg_error_mgr base;
    jmp_buf jump;
    char text[JMSG_LENGTH_MAX];
} ErrorTrap;

static void trap_error(j_common_ptr info) {
    ErrorTrap *trap = (ErrorTrap *)info->err;
    info->err->format_message(info, trap->text);
    longjmp(trap->jump, 1);
}

static void keep_silent(j_common_ptr info) {
    (void)info;
}

RinsStatus rins_jpeg_encode(const uint8_t *pixels, int width, int height, int quality, uint8_t **data, size_t *size) {
    *data = NULL;
    *size = 0;
    if (width < 1 || height < 1 || width > JPEG_MAX_DIMENSION || height > JPEG_MAX_DIMENSION || quality < 1 ||
        quality > 100)
        return RINS_FAIL(RINS_ERR_ARG, "a JPEG cannot be %d x %d at quality %d", width, height, quality);
    struct jpeg_compress_struct jpeg;
    ErrorTrap trap;
    unsigned char *bytes = NULL; /* both are written through pointers, so they survive the jump */
    unsigned long n = 0;
    memset(&jpeg, 0, sizeof jpeg);
    jpeg.err = jpeg_std_error(&trap.base);
    trap.base.error_exit = trap_error;
    trap.base.output_message = keep_silent;
    if (setjmp(trap.jump)) {
        jpeg_destroy_compress(&jpeg);
        free(bytes);
        return RINS_FAIL(RINS_ERR_MEMORY, "cannot encode a JPEG of %d x %d: %s", width, height, trap.text);
    }
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &n);
    jpeg.image_width = (JDIMENSION)width;
    jpeg.image_height = (JDIMENSION)height;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, quality, TRUE);
    if (quality >= 90) jpeg.comp_info[0].h_samp_factor = jpeg.comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(pixels + (size_t)jpeg.next_scanline * (size_t)width * 3);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    *data = bytes;
    *size = n;
    return RINS_OK;
}
