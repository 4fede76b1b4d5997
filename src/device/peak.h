/* The yardstick of every speed figure: what the machine's GEMM gives at this very moment. */
#ifndef RINS_DEVICE_PEAK_H
#define RINS_DEVICE_PEAK_H

#include "src/base/status.h"

/* GFLOP/s of each of n runs of OpenBLAS's own sgemm, C = A B with M 3136, N 3072, K 768 (the first MLP layer of B/16 at
   batch 16), after one that is not timed. Machines drift: measure it in the run that it is compared with. */
RinsStatus rins_gemm_rates(int threads, int n, double *gflops);

#endif
