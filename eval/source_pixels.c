#include "eval/source_pixels.h"

#include "src/base/file.h"

#include <stdlib.h>

RinsStatus rins_source_pixels(void *user, int64_t index, uint8_t *pixels, RinsBadCause *cause) {
    const RinsSourcePixels *from = user;
    RinsSample sample = {0};
    RinsStatus status = rins_source_read(from->source, index, &sample, cause);
    if (status == RINS_OK) {
        const RinsPpKey key = {.sample = (uint64_t)index};
        status = rins_pp_apply(from->pp, sample.image, sample.image_size, key, pixels, NULL, cause);
        if (status != RINS_OK && sample.key) status = rins_fail_context(status, "%s", sample.key);
    }
    if (status == RINS_OK && from->seen) status = from->seen(from->seen_user, index, &sample);
    rins_sample_free(&sample);
    return status;
}

RinsStatus rins_path_pixels(void *user, int64_t index, uint8_t *pixels, RinsBadCause *cause) {
    const RinsPathPixels *from = user;
    char *data = NULL;
    size_t size = 0;
    RinsStatus status = rins_file_read(from->paths[index], RINS_MAX_MEMBER_BYTES, &data, &size);
    if (status != RINS_OK) {
        *cause = RINS_BAD_MISSING;
        return status;
    }
    const RinsPpKey key = {.sample = (uint64_t)index};
    status = rins_pp_apply(from->pp, data, size, key, pixels, NULL, cause);
    free(data);
    return status == RINS_OK ? status : rins_fail_context(status, "%s", from->paths[index]);
}
