#include "eval/source_pixels.h"

#include "src/base/file.h"

#include <stdlib.h>

RinsStatus rins_source_pixels(void *user, int64_t index, uint8_t *pixels, RinsBadCause *cause) {
    const RinsSourcePixels *from = user;
    RinsSample sample = {0};
    RinsStatus status = rins_source_read_parts(from->source, index, RINS_SAMPLE_IMAGE, &sample, cause);
    if (status == RINS_OK) {
        const RinsPpKey key = {.sample = (uint64_t)index};
        status = rins_pp_apply(from->pp, sample.image, sample.image_size, key, pixels, NULL, cause);
        if (status != RINS_OK && sample.key) status = rins_fail_context(status, "%s", sample.key);
    }
    if (status == RINS_OK && from->seen) status = from->seen(from->seen_user, index, &sample);
    rins_sample_free(&sample);
    return status;
}

RinsStatus rins_file_pixels(const char *path, const RinsPp *pp, int64_t index, uint8_t *pixels, RinsBadCause *cause) {
    char *data = NULL;
    size_t size = 0;
    RinsStatus status = rins_file_read(path, RINS_MAX_MEMBER_BYTES, &data, &size);
    if (status != RINS_OK) {
        *cause = status == RINS_ERR_MEMORY ? RINS_BAD_NONE : RINS_BAD_MISSING;
        return status;
    }
    const RinsPpKey key = {.sample = (uint64_t)index};
    status = rins_pp_apply(pp, data, size, key, pixels, NULL, cause);
    free(data);
    return status == RINS_OK ? status : rins_fail_context(status, "%s", path);
}

RinsStatus rins_path_pixels(void *user, int64_t index, uint8_t *pixels, RinsBadCause *cause) {
    const RinsPathPixels *from = user;
    return rins_file_pixels(from->paths[index], from->pp, index, pixels, cause);
}
