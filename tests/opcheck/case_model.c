/* The ends of the towers: pixels in, tokens in, pooled and normalised embeddings out. */
#include "tests/opcheck/opcheck.h"

#include <stdlib.h>

static bool run_normalise(Run *run, int index) {
    static const int64_t sizes[] = {1, 5, 32, 63};
    if (index >= (run->bench ? 1 : 8)) return false;
    const int64_t batch = run->bench ? 16 : index % 3 + 1, size = run->bench ? 224 : sizes[index % 4];
    const int64_t n = batch * size * size * 3;
    uint8_t *pixels = malloc((size_t)n);
    for (int64_t i = 0; i < n; i++) pixels[i] = (uint8_t)(i * 131 % 256);
    const uint8_t *in = make_copy(run, pixels, (size_t)n);
    free(pixels);
    const RinsTensor out = make_out(run, index & 4 ? RINS_BF16 : RINS_F32, batch, size * size * 3, index % 2);
    static const float scale[3] = {0.0171f, 0.0175f, 2.0f / 255}, offset[3] = {-2.1f, -2.0f, -1};
    run->bytes = 5.0 * (double)n;
    for (begin(run); more(run);) run->ops->normalise_u8(run->dev, out, in, scale, offset);
    return true;
}

static bool run_patchify(Run *run, int index) {
    static const int64_t sizes[][2] = {{4, 4}, {9, 4}, {32, 4}, {33, 16}, {28, 14}, {7, 1}};
    if (index >= (run->bench ? 1 : 12)) return false;
    const int64_t size = run->bench ? 224 : sizes[index % 6][0], patch = run->bench ? 16 : sizes[index % 6][1];
    const int64_t batch = run->bench ? 16 : 3, side = size / patch;
    const RinsType type = index >= 6 ? RINS_BF16 : RINS_F32;
    const RinsTensor in = make(run, type, batch, size * size * 3, index % 2, 1);
    const RinsTensor out = make_out(run, type, batch * side * side, 3 * patch * patch, index % 3);
    run->bytes = 8.0 * (double)(batch * side * side * 3 * patch * patch);
    for (begin(run); more(run);) run->ops->patchify(run->dev, out, in, size, patch);
    return true;
}

typedef struct Tokens {
    int64_t batch, length, width, vocab;
} Tokens;

static const Tokens tokens[] = {{1, 1, 1, 1}, {3, 5, 7, 11}, {2, 16, 33, 4}, {9, 7, 64, 100}, {4, 3, 130, 17}};
static const Tokens bench_tokens[] = {{16, 64, 768, 32000}, {256, 16, 128, 1000}};

static bool pick_tokens(const Run *run, int index, Tokens *t) {
    const int n = run->bench ? 2 : 5;
    if (index >= (run->bench ? n : 2 * n)) return false;
    *t = run->bench ? bench_tokens[index] : tokens[index % n];
    return true;
}

/* Half of them the padding id 0, as in short captions. */
static int32_t *make_ids(Run *run, Tokens t) {
    int32_t *ids = malloc((size_t)(t.batch * t.length) * sizeof *ids);
    for (int64_t i = 0; i < t.batch * t.length; i++) ids[i] = i % 2 ? 0 : (int32_t)(i * 7919 % t.vocab);
    int32_t *copy = make_copy(run, ids, (size_t)(t.batch * t.length) * sizeof *ids);
    free(ids);
    return copy;
}

static bool run_embed_fwd(Run *run, int index) {
    Tokens t;
    if (!pick_tokens(run, index, &t)) return false;
    const int32_t *ids = make_ids(run, t);
    const RinsTensor table = make(run, RINS_F32, t.vocab, t.width, 0, 1),
                     pos = make(run, RINS_F32, t.length, t.width, 0, 1);
    const RinsTensor out = make_out(run, RINS_F32, t.batch * t.length, t.width, index % 2);
    run->bytes = 8.0 * (double)(t.batch * t.length * t.width);
    for (begin(run); more(run);) run->ops->embed_fwd(run->dev, out, ids, table, pos);
    return true;
}

