/* Op timers: a table that stands before the backend's own, times each call and logs the sums when the device closes. */
#define _GNU_SOURCE
#include "src/device/backend.h"

#include "src/base/clock.h"
#include "src/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ENTRIES = 128 };

typedef struct Entry {
    char name[56];
    uint64_t calls;
    double seconds, flops;
} Entry;

typedef struct Profile {
    const RinsOps *inner;
    RinsOps ops;
    double opened;
    Entry entries[MAX_ENTRIES]; /* the last one takes what no longer fits */
    int n;
} Profile;

static const RinsOps *inner(const RinsDevice *dev) {
    return ((const Profile *)dev->profile)->inner;
}

static void add_time(RinsDevice *dev, const char *name, double start, double flops) {
    const double seconds = rins_clock() - start;
    Profile *p = dev->profile;
    int i = 0;
    while (i < p->n && strcmp(p->entries[i].name, name) != 0) i++;
    if (i == MAX_ENTRIES) i = MAX_ENTRIES - 1;
    Entry *e = &p->entries[i];
    if (i == p->n) {
        snprintf(e->name, sizeof e->name, "%s", i == MAX_ENTRIES - 1 ? "other" : name);
        p->n++;
    }
    e->calls++;
    e->seconds += seconds;
    e->flops += flops;
}

static void timed_gemm(RinsDevice *dev, const RinsGemm *g) {
    char name[56];
    const int64_t k = g->trans_a ? g->a.rows : g->a.cols;
    snprintf(name, sizeof name, "gemm %c%c %lldx%lldx%lld%s%s%s%s%s", g->trans_a ? 'T' : 'N', g->trans_b ? 'T' : 'N',
             (long long)g->c.rows, (long long)g->c.cols, (long long)k, g->bias ? " bias" : "", g->act ? " act" : "",
             g->act_grad.data ? "'" : "", g->residual.data ? " res" : "", g->accumulate ? " +=" : "");
    const double start = rins_clock();
    inner(dev)->gemm(dev, g);
    add_time(dev, name, start, 2.0 * (double)g->c.rows * (double)g->c.cols * (double)k);
}

static double attention_flops(const RinsAttention *a) {
    return (double)(a->batch * a->heads) * (double)(a->lq * a->lk) * (double)a->head_dim;
}

static void timed_attention_fwd(RinsDevice *dev, const RinsAttention *a) {
    const double start = rins_clock();
    inner(dev)->attention_fwd(dev, a);
    add_time(dev, "attention_fwd", start, 4 * attention_flops(a));
}

static void timed_attention_bwd(RinsDevice *dev, const RinsAttention *a) {
    const double start = rins_clock();
    inner(dev)->attention_bwd(dev, a);
    add_time(dev, "attention_bwd", start, 10 * attention_flops(a));
}

static double loss_flops(const RinsPairLoss *p) {
    return (p->dx.data ? 6.0 : 2.0) * (double)p->x.rows * (double)p->x.rows * (double)p->x.cols;
}

static void timed_siglip(RinsDevice *dev, const RinsPairLoss *p) {
    const double start = rins_clock();
    inner(dev)->siglip_fwd_bwd(dev, p);
    add_time(dev, "siglip_fwd_bwd", start, loss_flops(p));
}

static void timed_softmax(RinsDevice *dev, const RinsPairLoss *p) {
    const double start = rins_clock();
    inner(dev)->softmax_loss_fwd_bwd(dev, p);
    add_time(dev, "softmax_loss_fwd_bwd", start, loss_flops(p));
}

/* The other ops move memory and count no FLOPs: all alike but for their parameters. */
#define TIMED(op, parameters, ...)                                                                                     \
    static void timed_##op parameters {                                                                                \
        const double start = rins_clock();                                                                             \
        inner(dev)->op(__VA_ARGS__);                                                                                   \
        add_time(dev, #op, start, 0);                                                                                  \
    }

TIMED(copy_in, (RinsDevice * dev, void *to, const void *host, size_t bytes), dev, to, host, bytes)
TIMED(copy_out, (RinsDevice * dev, void *host, const void *from, size_t bytes), dev, host, from, bytes)
TIMED(copy, (RinsDevice * dev, RinsTensor to, RinsTensor from), dev, to, from)
TIMED(zero, (RinsDevice * dev, void *data, size_t bytes), dev, data, bytes)
TIMED(layernorm_fwd, (RinsDevice * dev, RinsTensor y, RinsTensor x, const float *gamma, const float *beta, float eps),
      dev, y, x, gamma, beta, eps)
TIMED(layernorm_bwd,
      (RinsDevice * dev, RinsTensor dx, RinsTensor dres, float *dgamma, float *dbeta, bool accumulate, RinsTensor dy,
       RinsTensor x, const float *gamma, float eps),
      dev, dx, dres, dgamma, dbeta, accumulate, dy, x, gamma, eps)
