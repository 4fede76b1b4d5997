/* The synthetic world: scenes are functions of their number, captions are true, hard negatives are false by one skill,
   held-out combos stay out of training, and captions do not repeat. Truth is judged from the words alone: captions are
   parsed again and looked up in the picture's list of objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/synth_files.h"
#include "src/base/file.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static RinsSynthWorld world_of(RinsSynthSplit split, int level, const char *mix) {
    RinsSynthWorld world;
    assert_int_equal(rins_synth_world(&world, 7, split, level), RINS_OK);
    if (mix) assert_int_equal(rins_synth_set_mix(&world, mix), RINS_OK);
    return world;
}

static const char every_form[] = "single=1,count=1,groups=1,pair=1,relation=2,negation=1,nested=1";

/* ---- a reader of captions ---- */

typedef struct Reader {
    char text[RINS_SYNTH_TEXT];
    const char *at;
} Reader;

static bool eat(Reader *reader, const char *words) {
    const size_t n = strlen(words);
    if (strncmp(reader->at, words, n) || (reader->at[n] && reader->at[n] != ' ')) return false;
    reader->at += n + (reader->at[n] == ' ');
    return true;
}

static int eat_one_of(Reader *reader, const char *const *words, int n) {
    for (int i = 0; i < n; i++)
        if (eat(reader, words[i])) return i;
    return -1;
}

typedef struct Noun {
    int count, size, shape, colour, texture;
} Noun; /* -1: any; count 0: "no" */

static bool read_noun(Reader *reader, Noun *noun) {
    static const char *const counts[] = {"no", "a", "two", "three", "four", "five", "six"};
    static const char *const plurals[] = {"circles",  "squares", "triangles", "stars",     "crosses",
                                          "diamonds", "hearts",  "rings",     "crescents", "hexagons"};
    noun->count = eat_one_of(reader, counts, 7);
    if (noun->count < 0) return false;
    noun->size = eat_one_of(reader, rins_synth_sizes, RINS_SYNTH_SIZES);
    noun->texture = eat_one_of(reader, rins_synth_textures, RINS_SYNTH_TEXTURES);
    noun->colour = eat_one_of(reader, rins_synth_colours, RINS_SYNTH_COLOURS);
    noun->shape = eat_one_of(reader, noun->count > 1 ? plurals : rins_synth_shapes, RINS_SYNTH_SHAPES);
    return noun->colour >= 0 && noun->shape >= 0;
}

static bool fits(const Noun *noun, const RinsSynthObject *object) {
    return object->shape == noun->shape && object->colour == noun->colour &&
           (noun->texture < 0 || noun->texture == object->texture) && (noun->size < 0 || noun->size == object->size);
}

static int how_many(const Noun *noun, const RinsSynthScene *scene) {
    int n = 0;
    for (int i = 0; i < scene->n_objects; i++) n += fits(noun, &scene->objects[i]);
    return n;
}

/* "a red circle" wants one at least, "two red circles" exactly two, "no red circle" none. */
static bool shown(const Noun *noun, const RinsSynthScene *scene) {
    const int n = how_many(noun, scene);
    return noun->count == 0 ? n == 0 : noun->count == 1 ? n >= 1 : n == noun->count;
}

/* Is a REL b, clearly? Left and right need more sideways than upright distance, and the other way round. */
static bool holds(int relation, const RinsSynthObject *a, const RinsSynthObject *b) {
    const double dx = a->x - b->x, dy = a->y - b->y, distance = hypot(dx, dy);
    switch (relation) {
    case 0: return -dx > fabs(dy) && distance > a->radius + b->radius;
    case 1: return dx > fabs(dy) && distance > a->radius + b->radius;
    case 2: return -dy > fabs(dx) && distance > a->radius + b->radius;
    case 3: return dy > fabs(dx) && distance > a->radius + b->radius;
    case 4: return distance + a->radius < 0.6 * b->radius;
    case 5: return distance + b->radius < 0.6 * a->radius;
    case 6: return a->radius > 1.25 * b->radius;
    default: return b->radius > 1.25 * a->radius;
    }
}

static int read_relation(Reader *reader) {
    static const char *const words[] = {
        "left of",        "right of",        "above", "below", "inside", "around",      "bigger than", "smaller than",
        "to the left of", "to the right of", "over",  "under", "within", "surrounding", "larger than", "tinier than"};
    const int word = eat_one_of(reader, words, 16);
    return word < 0 ? -1 : word % 8;
}

