#include "src/device/cpu/act_type.h"
#include "src/device/cpu/ref_ops.h"

void rins_normalise_u8_ref(RinsDevice *dev, RinsTensor out, const uint8_t *in, const float scale[3],
                           const float offset[3]) {
    assert(out.cols % 3 == 0);
    enum { CHUNK = 3 * 1024 }; /* a batch of one image is still work for all threads */
    const int64_t chunks = (out.cols + CHUNK - 1) / CHUNK;
#pragma omp parallel for collapse(2) num_threads(dev->threads) schedule(static)
    for (int64_t b = 0; b < out.rows; b++)
        for (int64_t n = 0; n < chunks; n++) {
            const int64_t end = (n + 1) * CHUNK < out.cols ? (n + 1) * CHUNK : out.cols;
            for (int64_t i = n * CHUNK; i < end; i += 3)
                for (int c = 0; c < 3; c++)
                    rins_put(&out, b, i + c, (float)in[b * out.cols + i + c] * scale[c] + offset[c]);
        }
}

static void one_patch(RinsTensor out, RinsTensor in, int64_t row, int64_t image, int64_t top, int64_t left,
                      int64_t size, int64_t patch) {
    for (int64_t c = 0; c < 3; c++)
        for (int64_t y = 0; y < patch; y++)
            for (int64_t x = 0; x < patch; x++)
                rins_put(&out, row, (c * patch + y) * patch + x,
                         rins_get(&in, image, ((top + y) * size + left + x) * 3 + c));
}

void rins_patchify_ref(RinsDevice *dev, RinsTensor out, RinsTensor in, int64_t size, int64_t patch) {
    const int64_t side = size / patch, patches = side * side;
    assert(out.rows == in.rows * patches && out.cols == 3 * patch * patch && in.cols == size * size * 3);
#pragma omp parallel for num_threads(dev->threads) schedule(static)
    for (int64_t row = 0; row < out.rows; row++) {
        const int64_t p = row % patches;
        one_patch(out, in, row, row / patches, p / side * patch, p % side * patch, size, patch);
    }
}
