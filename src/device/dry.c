/* The device that runs nothing: a model run on it yields its exact FLOPs and memory before the first step. */
#include "src/device/backend.h"

#include "src/base/arena.h"
#include "src/base/list.h"

#include <stdlib.h>
#include <string.h>

typedef struct Block {
    uintptr_t at;
    size_t bytes;
} Block;

typedef struct Dry {
    uintptr_t next; /* fake addresses only grow, so no two live blocks ever meet */
    Block *blocks;
    size_t n;
} Dry;

/* Far from where programs have memory: a stray access faults instead of corrupting something. */
static const uintptr_t first_address = (uintptr_t)1 << 45;

static void *dry_alloc(RinsDevice *dev, size_t bytes) {
    Dry *dry = dev->impl;
    Block *grown = rins_list_grow(dry->blocks, dry->n, sizeof *grown);
    if (!grown) return NULL;
    dry->blocks = grown;
    const uintptr_t at = dry->next;
    dry->blocks[dry->n++] = (Block){at, bytes};
    dry->next += (bytes / RINS_ALIGN + 1) * RINS_ALIGN;
    rins_device_count_alloc(dev, bytes);
    return (void *)at;
}

static void dry_free(RinsDevice *dev, void *data) {
    Dry *dry = dev->impl;
    for (size_t i = dry->n; i-- > 0;)
        if (dry->blocks[i].at == (uintptr_t)data) {
            dev->stats.bytes -= dry->blocks[i].bytes;
            dry->blocks[i] = dry->blocks[--dry->n];
            return;
        }
}

static void dry_copy_in(RinsDevice *dev, void *to, const void *host, size_t bytes) {
    (void)dev, (void)to, (void)host, (void)bytes;
}

static void dry_copy_out(RinsDevice *dev, void *host, const void *from, size_t bytes) {
    (void)dev, (void)from;
    if (bytes) memset(host, 0, bytes);
}

static void dry_copy(RinsDevice *dev, RinsTensor to, RinsTensor from) {
    (void)dev, (void)to, (void)from;
}
static void dry_zero(RinsDevice *dev, void *data, size_t bytes) {
    (void)dev, (void)data, (void)bytes;
}
static RinsStatus dry_sync(RinsDevice *dev) {
    return rins_device_take_error(dev);
}
static void dry_gemm(RinsDevice *dev, const RinsGemm *g) {
    rins_count_gemm(dev, g);
}
static void dry_attention_fwd(RinsDevice *dev, const RinsAttention *a) {
    rins_count_attention(dev, a, false);
}
static void dry_attention_bwd(RinsDevice *dev, const RinsAttention *a) {
    rins_count_attention(dev, a, true);
}

static void dry_layernorm_fwd(RinsDevice *dev, RinsTensor y, RinsTensor x, const float *gamma, const float *beta,
                              float eps) {
    (void)dev, (void)y, (void)x, (void)gamma, (void)beta, (void)eps;
}

static void dry_layernorm_bwd(RinsDevice *dev, RinsTensor dx, RinsTensor dres, float *dgamma, float *dbeta,
                              bool accumulate, RinsTensor dy, RinsTensor x, const float *gamma, float eps) {
    (void)dev, (void)dx, (void)dres, (void)dgamma, (void)dbeta, (void)accumulate, (void)dy, (void)x;
    (void)gamma, (void)eps;
}

static void dry_gelu_fwd(RinsDevice *dev, RinsTensor y, RinsTensor x, RinsAct act) {
    (void)dev, (void)y, (void)x, (void)act;
}

static void dry_gelu_bwd(RinsDevice *dev, RinsTensor dx, RinsTensor dy, RinsTensor x, RinsAct act) {
    (void)dev, (void)dx, (void)dy, (void)x, (void)act;
}

static void dry_add(RinsDevice *dev, RinsTensor y, RinsTensor a, RinsTensor b) {
    (void)dev, (void)y, (void)a, (void)b;
}

static void dry_scale(RinsDevice *dev, RinsTensor y, RinsTensor x, float s) {
    (void)dev, (void)y, (void)x, (void)s;
}

