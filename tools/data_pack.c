/* rins data pack: a folder, a table or shards written anew as plain tar shards. */
#include "data/image_write.h"
#include "data/parallel.h"
#include "data/shard_write.h"
#include "data/source.h"
#include "src/base/file.h"
#include "src/base/json_writer.h"
#include "tools/common.h"
#include "tools/data_actions.h"
#include "tools/flags.h"
#include "tools/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 256 }; /* samples prepared in parallel before they are written in order */

typedef struct Packed {
    RinsSample sample;
    uint8_t *encoded; /* malloc'd where the picture was encoded anew, else the sample's own bytes are written */
    size_t encoded_size;
    RinsBadCause cause;
    char message[256];
} Packed;

typedef struct Pack {
    RinsSource *source;
    int64_t resize, quality, threads; /* 0: as it is */
    int64_t at;                       /* first sample of the chunk */
    Packed *packed;                   /* (CHUNK) */
    RinsShardWriter *writer;
    int64_t written, bad[RINS_BAD_N];
    char first_bad[320]; /* "" while there is none */
    FILE *bad_stream;
} Pack;

/* Ending by the first bytes; NULL for no image format that rins reads. */
static const char *sniff(const uint8_t *data, size_t size) {
    if (size > 3 && !memcmp(data, "\xff\xd8\xff", 3)) return "jpg";
    if (size > 8 && !memcmp(data, "\x89PNG\r\n\x1a\n", 8)) return "png";
    if (size > 12 && !memcmp(data, "RIFF", 4) && !memcmp(data + 8, "WEBP", 4)) return "webp";
    return NULL;
}

/* Shrinks so that the shorter side has `side` pixels; a smaller picture stays. */
static RinsStatus shrink(RinsImage *image, int64_t side) {
    const int shorter = image->width < image->height ? image->width : image->height;
    if (side == 0 || shorter <= side) return RINS_OK;
    const double scale = (double)side / shorter, box[4] = {0, 0, image->width, image->height};
    const int width = (int)(image->width * scale + 0.5), height = (int)(image->height * scale + 0.5);
    RinsImage small = {0};
    RINS_TRY(rins_image_resize(image, box, width, height, RINS_RESIZE_BICUBIC, true, &small));
    rins_image_free(image);
    *image = small;
    return RINS_OK;
}

static RinsStatus encode_anew(const Pack *pack, Packed *packed) {
    RinsImage image = {0};
    const RinsDecodeOptions decode = {0};
    RINS_TRY(rins_image_decode(packed->sample.image, packed->sample.image_size, &decode, &image, &packed->cause));
    RinsStatus status = shrink(&image, pack->resize);
    if (status == RINS_OK)
        status = rins_jpeg_encode(image.pixels, image.width, image.height, pack->quality ? (int)pack->quality : 95,
                                  &packed->encoded, &packed->encoded_size);
    rins_image_free(&image);
    return status;
}

static RinsStatus prepare(void *user, int64_t i, int worker) {
    (void)worker;
    const Pack *pack = user;
    Packed *packed = &pack->packed[i];
    packed->cause = RINS_BAD_NONE;
    RinsStatus status = rins_source_read(pack->source, pack->at + i, &packed->sample, &packed->cause);
    if (status == RINS_OK && !sniff(packed->sample.image, packed->sample.image_size)) {
        packed->cause = RINS_BAD_FORMAT;
        status = RINS_FAIL(RINS_ERR_FORMAT, "not JPEG, PNG or WebP");
    }
    if (status == RINS_OK && (pack->resize || pack->quality)) status = encode_anew(pack, packed);
    if (status == RINS_OK || packed->cause == RINS_BAD_NONE) return status;
    snprintf(packed->message, sizeof packed->message, "%s", rins_last_error());
    return RINS_OK;
}

/* {"caption": [...]} for several captions, KEY.txt for one. */
static RinsStatus write_captions(Pack *pack, const char *key, const RinsSample *sample) {
    if (sample->n_captions == 0) return RINS_OK;
    if (sample->n_captions == 1)
        return rins_shard_add(pack->writer, key, "txt", sample->captions[0], strlen(sample->captions[0]));
    RinsJsonWriter json = {0};
    char *text;
    rins_json_open(&json, NULL, '{');
    rins_json_open(&json, "caption", '[');
    for (int i = 0; i < sample->n_captions; i++) rins_json_string(&json, NULL, sample->captions[i]);
    rins_json_close(&json);
    rins_json_close(&json);
    RINS_TRY(rins_json_take(&json, &text));
    const RinsStatus status = rins_shard_add(pack->writer, key, "json", text, strlen(text));
    free(text);
    return status;
}

