#define _GNU_SOURCE
#include "data/synth_files.h"

#include "data/image_write.h"
#include "data/shard_write.h"
#include "data/synth_list.h"
#include "src/base/file.h"
#include "src/base/json_writer.h"

#include <omp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 512, QUALITY = 95 };

typedef struct Drawn {
    uint8_t *data;
    size_t size;
    char caption[RINS_SYNTH_TEXT];
    RinsStatus status;
} Drawn;

typedef struct Writer {
    const RinsSynthFiles *files;
    RinsSynthList list;
    const char *ext;
    Drawn *chunk;   /* CHUNK of them */
    float *scratch; /* threads x side x side x 3 */
    uint8_t *pixels;
    int threads;
    int64_t done, total;
} Writer;

static RinsStatus encode(const Writer *writer, const RinsSynthScene *scene, int thread, uint8_t **data, size_t *size) {
    const int side = writer->files->size;
    const size_t room = (size_t)side * (size_t)side * 3;
    uint8_t *pixels = writer->pixels + (size_t)thread * room;
    rins_synth_draw(scene, side, writer->scratch + (size_t)thread * room, pixels);
    if (writer->files->png) return rins_png_encode(pixels, side, side, data, size);
    return rins_jpeg_encode(pixels, side, side, QUALITY, data, size);
}

static void advance(Writer *writer, int64_t by) {
    writer->done += by;
    if (writer->files->progress) writer->files->progress(writer->files->progress_user, writer->done, writer->total);
}

static void drop(Drawn *chunk, int n) {
    for (int i = 0; i < n; i++) {
        free(chunk[i].data);
        chunk[i].data = NULL;
    }
}

/* Scenes first .. first + n of the world into the chunk, a share per thread: any split gives
   the same bytes. */
static RinsStatus draw_chunk(Writer *writer, const RinsSynthWorld *world, int64_t first, int n) {
#pragma omp parallel for num_threads(writer->threads) schedule(static)
    for (int share = 0; share < writer->threads; share++)
        for (int i = n * share / writer->threads; i < n * (share + 1) / writer->threads; i++) {
            RinsSynthScene scene;
            Drawn *drawn = &writer->chunk[i];
            rins_synth_scene(world, (uint64_t)(first + i), &scene);
            rins_synth_caption(&scene.meaning, drawn->caption);
            drawn->status = encode(writer, &scene, share, &drawn->data, &drawn->size);
        }
    for (int i = 0; i < n; i++)
        if (writer->chunk[i].status != RINS_OK)
            return RINS_FAIL(RINS_ERR_MEMORY, "cannot encode scene %lld", (long long)(first + i));
    return RINS_OK;
}

static RinsStatus list_shard(void *list, const char *name) {
    return rins_synth_list_add(list, name);
}

static RinsStatus write_chunk(Writer *writer, RinsShardWriter *shards, FILE *captions, int64_t first, int n) {
    for (int i = 0; i < n; i++) {
        char key[32];
        const Drawn *drawn = &writer->chunk[i];
        snprintf(key, sizeof key, "%08lld", (long long)(first + i));
        RINS_TRY(rins_shard_add(shards, key, writer->ext, drawn->data, drawn->size));
        RINS_TRY(rins_shard_add(shards, key, "txt", drawn->caption, strlen(drawn->caption)));
        if (captions) fprintf(captions, "%s\n", drawn->caption);
    }
    advance(writer, n);
    return RINS_OK;
}

static RinsStatus write_shards(Writer *writer, const RinsSynthWorld *world, int64_t n, FILE *captions) {
    RinsStatus status = RINS_OK;
    RinsShardWriter *shards = NULL;
    char prefix[16];
    snprintf(prefix, sizeof prefix, "%s-", rins_synth_splits[world->split]);
    const RinsShardOptions options = {
        .dir = writer->files->dir,
        .prefix = prefix,
        .max_samples = writer->files->shard_samples,
        .begins = list_shard,
        .user = &writer->list,
    };
    RINS_TRY_DONE(rins_shard_open(&shards, &options));
    for (int64_t first = 0; first < n; first += CHUNK) {
        const int count = n - first < CHUNK ? (int)(n - first) : CHUNK;
        status = draw_chunk(writer, world, first, count);
        if (status == RINS_OK) status = write_chunk(writer, shards, captions, first, count);
        drop(writer->chunk, count);
        if (status != RINS_OK) goto done;
    }
    status = rins_shard_close(shards, NULL, NULL);
    shards = NULL;
done:
    rins_shard_abort(shards);
    return status;
}

