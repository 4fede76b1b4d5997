/* RGB pixels to encoded bytes in memory. */
#ifndef RINS_DATA_IMAGE_WRITE_H
#define RINS_DATA_IMAGE_WRITE_H

#include "src/base/status.h"

/* pixels (height, width, 3) interleaved, rows contiguous. *data is malloc'd; the caller frees it. */

/* Baseline JPEG, quality 1..100, chroma halved both ways (4:2:0) below quality 90 and kept whole from there on. */
RinsStatus rins_jpeg_encode(const uint8_t *pixels, int width, int height, int quality, uint8_t **data, size_t *size);
/* 8-bit RGB PNG without text or time chunks. */
RinsStatus rins_png_encode(const uint8_t *pixels, int width, int height, uint8_t **data, size_t *size);

#endif