static void dry_colsum(RinsDevice *dev, float *sum, RinsTensor x, bool accumulate) {
    (void)dev, (void)sum, (void)x, (void)accumulate;
}

static void dry_normalise_u8(RinsDevice *dev, RinsTensor out, const uint8_t *in, const float scale[3],
                             const float offset[3]) {
    (void)dev, (void)out, (void)in, (void)scale, (void)offset;
}

static void dry_patchify(RinsDevice *dev, RinsTensor out, RinsTensor in, int64_t size, int64_t patch) {
    (void)dev, (void)out, (void)in, (void)size, (void)patch;
}

static void dry_embed_fwd(RinsDevice *dev, RinsTensor out, const int32_t *ids, RinsTensor table, RinsTensor pos) {
    (void)dev, (void)out, (void)ids, (void)table, (void)pos;
}

static void dry_embed_bwd(RinsDevice *dev, RinsTensor dtable, RinsTensor dpos, RinsTensor dout, const int32_t *ids,
                          bool accumulate) {
    (void)dev, (void)dtable, (void)dpos, (void)dout, (void)ids, (void)accumulate;
}

static void dry_pool(RinsDevice *dev, RinsTensor to, RinsTensor from, int64_t length, int64_t row) {
    (void)dev, (void)to, (void)from, (void)length, (void)row;
}

static void dry_l2norm_fwd(RinsDevice *dev, RinsTensor y, float *inv_norm, RinsTensor x) {
    (void)dev, (void)y, (void)inv_norm, (void)x;
}

static void dry_l2norm_bwd(RinsDevice *dev, RinsTensor dx, RinsTensor dy, RinsTensor y, const float *inv_norm) {
    (void)dev, (void)dx, (void)dy, (void)y, (void)inv_norm;
}

static void dry_loss(RinsDevice *dev, const RinsPairLoss *loss) {
    (void)dev, (void)loss;
}

static void dry_sqsum_finite(RinsDevice *dev, double *sum, const float *x, int64_t n) {
    (void)dev, (void)sum, (void)x, (void)n;
}

static void dry_adamw(RinsDevice *dev, const RinsAdamW *step) {
    (void)dev, (void)step;
}

static const RinsOps dry_ops = {
    .alloc = dry_alloc,
    .free = dry_free,
    .copy_in = dry_copy_in,
    .copy_out = dry_copy_out,
    .copy = dry_copy,
    .zero = dry_zero,
    .sync = dry_sync,
    .gemm = dry_gemm,
    .layernorm_fwd = dry_layernorm_fwd,
    .layernorm_bwd = dry_layernorm_bwd,
    .attention_fwd = dry_attention_fwd,
    .attention_bwd = dry_attention_bwd,
    .gelu_fwd = dry_gelu_fwd,
    .gelu_bwd = dry_gelu_bwd,
    .add = dry_add,
    .scale = dry_scale,
    .colsum = dry_colsum,
    .cast = dry_copy,
    .normalise_u8 = dry_normalise_u8,
    .patchify = dry_patchify,
    .embed_fwd = dry_embed_fwd,
    .embed_bwd = dry_embed_bwd,
    .pool_fwd = dry_pool,
    .pool_bwd = dry_pool,
    .l2norm_fwd = dry_l2norm_fwd,
    .l2norm_bwd = dry_l2norm_bwd,
    .siglip_fwd_bwd = dry_loss,
    .softmax_loss_fwd_bwd = dry_loss,
    .sqsum_finite = dry_sqsum_finite,
    .adamw = dry_adamw,
};

RinsStatus rins_dry_open(RinsDevice *dev, int threads) {
    Dry *dry = calloc(1, sizeof *dry);
    if (!dry) return RINS_FAIL(RINS_ERR_MEMORY, "out of memory opening the dry device");
    dry->next = first_address;
    dev->impl = dry;
    dev->ops = &dry_ops;
    dev->threads = threads ? threads : 1;
    dev->bf16 = true; /* every plan can be counted */
    return RINS_OK;
}

void rins_dry_close(RinsDevice *dev) {
    Dry *dry = dev->impl;
    free(dry->blocks);
    free(dry);
}
