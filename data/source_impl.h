/* Inside sources only: what folder, karpathy, table and wds give to the common front in source.c. */
#ifndef RINS_DATA_SOURCE_IMPL_H
#define RINS_DATA_SOURCE_IMPL_H

#include "data/source_damage.h"

#include <stdarg.h>

typedef struct RinsSourceOps {
    const char *kind;
    RinsStatus (*read)(RinsSource *source, int64_t index, RinsSampleParts parts, RinsSample *sample,
                       RinsBadCause *cause);
    void (*free)(void *impl); /* takes NULL and half-made ones */
} RinsSourceOps;

struct RinsSource {
    const RinsSourceOps *ops;
    void *impl;
    char *spec;
    int64_t count;
    char **class_names; /* (n_classes) */
    int n_classes;
    int64_t shards; /* 0: none of shards */
    RinsSourceDamage *damage;
    size_t n_damage;
};

/* Arguments of a spec: "wds(text=KEY):PATTERN". NULL where not given. */
typedef struct RinsSourceArgs {
    char *text, *image, *caption, *split, *images;
    RinsSourceView view;
} RinsSourceArgs;

/* Fill ops, impl, count, classes, shards and damage; on failure the caller frees the source. */
RinsStatus rins_source_open_folder(RinsSource *source, const char *dir, const RinsSourceArgs *args);
RinsStatus rins_source_open_karpathy(RinsSource *source, const char *path, const RinsSourceArgs *args);
RinsStatus rins_source_open_table(RinsSource *source, const char *path, const RinsSourceArgs *args);
RinsStatus rins_source_open_wds(RinsSource *source, const char *pattern, const RinsSourceArgs *args);

/* Empties the sample, keeps its buffers. */
void rins_sample_reset(RinsSample *sample);
RinsStatus rins_sample_set_key(RinsSample *sample, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), nonnull(2)));
/* Room for image_size bytes in sample->image; sets image_size. */
RinsStatus rins_sample_reserve_image(RinsSample *sample, size_t image_size);
RinsStatus rins_sample_push_caption(RinsSample *sample, const char *text, size_t size);
/* Reads a whole regular file of bounded size into sample->image. */
RinsStatus rins_sample_read_file(RinsSample *sample, const char *path, RinsBadCause *cause);

#endif
