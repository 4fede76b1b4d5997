#define _GNU_SOURCE
#include "data/karpathy_parse.h"

#include "data/source_impl.h"
#include "src/base/file.h"
#include "src/base/json.h"
#include "src/base/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SPLITS = 16, SPLIT_NAME = 32 };
#define MAX_FILE_BYTES ((size_t)1 << 30)

/* A split that the file has, or that is asked for. */
typedef struct Split {
    char name[SPLIT_NAME];
    int64_t images;
} Split;

/* The file as it is walked: one member or image at a time is a JSON tree, never the whole of it. */
typedef struct Walk {
    const char *json, *label, *asked;
    size_t size, at;
    int64_t index; /* of the image */
    bool has_images;
    RinsKarpathy *set;
    Split found[MAX_SPLITS]; /* later ones are not named in errors */
    int n_found;
} Walk;

void rins_karpathy_free(RinsKarpathy *set) {
    free(set->images), free(set->captions), free(set->text);
    *set = (RinsKarpathy){0};
}

/* Behind white space; zero at the end. */
static char peek(Walk *walk) {
    while (walk->at < walk->size && strchr(" \t\r\n", walk->json[walk->at]) && walk->json[walk->at]) walk->at++;
    return walk->at < walk->size ? walk->json[walk->at] : 0;
}

static RinsStatus expect(Walk *walk, char wanted) {
    if (peek(walk) == wanted) {
        walk->at++;
        return RINS_OK;
    }
    return RINS_FAIL(RINS_ERR_FORMAT, "'%s' byte %zu: '%c' is missing", walk->label, walk->at, wanted);
}

/* The next JSON value, of any kind; the caller releases it. */
static RinsStatus next_value(Walk *walk, json_t **value) {
    json_error_t error;
    (void)peek(walk);
    *value = json_loadb(walk->json + walk->at, walk->size - walk->at,
                        JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &error);
    if (!*value)
        return RINS_FAIL(RINS_ERR_FORMAT, "'%s' byte %zu: not valid JSON: %s", walk->label,
                         walk->at + (size_t)(error.position > 0 ? error.position : 0), error.text);
    walk->at += (size_t)error.position;
    return RINS_OK;
}

static RinsStatus push_text(RinsKarpathy *set, const char *text, size_t *at) {
    const size_t size = strlen(text) + 1;
    if (set->text_used + size > set->text_room) {
        const size_t room = 2 * (set->text_used + size) + 4096;
        char *grown = realloc(set->text, room);
        if (!grown) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for captions");
        set->text = grown;
        set->text_room = room;
    }
    memcpy(set->text + set->text_used, text, size);
    *at = set->text_used;
    set->text_used += size;
    return RINS_OK;
}

/* A text member; NULL with RINS_OK only where it may be missing. */
static RinsStatus text_member(const Walk *walk, const json_t *object, const char *name, bool optional,
                              const char **text) {
    const json_t *value = json_object_get(object, name);
    *text = json_string_value(value);
    if (*text || (!value && optional)) return RINS_OK;
    return RINS_FAIL(RINS_ERR_FORMAT, "'%s' images[%lld]: %s is %s", walk->label, (long long)walk->index, name,
                     value ? "not a text" : "missing");
}

static void count_split(Walk *walk, const char *name) {
    for (int i = 0; i < walk->n_found; i++)
        if (!strncmp(walk->found[i].name, name, SPLIT_NAME - 1)) {
            walk->found[i].images++;
            return;
        }
    if (walk->n_found == MAX_SPLITS) return;
    snprintf(walk->found[walk->n_found].name, SPLIT_NAME, "%s", name);
    walk->found[walk->n_found++].images = 1;
}

/* Is `name` one of "a+b+c"? */
static bool is_asked(const char *asked, const char *name) {
    const size_t length = strlen(name);
    for (const char *at = asked; *at;) {
        const size_t n = strcspn(at, "+");
        if (n == length && !strncmp(at, name, n)) return true;
        at += n + (at[n] == '+');
    }
    return false;
}

static RinsStatus add_captions(Walk *walk, const json_t *image, RinsKarpathyImage *to) {
    RinsKarpathy *set = walk->set;
    const json_t *sentences = json_object_get(image, "sentences");
    if (!json_is_array(sentences))
        return RINS_FAIL(RINS_ERR_FORMAT, "'%s' images[%lld]: sentences is %s", walk->label, (long long)walk->index,
                         sentences ? "not a list" : "missing");
    to->first_caption = (int64_t)set->n_captions;
    for (size_t i = 0; i < json_array_size(sentences); i++) {
        const char *raw = json_string_value(json_object_get(json_array_get(sentences, i), "raw"));
        if (!raw)
            return RINS_FAIL(RINS_ERR_FORMAT, "'%s' images[%lld]: sentences[%zu] has no text under raw", walk->label,
                             (long long)walk->index, i);
        size_t *captions = rins_list_grow(set->captions, set->n_captions, sizeof *captions);
        if (!captions) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for captions");
        set->captions = captions;
        RINS_TRY(push_text(set, raw, &captions[set->n_captions]));
        set->n_captions++, to->captions++;
    }
    return RINS_OK;
}

