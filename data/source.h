/* Where samples come from: tar shards, a folder per class, or a caption table. Random access by index; an index
   is stable for the same files (names sorted by bytes), so an order is a permutation of [0, count). */
#ifndef RINS_DATA_SOURCE_H
#define RINS_DATA_SOURCE_H

#include "data/image.h"

/* One sample's raw contents. Buffers are owned by the sample and reused by the next read into it. */
typedef struct RinsSample {
    char *key;       /* file path or shard key, for messages */
    uint8_t *image;  /* encoded bytes */
    size_t image_size;
    char **captions; /* UTF-8; none for an unlabelled or class source */
    int n_captions;
    int label;       /* class index, -1: none */
    size_t image_room, key_room;
    int captions_room;
} RinsSample;

void rins_sample_free(RinsSample *sample);

typedef struct RinsSource RinsSource;

/* spec: "folder:DIR", "wds:PATTERN", "table:FILE.tsv|csv", or a bare path that is recognised. */
RinsStatus rins_source_open(RinsSource **source, const char *spec);
void rins_source_free(RinsSource *source);

int64_t rins_source_count(const RinsSource *source);
int rins_source_classes(const RinsSource *source);                    /* 0: not a labelled source */
const char *rins_source_class_name(const RinsSource *source, int label); /* folder name as it is */

/* What reading needs, cheap and without the image: for `data show`, retrieval and duplicates. */
const char *rins_source_kind(const RinsSource *source); /* "folder" "wds" "table" */

/* Thread-safe: several readers at once, each with its own sample. cause is set on failure (may be NULL). */
RinsStatus rins_source_read(RinsSource *source, int64_t index, RinsSample *sample, RinsBadCause *cause);

#endif
