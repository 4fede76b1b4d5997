#include "data/source_impl.h"
#include "src/base/list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

void rins_sample_free(RinsSample *sample) {
    free(sample->key);
    free(sample->image);
    free(sample->captions);
    free(sample->text);
    *sample = (RinsSample){0};
}

void rins_sample_reset(RinsSample *sample) {
    sample->image_size = sample->text_used = 0;
    sample->n_captions = 0;
    sample->label = -1;
    if (sample->key) sample->key[0] = 0;
}

RinsStatus rins_sample_set_key(RinsSample *sample, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    const int length = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    RinsStatus status = RINS_OK;
    if (length >= 0 && (size_t)length >= sample->key_room) {
        char *grown = realloc(sample->key, (size_t)length + 64);
        if (grown) {
            sample->key = grown;
            sample->key_room = (size_t)length + 64;
        } else {
            status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for a sample's key");
        }
    }
    if (status == RINS_OK) vsnprintf(sample->key, sample->key_room, fmt, again);
    va_end(again);
    return status;
}

RinsStatus rins_sample_reserve_image(RinsSample *sample, size_t image_size) {
    if (image_size > sample->image_room || !sample->image) {
        const size_t room = image_size + image_size / 4 + 4096;
        free(sample->image);
        sample->image_room = 0;
        sample->image = malloc(room);
        if (!sample->image) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for an image of %zu bytes", image_size);
        sample->image_room = room;
    }
    sample->image_size = image_size;
    return RINS_OK;
}

RinsStatus rins_sample_push_caption(RinsSample *sample, const char *text, size_t size) {
    if (sample->text_used + size + 1 > sample->text_room) {
        const size_t room = (sample->text_used + size + 1) * 2;
        char *old = sample->text, *grown = malloc(room);
        if (!grown) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for captions");
        if (sample->text_used) memcpy(grown, old, sample->text_used);
        for (int i = 0; i < sample->n_captions; i++) sample->captions[i] = grown + (sample->captions[i] - old);
        free(old);
        sample->text = grown;
        sample->text_room = room;
    }
    char **captions = rins_list_grow(sample->captions, (size_t)sample->n_captions, sizeof *captions);
    if (!captions) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for captions");
    sample->captions = captions;
    char *to = sample->text + sample->text_used;
    memcpy(to, text, size);
    to[size] = 0;
    sample->captions[sample->n_captions++] = to;
    sample->text_used += size + 1;
    return RINS_OK;
}

RinsStatus rins_sample_read_file(RinsSample *sample, const char *path, RinsBadCause *cause) {
    *cause = RINS_BAD_MISSING;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not make the reader wait */
    if (fd < 0) return RINS_FAIL(RINS_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    RinsStatus status = RINS_OK;
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        status = RINS_FAIL(RINS_ERR_IO, "'%s' is not a regular file", path);
        goto done;
    }
    if (info.st_size > RINS_MAX_MEMBER_BYTES) {
        *cause = RINS_BAD_TOO_LARGE;
        status = RINS_FAIL(RINS_ERR_LIMIT, "'%s' has %lld bytes, more than %d", path, (long long)info.st_size,
                           RINS_MAX_MEMBER_BYTES);
        goto done;
    }
    status = rins_sample_reserve_image(sample, (size_t)info.st_size);
    if (status != RINS_OK) {
        *cause = RINS_BAD_NONE;
        goto done;
    }
    size_t used = 0;
    while (used < sample->image_size) {
        const ssize_t got = read(fd, sample->image + used, sample->image_size - used);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            *cause = RINS_BAD_TRUNCATED;
            status = RINS_FAIL(RINS_ERR_IO, "cannot read '%s': %s", path, got < 0 ? strerror(errno) : "it shrank");
            goto done;
        }
        used += (size_t)got;
    }
    *cause = RINS_BAD_NONE;
done:
    close(fd);
    return status;
}

const char *rins_image_ending(const char *name) {
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".webp"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof endings[0]; i++)
        if (!strcasecmp(dot, endings[i])) return dot;
    return NULL;
}
