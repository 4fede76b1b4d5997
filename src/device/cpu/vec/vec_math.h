/* Vector exp, log1p and the activations. Error against double, relative: exp 2e-7, the rest 1e-6 (opcheck
   measures it). The polynomials are minimax fits (iteratively reweighted least squares) made
   for this file. */
#ifndef RINS_VEC_MATH_H
#define RINS_VEC_MATH_H

#include "src/device/cpu/vec/vec.h"
#include "src/device/device.h"

/* exp(x) = 2^n exp(r), |r| <= ln 2 / 2, exp(r) = 1 + r + r^2 p(r). Below -87.3 the result stays at 1e-38,
   above 88.3 at 2e38: never denormal, never infinite. */
VEC_INLINE vf vf_exp(vf x) {
    x = vf_min(vf_set(88.3f), vf_max(vf_set(-87.3f), x)); /* in this order NaN passes */
    const vf n = vf_round(x * 1.44269504088896341f);
    vf r = vf_fma(n, vf_set(-0.693359375f), x);
    r = vf_fma(n, vf_set(2.12194440e-4f), r); /* ln 2 in two parts, the first exact in products */
    vf p = vf_set(1.395047869e-3f);
    p = vf_fma(p, r, vf_set(8.368882249e-3f));
    p = vf_fma(p, r, vf_set(4.166620599e-2f));
    p = vf_fma(p, r, vf_set(1.666651890e-1f));
    p = vf_fma(p, r, vf_set(5.000000095e-1f));
    p = vf_fma(p, r * r, r) + 1.0f;
    return (vf)((vi)p + (vf_to_vi(n) << 23));
}

/* log(1 + y) for 0 <= y <= 1: 2 atanh(w) with w = y / (2 + y) <= 1/3. */
VEC_INLINE vf vf_log1p_unit(vf y) {
    const vf w = y / (y + 2.0f), u = w * w;
    vf p = vf_set(1.409577313e-1f);
    p = vf_fma(p, u, vf_set(1.397883301e-1f));
    p = vf_fma(p, u, vf_set(2.001255715e-1f));
    p = vf_fma(p, u, vf_set(3.333315507e-1f));
    p = vf_fma(p, u, vf_set(1.000000004f));
    return 2.0f * w * p;
}

/* log(1 + exp(x)), and *sigmoid = 1 / (1 + exp(-x)), from the one exp(-|x|): exact at any size of x. */
VEC_INLINE vf vf_softplus(vf x, vf *sigmoid) {
    const vf y = vf_exp(-vf_abs(x)), s = 1.0f / (1.0f + y);
    *sigmoid = vf_select(x >= 0.0f, s, y * s);
    return vf_max(vf_set(0), x) + vf_log1p_unit(y);
}

/* x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3), which is the tanh form without its cancellation. */
VEC_INLINE vf vf_gelu_tanh(vf x) {
    const vf minus_2u = x * vf_fma(x * x, vf_set(-0.0713548162726f), vf_set(-1.59576912160573f));
    return x / (1.0f + vf_exp(minus_2u));
}

/* s + x s (1 - s) d(2u)/dx with s = sigmoid(2u); *y = x s. */
VEC_INLINE vf vf_gelu_tanh_grad(vf x, vf *y) {
    const vf xx = x * x;
    const vf e = vf_exp(x * vf_fma(xx, vf_set(-0.0713548162726f), vf_set(-1.59576912160573f)));
    const vf s = 1.0f / (1.0f + e), xs = x * s;
    *y = xs;
    return vf_fma(xs * (e * s), vf_fma(xx, vf_set(0.2140644488178f), vf_set(1.59576912160573f)), s);
}

/* Phi(x) of the standard normal, and *density = exp(-x^2/2). With z = |x| / sqrt 2:
   erfc(z) = exp(-z^2) p(u) / (1 + 2z), u = (z - 2) / (z + 2). */
VEC_INLINE vf vf_normal_cdf(vf x, vf *density) {
    const vf z = vf_min(vf_abs(x) * 0.707106781186547524f, vf_set(10)), u = (z - 2.0f) / (z + 2.0f);
    const vf half = x * 0.5f, square = half * x, lost = vf_fma(half, x, -square);
    vf p = vf_set(-4.017153721e-4f);
    p = vf_fma(p, u, vf_set(-1.231877421e-3f));
    p = vf_fma(p, u, vf_set(1.313722664e-3f));
    p = vf_fma(p, u, vf_set(8.633271116e-3f));
    p = vf_fma(p, u, vf_set(-8.059599065e-3f));
    p = vf_fma(p, u, vf_set(-5.420471109e-2f));
    p = vf_fma(p, u, vf_set(1.640552670e-1f));
    p = vf_fma(p, u, vf_set(-1.660313897e-1f));
    p = vf_fma(p, u, vf_set(-9.276397667e-2f));
    p = vf_fma(p, u, vf_set(1.276978393f));
    *density = vf_exp(-square) * (1.0f - lost); /* the square's rounding, which exp would magnify */
    const vf tail = 0.5f * *density * p / vf_fma(z, vf_set(2), vf_set(1));
    return vf_select(x > 0.0f, 1.0f - tail, tail);
}

VEC_INLINE vf vf_gelu_erf(vf x) {
    vf density;
    return x * vf_normal_cdf(x, &density);
}

VEC_INLINE vf vf_gelu_erf_grad(vf x, vf *y) {
    vf density;
    const vf cdf = vf_normal_cdf(x, &density);
    *y = x * cdf;
    return vf_fma(x * 0.398942280401432678f, density, cdf);
}

VEC_INLINE vf vf_act(RinsAct act, vf x) {
    return act == RINS_ACT_GELU_TANH ? vf_gelu_tanh(x) : act == RINS_ACT_GELU_ERF ? vf_gelu_erf(x) : x;
}

/* act'(x); *y = act(x) */
VEC_INLINE vf vf_act_grad(RinsAct act, vf x, vf *y) {
    if (act == RINS_ACT_GELU_TANH) return vf_gelu_tanh_grad(x, y);
    if (act == RINS_ACT_GELU_ERF) return vf_gelu_erf_grad(x, y);
    *y = x;
    return vf_set(1);
}

#endif
