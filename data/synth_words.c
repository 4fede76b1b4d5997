/* The language of the synthetic world: meanings to captions, and to captions that are nearly true.
   No word that may follow "a" starts with a vowel: exchanging words never changes an article, which would
   give a hard negative away. */
#include "data/synth.h"

#include <stdio.h>
#include <string.h>

const char *const rins_synth_shapes[RINS_SYNTH_SHAPES] = {"circle",  "square", "triangle", "star",     "cross",
                                                          "diamond", "heart",  "ring",     "crescent", "hexagon"};
const char *const rins_synth_colours[RINS_SYNTH_COLOURS] = {"red",    "yellow", "green", "cyan",  "blue",
                                                            "purple", "pink",   "brown", "black", "white"};
const char *const rins_synth_textures[RINS_SYNTH_TEXTURES] = {"solid", "striped", "dotted", "checked", "hollow"};
const char *const rins_synth_sizes[RINS_SYNTH_SIZES] = {"small", "medium", "large"};
const char *const rins_synth_backgrounds[RINS_SYNTH_BACKGROUNDS] = {"grey",  "sandy", "sky",   "mint",
                                                                    "lilac", "slate", "peach", "moss"};
const char *const rins_synth_places[RINS_SYNTH_PLACES] = {"in the top left",    "at the top",    "in the top right",
                                                          "on the left",        "in the middle", "on the right",
                                                          "in the bottom left", "at the bottom", "in the bottom right"};
const char *const rins_synth_forms[RINS_SYNTH_FORMS] = {"single",   "count",    "groups", "pair",
                                                        "relation", "negation", "nested"};
const char *const rins_synth_skills[RINS_SYNTH_SKILLS] = {"attribute", "count",    "direction", "binding",
                                                          "relation",  "negation", "nested"};
const char *const rins_synth_splits[RINS_SYNTH_SPLITS] = {"train", "val", "unseen"};

static const char *const relation_words[RINS_SYNTH_RELATIONS][2] = {
    {"left of", "to the left of"},
    {"right of", "to the right of"},
    {"above", "over"},
    {"below", "under"},
    {"inside", "within"},
    {"around", "surrounding"},
    {"bigger than", "larger than"},
    {"smaller than", "tinier than"},
};
static const char *const numbers[RINS_SYNTH_MAX_COUNT + 1] = {"no", "a", "two", "three", "four", "five", "six"};

static void append(char *text, const char *word) {
    const size_t used = strlen(text);
    if (used && word[0])
        snprintf(text + used, RINS_SYNTH_TEXT - used, " %s", word);
    else
        snprintf(text + used, RINS_SYNTH_TEXT - used, "%s", word);
}

/* `number` replaces the thing's own ("no striped blue circle"), NULL: keep it. */
static void append_thing(char *text, const RinsSynthThing *thing, const char *number) {
    append(text, number ? number : numbers[thing->count]);
    if (thing->say_size) append(text, rins_synth_sizes[thing->size]);
    if (thing->texture || thing->say_solid) append(text, rins_synth_textures[thing->texture]);
    append(text, rins_synth_colours[thing->colour]);
    append(text, rins_synth_shapes[thing->shape]);
    if (thing->count > 1) strncat(text, thing->shape == 4 ? "es" : "s", 3); /* crosses */
}

static void append_ending(char *text, const RinsSynthMeaning *meaning) {
    if (meaning->place >= 0) append(text, rins_synth_places[meaning->place]);
    if (meaning->background < 0) return;
    append(text, "on a");
    append(text, rins_synth_backgrounds[meaning->background]);
    append(text, "background");
}

void rins_synth_caption(const RinsSynthMeaning *meaning, char *text) {
    const RinsSynthThing *things = meaning->things;
    const unsigned word = meaning->wording & 1, second = meaning->wording >> 1 & 1;
    text[0] = 0;
    append_thing(text, &things[0], NULL);
    switch (meaning->form) {
    case RINS_SYNTH_PAIR:
    case RINS_SYNTH_GROUPS:
        append(text, word ? "with" : "and");
        append_thing(text, &things[1], NULL);
        break;
    case RINS_SYNTH_RELATION:
        append(text, relation_words[meaning->relation[0]][word]);
        append_thing(text, &things[1], NULL);
        break;
    case RINS_SYNTH_NEGATION:
        append(text, word ? "and" : "but");
        append_thing(text, &things[1], "no");
        break;
    case RINS_SYNTH_NESTED:
        append(text, relation_words[meaning->relation[0]][word]);
        append_thing(text, &things[1], NULL);
        append(text, "that is");
        append(text, relation_words[meaning->relation[1]][second]);
        append_thing(text, &things[2], NULL);
        break;
    default: break;
    }
    append_ending(text, meaning);
}

void rins_synth_combo_name(int combo, char *text) {
    const int shape = combo % RINS_SYNTH_SHAPES, rest = combo / RINS_SYNTH_SHAPES;
    snprintf(text, RINS_SYNTH_TEXT, "%s %s %s", rins_synth_textures[rest / RINS_SYNTH_COLOURS],
             rins_synth_colours[rest % RINS_SYNTH_COLOURS], rins_synth_shapes[shape]);
}

enum { N_ATTRIBUTES = 3 };
static const int attribute_values[N_ATTRIBUTES] = {RINS_SYNTH_SHAPES, RINS_SYNTH_COLOURS, RINS_SYNTH_TEXTURES};

