/* Scalar functions of the reference kernels, in double: what the vector kernels are held to. */
#ifndef RINS_CPU_REF_MATH_H
#define RINS_CPU_REF_MATH_H

#include "src/device/device.h"

#include <math.h>

/* gelu_tanh: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)));  gelu_erf: x/2 (1 + erf(x / sqrt 2)). */
static inline double rins_ref_act(RinsAct act, double x) {
    if (act == RINS_ACT_NONE) return x;
    if (act == RINS_ACT_GELU_ERF) return 0.5 * x * (1 + erf(x * 0.70710678118654752));
    return 0.5 * x * (1 + tanh(0.79788456080286536 * (x + 0.044715 * x * x * x)));
}

static inline double rins_ref_act_grad(RinsAct act, double x) {
    if (act == RINS_ACT_NONE) return 1;
    if (act == RINS_ACT_GELU_ERF)
        return 0.5 * (1 + erf(x * 0.70710678118654752)) + x * 0.39894228040143268 * exp(-0.5 * x * x);
    const double t = tanh(0.79788456080286536 * (x + 0.044715 * x * x * x));
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * 0.79788456080286536 * (1 + 3 * 0.044715 * x * x);
}

/* log(1 + exp(x)) without overflow or cancellation. */
static inline double rins_ref_softplus(double x) {
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

static inline double rins_ref_sigmoid(double x) {
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

#endif