/* Enters a file, printf-like, in the list of the world's; its path under the output folder, malloc'd. */
__attribute__((format(printf, 3, 4))) static RinsStatus new_file(Writer *writer, char **path, const char *format, ...) {
    char name[RINS_SYNTH_TEXT + 64];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    RINS_TRY(rins_synth_list_add(&writer->list, name));
    *path = rins_path_join(writer->files->dir, name);
    return *path ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
}

static RinsStatus open_new(Writer *writer, RinsAtomicFile *file, const char *name) {
    char *path = NULL;
    RINS_TRY(new_file(writer, &path, "%s", name));
    const RinsStatus status = rins_atomic_open(file, path);
    free(path);
    return status;
}

static RinsStatus write_train(Writer *writer, const RinsSynthWorld *world) {
    RinsAtomicFile captions = {0};
    RinsStatus status = open_new(writer, &captions, "captions.txt");
    if (status == RINS_OK) status = write_shards(writer, world, writer->files->train, captions.stream);
    if (status == RINS_OK) status = rins_atomic_commit(&captions);
    rins_atomic_abort(&captions);
    return status;
}

/* Not atomic: only world.json says that these are complete, and a flush to the disk for each would take the time. */
static RinsStatus write_picture(Writer *writer, const RinsSynthScene *scene, const char *path) {
    uint8_t *data = NULL;
    size_t size = 0;
    RINS_TRY(encode(writer, scene, 0, &data, &size));
    FILE *out = fopen(path, "wb");
    const bool good = out && fwrite(data, 1, size, out) == size;
    const bool closed = out && fclose(out) == 0;
    free(data);
    return good && closed ? RINS_OK : RINS_FAIL(RINS_ERR_IO, "cannot write '%s': %m", path);
}

static RinsStatus make_folder(const RinsSynthFiles *files, const char *name) {
    char *path = rins_path_join(files->dir, name);
    const RinsStatus status = path ? rins_mkdirs(path) : RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    free(path);
    return status;
}

typedef struct Class {
    char name[RINS_SYNTH_TEXT];
    int combo;
} Class;

static int by_name(const void *a, const void *b) {
    return strcmp(((const Class *)a)->name, ((const Class *)b)->name);
}

static RinsStatus write_class(Writer *writer, const RinsSynthWorld *world, const char *part, const Class *class) {
    char *folder = rins_path_join(part, class->name);
    if (!folder) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    RinsStatus status = make_folder(writer->files, folder);
    for (int64_t i = 0; i < writer->files->per_class && status == RINS_OK; i++) {
        char *path = NULL;
        RinsSynthScene scene;
        rins_synth_scene_of(world, class->combo, (uint64_t)i, &scene);
        status = new_file(writer, &path, "%s/%05lld.%s", folder, (long long)i, writer->ext);
        if (status == RINS_OK) status = write_picture(writer, &scene, path);
        free(path);
    }
    free(folder);
    advance(writer, writer->files->per_class);
    return status;
}

/* Folders for RINS_SYNTH_HELDOUT combos of the world, evenly spaced where it has more, and their names in folder
   order. */
static RinsStatus write_classes(Writer *writer, const RinsSynthWorld *world, const char *part) {
    Class classes[RINS_SYNTH_HELDOUT];
    char name[64];
    RinsAtomicFile list = {0};
    for (int i = 0; i < RINS_SYNTH_HELDOUT; i++) {
        classes[i].combo = world->combos[i * world->n_combos / RINS_SYNTH_HELDOUT];
        rins_synth_combo_name(classes[i].combo, classes[i].name);
        for (char *at = classes[i].name; *at; at++)
            if (*at == ' ') *at = '_';
    }
    qsort(classes, RINS_SYNTH_HELDOUT, sizeof classes[0], by_name);
    for (int i = 0; i < RINS_SYNTH_HELDOUT; i++) RINS_TRY(write_class(writer, world, part, &classes[i]));
    snprintf(name, sizeof name, "%s-classes.txt", part);
    RINS_TRY(open_new(writer, &list, name));
    for (int i = 0; i < RINS_SYNTH_HELDOUT; i++) {
        char phrase[RINS_SYNTH_TEXT];
        rins_synth_combo_name(classes[i].combo, phrase);
        fprintf(list.stream, "%s\n", phrase);
    }
    return rins_atomic_commit(&list);
}

static RinsStatus write_templates(Writer *writer) {
    static const char text[] = "a {}\na small {}\na large {}\n";
    char *path = NULL;
    RINS_TRY(new_file(writer, &path, "templates.txt"));
    const RinsStatus status = rins_file_write(path, text, strlen(text));
    free(path);
    return status;
}