static bool place_fits(int place, const RinsSynthScene *scene) {
    const RinsSynthObject *object = &scene->objects[0];
    const double room = 0.49 - object->radius, dx = (object->x - 0.5) / room, dy = (object->y - 0.5) / room;
    const int column = dx < -0.5 ? 0 : dx > 0.5 ? 2 : 1, row = dy < -0.5 ? 0 : dy > 0.5 ? 2 : 1;
    return scene->n_objects == 1 && place == row * 3 + column;
}

static bool ending_fits(Reader *reader, const RinsSynthScene *scene) {
    const int place = eat_one_of(reader, rins_synth_places, RINS_SYNTH_PLACES);
    if (place >= 0 && !place_fits(place, scene)) return false;
    if (!eat(reader, "on a")) return true;
    const int background = eat_one_of(reader, rins_synth_backgrounds, RINS_SYNTH_BACKGROUNDS);
    return background == scene->background && eat(reader, "background");
}

/* Some a, b (and c) of the scene stand in the relations read. */
static bool chain_holds(const Noun nouns[3], const int relations[2], int n, const RinsSynthScene *scene) {
    for (int i = 0; i < scene->n_objects; i++)
        for (int j = 0; j < scene->n_objects; j++) {
            const RinsSynthObject *a = &scene->objects[i], *b = &scene->objects[j];
            if (i == j || !fits(&nouns[0], a) || !fits(&nouns[1], b) || !holds(relations[0], a, b)) continue;
            if (n == 2) return true;
            for (int l = 0; l < scene->n_objects; l++)
                if (l != i && l != j && fits(&nouns[2], &scene->objects[l]) &&
                    holds(relations[1], b, &scene->objects[l]))
                    return true;
        }
    return false;
}

/* 1: true of the scene, 0: false, -1: not a sentence of the language. */
static int judge(const char *caption, const RinsSynthScene *scene) {
    Reader reader;
    Noun nouns[3];
    int relations[2] = {-1, -1};
    snprintf(reader.text, sizeof reader.text, "%s", caption);
    reader.at = reader.text;
    if (!read_noun(&reader, &nouns[0])) return -1;
    bool truth = shown(&nouns[0], scene);
    if (eat(&reader, "and") || eat(&reader, "with") || eat(&reader, "but")) {
        if (!read_noun(&reader, &nouns[1])) return -1;
        truth = truth && shown(&nouns[1], scene);
    } else if ((relations[0] = read_relation(&reader)) >= 0) {
        if (!read_noun(&reader, &nouns[1])) return -1;
        const bool nested = eat(&reader, "that is");
        if (nested && ((relations[1] = read_relation(&reader)) < 0 || !read_noun(&reader, &nouns[2]))) return -1;
        truth = chain_holds(nouns, relations, nested ? 3 : 2, scene);
    }
    truth = ending_fits(&reader, scene) && truth;
    return truth && *reader.at ? -1 : truth;
}

static void captions_are_true(void **state) {
    (void)state;
    int seen[RINS_SYNTH_FORMS] = {0};
    for (int split = 0; split < RINS_SYNTH_SPLITS; split++) {
        const RinsSynthWorld world = world_of((RinsSynthSplit)split, 1, every_form);
        for (uint64_t k = 0; k < 8000; k++) {
            RinsSynthScene scene;
            char caption[RINS_SYNTH_TEXT];
            rins_synth_scene(&world, k, &scene);
            rins_synth_caption(&scene.meaning, caption);
            if (judge(caption, &scene) != 1)
                fail_msg("scene %d of '%s' is not as it says: %s", (int)k, rins_synth_splits[split], caption);
            seen[scene.meaning.form]++;
        }
    }
    for (int form = 0; form < RINS_SYNTH_FORMS; form++) assert_true(seen[form] > 500);
}

