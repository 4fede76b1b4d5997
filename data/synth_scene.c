/* Which scene is scene k: the form, what it says, and where things lie.

   No two captions of RINS_SYNTH_WINDOW consecutive scenes are equal, without looking at any other scene: per
   form, the parts of the meaning that a caption always shows are one number, a keyed permutation of k modulo
   their count. Two scenes nearer than that count hence differ in words. */
#include "data/synth.h"

#include "src/base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Two groups of two to four, never as many of one as of the other: nine cells hold them. */
enum { MOST_OF_GROUP = 4 };
/* A single thing's caption ends in a place, in a background, or in neither. */
enum { ENDINGS = RINS_SYNTH_PLACES + 1 + RINS_SYNTH_BACKGROUNDS };
enum { STREAM_MEANING, STREAM_LAYOUT, STREAM_PIXELS, STREAM_SINGLE, STREAMS };
static const uint64_t heldout_key = 0x52494e53;

bool rins_synth_combo_held_out(int combo) {
    return rins_permute((uint64_t)combo, RINS_SYNTH_COMBOS, heldout_key, 0) < RINS_SYNTH_HELDOUT;
}

/* Weights by form: single count groups pair relation negation nested. */
static const double levels[RINS_SYNTH_LEVELS][RINS_SYNTH_FORMS] = {
    {0.80, 0.20, 0.00, 0.00, 0.00, 0.00, 0.00},
    {0.50, 0.10, 0.00, 0.15, 0.25, 0.00, 0.00},
    {0.10, 0.10, 0.15, 0.20, 0.30, 0.15, 0.00},
    {0.00, 0.05, 0.15, 0.15, 0.25, 0.15, 0.25},
};

RinsStatus rins_synth_world(RinsSynthWorld *world, uint64_t seed, RinsSynthSplit split, int level) {
    if (level < 1 || level > RINS_SYNTH_LEVELS)
        return RINS_FAIL(RINS_ERR_ARG, "level %d: the synthetic world has levels 1 to %d", level, RINS_SYNTH_LEVELS);
    *world = (RinsSynthWorld){.seed = seed, .split = split};
    memcpy(world->mix, levels[level - 1], sizeof world->mix);
    for (int combo = 0; combo < RINS_SYNTH_COMBOS; combo++)
        if (rins_synth_combo_held_out(combo) == (split == RINS_SYNTH_UNSEEN)) world->combos[world->n_combos++] = combo;
    return RINS_OK;
}

RinsStatus rins_synth_set_mix(RinsSynthWorld *world, const char *text) {
    double mix[RINS_SYNTH_FORMS] = {0}, sum = 0.0;
    for (const char *at = text; *at;) {
        const size_t length = strcspn(at, "=");
        int form = 0;
        while (form < RINS_SYNTH_FORMS &&
               (strlen(rins_synth_forms[form]) != length || strncmp(rins_synth_forms[form], at, length)))
            form++;
        const char *number = at + length + (at[length] == '=');
        const size_t digits = strcspn(number, ",");
        double weight;
        if (form == RINS_SYNTH_FORMS || !rins_parse_double(number, digits, &weight) || weight < 0)
            return RINS_FAIL(RINS_ERR_ARG,
                             "mix '%s': wanted FORM=WEIGHT,... with forms single, count, groups, pair, relation, "
                             "negation, nested; stopped at '%s'",
                             text, at);
        mix[form] = weight;
        at = number + digits + (number[digits] == ',');
    }
    for (int form = 0; form < RINS_SYNTH_FORMS; form++) sum += mix[form];
    if (!(sum > 0.0)) return RINS_FAIL(RINS_ERR_ARG, "mix '%s': all weights are zero", text);
    for (int form = 0; form < RINS_SYNTH_FORMS; form++) world->mix[form] = mix[form] / sum;
    return RINS_OK;
}

static double between(RinsRng *rng, double low, double high) {
    return low + (high - low) * rins_rng_uniform(rng);
}

