/* Any bytes as a tar: the scan ends, and what it calls a member lies inside; texts go through the caption checks. */
#include "data/tar_index.h"
#include "data/text_check.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void take_text(RinsSample *sample, const uint8_t *data, const RinsTarPart *part, int json) {
    RinsBadCause cause = RINS_BAD_NONE;
    const char *text = (const char *)data + part->offset;
    const int before = sample->n_captions;
    const RinsStatus status = json ? rins_sample_add_json(sample, text, part->size, NULL, &cause)
                                   : rins_sample_add_caption(sample, text, part->size, &cause);
    FUZZ_CHECK(status == RINS_OK || cause == RINS_BAD_CAPTION || status == RINS_ERR_MEMORY);
    for (int c = before; c < sample->n_captions; c++)
        FUZZ_CHECK(sample->captions[c][0] && rins_utf8_valid(sample->captions[c], strlen(sample->captions[c])));
}

static RinsBadCause fuzz_one(const uint8_t *data, size_t size) {
    RinsTarStream *stream;
    RinsTarIndex index;
    RinsSample sample = {0};
    if (rins_tar_open_memory(&stream, data, size) != RINS_OK) return RINS_BAD_NONE;
    FUZZ_CHECK(rins_tar_index_scan(&index, stream) == RINS_OK);
    for (int64_t i = 0; i < index.n; i++) {
        const RinsTarSample *at = &index.samples[i];
        const RinsTarPart *const parts[3] = {&at->image, &at->text, &at->json};
        FUZZ_CHECK(at->image.size != RINS_TAR_ABSENT && strlen(index.keys + at->key) > 0);
        for (int p = 0; p < 3; p++) {
            if (parts[p]->size == RINS_TAR_ABSENT) continue;
            FUZZ_CHECK(parts[p]->offset >= RINS_TAR_BLOCK && parts[p]->offset <= size &&
                       parts[p]->size <= size - parts[p]->offset);
            if (p) take_text(&sample, data, parts[p], p == 2);
        }
    }
    const RinsBadCause cause = index.n > 0                         ? RINS_BAD_NONE
                               : index.bad[RINS_BAD_ARCHIVE] > 0   ? RINS_BAD_ARCHIVE
                               : index.bad[RINS_BAD_TRUNCATED] > 0 ? RINS_BAD_TRUNCATED
                                                                   : RINS_BAD_MISSING;
    rins_sample_free(&sample);
    rins_tar_index_free(&index);
    rins_tar_close(stream);
    return cause;
}
