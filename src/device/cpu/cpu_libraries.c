#include "src/device/cpu_libraries.h"

#include <cblas.h>
#include <omp.h>

const char *rins_blas_core(void) {
    return openblas_get_corename();
}
const char *rins_blas_config(void) {
    return openblas_get_config();
}
int rins_cpu_max_threads(void) {
    return omp_get_max_threads();
}
int rins_cpu_processors(void) {
    return omp_get_num_procs();
}
