/* Antialiased resize fed row by row, so that a decoder's rows go straight into it. Internal to data/. */
#ifndef RINS_DATA_RESIZE_H
#define RINS_DATA_RESIZE_H

#include "data/decoder.h"
#include "src/base/cpu.h"

typedef struct RinsResizer RinsResizer;

typedef struct RinsResizeSpec {
    int in_width, in_height;
    double box[4]; /* x0 y0 x1 y1 in input pixels */
    int width, height;
    RinsResizeMethod method;
} RinsResizeSpec;

RinsStatus rins_resizer_open(RinsResizer **resizer, const RinsResizeSpec *spec, RinsCpuLevel level);
void rins_resizer_close(RinsResizer *resizer);

/* Input pixels that matter: rows outside are never asked for. */
RinsRegion rins_resizer_region(const RinsResizer *resizer);

/* Says how rows will come: row_bytes each, the region's first pixel at x_skip. `out` is
   (height, width, 3). */
RinsStatus rins_resizer_start(RinsResizer *resizer, size_t row_bytes, int x_skip, uint8_t *out);
/* Where the next of the region's rows goes; valid until the push. */
uint8_t *rins_resizer_row(RinsResizer *resizer);
/* That row is complete. After the region's last row `out` is complete. */
void rins_resizer_push(RinsResizer *resizer);

/* No antialias, as tf.image.resize with half-pixel centres: (height, width, 3) from the spec's box of the
   picture. Nearest is the same either way. The result is clipped and truncated to a byte, as big_vision's
   cast does. */
RinsStatus rins_resize_point(const RinsImage *from, const RinsResizeSpec *spec, uint8_t *out);

#endif