static int *attribute(RinsSynthThing *thing, int which) {
    return which == 0 ? &thing->shape : which == 1 ? &thing->colour : &thing->texture;
}

static int combo_of(const RinsSynthThing *thing) {
    return rins_synth_combo(thing->shape, thing->colour, thing->texture);
}

static bool allowed(const RinsSynthWorld *world, const RinsSynthThing *thing) {
    return rins_synth_combo_held_out(combo_of(thing)) == (world->split == RINS_SYNTH_UNSEEN);
}

/* Differing in texture at most: with "solid" unsaid, one name could mean both. */
static bool alike(const RinsSynthThing *a, const RinsSynthThing *b) {
    return a->shape == b->shape && a->colour == b->colour;
}

static void exchange_things(RinsSynthThing *a, RinsSynthThing *b) {
    const RinsSynthThing kept = *a;
    *a = *b;
    *b = kept;
}

/* A wrong word for thing 0, or for thing 1 where that one is shown as well. */
static bool negate_attribute(const RinsSynthWorld *world, uint64_t pick, RinsSynthMeaning *meaning) {
    const int shown = meaning->form == RINS_SYNTH_NEGATION ? 1 : meaning->n_things;
    RinsSynthThing *thing = &meaning->things[pick % (unsigned)shown];
    pick /= RINS_SYNTH_MAX_THINGS;
    const RinsSynthThing before = *thing;
    for (int turn = 0; turn < N_ATTRIBUTES; turn++) {
        const int which = (int)((pick + (unsigned)turn) % N_ATTRIBUTES), values = attribute_values[which];
        for (int step = 0; step < values - 1; step++) {
            *thing = before;
            const int shift = 1 + (int)((pick / N_ATTRIBUTES + (unsigned)step) % (unsigned)(values - 1));
            int *value = attribute(thing, which);
            *value = (*value + shift) % values;
            thing->say_solid = true;
            bool fresh = allowed(world, thing);
            for (int i = 0; i < meaning->n_things; i++)
                if (&meaning->things[i] != thing && alike(&meaning->things[i], thing)) fresh = false;
            if (fresh) {
                if (!before.texture && which != 2) thing->say_solid = before.say_solid;
                return true;
            }
        }
    }
    return false;
}

/* Exchanging one attribute says something new only where another one differs as well. */
static bool negate_binding(const RinsSynthWorld *world, uint64_t pick, RinsSynthMeaning *meaning) {
    RinsSynthThing *a = &meaning->things[0], *b = &meaning->things[1];
    if (meaning->form != RINS_SYNTH_PAIR && meaning->form != RINS_SYNTH_RELATION &&
        meaning->form != RINS_SYNTH_GROUPS && meaning->form != RINS_SYNTH_NESTED)
        return false;
    const int differing = (a->shape != b->shape) + (a->colour != b->colour) + (a->texture != b->texture);
    if (differing < 2) return false;
    const RinsSynthMeaning before = *meaning;
    for (int turn = 0; turn < N_ATTRIBUTES; turn++) {
        const int which = (int)((pick + (unsigned)turn) % N_ATTRIBUTES);
        int *first = attribute(a, which), *second = attribute(b, which);
        const int kept = *first;
        *first = *second;
        *second = kept;
        if (which == 2) { /* an unsaid "solid" moves along, or words would be gained or lost */
            const bool said = a->say_solid;
            a->say_solid = b->say_solid;
            b->say_solid = said;
        }
        bool fresh = *first != *second && allowed(world, a) && allowed(world, b);
        if (meaning->n_things == 3)
            fresh =
                fresh && combo_of(a) != combo_of(&meaning->things[2]) && combo_of(b) != combo_of(&meaning->things[2]);
        if (fresh) return true;
        *meaning = before;
    }
    return false;
}

static bool negate_count(uint64_t pick, RinsSynthMeaning *meaning) {
    RinsSynthThing *a = &meaning->things[0], *b = &meaning->things[1];
    if (meaning->form == RINS_SYNTH_COUNT) {
        const int up = a->count == 2 || (a->count < RINS_SYNTH_MAX_COUNT && pick % 2);
        a->count += up ? 1 : -1;
        return true;
    }
    if (meaning->form != RINS_SYNTH_GROUPS || a->count == b->count) return false;
    const int kept = a->count;
    a->count = b->count;
    b->count = kept;
    return true;
}

bool rins_synth_negative(const RinsSynthWorld *world, const RinsSynthMeaning *meaning, RinsSynthSkill skill,
                         uint64_t pick, RinsSynthMeaning *negative) {
    *negative = *meaning;
    RinsSynthThing *things = negative->things;
    switch (skill) {
    case RINS_SYNTH_ATTRIBUTE: return negate_attribute(world, pick, negative);
    case RINS_SYNTH_COUNTING: return negate_count(pick, negative);
    case RINS_SYNTH_BINDING: return negate_binding(world, pick, negative);
    case RINS_SYNTH_DIRECTION: negative->relation[0] ^= 1; return meaning->form == RINS_SYNTH_RELATION;
    case RINS_SYNTH_ORDER: exchange_things(&things[0], &things[1]); return meaning->form == RINS_SYNTH_RELATION;
    case RINS_SYNTH_NEGATED: exchange_things(&things[0], &things[1]); return meaning->form == RINS_SYNTH_NEGATION;
    case RINS_SYNTH_NESTING: exchange_things(&things[0], &things[2]); return meaning->form == RINS_SYNTH_NESTED;
    default: return false;
    }
}
