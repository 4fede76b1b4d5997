#define _GNU_SOURCE
#include "src/device/peak.h"

#include "src/base/clock.h"

#include <cblas.h>
#include <stdlib.h>

enum { M = 3136, N = 3072, K = 768 };

static void fill(float *data, size_t n) {
    for (size_t i = 0; i < n; i++) data[i] = (float)(i * 2654435761u % 2048) / 1024 - 1;
}

RinsStatus rins_gemm_rates(int threads, int n, double *gflops) {
    RinsStatus status = RINS_OK;
    float *a = malloc(sizeof(float) * M * K), *b = malloc(sizeof(float) * K * N), *c = malloc(sizeof(float) * M * N);
    const int before = openblas_get_num_threads();
    if (!a || !b || !c) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory to measure sgemm");
        goto done;
    }
    fill(a, (size_t)M * K);
    fill(b, (size_t)K * N);
    openblas_set_num_threads(threads);
    for (int i = 0; i <= n; i++) {
        const double start = rins_clock();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, M, N, K, 1, a, K, b, N, 0, c, N);
        if (i > 0) gflops[i - 1] = 2e-9 * M * N * K / (rins_clock() - start);
    }
    openblas_set_num_threads(before);
done:
    free(a);
    free(b);
    free(c);
    return status;
}