static int by_word(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The same words in any order? */
static bool same_words(const char *a, const char *b) {
    char texts[2][RINS_SYNTH_TEXT], *words[2][64], *rest;
    int n[2] = {0};
    for (int i = 0; i < 2; i++) {
        snprintf(texts[i], sizeof texts[i], "%s", i ? b : a);
        for (char *word = strtok_r(texts[i], " ", &rest); word; word = strtok_r(NULL, " ", &rest))
            words[i][n[i]++] = word;
        qsort(words[i], (size_t)n[i], sizeof words[i][0], by_word);
    }
    if (n[0] != n[1]) return false;
    for (int i = 0; i < n[0]; i++)
        if (strcmp(words[0][i], words[1][i])) return false;
    return true;
}

/* How many attributes, counts, sizes and relations two meanings differ in. */
static int differences(const RinsSynthMeaning *a, const RinsSynthMeaning *b) {
    int n = (a->relation[0] != b->relation[0]) + (a->relation[1] != b->relation[1]) + (a->place != b->place) +
            (a->background != b->background) + (a->wording != b->wording) + (a->form != b->form);
    for (int i = 0; i < a->n_things; i++) {
        const RinsSynthThing *s = &a->things[i], *t = &b->things[i];
        n += (s->shape != t->shape) + (s->colour != t->colour) + (s->texture != t->texture) + (s->count != t->count) +
             (s->size != t->size) + (s->say_size != t->say_size);
    }
    return n;
}

static bool same_thing(const RinsSynthThing *a, const RinsSynthThing *b) {
    return a->shape == b->shape && a->colour == b->colour && a->texture == b->texture && a->size == b->size &&
           a->count == b->count;
}

static void check_negative(const RinsSynthWorld *world, const RinsSynthScene *scene, int skill, uint64_t k) {
    RinsSynthMeaning no;
    const RinsSynthMeaning *yes = &scene->meaning;
    char caption[RINS_SYNTH_TEXT], negative[RINS_SYNTH_TEXT];
    if (!rins_synth_negative(world, yes, (RinsSynthSkill)skill, k, &no)) return;
    rins_synth_caption(yes, caption);
    rins_synth_caption(&no, negative);
    if (judge(negative, scene) != 0)
        fail_msg("%s: '%s' should be false where '%s' is true", rins_synth_skills[skill], negative, caption);
    for (int i = 0; i < no.n_things; i++)
        assert_false(
            rins_synth_combo_held_out(rins_synth_combo(no.things[i].shape, no.things[i].colour, no.things[i].texture)));
    const int changed = differences(yes, &no), last = yes->n_things - 1;
    const bool bag = same_words(caption, negative),
               one_word = skill == RINS_SYNTH_ATTRIBUTE || skill == RINS_SYNTH_DIRECTION ||
                          (skill == RINS_SYNTH_COUNTING && yes->form == RINS_SYNTH_COUNT);
    bool exact = one_word ? changed == 1 && !bag : bag;
    if (skill == RINS_SYNTH_BINDING || (skill == RINS_SYNTH_COUNTING && !one_word)) exact = exact && changed == 2;
    if (skill == RINS_SYNTH_ORDER || skill == RINS_SYNTH_NEGATED)
        exact = exact && same_thing(&yes->things[0], &no.things[1]) && same_thing(&yes->things[1], &no.things[0]);
    if (skill == RINS_SYNTH_NESTING)
        exact = exact && same_thing(&yes->things[0], &no.things[last]) && same_thing(&yes->things[1], &no.things[1]);
    if (!exact) fail_msg("'%s' and '%s' differ in more or less than %s", caption, negative, rins_synth_skills[skill]);
}

static void hard_negatives_are_false_by_one_skill(void **state) {
    (void)state;
    int made[RINS_SYNTH_SKILLS] = {0};
    const RinsSynthWorld world = world_of(RINS_SYNTH_VAL, 1, every_form);
    for (uint64_t k = 0; k < 12000; k++) {
        RinsSynthScene scene;
        RinsSynthMeaning unused;
        rins_synth_scene(&world, k, &scene);
        for (int skill = 0; skill < RINS_SYNTH_SKILLS; skill++) {
            made[skill] += rins_synth_negative(&world, &scene.meaning, (RinsSynthSkill)skill, k, &unused);
            check_negative(&world, &scene, skill, k);
        }
    }
    for (int skill = 0; skill < RINS_SYNTH_SKILLS; skill++)
        if (made[skill] < 1000) fail_msg("only %d negatives for %s", made[skill], rins_synth_skills[skill]);
}

static void held_out_combos_never_train(void **state) {
    (void)state;
    int held_out = 0, words[3][RINS_SYNTH_SHAPES] = {{0}};
    for (int combo = 0; combo < RINS_SYNTH_COMBOS; combo++) held_out += rins_synth_combo_held_out(combo);
    assert_int_equal(held_out, RINS_SYNTH_HELDOUT);
    for (int split = 0; split < RINS_SYNTH_SPLITS; split++)
        for (int level = 1; level <= RINS_SYNTH_LEVELS; level++) {
            const RinsSynthWorld world = world_of((RinsSynthSplit)split, level, NULL);
            for (uint64_t k = 0; k < 4000; k++) {
                RinsSynthScene scene;
                rins_synth_scene(&world, k, &scene);
                for (int i = 0; i < scene.n_objects + scene.meaning.n_things; i++) {
                    const RinsSynthObject *o = &scene.objects[i < scene.n_objects ? i : 0];
                    const RinsSynthThing *t = &scene.meaning.things[i < scene.n_objects ? 0 : i - scene.n_objects];
                    const int combo = i < scene.n_objects ? rins_synth_combo(o->shape, o->colour, o->texture)
                                                          : rins_synth_combo(t->shape, t->colour, t->texture);
                    if (rins_synth_combo_held_out(combo) != (split == RINS_SYNTH_UNSEEN))
                        fail_msg("scene %d of '%s' has combo %d", (int)k, rins_synth_splits[split], combo);
                    if (split == RINS_SYNTH_TRAIN) words[0][o->shape]++, words[1][o->colour]++, words[2][o->texture]++;
                }
            }
        }
    for (int i = 0; i < RINS_SYNTH_SHAPES; i++) /* but every word of a held-out name was trained */
        assert_true(words[0][i] && words[1][i] && (i >= RINS_SYNTH_TEXTURES || words[2][i]));
}

typedef struct Said {
    uint64_t hash, k;
} Said;
static int by_hash(const void *a, const void *b) {
    const Said *x = a, *y = b;
    return x->hash != y->hash ? (x->hash < y->hash ? -1 : 1) : x->k < y->k ? -1 : x->k > y->k;
}

static void captions_do_not_repeat_within_the_window(void **state) {
    (void)state;
    enum { N = 40000 };
    Said *said = malloc(N * sizeof *said);
    assert_non_null(said);
    for (int level = 1; level <= RINS_SYNTH_LEVELS; level++) {
        const RinsSynthWorld world = world_of(RINS_SYNTH_TRAIN, level, NULL);
        for (uint64_t k = 0; k < N; k++) {
            RinsSynthScene scene;
            char caption[RINS_SYNTH_TEXT];
            rins_synth_scene(&world, k, &scene);
            rins_synth_caption(&scene.meaning, caption);
            said[k] = (Said){rins_hash_str(caption), k};
        }
        qsort(said, N, sizeof *said, by_hash);
        uint64_t nearest = UINT64_MAX;
        for (int i = 1; i < N; i++)
            if (said[i].hash == said[i - 1].hash && said[i].k - said[i - 1].k < nearest)
                nearest = said[i].k - said[i - 1].k;
        if (nearest < RINS_SYNTH_WINDOW)
            fail_msg("level %d: a caption comes again after %d scenes", level, (int)nearest);
    }
    free(said);
}

static void scenes_are_functions_of_their_number(void **state) {
    (void)state;
    enum { SIDE = 40, BYTES = SIDE * SIDE * 3 };
    static uint8_t first[BYTES], again[BYTES], other[BYTES];
    static float scratch[BYTES];
    const RinsSynthWorld world = world_of(RINS_SYNTH_TRAIN, 4, NULL), val = world_of(RINS_SYNTH_VAL, 4, NULL);
    for (uint64_t k = 0; k < 50; k++) {
        RinsSynthScene scene;
        rins_synth_scene(&world, k, &scene);
        rins_synth_draw(&scene, SIDE, scratch, first);
        rins_synth_scene(&val, k, &scene);
        rins_synth_draw(&scene, SIDE, scratch, other);
        rins_synth_scene(&world, k + 1, &scene);
        rins_synth_scene(&world, k, &scene);
        rins_synth_draw(&scene, SIDE, scratch, again);
        assert_memory_equal(first, again, BYTES);
        assert_memory_not_equal(first, other, BYTES);
    }
}

/* A combo's picture has its colour where the shape is: drawing and description do not drift apart. */
static void shapes_cover_their_centre_and_stay_in_their_radius(void **state) {
    (void)state;
    for (int shape = 0; shape < RINS_SYNTH_SHAPES; shape++) {
        RinsSynthOutline outline;
        rins_synth_outline(&outline, shape);
        double area = 0.0;
        for (int y = -60; y < 60; y++)
            for (int x = -60; x < 60; x++) {
                const float u = ((float)x + 0.5f) / 50.0f, v = ((float)y + 0.5f) / 50.0f;
                const bool inside = rins_synth_distance(&outline, u, v) < 0.0f;
                area += inside / 2500.0;
                if (inside && hypotf(u, v) > 1.02f) fail_msg("%s leaves its radius", rins_synth_shapes[shape]);
            }
        if (area < 0.9 || area > 2.8) fail_msg("%s covers %.2f of its square of 4", rins_synth_shapes[shape], area);
    }
}

static uint64_t file_hash(const char *dir, const char *name) {
    char path[2048], *data;
    size_t size;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(rins_file_read(path, 0, &data, &size), RINS_OK);
    const uint64_t hash = rins_hash_bytes(data, size, RINS_HASH_BASIS);
    free(data);
    return hash;
}

static void files_are_the_same_bytes_for_any_threads(void **state) {
    (void)state;
    static const char *const names[] = {"train-00000.tar",     "train-00001.tar", "val-00000.tar",
                                        "captions.txt",        "hard.tsv",        "templates.txt",
                                        "heldout-classes.txt", "world.json",      "files.txt"};
    char dirs[2][512];
    uint64_t hashes[2][9];
    for (int i = 0; i < 2; i++) {
        snprintf(dirs[i], sizeof dirs[i], "%s/synth-test-%d",
                 getenv("RINS_BUILD_ROOT") ? getenv("RINS_BUILD_ROOT") : ".", i);
        assert_int_equal(rins_remove_tree(dirs[i]), RINS_OK);
        const RinsSynthFiles files = {.dir = dirs[i],
                                      .seed = 3,
                                      .level = 4,
                                      .size = 32,
                                      .train = 700,
                                      .val = 40,
                                      .per_class = 1,
                                      .hard = 10,
                                      .shard_samples = 500,
                                      .threads = 1 + 2 * i};
        assert_int_equal(rins_synth_write(&files), RINS_OK);
        for (int f = 0; f < 9; f++) hashes[i][f] = file_hash(dirs[i], names[f]);
        assert_int_equal(rins_remove_tree(dirs[i]), RINS_OK);
    }
    for (int f = 0; f < 9; f++)
        if (hashes[0][f] != hashes[1][f]) fail_msg("%s differs between 1 and 3 threads", names[f]);
}

static const char *scratch_dir(const char *name) {
    static char dir[512];
    snprintf(dir, sizeof dir, "%s/%s", getenv("RINS_BUILD_ROOT") ? getenv("RINS_BUILD_ROOT") : ".", name);
    assert_int_equal(rins_remove_tree(dir), RINS_OK);
    return dir;
}

static bool there(const char *dir, const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return rins_path_is_file(path);
}

static void put(const char *dir, const char *name, const char *text) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(rins_mkdirs(dir), RINS_OK);
    assert_int_equal(rins_file_write(path, text, strlen(text)), RINS_OK);
}