static RinsRng stream(const RinsSynthWorld *world, int which, uint64_t k) {
    return rins_rng(RINS_RNG_SYNTH, world->seed, k, (uint64_t)world->split * STREAMS + (uint64_t)which);
}

/* Digit of a mixed-radix number. */
static int take(uint64_t *code, int radix) {
    const int digit = (int)(*code % (uint64_t)radix);
    *code /= (uint64_t)radix;
    return digit;
}

static RinsSynthThing thing_of(int combo, RinsRng *rng) {
    const int rest = combo / RINS_SYNTH_SHAPES;
    return (RinsSynthThing){.shape = combo % RINS_SYNTH_SHAPES,
                            .colour = rest % RINS_SYNTH_COLOURS,
                            .texture = rest / RINS_SYNTH_COLOURS,
                            .size = RINS_SYNTH_MEDIUM,
                            .count = 1,
                            .say_solid = rins_rng_below(rng, 2) != 0};
}

static void maybe_size(RinsSynthThing *thing, double chance, RinsRng *rng) {
    if (rins_rng_uniform(rng) >= chance) return;
    thing->size = rins_rng_below(rng, 2) ? RINS_SYNTH_LARGE : RINS_SYNTH_SMALL;
    thing->say_size = true;
}

/* Shapes with room for another one inside; the inner one must stand out from what it lies on. */
static bool can_hold(const RinsSynthThing *outer, const RinsSynthThing *inner) {
    static const bool roomy[RINS_SYNTH_SHAPES] = {
        [0] = true, [1] = true, [5] = true, [6] = true, [7] = true, [9] = true};
    return roomy[outer->shape] && outer->colour != inner->colour;
}

static void choose_relation(RinsSynthMeaning *meaning, RinsRng *rng) {
    RinsSynthThing *a = &meaning->things[0], *b = &meaning->things[1];
    for (;;) {
        const int relation = (int)rins_rng_below(rng, RINS_SYNTH_RELATIONS);
        if ((relation == RINS_SYNTH_INSIDE && !can_hold(b, a)) || (relation == RINS_SYNTH_AROUND && !can_hold(a, b)))
            continue;
        meaning->relation[0] = relation;
        break;
    }
    if (meaning->relation[0] < RINS_SYNTH_INSIDE) {
        maybe_size(a, 0.3, rng);
        maybe_size(b, 0.3, rng);
        return;
    }
    const bool first = meaning->relation[0] == RINS_SYNTH_AROUND || meaning->relation[0] == RINS_SYNTH_BIGGER;
    a->size = first ? RINS_SYNTH_LARGE : RINS_SYNTH_SMALL;
    b->size = first ? RINS_SYNTH_SMALL : RINS_SYNTH_LARGE;
}

/* One relation along each axis, so that exchanging the outer things is always wrong. */
static void choose_nesting(RinsSynthMeaning *meaning, const RinsSynthWorld *world, RinsRng *rng) {
    const int axis = (int)rins_rng_below(rng, 2);
    meaning->relation[0] = 2 * axis + (int)rins_rng_below(rng, 2);
    meaning->relation[1] = 2 * (1 - axis) + (int)rins_rng_below(rng, 2);
    int combo;
    const int first = rins_synth_combo(meaning->things[0].shape, meaning->things[0].colour, meaning->things[0].texture),
              second =
                  rins_synth_combo(meaning->things[1].shape, meaning->things[1].colour, meaning->things[1].texture);
    do combo = world->combos[rins_rng_below(rng, (uint64_t)world->n_combos)];
    while (combo == first || combo == second);
    meaning->things[2] = thing_of(combo, rng);
    meaning->n_things = 3;
}

/* Codes of the form: the product of the choices that its caption always shows. */
static uint64_t code_count(const RinsSynthWorld *world, RinsSynthForm form) {
    const uint64_t n = (uint64_t)world->n_combos;
    if (form == RINS_SYNTH_SINGLE) return n * RINS_SYNTH_SIZES * ENDINGS;
    if (form == RINS_SYNTH_COUNT)
        return n * (RINS_SYNTH_MAX_COUNT - 1) * RINS_SYNTH_SIZES * (RINS_SYNTH_BACKGROUNDS + 1);
    return n * (n - 1);
}