static RinsStatus note_bad(Pack *pack, const Packed *packed, int64_t index) {
    pack->bad[packed->cause]++;
    if (!pack->first_bad[0])
        rins_name_bad(pack->first_bad, sizeof pack->first_bad, index, packed->sample.key, packed->message);
    if (!pack->bad_stream) return RINS_OK;
    RinsJsonWriter json = {0};
    rins_json_open(&json, NULL, '{');
    rins_json_int(&json, "sample", index);
    rins_json_string(&json, "key", packed->sample.key);
    rins_json_string(&json, "cause", rins_bad_names[packed->cause]);
    rins_json_string(&json, "message", packed->message);
    rins_json_close(&json);
    const RinsStatus status = rins_json_flush(&json, pack->bad_stream);
    rins_json_writer_free(&json);
    return status;
}

static RinsStatus write_packed(Pack *pack, Packed *packed, int64_t index) {
    const RinsSample *sample = &packed->sample;
    char key[32], label[32];
    if (packed->cause != RINS_BAD_NONE) return note_bad(pack, packed, index);
    const uint8_t *data = packed->encoded ? packed->encoded : sample->image;
    const size_t size = packed->encoded ? packed->encoded_size : sample->image_size;
    snprintf(key, sizeof key, "%09lld", (long long)index);
    RINS_TRY(rins_shard_add(pack->writer, key, sniff(data, size), data, size));
    RINS_TRY(write_captions(pack, key, sample));
    if (sample->label >= 0) {
        const int n = snprintf(label, sizeof label, "%d", sample->label);
        RINS_TRY(rins_shard_add(pack->writer, key, "cls", label, (size_t)n));
    }
    pack->written++;
    return RINS_OK;
}

static bool has_class_list(const RinsSource *source) {
    return !strcmp(rins_source_kind(source), "folder") && rins_source_classes(source) > 0;
}

static RinsStatus check_bad_path(const RinsSource *source, const char *dir, const char *bad_path) {
    if (!bad_path || !has_class_list(source)) return RINS_OK;
    char *list = rins_path_join(dir, "classes.txt");
    const bool same = list && rins_path_same_place(list, bad_path);
    free(list);
    return same ? RINS_FAIL(RINS_ERR_ARG, "--bad '%s' is where the names of the classes go: choose another file",
                            bad_path)
                : RINS_OK;
}

static RinsStatus write_classes(const RinsSource *source, const char *dir) {
    if (!has_class_list(source)) return RINS_OK;
    char *path = rins_path_join(dir, "classes.txt");
    if (!path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    RinsAtomicFile file = {0};
    RinsStatus status = rins_atomic_open(&file, path);
    for (int c = 0; status == RINS_OK && c < rins_source_classes(source); c++)
        fprintf(file.stream, "%s\n", rins_source_class_name(source, c));
    if (status == RINS_OK) status = rins_atomic_commit(&file);
    free(path);
    return status;
}

static RinsStatus pack_all(Pack *pack, RinsProgress *progress) {
    const int64_t n = rins_source_count(pack->source);
    RinsStatus status = RINS_OK;
    for (; pack->at < n && status == RINS_OK; pack->at += CHUNK) {
        const int64_t chunk = n - pack->at < CHUNK ? n - pack->at : CHUNK;
        status = rins_parallel(chunk, (int)pack->threads, prepare, pack);
        for (int64_t i = 0; i < chunk; i++) {
            if (status == RINS_OK) status = write_packed(pack, &pack->packed[i], pack->at + i);
            free(pack->packed[i].encoded);
            pack->packed[i].encoded = NULL;
        }
        rins_progress_update(progress, pack->at + chunk, NULL);
    }
    return status;
}

/* Shards that are there already may be the ones being read. */
static RinsStatus check_out(const RinsShardOptions *options) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s00000.tar", options->dir, options->prefix ? options->prefix : "");
    if (!rins_path_is_file(path)) return RINS_OK;
    return RINS_FAIL(RINS_ERR_ARG, "'%s' exists already: choose another --out or --prefix, or remove the shards", path);
}