static int pictures_in(const char *dir, const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    DIR *folder = opendir(path);
    int n = 0;
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) n += entry->d_name[0] != '.';
    closedir(folder);
    return n;
}

static void drawing_again_leaves_nothing_of_the_former_set(void **state) {
    (void)state;
    const char *dir = scratch_dir("synth-again");
    RinsSynthFiles files = {.dir = dir,
                            .level = 1,
                            .size = 16,
                            .train = 30,
                            .val = 12,
                            .per_class = 3,
                            .hard = 4,
                            .shard_samples = 10,
                            .threads = 1};
    assert_int_equal(rins_synth_write(&files), RINS_OK);
    put(dir, "mine.txt", "mine");
    put(dir, "train-00099.tar.note", "mine");
    static const char *const halves[] = {"train-00002.tar.partial", "captions.txt.partial", "hard.tsv.partial"};
    for (int i = 0; i < 3; i++) put(dir, halves[i], "half"); /* as a killed run leaves them */
    const int hard_before = pictures_in(dir, "hard");
    files.train = 10, files.val = 5, files.per_class = 1, files.hard = 1, files.png = true, files.seed = 1;
    if (rins_synth_write(&files) != RINS_OK) fail_msg("drawing again: %s", rins_last_error());
    if (there(dir, "train-00001.tar") || there(dir, "train-00002.tar") || there(dir, "val-00001.tar"))
        fail_msg("a shard of the former set is left");
    const int n = pictures_in(dir, "heldout/checked_black_circle") + pictures_in(dir, "seen/checked_black_cross");
    if (n != 2) fail_msg("%d pictures in two class folders of one each", n);
    const int hard = pictures_in(dir, "hard");
    if (hard >= hard_before) fail_msg("%d hard pictures after a set of %d", hard, hard_before);
    for (int i = 0; i < 3; i++)
        if (there(dir, halves[i])) fail_msg("%s is left", halves[i]);
    assert_true(there(dir, "train-00000.tar"));
    assert_true(there(dir, "mine.txt"));
    assert_true(there(dir, "train-00099.tar.note"));
    assert_int_equal(rins_remove_tree(dir), RINS_OK);
}

