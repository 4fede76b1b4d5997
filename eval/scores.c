#include "eval/scores.h"

#include <math.h>

enum { LANES = 16, GROUP = 4 };

static float sum_lanes(const float *lanes) {
    float a[LANES / 2];
    for (int i = 0; i < LANES / 2; i++) a[i] = lanes[i] + lanes[i + LANES / 2];
    return ((a[0] + a[4]) + (a[1] + a[5])) + ((a[2] + a[6]) + (a[3] + a[7]));
}

float rins_dot(const float *x, const float *y, int64_t dim) {
    float lanes[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= dim; i += LANES)
        for (int k = 0; k < LANES; k++) lanes[k] += x[i + k] * y[i + k];
    for (int k = 0; i + k < dim; k++) lanes[k] += x[i + k] * y[i + k];
    return sum_lanes(lanes);
}

/* Four at once share the loads of x; each sums in the order of rins_dot. */
static void dot_group(const float *x, const float *y, int64_t dim, float *out) {
    float lanes[GROUP][LANES] = {{0}};
    int64_t i = 0;
    for (; i + LANES <= dim; i += LANES)
        for (int g = 0; g < GROUP; g++)
            for (int k = 0; k < LANES; k++) lanes[g][k] += x[i + k] * y[g * dim + i + k];
    for (int g = 0; g < GROUP; g++) {
        for (int k = 0; i + k < dim; k++) lanes[g][k] += x[i + k] * y[g * dim + i + k];
        out[g] = sum_lanes(lanes[g]);
    }
}

void rins_scores(const float *x, int64_t n, const float *y, int64_t m, int64_t dim, float *out) {
    for (int64_t i = 0; i < n; i++) {
        int64_t j = 0;
        for (; j + GROUP <= m; j += GROUP) dot_group(x + i * dim, y + j * dim, dim, out + i * m + j);
        for (; j < m; j++) out[i * m + j] = rins_dot(x + i * dim, y + j * dim, dim);
    }
}

void rins_normalise_rows(float *rows, int64_t n, int64_t dim) {
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t k = 0; k < dim; k++) sum += (double)rows[i * dim + k] * rows[i * dim + k];
        const float scale = sum > 0 ? (float)(1 / sqrt(sum)) : 1;
        for (int64_t k = 0; k < dim; k++) rows[i * dim + k] *= scale;
    }
}
