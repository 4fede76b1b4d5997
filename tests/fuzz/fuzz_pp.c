/* Any text as a preprocessing string; what parses is applied to a small picture. */
#include "data/pp.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static RinsBadCause fuzz_one(const uint8_t *data, size_t size) {
    enum { WIDTH = 13, HEIGHT = 9, MAX_SIDE = 64 };
    static const uint8_t pixels[WIDTH * HEIGHT * 3] = {1, 2, 3, 200};
    static uint8_t out[MAX_SIDE * MAX_SIDE * 3];
    char *text = malloc(size + 1);
    FUZZ_CHECK(text);
    memcpy(text, data, size);
    text[size] = 0;
    RinsPp *pp;
    const RinsStatus status = rins_pp_parse(&pp, text);
    free(text);
    FUZZ_CHECK((status == RINS_OK) == (pp != NULL));
    if (status != RINS_OK) return RINS_BAD_CORRUPT;
    RinsImage image = {(uint8_t *)(uintptr_t)pixels, WIDTH, HEIGHT};
    if (rins_pp_size(pp) > 0 && rins_pp_size(pp) <= MAX_SIDE)
        (void)rins_pp_apply_image(pp, &image, (RinsPpKey){1, 2, size}, out, NULL);
    rins_pp_free(pp);
    return RINS_BAD_NONE;
}
