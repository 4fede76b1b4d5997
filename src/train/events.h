/* TensorBoard event files, scalars only: TFRecord frames of tensorflow.Event messages
   (tensorflow/core/util/event.proto, tensorflow/core/lib/io/record_writer.h). */
#ifndef RINS_TRAIN_EVENTS_H
#define RINS_TRAIN_EVENTS_H

#include "src/base/status.h"

#include <stdio.h>

typedef struct RinsEvents {
    FILE *stream;
} RinsEvents; /* stream NULL: closed, every call below is then a no-op */

typedef struct RinsScalar {
    const char *tag;
    double value;
} RinsScalar;

/* Makes `dir`/events.out.tfevents.<time>.rins.<pid>. Stays closed in a build without TensorBoard support. */
RinsStatus rins_events_open(RinsEvents *events, const char *dir);
RinsStatus rins_events_scalars(RinsEvents *events, int64_t step, const RinsScalar *scalars, size_t n);
RinsStatus rins_events_flush(RinsEvents *events);
void rins_events_close(RinsEvents *events);

/* CRC-32C (Castagnoli), as RFC 3720 has it. */
uint32_t rins_crc32c(const void *data, size_t n);

#endif