static void a_part_drawn_again_keeps_the_others(void **state) {
    (void)state;
    const char *dir = scratch_dir("synth-part");
    const RinsSynthFiles all = {
        .dir = dir, .level = 2, .size = 16, .train = 20, .val = 7, .hard = 4, .shard_samples = 10, .threads = 1};
    RinsSynthFiles part = {.dir = dir, .level = 2, .size = 16, .hard = 4, .threads = 1};
    assert_int_equal(rins_synth_write(&all), RINS_OK);
    const uint64_t world = file_hash(dir, "world.json"), hard = file_hash(dir, "hard.tsv");
    if (rins_synth_write(&part) != RINS_OK) fail_msg("one part again: %s", rins_last_error());
    if (file_hash(dir, "world.json") != world) fail_msg("world.json no longer says what stands");
    if (file_hash(dir, "hard.tsv") != hard) fail_msg("other rows in hard.tsv");
    assert_true(there(dir, "train-00001.tar") && there(dir, "val-00000.tar"));
    part.seed = 1; /* the shards would be of another world than hard.tsv */
    assert_int_equal(rins_synth_write(&part), RINS_ERR_MISMATCH);
    assert_non_null(strstr(rins_last_error(), "another seed"));
    if (file_hash(dir, "world.json") != world || file_hash(dir, "hard.tsv") != hard)
        fail_msg("a refused run changed the folder");
    assert_int_equal(rins_remove_tree(dir), RINS_OK);
}

