#define _GNU_SOURCE
#include "src/train/events.h"

#include "src/base/file.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RECORD_ROOM = 4096 };

/* Protocol-buffer wire types. */
enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

typedef struct Message {
    uint8_t data[RECORD_ROOM];
    size_t n;
} Message;

uint32_t rins_crc32c(const void *data, size_t n) {
    const uint8_t *bytes = data;
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0x82f63b78u & -(crc & 1));
    }
    return ~crc;
}

/* TFRecord stores checksums rotated and offset, so that a checksum of data holding checksums stays sound. */
static uint32_t masked_crc(const void *data, size_t n) {
    const uint32_t crc = rins_crc32c(data, n);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static void put_little(Message *m, uint64_t value, int bytes) {
    assert(m->n + (size_t)bytes <= RECORD_ROOM);
    for (int i = 0; i < bytes; i++) m->data[m->n++] = (uint8_t)(value >> 8 * i);
}

static void put_varint(Message *m, uint64_t value) {
    for (; value >= 0x80; value >>= 7) put_little(m, (value & 0x7f) | 0x80, 1);
    put_little(m, value, 1);
}

static void put_tag(Message *m, int field, int wire) {
    put_varint(m, (uint64_t)(field << 3 | wire));
}

static void put_bytes(Message *m, int field, const void *data, size_t n) {
    put_tag(m, field, WIRE_BYTES);
    put_varint(m, n);
    assert(m->n + n <= RECORD_ROOM);
    memcpy(m->data + m->n, data, n);
    m->n += n;
}

static void put_time(Message *m) { /* Event.wall_time = 1 */
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const double seconds = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    uint64_t bits;
    memcpy(&bits, &seconds, sizeof bits);
    put_tag(m, 1, WIRE_FIXED64);
    put_little(m, bits, 8);
}

/* Frame: length u64, masked crc of the length, data, masked crc of the data; all little-endian. */
static RinsStatus write_record(RinsEvents *events, const Message *m) {
    Message head = {.n = 0}, tail = {.n = 0};
    put_little(&head, m->n, 8);
    put_little(&head, masked_crc(head.data, 8), 4);
    put_little(&tail, masked_crc(m->data, m->n), 4);
    fwrite(head.data, 1, head.n, events->stream);
    fwrite(m->data, 1, m->n, events->stream);
    fwrite(tail.data, 1, tail.n, events->stream);
    if (ferror(events->stream)) return RINS_FAIL(RINS_ERR_IO, "cannot write TensorBoard events: %s", strerror(errno));
    return RINS_OK;
}

RinsStatus rins_events_open(RinsEvents *events, const char *dir) {
    *events = (RinsEvents){0};
#ifdef RINS_TENSORBOARD
    char name[96];
    snprintf(name, sizeof name, "events.out.tfevents.%010lld.rins.%ld", (long long)time(NULL), (long)getpid());
    char *path = rins_path_join(dir, name);
    if (!path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to open TensorBoard events");
    events->stream = fopen(path, "abe");
    RinsStatus status = RINS_OK;
    if (!events->stream) status = RINS_FAIL(RINS_ERR_IO, "cannot write '%s': %s", path, strerror(errno));
    free(path);
    RINS_TRY(status);
    Message m = {.n = 0};
    put_time(&m);
    put_bytes(&m, 3, "brain.Event:2", 13); /* Event.file_version = 3 */
    return write_record(events, &m);
#else
    (void)dir;
    return RINS_OK;
#endif
}

RinsStatus rins_events_scalars(RinsEvents *events, int64_t step, const RinsScalar *scalars, size_t n) {
    if (!events->stream) return RINS_OK;
    Message summary = {.n = 0}, event = {.n = 0};
    for (size_t i = 0; i < n; i++) {
        Message value = {.n = 0}; /* Summary.Value: tag = 1, simple_value = 2 */
        const float number = (float)scalars[i].value;
        uint32_t bits;
        memcpy(&bits, &number, sizeof bits);
        put_bytes(&value, 1, scalars[i].tag, strnlen(scalars[i].tag, 256));
        put_tag(&value, 2, WIRE_FIXED32);
        put_little(&value, bits, 4);
        put_bytes(&summary, 1, value.data, value.n); /* Summary.value = 1 */
    }
    put_time(&event);
    put_tag(&event, 2, WIRE_VARINT); /* Event.step = 2 */
    put_varint(&event, (uint64_t)step);
    put_bytes(&event, 5, summary.data, summary.n); /* Event.summary = 5 */
    return write_record(events, &event);
}

RinsStatus rins_events_flush(RinsEvents *events) {
    if (events->stream && fflush(events->stream) != 0)
        return RINS_FAIL(RINS_ERR_IO, "cannot write TensorBoard events: %s", strerror(errno));
    return RINS_OK;
}

void rins_events_close(RinsEvents *events) {
    if (events->stream) fclose(events->stream);
    *events = (RinsEvents){0};
}
