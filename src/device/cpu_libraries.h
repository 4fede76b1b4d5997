/* The numeric libraries below the CPU backend: their versions and what they chose to run on this machine. */
#ifndef RINS_DEVICE_CPU_LIBRARIES_H
#define RINS_DEVICE_CPU_LIBRARIES_H

/* Kernel family that OpenBLAS picked, such as "Haswell" or "SkylakeX": results repeat bit for bit only where it is
   equal (OPENBLAS_CORETYPE sets it). */
const char *rins_blas_core(void);
/* Version and build options in OpenBLAS's own words. */
const char *rins_blas_config(void);
/* Threads that OpenMP, and OpenBLAS with it, may use in this process. */
int rins_cpu_max_threads(void);
/* Processors that this process may run on. */
int rins_cpu_processors(void);

#endif