/* Which skills scenes of this world can test. */
static bool has_skill(const RinsSynthWorld *world, RinsSynthSkill skill) {
    const double *mix = world->mix;
    switch (skill) {
    case RINS_SYNTH_COUNTING: return mix[RINS_SYNTH_COUNT] + mix[RINS_SYNTH_GROUPS] > 0.0;
    case RINS_SYNTH_DIRECTION:
    case RINS_SYNTH_ORDER: return mix[RINS_SYNTH_RELATION] > 0.0;
    case RINS_SYNTH_BINDING:
        return mix[RINS_SYNTH_GROUPS] + mix[RINS_SYNTH_PAIR] + mix[RINS_SYNTH_RELATION] + mix[RINS_SYNTH_NESTED] > 0.0;
    case RINS_SYNTH_NEGATED: return mix[RINS_SYNTH_NEGATION] > 0.0;
    case RINS_SYNTH_NESTING: return mix[RINS_SYNTH_NESTED] > 0.0;
    default: return true;
    }
}

/* Rows of one scene for the skills that still want some; its picture once. */
static RinsStatus write_hard_scene(Writer *writer, const RinsSynthWorld *world, uint64_t k, int64_t *wanted,
                                   FILE *table) {
    RinsSynthScene scene;
    char caption[RINS_SYNTH_TEXT], false_caption[RINS_SYNTH_TEXT], *path = NULL;
    int rows = 0;
    rins_synth_scene(world, k, &scene);
    rins_synth_caption(&scene.meaning, caption);
    for (int skill = 0; skill < RINS_SYNTH_SKILLS; skill++) {
        RinsSynthMeaning negative;
        if (wanted[skill] <= 0 || !rins_synth_negative(world, &scene.meaning, (RinsSynthSkill)skill, k, &negative))
            continue;
        rins_synth_caption(&negative, false_caption);
        fprintf(table, "hard/%08llu.%s\t%s\t%s\t%s\n", (unsigned long long)k, writer->ext, caption, false_caption,
                rins_synth_skills[skill]);
        wanted[skill]--;
        rows++;
    }
    if (!rows) return RINS_OK;
    advance(writer, rows);
    RINS_TRY(new_file(writer, &path, "hard/%08llu.%s", (unsigned long long)k, writer->ext));
    const RinsStatus status = write_picture(writer, &scene, path);
    free(path);
    return status;
}

/* Rows from scenes first, first + 1, ... of the world. */
static RinsStatus write_hard(Writer *writer, const RinsSynthWorld *world, uint64_t first) {
    RinsStatus status = RINS_OK;
    RinsAtomicFile table = {0};
    int64_t wanted[RINS_SYNTH_SKILLS], most = 0;
    RINS_TRY_DONE(make_folder(writer->files, "hard"));
    RINS_TRY_DONE(open_new(writer, &table, "hard.tsv"));
    fputs("filepath\tcaption\tnegative\tskill\n", table.stream);
    for (int skill = 0; skill < RINS_SYNTH_SKILLS; skill++)
        wanted[skill] = has_skill(world, (RinsSynthSkill)skill) ? writer->files->hard : 0;
    /* a form of tiny weight may never come up */
    const uint64_t limit = first + 1000 + 1000 * (uint64_t)writer->files->hard;
    for (uint64_t k = first; k < limit; k++) {
        most = 0;
        for (int skill = 0; skill < RINS_SYNTH_SKILLS; skill++) most = wanted[skill] > most ? wanted[skill] : most;
        if (!most) break;
        RINS_TRY_DONE(write_hard_scene(writer, world, k, wanted, table.stream));
    }
    if (most)
        status = RINS_FAIL(RINS_ERR_ARG, "a form of the mix is too rare for %lld rows of every skill in hard.tsv",
                           (long long)writer->files->hard);
    else
        status = rins_atomic_commit(&table);
done:
    rins_atomic_abort(&table);
    return status;
}

/* What all parts have in common, into an open object. */
static void put_settings(RinsJsonWriter *json, const RinsSynthFiles *files, const RinsSynthWorld *world) {
    rins_json_int(json, "version", RINS_SYNTH_VERSION);
    rins_json_int(json, "seed", (int64_t)files->seed);
    rins_json_int(json, "size", files->size);
    rins_json_string(json, "format", files->png ? "png" : "jpg");
    rins_json_open(json, "mix", '{');
    for (int form = 0; form < RINS_SYNTH_FORMS; form++)
        if (world->mix[form] > 0.0) rins_json_double(json, rins_synth_forms[form], world->mix[form]);
    rins_json_close(json);
    rins_json_int(json, "classes", RINS_SYNTH_HELDOUT);
}

/* Clears the folder of what will be drawn again; counts[] then holds what will stand in it. */
static RinsStatus begin_folder(Writer *writer, const RinsSynthWorld *world, int64_t *counts) {
    RinsJsonWriter json = {0};
    char *settings = NULL;
    rins_json_open(&json, NULL, '{');
    put_settings(&json, writer->files, world);
    rins_json_close(&json);
    RINS_TRY(rins_json_take(&json, &settings));
    const RinsStatus status = rins_synth_list_open(&writer->list, writer->files->dir, settings, counts);
    free(settings);
    return status;
}

