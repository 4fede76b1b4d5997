/* Accuracy over the whole range of inputs, and inputs at the edge of it. */
#include "tests/opcheck/opcheck.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double act(RinsAct kind, double x) {
    if (kind == RINS_ACT_GELU_ERF) return x * 0.5 * erfc(-x / sqrt(2.0));
    return x / (1 + exp(-2 * sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

static double act_grad(RinsAct kind, double x) {
    if (kind == RINS_ACT_GELU_ERF) return 0.5 * erfc(-x / sqrt(2.0)) + x * exp(-0.5 * x * x) / sqrt(2 * M_PI);
    const double k = 2 * sqrt(2 / M_PI), e = exp(-k * (x + 0.044715 * x * x * x)), s = 1 / (1 + e);
    return s + x * s / (1 + 1 / e) * k * (1 + 3 * 0.044715 * x * x);
}

/* Relative to the value itself down to 1e-4; below that absolute. */
static void check_act(RinsDevice *dev, const char *level, RinsAct kind, const char *name) {
    enum { N = 200001 };
    float *x = dev->ops->alloc(dev, N * sizeof *x), *y = dev->ops->alloc(dev, N * sizeof *x);
    float *dx = dev->ops->alloc(dev, N * sizeof *x), *host = malloc(3 * N * sizeof *host);
    for (int i = 0; i < N; i++) host[i] = (float)((i - N / 2) * (i % 5 ? 1.2e-4 : 3e-2)), host[N + i] = 1;
    dev->ops->copy_in(dev, x, host, N * sizeof *x);
    dev->ops->copy_in(dev, dx, host + N, N * sizeof *x);
    dev->ops->gelu_fwd(dev, rins_f32(y, 1, N), rins_f32(x, 1, N), kind);
    dev->ops->gelu_bwd(dev, rins_f32(dx, 1, N), rins_f32(dx, 1, N), rins_f32(x, 1, N), kind);
    dev->ops->copy_out(dev, host + N, y, N * sizeof *x);
    dev->ops->copy_out(dev, host + 2 * N, dx, N * sizeof *x);
    double worst = 0, worst_grad = 0;
    for (int i = 0; i < N; i++) {
        const double v = act(kind, host[i]), g = act_grad(kind, host[i]);
        const double error = fabs(host[N + i] - v) / fmax(fabs(v), 1e-4);
        const double error_grad = fabs(host[2 * N + i] - g) / (fabs(g) + 1e-1); /* it crosses zero */
        if (!(error <= worst)) worst = isnan(error) ? INFINITY : error;
        if (!(error_grad <= worst_grad)) worst_grad = isnan(error_grad) ? INFINITY : error_grad;
    }
    report(worst <= 2e-6 && worst_grad <= 1e-6,
           "%s, %s: relative error %.2e forward, %.2e backward (limits 2e-06, 1e-06)", name, level, worst, worst_grad);
    dev->ops->free(dev, x), dev->ops->free(dev, y), dev->ops->free(dev, dx);
    free(host);
}

void check_accuracy(RinsDevice *dev, const char *level, const char *only) {
    if (selected("gelu_tanh accuracy", only)) check_act(dev, level, RINS_ACT_GELU_TANH, "gelu_tanh accuracy");
    if (selected("gelu_erf accuracy", only)) check_act(dev, level, RINS_ACT_GELU_ERF, "gelu_erf accuracy");
}

/* Two pairs with cosines +-1 at exp(t) = 1e4: the loss is exactly known and every gradient finite. */
static void check_large_logits(RinsDevice *dev, const char *level) {
    const float host[] = {1, 0, -1, 0, 1, 0, 1, 0, (float)log(1e4), 0};
    float *in = dev->ops->alloc(dev, sizeof host), *out = dev->ops->alloc(dev, 16 * sizeof *out), back[16];
    dev->ops->copy_in(dev, in, host, sizeof host);
    const RinsPairLoss p = {.x = rins_f32(in, 2, 2),
                            .y = rins_f32(in + 4, 2, 2),
                            .t = in + 8,
                            .b = in + 9,
                            .loss = out,
                            .dx = rins_f32(out + 1, 2, 2),
                            .dy = rins_f32(out + 5, 2, 2),
                            .dt = out + 9,
                            .db = out + 10};
    dev->ops->siglip_fwd_bwd(dev, &p);
    dev->ops->copy_out(dev, back, out, sizeof back);
    /* logits +1e4 and -1e4; signs: (0,0) right, (0,1) wrong, (1,0) right, (1,1) wrong */
    const double loss = back[0], dt = back[9], db = back[10];
    bool finite = true;
    for (int i = 0; i < 11; i++) finite &= isfinite(back[i]) != 0;
    report(finite && fabs(loss - 1e4) <= 1e-6 * 1e4 && fabs(dt - 1e4) <= 1e-2 && fabs(db) <= 1e-6,
           "siglip extremes, %s: logits of 1e4 give loss %.9g (1e4), dt %.9g (1e4), db %.3g (0)", level, loss, dt, db);
    dev->ops->free(dev, in), dev->ops->free(dev, out);
}

/* Scores of 1e4 must neither overflow nor lose the winner. */
static void check_large_scores(RinsDevice *dev, const char *level) {
    enum { L = 33, HD = 8 };
    float host[3 * L * HD], back[L * HD];
    for (int i = 0; i < L * HD; i++) {
        host[i] = i % HD == 0 ? 100.0f : 0.0f;
        host[L * HD + i] = i % HD == 0 ? (i / HD == 20 ? 100.0f : -100.0f) : 0.0f;
        host[2 * L * HD + i] = (float)(i / HD);
    }
    float *in = dev->ops->alloc(dev, sizeof host), *out = dev->ops->alloc(dev, sizeof back);
    dev->ops->copy_in(dev, in, host, sizeof host);
    const RinsAttention a = {.q = rins_f32(in, L, HD),
                             .k = rins_f32(in + L * HD, L, HD),
                             .v = rins_f32(in + 2 * L * HD, L, HD),
                             .out = rins_f32(out, L, HD),
                             .batch = 1,
                             .heads = 1,
                             .head_dim = HD,
                             .lq = L,
                             .lk = L,
                             .scale = 1};
    dev->ops->attention_fwd(dev, &a);
    dev->ops->copy_out(dev, back, out, sizeof back);
    double worst = 0;
    for (int i = 0; i < L * HD; i++) worst = fmax(worst, fabs(back[i] - 20.0));
    report(worst <= 1e-5, "attention_fwd extremes, %s: scores of 1e4, error %.2e (limit 1e-05)", level, worst);
    dev->ops->free(dev, in), dev->ops->free(dev, out);
}

/* What is not finite must stay visible: a NaN pixel anywhere in x makes the sum of squares and the loss not finite. */
static void check_not_finite(RinsDevice *dev, const char *level) {
    enum { N = 1000 };
    int missed = 0;
    float host[N];
    float *x = dev->ops->alloc(dev, sizeof host), *y = dev->ops->alloc(dev, sizeof host);
    double *sum = dev->ops->alloc(dev, sizeof *sum);
    for (int at = 0; at < N; at += 111)
        for (int kind = 0; kind < 3; kind++) {
            for (int i = 0; i < N; i++) host[i] = 1;
            host[at] = kind == 0 ? NAN : kind == 1 ? INFINITY : -INFINITY;
            dev->ops->copy_in(dev, x, host, sizeof host);
            dev->ops->zero(dev, sum, sizeof *sum);
            dev->ops->sqsum_finite(dev, sum, x, N);
            double total;
            dev->ops->copy_out(dev, &total, sum, sizeof total);
            missed += isfinite(total) != 0;
            dev->ops->gelu_fwd(dev, rins_f32(y, 10, 100), rins_f32(x, 10, 100), RINS_ACT_GELU_TANH);
            dev->ops->copy_out(dev, host, y, sizeof host);
            missed += kind == 0 && !isnan(host[at]);
        }
    report(!missed, "sqsum_finite extremes, %s: NaN and infinity stay visible (%d missed)", level, missed);
    dev->ops->free(dev, x), dev->ops->free(dev, y), dev->ops->free(dev, sum);
}

/* The loss of one NaN embedding is not finite. */
static void check_nan_loss(RinsDevice *dev, const char *level) {
    enum { N = 40, E = 8 };
    float host[2 * N * E + 2], loss[2];
    for (int i = 0; i < 2 * N * E; i++) host[i] = 0.1f;
    host[17 * E + 3] = NAN;
    host[2 * N * E] = 1, host[2 * N * E + 1] = 0;
    float *in = dev->ops->alloc(dev, sizeof host), *out = dev->ops->alloc(dev, sizeof loss);
    dev->ops->copy_in(dev, in, host, sizeof host);
    RinsPairLoss p = {.x = rins_f32(in, N, E),
                      .y = rins_f32(in + N * E, N, E),
                      .t = in + 2 * N * E,
                      .b = in + 2 * N * E + 1,
                      .loss = out};
    dev->ops->siglip_fwd_bwd(dev, &p);
    p.loss = out + 1;
    dev->ops->softmax_loss_fwd_bwd(dev, &p);
    dev->ops->copy_out(dev, loss, out, sizeof loss);
    report(isnan(loss[0]) && isnan(loss[1]),
           "siglip, softmax_loss extremes, %s: a NaN embedding gives loss %g, %g (NaN)", level, loss[0], loss[1]);
    dev->ops->free(dev, in), dev->ops->free(dev, out);
}

void check_extremes(RinsDevice *dev, const char *level, const char *only) {
    if (selected("siglip extremes", only)) check_large_logits(dev, level);
    if (selected("attention_fwd extremes", only)) check_large_scores(dev, level);
    if (selected("sqsum_finite extremes", only)) check_not_finite(dev, level);
    if (selected("siglip, softmax_loss extremes", only)) check_nan_loss(dev, level);
}