static void folders_of_others_are_refused(void **state) {
    (void)state;
    const char *dir = scratch_dir("synth-foreign");
    RinsSynthFiles files = {.dir = dir, .level = 1, .size = 16, .val = 2, .threads = 1};
    put(dir, "mine.txt", "mine");
    assert_int_equal(rins_synth_write(&files), RINS_ERR_ARG);
    assert_non_null(strstr(rins_last_error(), "not empty"));
    put(dir, "files.txt", "val-00000.tar\nmine.txt\n");
    assert_int_equal(rins_synth_write(&files), RINS_ERR_FORMAT);
    assert_non_null(strstr(rins_last_error(), "mine.txt"));
    put(dir, "files.txt", "val-/../mine.txt\n");
    assert_int_equal(rins_synth_write(&files), RINS_ERR_FORMAT);
    assert_true(there(dir, "mine.txt"));
    put(dir, "files.txt", "val-00000.tar\nval-0000"); /* killed within an entry */
    assert_int_equal(rins_synth_write(&files), RINS_OK);
    assert_true(there(dir, "mine.txt"));
    assert_int_equal(rins_remove_tree(dir), RINS_OK);
}

static void wrong_settings_are_named(void **state) {
    (void)state;
    RinsSynthWorld world;
    assert_int_equal(rins_synth_world(&world, 0, RINS_SYNTH_TRAIN, 9), RINS_ERR_ARG);
    assert_int_equal(rins_synth_world(&world, 0, RINS_SYNTH_TRAIN, 1), RINS_OK);
    assert_int_equal(rins_synth_set_mix(&world, "pairs=1"), RINS_ERR_ARG);
    assert_non_null(strstr(rins_last_error(), "pairs"));
    assert_int_equal(rins_synth_set_mix(&world, "pair=0"), RINS_ERR_ARG);
    assert_int_equal(rins_synth_set_mix(&world, "pair=1,single"), RINS_ERR_ARG);
    assert_int_equal(rins_synth_set_mix(&world, "pair=1;single=2"), RINS_ERR_ARG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captions_are_true),
        cmocka_unit_test(hard_negatives_are_false_by_one_skill),
        cmocka_unit_test(held_out_combos_never_train),
        cmocka_unit_test(captions_do_not_repeat_within_the_window),
        cmocka_unit_test(scenes_are_functions_of_their_number),
        cmocka_unit_test(shapes_cover_their_centre_and_stay_in_their_radius),
        cmocka_unit_test(files_are_the_same_bytes_for_any_threads),
        cmocka_unit_test(drawing_again_leaves_nothing_of_the_former_set),
        cmocka_unit_test(a_part_drawn_again_keeps_the_others),
        cmocka_unit_test(folders_of_others_are_refused),
        cmocka_unit_test(wrong_settings_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
