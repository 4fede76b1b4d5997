/* Where samples come from: tar shards, a folder per class, a caption table or Karpathy's splits. Random access by
   index; an index is stable for the same files (names sorted by bytes), so an order is a permutation of [0, count). */
#ifndef RINS_DATA_SOURCE_H
#define RINS_DATA_SOURCE_H

#include "data/image.h"

/* Limits on what a hostile data set can make a reader hold. */
enum {
    RINS_MAX_MEMBER_BYTES = 256 << 20, /* one image file or tar member */
    RINS_MAX_CAPTION_BYTES = 64 << 10,
    RINS_MAX_JSON_BYTES = 4 << 20
};

/* One sample's raw contents. Zero it before the first read; buffers are its own and reused by the next read. */
typedef struct RinsSample {
    char *key;      /* file path, "shard.tar:key" or "table.tsv:line", for messages; set even when a read fails */
    uint8_t *image; /* encoded bytes */
    size_t image_size;
    char **captions; /* valid UTF-8, not empty; none for an unlabelled or class source */
    int n_captions;
    int label;                                         /* class index, -1: none */
    char *text;                                        /* the captions' bytes */
    size_t key_room, image_room, text_room, text_used; /* of the buffers */
} RinsSample;

void rins_sample_free(RinsSample *sample);

/* The ".jpg", ".jpeg", ".png" or ".webp" (in any case) that the name ends in; NULL where it ends in none. */
const char *rins_image_ending(const char *name);

typedef struct RinsSource RinsSource;

/* What one index stands for where an image has several captions. */
typedef enum RinsSourceView {
    RINS_VIEW_PAIRS, /* a caption each: for training; an epoch shows every pair once */
    RINS_VIEW_IMAGES /* an image with all its captions, in order of first appearance: for retrieval */
} RinsSourceView;

/* spec: "folder:DIR", "wds:PATTERN", "table:FILE.tsv|csv", "karpathy:FILE.json", or a bare path that is recognised.
     folder     a folder per class (searched to any depth), or a flat folder: an unlabelled list. Images are files ending
                in .jpg .jpeg .png .webp in any case; hidden ones are left out; links are followed; an empty folder is
                a class.
     wds        braces {00000..00012} and {a,b}, wildcards, or a folder of tars; plain, gzip or zstd. Shards stay in the
                pattern's order, a wildcard's sorted by bytes. wds(text=KEY): the caption is this key of .json (a text
                or a list of texts); without it .txt, else the json's "caption", else its "text".
     table      table(image=COLUMN,caption=COLUMN): other column names than filepath and caption.
     karpathy   karpathy(split=train+restval,images=DIR):FILE.json (karpathy_parse.h); without them split test, and
                image names relative to the file's folder.
   RINS_ERR_IO where a named file cannot be read, RINS_ERR_FORMAT where there is no sample in it. */
RinsStatus rins_source_open(RinsSource **source, const char *spec);
RinsStatus rins_source_open_view(RinsSource **source, const char *spec, RinsSourceView view);
void rins_source_free(RinsSource *source);
/* What stands behind "kind:" or "kind(...):", inside spec; spec itself where it names no kind. */
const char *rins_source_path(const char *spec);
/* Does it name a kind, or is it a bare path that is recognised? */
bool rins_source_recognises(const char *spec);

int64_t rins_source_count(const RinsSource *source);
int rins_source_classes(const RinsSource *source);                       /* 0: not a labelled source */
const char *rins_source_class_name(const RinsSource *source, int label); /* folder name as it is; digits for .cls */
const char *rins_source_kind(const RinsSource *source);                  /* "folder" "wds" "table" "karpathy" */
const char *rins_source_spec(const RinsSource *source);                  /* as given to open */

/* Thread-safe: several readers at once, each with its own sample. cause is set on failure (may be NULL); a failure
   with cause RINS_BAD_NONE is not the sample's fault (memory). */
RinsStatus rins_source_read(RinsSource *source, int64_t index, RinsSample *sample, RinsBadCause *cause);
/* Same without the image's bytes: key, captions and label. */
RinsStatus rins_source_read_text(RinsSource *source, int64_t index, RinsSample *sample, RinsBadCause *cause);

/* What to read of a sample beside its key and label. What is left out cannot make it a bad one (but
   a table's row of more than 1 MiB is not read at all). */
typedef enum RinsSampleParts {
    RINS_SAMPLE_LABEL = 0,
    RINS_SAMPLE_CAPTIONS = 1,
    RINS_SAMPLE_IMAGE = 2,
    RINS_SAMPLE_ALL = RINS_SAMPLE_CAPTIONS | RINS_SAMPLE_IMAGE
} RinsSampleParts;
RinsStatus rins_source_read_parts(RinsSource *source, int64_t index, RinsSampleParts parts, RinsSample *sample,
                                  RinsBadCause *cause);

#endif