static void choose_one(RinsSynthMeaning *meaning, const RinsSynthWorld *world, uint64_t code, RinsRng *rng) {
    RinsSynthThing *thing = &meaning->things[0];
    *thing = thing_of(world->combos[take(&code, world->n_combos)], rng);
    thing->size = take(&code, RINS_SYNTH_SIZES);
    thing->say_size = thing->size != RINS_SYNTH_MEDIUM;
    meaning->n_things = 1;
    if (meaning->form == RINS_SYNTH_SINGLE) {
        const int ending = take(&code, ENDINGS);
        if (ending < RINS_SYNTH_PLACES)
            meaning->place = ending;
        else
            meaning->background = ending - RINS_SYNTH_PLACES - 1;
    } else {
        meaning->background = take(&code, RINS_SYNTH_BACKGROUNDS + 1) - 1;
        thing->count = 2 + take(&code, RINS_SYNTH_MAX_COUNT - 1);
    }
}

static void choose_two(RinsSynthMeaning *meaning, const RinsSynthWorld *world, uint64_t code, RinsRng *rng) {
    const int first = take(&code, world->n_combos), other = (int)code, second = other + (other >= first);
    meaning->things[0] = thing_of(world->combos[first], rng);
    meaning->things[1] = thing_of(world->combos[second], rng);
    meaning->n_things = 2;
    const bool alike =
        meaning->things[0].shape == meaning->things[1].shape && meaning->things[0].colour == meaning->things[1].colour;
    if (alike) meaning->things[0].say_solid = meaning->things[1].say_solid = true; /* "a red circle" would be both */
    switch (meaning->form) {
    case RINS_SYNTH_GROUPS:
        meaning->things[0].count = 2 + (int)rins_rng_below(rng, MOST_OF_GROUP - 1);
        meaning->things[1].count = 2 + (int)rins_rng_below(rng, MOST_OF_GROUP - 2);
        if (meaning->things[1].count >= meaning->things[0].count) meaning->things[1].count++;
        break;
    case RINS_SYNTH_RELATION: choose_relation(meaning, rng); break;
    case RINS_SYNTH_NESTED: choose_nesting(meaning, world, rng); break;
    default:
        for (int i = 0; i < 2; i++) maybe_size(&meaning->things[i], 0.3, rng);
        if (meaning->form == RINS_SYNTH_NEGATION) { /* "no red circle" would deny the striped one as well */
            meaning->things[1].say_size = false;
            meaning->things[1].say_solid = true;
        }
        break;
    }
}

static RinsSynthForm choose_form(const RinsSynthWorld *world, RinsRng *rng) {
    double at = rins_rng_uniform(rng);
    int last = 0;
    for (int form = 0; form < RINS_SYNTH_FORMS; form++) {
        if (world->mix[form] <= 0.0) continue;
        last = form;
        if (at < world->mix[form]) break;
        at -= world->mix[form];
    }
    return (RinsSynthForm)last;
}

/* How large a thing of each size is where one, two or more share the picture. */
static double radius_of(int size, int crowd, RinsRng *rng) {
    static const double ranges[3][RINS_SYNTH_SIZES][2] = {{{0.14, 0.18}, {0.22, 0.27}, {0.32, 0.40}},
                                                          {{0.10, 0.125}, {0.145, 0.17}, {0.19, 0.22}},
                                                          {{0.09, 0.10}, {0.115, 0.13}, {0.145, 0.155}}};
    return between(rng, ranges[crowd][size][0], ranges[crowd][size][1]);
}

static RinsSynthObject *add_object(RinsSynthScene *scene, const RinsSynthThing *thing, double x, double y,
                                   double radius, RinsRng *rng) {
    RinsSynthObject *object = &scene->objects[scene->n_objects++];
    *object = (RinsSynthObject){.shape = thing->shape,
                                .colour = thing->colour,
                                .texture = thing->texture,
                                .size = thing->size,
                                .x = x,
                                .y = y,
                                .radius = radius,
                                .angle = between(rng, -0.26, 0.26)}; /* 15 degrees: a square stays a square */
    return object;
}

