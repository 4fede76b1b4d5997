#include "src/device/backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Backend {
    const char *name;
    RinsStatus (*open)(RinsDevice *dev, int threads);
    void (*close)(RinsDevice *dev);
} Backend;

static const Backend backends[] = {
    {"cpu", rins_cpu_open, rins_cpu_close},
    {"dry", rins_dry_open, rins_dry_close},
};

static const Backend *find_backend(const char *name) {
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++)
        if (!strcmp(name, backends[i].name)) return &backends[i];
    return NULL;
}

RinsStatus rins_device_open(RinsDevice **out, const char *name, int threads) {
    *out = NULL;
    if (threads < 0) return RINS_FAIL(RINS_ERR_ARG, "%d threads: give 1 or more, or 0 for all", threads);
    const Backend *backend = find_backend(name);
    if (!backend) return RINS_FAIL(RINS_ERR_ARG, "no device '%s' in this build: expected cpu or dry", name);
    RinsDevice *dev = calloc(1, sizeof *dev);
    if (!dev) return RINS_FAIL(RINS_ERR_MEMORY, "out of memory opening device '%s'", name);
    snprintf(dev->name, sizeof dev->name, "%s", name);
    RinsStatus status = backend->open(dev, threads);
    if (status != RINS_OK) {
        free(dev);
        return status;
    }
    const char *profile = getenv("RINS_PROFILE");
    if (profile && !strcmp(profile, "1") && !strcmp(backend->name, "cpu")) status = rins_profile_start(dev);
    if (status != RINS_OK) {
        rins_device_close(dev);
        return status;
    }
    *out = dev;
    return RINS_OK;
}

void rins_device_close(RinsDevice *dev) {
    if (!dev) return;
    rins_profile_stop(dev);
    find_backend(dev->name)->close(dev);
    free(dev);
}

void rins_device_set_error(RinsDevice *dev, RinsStatus status, const char *text) {
    if (dev->error != RINS_OK) return;
    dev->error = status;
    snprintf(dev->error_text, sizeof dev->error_text, "%s", text);
}

RinsStatus rins_device_take_error(RinsDevice *dev) {
    const RinsStatus status = dev->error;
    if (status == RINS_OK) return RINS_OK;
    dev->error = RINS_OK;
    return RINS_FAIL(status, "device %s: %s", dev->name, dev->error_text);
}

void rins_device_count_alloc(RinsDevice *dev, size_t bytes) {
    dev->stats.bytes += bytes;
    if (dev->stats.bytes > dev->stats.peak_bytes) dev->stats.peak_bytes = dev->stats.bytes;
}