static RinsStatus run_pack(Pack *pack, const char *data, RinsSourceView view, const RinsShardOptions *options,
                           const char *bad_path) {
    RinsAtomicFile bad_file = {0};
    RinsProgress progress;
    RinsStatus status = RINS_OK;
    int64_t shards;
    const bool new = !rins_path_is_dir(options->dir);
    RINS_TRY(check_out(options));
    pack->packed = calloc(CHUNK, sizeof *pack->packed);
    if (!pack->packed) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to pack a data set");
    RINS_TRY_DONE(rins_source_open_view(&pack->source, data, view));
    RINS_TRY_DONE(check_bad_path(pack->source, options->dir, bad_path));
    RINS_TRY_DONE(rins_shard_open(&pack->writer, options));
    if (bad_path) RINS_TRY_DONE(rins_atomic_open(&bad_file, bad_path));
    pack->bad_stream = bad_file.stream;
    rins_progress_start(&progress, "pack", 0, rins_source_count(pack->source));
    RINS_TRY_DONE(pack_all(pack, &progress));
    if (bad_path) RINS_TRY_DONE(rins_atomic_commit(&bad_file));
    if (pack->written == 0) {
        status = RINS_FAIL(RINS_ERR_FORMAT, "none of the %lld samples of '%s' can be packed; %s",
                           (long long)rins_source_count(pack->source), data, pack->first_bad);
        goto done;
    }
    status = rins_shard_close(pack->writer, &shards, NULL);
    pack->writer = NULL;
    if (status != RINS_OK) goto done;
    RINS_TRY_DONE(write_classes(pack->source, options->dir));
    rins_progress_end(&progress, rins_source_count(pack->source), "samples");
    printf("%lld samples in %lld shards in %s\n", (long long)pack->written, (long long)shards, options->dir);
    for (int c = 0; c < RINS_BAD_N; c++)
        if (pack->bad[c]) printf("left out (%s): %lld\n", rins_bad_names[c], (long long)pack->bad[c]);
    if (pack->first_bad[0]) printf("the first left out: %s\n", pack->first_bad);
done:
    rins_atomic_abort(&bad_file);
    rins_shard_abort(pack->writer);
    if (status != RINS_OK && new) rmdir(options->dir); /* does nothing to one that holds files */
    for (int i = 0; i < CHUNK; i++) rins_sample_free(&pack->packed[i].sample);
    free(pack->packed);
    rins_source_free(pack->source);
    return status;
}

int rins_data_pack(int argc, char **argv) {
    RinsCommon common = {0};
    Pack pack = {0};
    RinsShardOptions options = {0};
    const char *bad_path = NULL;
    bool pairs = false;
    const RinsFlag flags[] = {
        {"out", RINS_FLAG_OUT_DIR, &options.dir, "DIR", "folder for the shards", true},
        {"prefix", RINS_FLAG_STRING, &options.prefix, "P", "before the shards' five digits"},
        {"shard", RINS_FLAG_INT, &options.max_samples, "N", "samples per shard (10,000)", .min = 1, .max = INFINITY},
        {"shard-bytes", RINS_FLAG_INT, &options.max_bytes, "N", "bytes per shard (1,000,000,000)", .min = 1,
         .max = INFINITY},
        {"resize", RINS_FLAG_INT, &pack.resize, "PIXELS",
         "shrink the shorter side to this (bicubic, antialias) and encode as JPEG", .min = 1, .max = 16384},
        {"quality", RINS_FLAG_INT, &pack.quality, "Q", "encode as JPEG of this quality, 1..100 (95 with --resize)",
         .min = 1, .max = 100},
        {"pairs", RINS_FLAG_BOOL, &pairs, NULL, "a sample for each row of a table, not one for each image"},
        {"bad", RINS_FLAG_OUT, &bad_path, "F", "name the samples left out, one JSON object a line"},
        {0}};
    const RinsCli cli = {
        "rins data pack",
        "D --out DIR [--resize PIXELS] [--quality Q] [--shard N]",
        "Writes a data set as plain tar shards in webdataset's naming: KEY.jpg|png|webp with KEY.txt,\n"
        "KEY.json (several captions) or KEY.cls. Without --resize and --quality bytes stay as\n"
        "they are, undecoded (`rins data check` finds damaged pictures); encoded anew, transparency\n"
        "becomes white. Class names go to DIR/classes.txt.",
        flags,
        1,
        1,
        &common};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    pack.threads = common.threads ? common.threads : sysconf(_SC_NPROCESSORS_ONLN);
    return rins_report(run_pack(&pack, argv[0], pairs ? RINS_VIEW_PAIRS : RINS_VIEW_IMAGES, &options, bad_path));
}