static RinsStatus add_image(Walk *walk, const json_t *image) {
    RinsKarpathy *set = walk->set;
    const char *file, *folder, *split;
    RinsKarpathyImage made = {0};
    if (!json_is_object(image))
        return RINS_FAIL(RINS_ERR_FORMAT, "'%s' images[%lld] is not an object", walk->label, (long long)walk->index);
    RINS_TRY(text_member(walk, image, "split", false, &split));
    count_split(walk, split);
    if (!is_asked(walk->asked, split)) return RINS_OK;
    RINS_TRY(text_member(walk, image, "filename", false, &file));
    RINS_TRY(text_member(walk, image, "filepath", true, &folder));
    if (!*file)
        return RINS_FAIL(RINS_ERR_FORMAT, "'%s' images[%lld]: filename is empty", walk->label, (long long)walk->index);
    RINS_TRY(add_captions(walk, image, &made));
    char *name = rins_path_join(folder ? folder : "", file);
    RinsKarpathyImage *images = rins_list_grow(set->images, set->n_images, sizeof *images);
    if (images) set->images = images;
    RinsStatus status = name && images ? push_text(set, name, &made.name)
                                       : RINS_FAIL(RINS_ERR_MEMORY, "no memory for '%s'", walk->label);
    if (status == RINS_OK) images[set->n_images++] = made;
    free(name);
    return status;
}

static RinsStatus walk_images(Walk *walk) {
    if (walk->has_images) return RINS_FAIL(RINS_ERR_FORMAT, "'%s' has images twice", walk->label);
    walk->has_images = true;
    if (peek(walk) != '[') return RINS_FAIL(RINS_ERR_FORMAT, "'%s': images is not a list", walk->label);
    walk->at++;
    if (peek(walk) == ']') return expect(walk, ']');
    for (;; walk->index++) {
        json_t *image;
        RINS_TRY(next_value(walk, &image));
        const RinsStatus status = add_image(walk, image);
        json_decref(image);
        if (status != RINS_OK) return status;
        if (peek(walk) == ']') return expect(walk, ']');
        RINS_TRY(expect(walk, ','));
    }
}

static RinsStatus walk_members(Walk *walk) {
    RINS_TRY(expect(walk, '{'));
    if (peek(walk) == '}') return expect(walk, '}');
    for (;;) {
        json_t *key, *value;
        RINS_TRY(next_value(walk, &key));
        const bool is_text = json_is_string(key), is_images = is_text && !strcmp(json_string_value(key), "images");
        json_decref(key);
        if (!is_text)
            return RINS_FAIL(RINS_ERR_FORMAT, "'%s' byte %zu: a member's name is missing", walk->label, walk->at);
        RINS_TRY(expect(walk, ':'));
        if (is_images) {
            RINS_TRY(walk_images(walk));
        } else {
            RINS_TRY(next_value(walk, &value));
            json_decref(value);
        }
        if (peek(walk) == '}') return expect(walk, '}');
        RINS_TRY(expect(walk, ','));
    }
}

/* Every split asked for must have images: a misspelt one would silently shrink the set. */
static RinsStatus check_splits(const Walk *walk) {
    char all[SPLIT_NAME * MAX_SPLITS * 2] = "";
    for (int i = 0; i < walk->n_found; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s (%lld)", i ? ", " : "", walk->found[i].name,
                 (long long)walk->found[i].images);
    for (const char *at = walk->asked; *at;) {
        const size_t n = strcspn(at, "+");
        bool found = walk->n_found == MAX_SPLITS;
        for (int i = 0; i < walk->n_found; i++)
            found |= strlen(walk->found[i].name) == n && !strncmp(walk->found[i].name, at, n);
        if (!found)
            return RINS_FAIL(RINS_ERR_CONFIG, "'%s' has no image of split '%.*s', only: %s", walk->label, (int)n, at,
                             *all ? all : "none");
        at += n + (at[n] == '+');
    }
    return RINS_OK;
}

RinsStatus rins_karpathy_parse(RinsKarpathy *set, const char *json, size_t size, const char *label,
                               const char *splits) {
    Walk walk = {.json = json, .size = size, .label = label, .asked = splits, .set = set};
    *set = (RinsKarpathy){0};
    if (!*splits || strspn(splits, "+"))
        return RINS_FAIL(RINS_ERR_CONFIG, "'%s': split=NAME or split=NAME+NAME, not '%s'", label, splits);
    RINS_TRY(rins_json_check_depth(json, size, label));
    RINS_TRY(walk_members(&walk));
    if (peek(&walk) || walk.at != size)
        return RINS_FAIL(RINS_ERR_FORMAT, "'%s' byte %zu: more behind the object's end", label, walk.at);
    if (!walk.has_images) return RINS_FAIL(RINS_ERR_FORMAT, "'%s' has no list images: it is no Karpathy split", label);
    return check_splits(&walk);
}

RinsStatus rins_karpathy_read(RinsKarpathy *set, const char *path, const char *splits) {
    char *json;
    size_t size;
    *set = (RinsKarpathy){0};
    RINS_TRY(rins_file_read(path, MAX_FILE_BYTES, &json, &size));
    const RinsStatus status = rins_karpathy_parse(set, json, size, path, splits);
    free(json);
    return status;
}