static RinsStatus write_settings(const RinsSynthFiles *files, const RinsSynthWorld *world, const int64_t *counts) {
    RinsJsonWriter json = {.indent = 2};
    rins_json_open(&json, NULL, '{');
    put_settings(&json, files, world);
    for (int part = 0; part < RINS_SYNTH_PARTS; part++) rins_json_int(&json, rins_synth_parts[part], counts[part]);
    rins_json_close(&json);
    RinsAtomicFile file = {0};
    char *path = rins_path_join(files->dir, "world.json");
    RinsStatus status = path ? rins_atomic_open(&file, path) : RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
    free(path);
    if (status == RINS_OK) status = rins_json_flush(&json, file.stream);
    if (status == RINS_OK) status = rins_atomic_commit(&file);
    rins_atomic_abort(&file);
    rins_json_writer_free(&json);
    return status;
}

static RinsStatus make_world(const RinsSynthFiles *files, RinsSynthSplit split, RinsSynthWorld *world) {
    RINS_TRY(rins_synth_world(world, files->seed, split, files->level));
    return files->mix ? rins_synth_set_mix(world, files->mix) : RINS_OK;
}

static RinsStatus write_parts(Writer *writer) {
    const RinsSynthFiles *files = writer->files;
    RinsSynthWorld train, val, unseen;
    RINS_TRY(make_world(files, RINS_SYNTH_TRAIN, &train));
    RINS_TRY(make_world(files, RINS_SYNTH_VAL, &val));
    RINS_TRY(make_world(files, RINS_SYNTH_UNSEEN, &unseen));
    int skills = 0;
    for (int skill = 0; skill < RINS_SYNTH_SKILLS; skill++) skills += has_skill(&train, (RinsSynthSkill)skill);
    writer->total = files->train + files->val + 2 * RINS_SYNTH_HELDOUT * files->per_class + files->hard * skills;
    int64_t counts[RINS_SYNTH_PARTS] = {
        [RINS_SYNTH_PART_TRAIN] = files->train,
        [RINS_SYNTH_PART_VAL] = files->val,
        [RINS_SYNTH_PART_CLASSES] = files->per_class,
        [RINS_SYNTH_PART_HARD] = files->hard,
    };
    RINS_TRY(begin_folder(writer, &train, counts));
    if (files->train) RINS_TRY(write_train(writer, &train));
    if (files->val) RINS_TRY(write_shards(writer, &val, files->val, NULL));
    if (files->per_class) {
        RINS_TRY(write_classes(writer, &unseen, "heldout"));
        RINS_TRY(write_classes(writer, &val, "seen"));
        RINS_TRY(write_templates(writer));
    }
    /* beyond the scenes of val-*.tar, those of a former run included */
    if (files->hard) RINS_TRY(write_hard(writer, &val, (uint64_t)counts[RINS_SYNTH_PART_VAL]));
    return write_settings(files, &train, counts);
}

RinsStatus rins_synth_write(const RinsSynthFiles *files) {
    if (files->size < RINS_SYNTH_MIN_SIDE || files->size > RINS_SYNTH_MAX_SIDE)
        return RINS_FAIL(RINS_ERR_ARG, "pictures of %d pixels a side: wanted %d to %d", files->size,
                         RINS_SYNTH_MIN_SIDE, RINS_SYNTH_MAX_SIDE);
    if (files->train < 0 || files->val < 0 || files->per_class < 0 || files->hard < 0)
        return RINS_FAIL(RINS_ERR_ARG, "a negative number of scenes");
    if (files->shard_samples < 0) /* before anything of a former set is removed */
        return RINS_FAIL(RINS_ERR_ARG, "shards of %lld samples: wanted 1 or more", (long long)files->shard_samples);
    Writer writer = {.files = files,
                     .ext = files->png ? "png" : "jpg",
                     .threads = files->threads > 0 ? files->threads : omp_get_max_threads()};
    const size_t room = (size_t)writer.threads * (size_t)files->size * (size_t)files->size * 3;
    writer.chunk = calloc(CHUNK, sizeof *writer.chunk);
    writer.scratch = malloc(room * sizeof *writer.scratch);
    writer.pixels = malloc(room);
    const RinsStatus status = writer.chunk && writer.scratch && writer.pixels
                                  ? write_parts(&writer)
                                  : RINS_FAIL(RINS_ERR_MEMORY, "no memory to draw %d pictures at once", CHUNK);
    rins_synth_list_close(&writer.list);
    free(writer.chunk);
    free(writer.scratch);
    free(writer.pixels);
    return status;
}