static void lay_single(RinsSynthScene *scene, RinsRng *rng) {
    const RinsSynthThing *thing = &scene->meaning.things[0];
    const double radius = radius_of(thing->size, 0, rng), room = 0.49 - radius;
    double dx = between(rng, -1.0, 1.0), dy = between(rng, -1.0, 1.0);
    if (scene->meaning.place >= 0) {
        dx = (scene->meaning.place % 3 - 1) * 0.85 + 0.15 * dx;
        dy = (scene->meaning.place / 3 - 1) * 0.85 + 0.15 * dy;
    }
    add_object(scene, thing, 0.5 + dx * room, 0.5 + dy * room, radius, rng);
}

/* Two things `angle` apart (seen from the second), anywhere that both fit. */
static void lay_two(RinsSynthScene *scene, double angle, RinsRng *rng) {
    const RinsSynthThing *things = scene->meaning.things;
    const double r0 = radius_of(things[0].size, 1, rng), r1 = radius_of(things[1].size, 1, rng);
    const double ux = cos(angle), uy = sin(angle);
    const double reach = fmax(fabs(ux), fabs(uy)), near = r0 + r1 + 0.03, far = fmin(0.6, (0.98 - r0 - r1) / reach);
    const double gap = between(rng, near, fmax(near, far));
    const double x_low = fmax(r0 - gap * ux, r1), x_high = fmin(1.0 - r0 - gap * ux, 1.0 - r1);
    const double y_low = fmax(r0 - gap * uy, r1), y_high = fmin(1.0 - r0 - gap * uy, 1.0 - r1);
    const double x = between(rng, x_low, x_high), y = between(rng, y_low, y_high);
    add_object(scene, &things[0], x + gap * ux, y + gap * uy, r0, rng);
    add_object(scene, &things[1], x, y, r1, rng);
}

static void lay_inside(RinsSynthScene *scene, bool first_is_outer, RinsRng *rng) {
    const RinsSynthThing *things = scene->meaning.things;
    const double outer = between(rng, 0.32, 0.40), inner = outer * between(rng, 0.38, 0.42), room = 0.49 - outer;
    const double x = 0.5 + between(rng, -room, room), y = 0.5 + between(rng, -room, room);
    add_object(scene, &things[first_is_outer ? 0 : 1], x, y, outer, rng);
    add_object(scene, &things[first_is_outer ? 1 : 0], x, y, inner, rng);
}

/* Centre of a cell of a 3 x 3 grid, jittered so that neighbours stay apart. */
static void lay_cell(RinsSynthScene *scene, const RinsSynthThing *thing, int cell, RinsRng *rng) {
    const double radius = radius_of(thing->size, 2, rng), room = 1.0 / 6.0 - radius;
    const double x = (cell % 3 + 0.5) / 3.0 + between(rng, -room, room),
                 y = (cell / 3 + 0.5) / 3.0 + between(rng, -room, room);
    add_object(scene, thing, x, y, radius, rng);
}

static void lay_groups(RinsSynthScene *scene, RinsRng *rng) {
    int cells[9];
    for (int i = 0; i < 9; i++) cells[i] = i;
    for (int i = 8; i > 0; i--) {
        const int j = (int)rins_rng_below(rng, (uint64_t)i + 1), kept = cells[i];
        cells[i] = cells[j];
        cells[j] = kept;
    }
    int used = 0;
    for (int t = 0; t < scene->meaning.n_things; t++)
        for (int i = 0; i < scene->meaning.things[t].count; i++)
            lay_cell(scene, &scene->meaning.things[t], cells[used++], rng);
}

