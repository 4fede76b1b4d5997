#include "data/slot_fill.h"

#include "data/prompt_fill.h"
#include "src/base/list.h"
#include "src/base/rng.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_SUBSTITUTES = 100 };

void rins_fill_scratch_free(RinsFillScratch *scratch) {
    rins_sample_free(&scratch->sample);
    free(scratch->caption);
    *scratch = (RinsFillScratch){0};
}

void rins_slot_result_clear(RinsSlotResult *result) {
    for (int i = 0; i < result->n_bad; i++) {
        free(result->bad[i].key);
        free(result->bad[i].message);
    }
    free(result->bad);
    *result = (RinsSlotResult){0};
}

/* Name of a class in captions: as given, else the folder's with '_' as space (in `room`). */
static const char *class_name(const RinsLoaderOptions *options, const RinsSource *source, int label, char room[256]) {
    if (options->class_names && label < options->n_class_names) return options->class_names[label];
    const char *name = rins_source_class_name(source, label);
    size_t i = 0;
    for (; name && name[i] && i < 255; i++) room[i] = name[i] == '_' ? ' ' : name[i];
    room[i] = 0;
    return room;
}

/* One of the sample's captions, or its class in one of the templates: a draw keyed by (seed, epoch, sample). */
static RinsStatus choose_caption(const RinsFiller *filler, RinsFillScratch *scratch, const RinsSlotPlace *place,
                                 const char **caption, RinsBadCause *cause) {
    const RinsLoaderOptions *options = filler->options;
    const RinsSample *sample = &scratch->sample;
    RinsRng rng = rins_rng(RINS_RNG_CAPTION, options->seed, place->epoch, place->sample);
    if (sample->n_captions > 0) {
        *caption = sample->captions[rins_rng_below(&rng, (uint64_t)sample->n_captions)];
        return RINS_OK;
    }
    if (sample->label >= 0 && options->n_templates > 0) {
        char room[256];
        const char *name = class_name(options, options->sources[place->source], sample->label, room);
        const char *template = options->templates[rins_rng_below(&rng, (uint64_t)options->n_templates)];
        free(scratch->caption);
        *caption = scratch->caption = rins_prompt_fill(template, name);
        if (!*caption) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a caption");
        return RINS_OK;
    }
    *cause = RINS_BAD_CAPTION;
    return RINS_FAIL(RINS_ERR_FORMAT, "%s: no caption", sample->key);
}

static RinsStatus fill_text(const RinsFiller *filler, RinsFillScratch *scratch, const RinsSlotPlace *place,
                            int32_t *ids, uint64_t *hash, RinsBadCause *cause) {
    const RinsLoaderOptions *options = filler->options;
    const char *caption = NULL;
    RINS_TRY(choose_caption(filler, scratch, place, &caption, cause));
    const RinsStatus status = options->tokenize(options->tokenize_user, caption, ids);
    if (status == RINS_ERR_MEMORY) return status;
    if (status != RINS_OK) {
        *cause = RINS_BAD_CAPTION;
        return rins_fail_context(status, "%s", scratch->sample.key);
    }
    *hash = rins_hash_bytes(ids, (uint64_t)options->length * sizeof *ids, RINS_HASH_BASIS);
    return RINS_OK;
}

/* Augments the whole decoded picture, from the cache or into it. */
static RinsStatus fill_image_cached(const RinsFiller *filler, const RinsSample *sample, const RinsImage *picture,
                                    const RinsPpKey *key, uint8_t *pixels, uint64_t *crop_hash, RinsBadCause *cause) {
    const RinsPp *pp = filler->options->pp;
    if (picture) return rins_pp_apply_image(pp, picture, *key, pixels, crop_hash);
    RinsImage image = {0};
    RinsDecodeOptions decode = *rins_pp_decode_options(pp);
    decode.fast = false; /* every crop is cut from this one */
    RINS_TRY(rins_image_decode(sample->image, sample->image_size, &decode, &image, cause));
    const RinsStatus status = rins_pp_apply_image(pp, &image, *key, pixels, crop_hash);
    if (!rins_picture_cache_put(filler->cache, key->sample, &image)) rins_image_free(&image);
    return status;
}

