#include "data/resize_plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static inline double bilinear(double x) {
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* Keys' cubic with a = -0.5; the order of operations is Pillow's, since the last bit of a weight can show. */
static inline double bicubic(double x) {
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

typedef struct Axis {
    double box0, scale, filter_scale, support;
    bool cubic;
    int in;
} Axis;

static inline double filter(const Axis *axis, double x) {
    return axis->cubic ? bicubic(x) : bilinear(x);
}

/* Samples [*begin, *end) under the filter at output i. */
static double window(const Axis *axis, int i, int *begin, int *end) {
    const double center = axis->box0 + (i + 0.5) * axis->scale;
    *begin = (int)(center - axis->support + 0.5);
    *end = (int)(center + axis->support + 0.5);
    if (*begin < 0) *begin = 0;
    if (*end > axis->in) *end = axis->in;
    if (*end <= *begin) { /* cannot happen for a box inside the picture; keeps the plan well-formed anyway */
        *begin = *begin < axis->in ? *begin : axis->in - 1;
        *end = *begin + 1;
    }
    return center;
}

static int32_t fixed_point(double w) {
    return (int32_t)((w < 0 ? -0.5 : 0.5) + w * (1 << RINS_WEIGHT_BITS));
}

static void put(RinsWeightPair *pairs, int at, int32_t w) {
    const int32_t low = ((w + 1024) & 2047) - 1024, high = (w - low) / 2048;
    RinsWeightPair *pair = pairs + at / 2;
    if (at % 2 == 0) {
        pair->high |= high & 0xffff;
        pair->low |= low & 0xffff;
    } else {
        pair->high |= (int32_t)((uint32_t)high << 16);
        pair->low |= (int32_t)((uint32_t)low << 16);
    }
}

static void fill_output(RinsAxisPlan *plan, const Axis *axis, int i, double *w) {
    int begin, end;
    const double center = window(axis, i, &begin, &end);
    const double step = 1.0 / axis->filter_scale;
    double sum = 0.0;
    for (int x = begin; x < end; x++) sum += w[x - begin] = filter(axis, (x - center + 0.5) * step);
    const int odd = (begin - plan->begin) % 2;
    plan->first[i] = (begin - plan->begin) / 2;
    plan->count[i] = (odd + end - begin + 1) / 2;
    plan->last[i] = end - plan->begin;
    for (int x = begin; x < end; x++)
        put(plan->pairs + plan->offset[i], odd + x - begin,
            fixed_point(sum != 0.0 ? w[x - begin] / sum : w[x - begin]));
}

RinsStatus rins_axis_plan(RinsAxisPlan *plan, int in, double box0, double box1, int out, RinsResizeMethod method) {
    *plan = (RinsAxisPlan){.in = in, .out = out};
    const float low = (float)box0, high = (float)box1; /* Pillow's boxes are single precision */
    if (in < 1 || out < 1 || !(low >= 0) || !(high <= (float)in) || !(low < high))
        return RINS_FAIL(RINS_ERR_ARG, "cannot resize %g..%g of %d samples to %d", box0, box1, in, out);
    const double scale = (double)(high - low) / out, filter_scale = scale < 1.0 ? 1.0 : scale;
    const bool cubic = method == RINS_RESIZE_BICUBIC;
    const Axis axis = {low, scale, filter_scale, (cubic ? 2.0 : 1.0) * filter_scale, cubic, in};
    const size_t room = (size_t)ceil(axis.support) * 2 + 2; /* samples under one filter */
    plan->first = calloc((size_t)out * 4, sizeof *plan->first);
    double *w = malloc(room * sizeof *w);
    if (!plan->first || !w) goto memory;
    plan->count = plan->first + out;
    plan->offset = plan->count + out;
    plan->last = plan->offset + out;
    int begin, end, n = 0;
    window(&axis, 0, &plan->begin, &end);
    for (int i = 0; i < out; i++) {
        plan->offset[i] = n;
        window(&axis, i, &begin, &end);
        n += ((begin - plan->begin) % 2 + end - begin + 1) / 2;
        if (end > plan->end) plan->end = end;
    }
    plan->pairs = calloc((size_t)n, sizeof *plan->pairs);
    if (!plan->pairs) goto memory;
    for (int i = 0; i < out; i++) fill_output(plan, &axis, i, w);
    free(w);
    return RINS_OK;
memory:
    free(w);
    rins_axis_plan_free(plan);
    return RINS_FAIL(RINS_ERR_MEMORY, "out of memory for resize weights of %d samples", out);
}

void rins_axis_plan_free(RinsAxisPlan *plan) {
    free(plan->first);
    free(plan->pairs);
    *plan = (RinsAxisPlan){0};
}