static bool run_embed_bwd(Run *run, int index) {
    Tokens t;
    if (!pick_tokens(run, index, &t)) return false;
    const int32_t *ids = make_ids(run, t);
    const RinsTensor dout = make(run, RINS_F32, t.batch * t.length, t.width, index % 2, 1);
    const RinsTensor dtable = make_out(run, RINS_F32, t.vocab, t.width, 0);
    const RinsTensor dpos = make_out(run, RINS_F32, t.length, t.width, 0);
    run->bytes = 4.0 * (double)((2 * t.batch * t.length + t.vocab) * t.width);
    for (begin(run); more(run);) run->ops->embed_bwd(run->dev, dtable, dpos, dout, ids, index >= 5);
    return true;
}

static bool pool_case(Run *run, int index, bool backward) {
    if (index >= (run->bench ? 2 : 15)) return false;
    const Tokens t = run->bench ? bench_tokens[index] : tokens[index % 5];
    const int64_t row = index < 5 ? t.length - 1 : index < 10 ? -1 : 0;
    if (backward) {
        const RinsTensor dout = make(run, RINS_F32, t.batch, t.width, index % 3, 1);
        const RinsTensor dx = make_out(run, RINS_F32, t.batch * t.length, t.width, index % 2);
        run->bytes = 4.0 * (double)(t.batch * t.length * t.width);
        for (begin(run); more(run);) run->ops->pool_bwd(run->dev, dx, dout, t.length, row);
        return true;
    }
    const RinsTensor x = make(run, RINS_F32, t.batch * t.length, t.width, index % 2, 1);
    const RinsTensor out = make_out(run, RINS_F32, t.batch, t.width, index % 3);
    run->bytes = 4.0 * (double)(t.batch * t.width * (row < 0 ? t.length : 2));
    for (begin(run); more(run);) run->ops->pool_fwd(run->dev, out, x, t.length, row);
    return true;
}

static bool run_pool_fwd(Run *run, int index) {
    return pool_case(run, index, false);
}
static bool run_pool_bwd(Run *run, int index) {
    return pool_case(run, index, true);
}

static bool run_l2norm_fwd(Run *run, int index) {
    Tokens t;
    if (!pick_tokens(run, index, &t)) return false;
    const RinsTensor x = make(run, RINS_F32, t.batch, t.width, index % 3, index == 7 ? 0 : 2);
    const RinsTensor y = make_out(run, RINS_F32, t.batch, t.width, index % 2);
    float *inv_norm = make_vector_out(run, t.batch);
    run->bytes = 8.0 * (double)(t.batch * t.width);
    for (begin(run); more(run);) run->ops->l2norm_fwd(run->dev, y, inv_norm, x);
    return true;
}

static bool run_l2norm_bwd(Run *run, int index) {
    Tokens t;
    if (!pick_tokens(run, index, &t)) return false;
    const RinsTensor y = make(run, RINS_F32, t.batch, t.width, index % 3, 0.1);
    const RinsTensor dy = make(run, RINS_F32, t.batch, t.width, 0, 1);
    const float *inv_norm = make_vector(run, t.batch, 3);
    const RinsTensor dx = index % 2 ? make_out(run, RINS_F32, t.batch, t.width, 2) : dy;
    also_output(run, dx.data);
    run->bytes = 12.0 * (double)(t.batch * t.width);
    for (begin(run); more(run);) run->ops->l2norm_bwd(run->dev, dx, dy, y, inv_norm);
    return true;
}

const OpCheck normalise_check = {"normalise_u8", 2e-7, run_normalise};
const OpCheck patchify_check = {"patchify", 0, run_patchify};
const OpCheck embed_fwd_check = {"embed_fwd", 0, run_embed_fwd};
const OpCheck embed_bwd_check = {"embed_bwd", 1e-6, run_embed_bwd};
const OpCheck pool_fwd_check = {"pool_fwd", 1e-6, run_pool_fwd};
const OpCheck pool_bwd_check = {"pool_bwd", 0, run_pool_bwd};
const OpCheck l2norm_fwd_check = {"l2norm_fwd", 1e-6, run_l2norm_fwd};
const OpCheck l2norm_bwd_check = {"l2norm_bwd", 1e-6, run_l2norm_bwd};