/* One try. A failure with *cause set is the sample's. */
static RinsStatus fill_from(const RinsFiller *filler, RinsFillScratch *scratch, const RinsSlotPlace *place,
                            RinsBatch *batch, int64_t i, RinsBadCause *cause) {
    const RinsLoaderOptions *options = filler->options;
    RinsSource *source = options->sources[place->source];
    RinsSample *sample = &scratch->sample;
    const RinsImage *picture = filler->cache ? rins_picture_cache_get(filler->cache, place->sample) : NULL;
    RINS_TRY(picture ? rins_source_read_text(source, place->index, sample, cause)
                     : rins_source_read(source, place->index, sample, cause));
    if (options->tokenize)
        RINS_TRY(fill_text(filler, scratch, place, batch->ids + i * options->length, &batch->text_hash[i], cause));
    const int64_t size = rins_pp_size(options->pp);
    const RinsPpKey key = {options->seed, place->epoch, place->sample};
    uint8_t *pixels = batch->pixels + i * size * size * 3;
    batch->sample[i] = place->sample;
    batch->label[i] = sample->label;
    const RinsStatus status =
        filler->cache
            ? fill_image_cached(filler, sample, picture, &key, pixels, &batch->crop_hash[i], cause)
            : rins_pp_apply(options->pp, sample->image, sample->image_size, key, pixels, &batch->crop_hash[i], cause);
    if (status == RINS_OK) return RINS_OK;
    if (status == RINS_ERR_MEMORY) *cause = RINS_BAD_NONE;
    return rins_fail_context(status, "%s", sample->key);
}

static RinsStatus note_bad(RinsSlotResult *result, const RinsFiller *filler, const RinsSlotPlace *place, int64_t slot,
                           const char *key, RinsBadCause cause) {
    RinsBadRecord *bad = rins_list_grow(result->bad, (size_t)result->n_bad, sizeof *bad);
    if (!bad) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to note a bad sample");
    result->bad = bad;
    bad[result->n_bad++] = (RinsBadRecord){.slot = slot,
                                           .sample = place->sample,
                                           .source = rins_source_spec(filler->options->sources[place->source]),
                                           .cause = cause,
                                           .key = strdup(key ? key : ""),
                                           .message = strdup(rins_last_error())};
    return RINS_OK;
}

static void mark_bad(const RinsFiller *filler, const RinsSlotPlace *place, RinsBatch *batch, int64_t i) {
    const RinsLoaderOptions *options = filler->options;
    const int64_t size = rins_pp_size(options->pp);
    memset(batch->pixels + i * size * size * 3, 0, (size_t)(size * size * 3));
    if (options->tokenize) memset(batch->ids + i * options->length, 0, (size_t)options->length * sizeof *batch->ids);
    batch->sample[i] = place->sample;
    batch->crop_hash[i] = 0;
    batch->label[i] = -1;
    batch->ok[i] = false;
}

void rins_slot_fill(const RinsFiller *filler, RinsFillScratch *scratch, int64_t slot, RinsBatch *batch, int64_t i,
                    RinsSlotResult *result) {
    const RinsSlotPlace first = rins_slot_place(&filler->plan, slot);
    RinsSlotPlace place = first;
    RinsStatus status = RINS_OK;
    for (int attempt = 1; status == RINS_OK; attempt++) {
        RinsBadCause cause = RINS_BAD_NONE;
        batch->ok[i] = true;
        status = fill_from(filler, scratch, &place, batch, i, &cause);
        if (status == RINS_OK) return;
        if (cause == RINS_BAD_NONE) break;
        status = note_bad(result, filler, &place, slot, scratch->sample.key, cause);
        if (status == RINS_OK && filler->options->on_bad == RINS_ON_BAD_MARK) {
            mark_bad(filler, &first, batch, i);
            return;
        }
        if (status == RINS_OK && attempt > MAX_SUBSTITUTES)
            status = RINS_FAIL(RINS_ERR_LIMIT,
                               "slot %lld: %d samples of '%s' in a row are bad, the last: %s "
                               "('rins data check' counts the bad ones and names them)",
                               (long long)slot, attempt, rins_source_spec(filler->options->sources[place.source]),
                               result->bad[result->n_bad - 1].message);
        place = rins_slot_substitute(&filler->plan, first, slot, attempt);
    }
    result->status = status;
    snprintf(result->message, sizeof result->message, "%s", rins_last_error());
}
