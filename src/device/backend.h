/* What a backend gives device.c: one open and one close each. */
#ifndef RINS_DEVICE_BACKEND_H
#define RINS_DEVICE_BACKEND_H

#include "src/device/device.h"

/* Called with a zeroed device whose name is set; fills ops, threads, cpu and impl. On failure releases what it took. */
RinsStatus rins_cpu_open(RinsDevice *dev, int threads);
void rins_cpu_close(RinsDevice *dev);

RinsStatus rins_dry_open(RinsDevice *dev, int threads);
void rins_dry_close(RinsDevice *dev);

/* Puts timers before dev->ops; stopping logs the table at INFO level and takes them away (nothing where none
   are). Meant for devices whose ops finish before they return. */
RinsStatus rins_profile_start(RinsDevice *dev);
void rins_profile_stop(RinsDevice *dev);

/* The sticky error, recorded for the caller's thread, then cleared: what sync() returns after waiting. */
RinsStatus rins_device_take_error(RinsDevice *dev);

/* For backends' alloc and free: keeps stats.bytes and stats.peak_bytes. */
void rins_device_count_alloc(RinsDevice *dev, size_t bytes);

#endif