TIMED(gelu_fwd, (RinsDevice * dev, RinsTensor y, RinsTensor x, RinsAct act), dev, y, x, act)
TIMED(gelu_bwd, (RinsDevice * dev, RinsTensor dx, RinsTensor dy, RinsTensor x, RinsAct act), dev, dx, dy, x, act)
TIMED(add, (RinsDevice * dev, RinsTensor y, RinsTensor a, RinsTensor b), dev, y, a, b)
TIMED(scale, (RinsDevice * dev, RinsTensor y, RinsTensor x, float s), dev, y, x, s)
TIMED(colsum, (RinsDevice * dev, float *sum, RinsTensor x, bool accumulate), dev, sum, x, accumulate)
TIMED(cast, (RinsDevice * dev, RinsTensor to, RinsTensor from), dev, to, from)
TIMED(normalise_u8, (RinsDevice * dev, RinsTensor out, const uint8_t *in, const float scale[3], const float offset[3]),
      dev, out, in, scale, offset)
TIMED(patchify, (RinsDevice * dev, RinsTensor out, RinsTensor in, int64_t size, int64_t patch), dev, out, in, size,
      patch)
TIMED(embed_fwd, (RinsDevice * dev, RinsTensor out, const int32_t *ids, RinsTensor table, RinsTensor pos), dev, out,
      ids, table, pos)
TIMED(embed_bwd,
      (RinsDevice * dev, RinsTensor dtable, RinsTensor dpos, RinsTensor dout, const int32_t *ids, bool accumulate), dev,
      dtable, dpos, dout, ids, accumulate)
TIMED(pool_fwd, (RinsDevice * dev, RinsTensor out, RinsTensor x, int64_t length, int64_t row), dev, out, x, length, row)
TIMED(pool_bwd, (RinsDevice * dev, RinsTensor dx, RinsTensor dout, int64_t length, int64_t row), dev, dx, dout, length,
      row)
TIMED(l2norm_fwd, (RinsDevice * dev, RinsTensor y, float *inv_norm, RinsTensor x), dev, y, inv_norm, x)
TIMED(l2norm_bwd, (RinsDevice * dev, RinsTensor dx, RinsTensor dy, RinsTensor y, const float *inv_norm), dev, dx, dy, y,
      inv_norm)
TIMED(sqsum_finite, (RinsDevice * dev, double *sum, const float *x, int64_t n), dev, sum, x, n)
TIMED(adamw, (RinsDevice * dev, const RinsAdamW *step), dev, step)

RinsStatus rins_profile_start(RinsDevice *dev) {
    Profile *p = calloc(1, sizeof *p);
    if (!p) return RINS_FAIL(RINS_ERR_MEMORY, "out of memory for op timers");
    p->inner = dev->ops;
    p->ops = *dev->ops; /* alloc, free and sync stay as they are */
    p->opened = rins_clock();
    p->ops.copy_in = timed_copy_in, p->ops.copy_out = timed_copy_out;
    p->ops.copy = timed_copy, p->ops.zero = timed_zero;
    p->ops.gemm = timed_gemm;
    p->ops.layernorm_fwd = timed_layernorm_fwd, p->ops.layernorm_bwd = timed_layernorm_bwd;
    p->ops.attention_fwd = timed_attention_fwd, p->ops.attention_bwd = timed_attention_bwd;
    p->ops.gelu_fwd = timed_gelu_fwd, p->ops.gelu_bwd = timed_gelu_bwd;
    p->ops.add = timed_add, p->ops.scale = timed_scale;
    p->ops.colsum = timed_colsum, p->ops.cast = timed_cast;
    p->ops.normalise_u8 = timed_normalise_u8, p->ops.patchify = timed_patchify;
    p->ops.embed_fwd = timed_embed_fwd, p->ops.embed_bwd = timed_embed_bwd;
    p->ops.pool_fwd = timed_pool_fwd, p->ops.pool_bwd = timed_pool_bwd;
    p->ops.l2norm_fwd = timed_l2norm_fwd, p->ops.l2norm_bwd = timed_l2norm_bwd;
    p->ops.siglip_fwd_bwd = timed_siglip, p->ops.softmax_loss_fwd_bwd = timed_softmax;
    p->ops.sqsum_finite = timed_sqsum_finite, p->ops.adamw = timed_adamw;
    dev->profile = p;
    dev->ops = &p->ops;
    return RINS_OK;
}

static int slower_first(const void *a, const void *b) {
    const double x = ((const Entry *)a)->seconds, y = ((const Entry *)b)->seconds;
    return (x < y) - (x > y);
}

void rins_profile_stop(RinsDevice *dev) {
    Profile *p = dev->profile;
    if (!p) return;
    const double wall = rins_clock() - p->opened;
    double inside = 0;
    for (int i = 0; i < p->n; i++) inside += p->entries[i].seconds;
    qsort(p->entries, (size_t)p->n, sizeof p->entries[0], slower_first);
    rins_log(RINS_LOG_INFO, "%-56s %9s %9s %8s %6s", "op", "calls", "seconds", "GFLOP/s", "share");
    for (int i = 0; i < p->n; i++) {
        const Entry *e = &p->entries[i];
        rins_log(RINS_LOG_INFO, "%-56s %9llu %9.3f %8.1f %5.1f%%", e->name, (unsigned long long)e->calls, e->seconds,
                 e->seconds > 0 ? e->flops / e->seconds * 1e-9 : 0, 100 * e->seconds / inside);
    }
    rins_log(RINS_LOG_INFO, "ops took %.3f s of the %.3f s that the device was open", inside, wall);
    dev->ops = p->inner;
    dev->profile = NULL;
    free(p);
}
