/* Any bytes as a Karpathy split: what is accepted has its captions one after the other, each
   image's its own. */
#include "data/karpathy_parse.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static RinsBadCause fuzz_one(const uint8_t *data, size_t size) {
    RinsKarpathy set;
    const RinsStatus status = rins_karpathy_parse(&set, (const char *)data, size, "x", "test");
    size_t captions = 0;
    for (size_t i = 0; status == RINS_OK && i < set.n_images; i++) {
        FUZZ_CHECK(set.images[i].captions >= 0 && set.images[i].first_caption == (int64_t)captions);
        FUZZ_CHECK(set.images[i].name + strlen(rins_karpathy_name(&set, (int64_t)i)) < set.text_used);
        captions += (size_t)set.images[i].captions;
    }
    FUZZ_CHECK(status != RINS_OK || captions == set.n_captions);
    rins_karpathy_free(&set);
    return status == RINS_OK ? RINS_BAD_NONE : RINS_BAD_CORRUPT;
}