/* An L of three cells: the second thing at its corner. */
static void lay_nested(RinsSynthScene *scene, RinsRng *rng) {
    int at[3][2]; /* column, row */
    const int first = scene->meaning.relation[0], second = scene->meaning.relation[1];
    const int along[2] = {first / 2, second / 2};                  /* 0: columns, 1: rows */
    const int sign[2] = {first % 2 ? 1 : -1, second % 2 ? -1 : 1}; /* of thing 0 and of thing 2, seen from thing 1 */
    at[1][0] = at[1][1] = 1;
    for (int i = 0; i < 2; i++)
        at[1][along[i]] = sign[i] > 0 ? (int)rins_rng_below(rng, 2) : 1 + (int)rins_rng_below(rng, 2);
    for (int i = 0; i < 2; i++) {
        const int axis = along[i], thing = 2 * i, room = sign[i] > 0 ? 2 - at[1][axis] : at[1][axis];
        at[thing][1 - axis] = at[1][1 - axis];
        at[thing][axis] = at[1][axis] + sign[i] * (1 + (int)rins_rng_below(rng, (uint64_t)room));
    }
    for (int i = 0; i < 3; i++) lay_cell(scene, &scene->meaning.things[i], at[i][1] * 3 + at[i][0], rng);
}

static void lay_relation(RinsSynthScene *scene, RinsRng *rng) {
    static const double directions[4] = {M_PI, 0.0, -M_PI / 2, M_PI / 2};
    const int relation = scene->meaning.relation[0];
    if (relation < RINS_SYNTH_INSIDE)
        lay_two(scene, directions[relation] + between(rng, -0.4, 0.4), rng);
    else if (relation < RINS_SYNTH_BIGGER)
        lay_inside(scene, relation == RINS_SYNTH_AROUND, rng);
    else
        lay_two(scene, between(rng, -M_PI, M_PI), rng);
}

static void lay_out(RinsSynthScene *scene, RinsRng *rng) {
    const RinsSynthMeaning *meaning = &scene->meaning;
    scene->n_objects = 0;
    scene->background =
        meaning->background >= 0 ? meaning->background : (int)rins_rng_below(rng, RINS_SYNTH_BACKGROUNDS);
    switch (meaning->form) {
    case RINS_SYNTH_SINGLE:
    case RINS_SYNTH_NEGATION: lay_single(scene, rng); break;
    case RINS_SYNTH_PAIR: lay_two(scene, between(rng, -M_PI, M_PI), rng); break;
    case RINS_SYNTH_RELATION: lay_relation(scene, rng); break;
    case RINS_SYNTH_NESTED: lay_nested(scene, rng); break;
    default: lay_groups(scene, rng); break;
    }
}

void rins_synth_scene(const RinsSynthWorld *world, uint64_t k, RinsSynthScene *scene) {
    RinsRng words = stream(world, STREAM_MEANING, k), places = stream(world, STREAM_LAYOUT, k);
    *scene = (RinsSynthScene){.meaning = {.place = -1, .background = -1}, .pixels = stream(world, STREAM_PIXELS, k)};
    RinsSynthMeaning *meaning = &scene->meaning;
    meaning->form = choose_form(world, &words);
    const uint64_t codes = code_count(world, meaning->form);
    const uint64_t code =
        rins_permute(k % codes, codes, world->seed, (uint64_t)world->split * RINS_SYNTH_FORMS + meaning->form);
    if (meaning->form == RINS_SYNTH_SINGLE || meaning->form == RINS_SYNTH_COUNT)
        choose_one(meaning, world, code, &words);
    else
        choose_two(meaning, world, code, &words);
    meaning->wording = rins_rng_u32(&words);
    lay_out(scene, &places);
}

void rins_synth_scene_of(const RinsSynthWorld *world, int combo, uint64_t i, RinsSynthScene *scene) {
    RinsRng rng = stream(world, STREAM_SINGLE, i << 16 | (uint64_t)combo);
    *scene = (RinsSynthScene){.meaning = {.form = RINS_SYNTH_SINGLE, .n_things = 1, .place = -1, .background = -1}};
    scene->meaning.things[0] = thing_of(combo, &rng);
    scene->meaning.things[0].size = (int)rins_rng_below(&rng, RINS_SYNTH_SIZES);
    lay_out(scene, &rng);
    scene->pixels = rng;
}
