/* An endless synthetic world: scenes of a few coloured, textured shapes, each with a caption that is true of it and
   captions that are nearly true (hard negatives). Scene k is a function of (seed, split, k) alone.

   A combo is one (shape, colour, texture). 15 % of all combos are held out: the training split never shows or names
   one, so naming them correctly means having learned the words and not the phrases. The same combos are held out under
   every seed. docs/synthetic-world.md shows the pictures and lists the language. */
#ifndef RINS_DATA_SYNTH_H
#define RINS_DATA_SYNTH_H

#include "src/base/rng.h"
#include "src/base/status.h"

#include <stdbool.h>

enum {
    RINS_SYNTH_VERSION = 1, /* of the world: other pictures or captions for a seed raise it */
    RINS_SYNTH_SHAPES = 10,
    RINS_SYNTH_COLOURS = 10,
    RINS_SYNTH_TEXTURES = 5,
    RINS_SYNTH_COMBOS = RINS_SYNTH_SHAPES * RINS_SYNTH_COLOURS * RINS_SYNTH_TEXTURES,
    RINS_SYNTH_HELDOUT = RINS_SYNTH_COMBOS * 15 / 100,
    RINS_SYNTH_BACKGROUNDS = 8,
    RINS_SYNTH_PLACES = 9,    /* 3 x 3, row by row */
    RINS_SYNTH_MAX_COUNT = 6, /* counting captions say two to six */
    RINS_SYNTH_MAX_THINGS = 3,
    RINS_SYNTH_MAX_OBJECTS = 9,
    RINS_SYNTH_TEXT = 224,    /* bytes of any caption, terminator included */
    RINS_SYNTH_WINDOW = 4096, /* captions of this many consecutive scenes differ from each other (in fact of more) */
    RINS_SYNTH_LEVELS = 4,
    RINS_SYNTH_MIN_SIDE = 16, /* pixels */
    RINS_SYNTH_MAX_SIDE = 512
};

typedef enum RinsSynthSplit {
    RINS_SYNTH_TRAIN,  /* combos of training only */
    RINS_SYNTH_VAL,    /* same combos, other scenes */
    RINS_SYNTH_UNSEEN, /* held-out combos only */
    RINS_SYNTH_SPLITS
} RinsSynthSplit;

/* What a caption says, from easy to hard. */
typedef enum RinsSynthForm {
    RINS_SYNTH_SINGLE,   /* a small striped blue circle in the top left */
    RINS_SYNTH_COUNT,    /* three dotted red stars */
    RINS_SYNTH_GROUPS,   /* two red circles and four blue squares */
    RINS_SYNTH_PAIR,     /* a striped red circle and a dotted blue square */
    RINS_SYNTH_RELATION, /* a striped red circle left of a dotted blue square */
    RINS_SYNTH_NEGATION, /* a striped red circle but no dotted blue square */
    RINS_SYNTH_NESTED,   /* a red circle left of a blue square that is above a green star */
    RINS_SYNTH_FORMS
} RinsSynthForm;

/* What telling a caption from its hard negative takes. All but attribute, count of one group, and direction hold the
   same words in another order, so a text tower that only collects words stays at one half. */
typedef enum RinsSynthSkill {
    RINS_SYNTH_ATTRIBUTE, /* one attribute word is another */
    RINS_SYNTH_COUNTING,  /* one more or less; or the numbers of two groups exchanged */
    RINS_SYNTH_DIRECTION, /* the relation is its opposite */
    RINS_SYNTH_BINDING,   /* one attribute exchanged between two things */
    RINS_SYNTH_ORDER,     /* the two things of a relation exchanged */
    RINS_SYNTH_NEGATED,   /* what is there and what is not exchanged */
    RINS_SYNTH_NESTING,   /* outermost and innermost thing of a nested relation exchanged */
    RINS_SYNTH_SKILLS
} RinsSynthSkill;

typedef enum RinsSynthRelation { /* opposites are neighbours: relation ^ 1 */
                                 RINS_SYNTH_LEFT,
                                 RINS_SYNTH_RIGHT,
                                 RINS_SYNTH_ABOVE,
                                 RINS_SYNTH_BELOW,
                                 RINS_SYNTH_INSIDE,
                                 RINS_SYNTH_AROUND,
                                 RINS_SYNTH_BIGGER,
                                 RINS_SYNTH_SMALLER,
                                 RINS_SYNTH_RELATIONS
} RinsSynthRelation;

enum { RINS_SYNTH_SMALL, RINS_SYNTH_MEDIUM, RINS_SYNTH_LARGE, RINS_SYNTH_SIZES }; /* medium is never said */

extern const char *const rins_synth_shapes[RINS_SYNTH_SHAPES];
extern const char *const rins_synth_colours[RINS_SYNTH_COLOURS];
extern const char *const rins_synth_textures[RINS_SYNTH_TEXTURES];
extern const char *const rins_synth_sizes[RINS_SYNTH_SIZES];
extern const char *const rins_synth_backgrounds[RINS_SYNTH_BACKGROUNDS];
extern const char *const rins_synth_places[RINS_SYNTH_PLACES];
extern const char *const rins_synth_forms[RINS_SYNTH_FORMS];   /* names for --mix */
extern const char *const rins_synth_skills[RINS_SYNTH_SKILLS]; /* names in hard.tsv */
extern const char *const rins_synth_splits[RINS_SYNTH_SPLITS];

typedef struct RinsSynthThing {
    int shape, colour, texture;
    int size;                 /* as drawn; said where say_size */
    int count;                /* 1: "a" */
    bool say_size, say_solid; /* solid may go unsaid, other textures never do */
} RinsSynthThing;

/* A caption before it is words. */
typedef struct RinsSynthMeaning {
    RinsSynthForm form;
    RinsSynthThing things[RINS_SYNTH_MAX_THINGS];
    int n_things;
    int relation[2];       /* things[0] to things[1], things[1] to things[2] */
    int place, background; /* -1: unsaid */
    uint32_t wording;      /* picks between phrases of the same meaning */
} RinsSynthMeaning;

/* Positions and radii in units of the image side, y downwards. A shape stays within its radius. */
typedef struct RinsSynthObject {
    int shape, colour, texture, size;
    double x, y, radius, angle;
} RinsSynthObject;

typedef struct RinsSynthScene {
    RinsSynthMeaning meaning;
    RinsSynthObject objects[RINS_SYNTH_MAX_OBJECTS]; /* drawn in this order */
    int n_objects, background;
    RinsRng pixels; /* stream of jitter and noise */
} RinsSynthScene;

typedef struct RinsSynthWorld {
    uint64_t seed;
    RinsSynthSplit split;
    double mix[RINS_SYNTH_FORMS];  /* share of each form, sums to 1 */
    int combos[RINS_SYNTH_COMBOS]; /* those of the split, ascending */
    int n_combos;
} RinsSynthWorld;

/* Level 1: one thing, counts. 2: two things and relations too. 3: two groups, binding, relations, negation.
   4: nested relations too, nothing easy. RINS_ERR_ARG for another level. */
RinsStatus rins_synth_world(RinsSynthWorld *world, uint64_t seed, RinsSynthSplit split, int level);
/* Replaces the shares: "single=3,relation=1" (weights, forms not named get none). RINS_ERR_ARG names the wrong word. */
RinsStatus rins_synth_set_mix(RinsSynthWorld *world, const char *text);

static inline int rins_synth_combo(int shape, int colour, int texture) {
    return (texture * RINS_SYNTH_COLOURS + colour) * RINS_SYNTH_SHAPES + shape;
}
bool rins_synth_combo_held_out(int combo);
/* "striped blue circle" into text[RINS_SYNTH_TEXT]. */
void rins_synth_combo_name(int combo, char *text);

/* Scene k of the world. */
void rins_synth_scene(const RinsSynthWorld *world, uint64_t k, RinsSynthScene *scene);
/* Picture i of one combo alone (any place, size and background): class folders. */
void rins_synth_scene_of(const RinsSynthWorld *world, int combo, uint64_t i, RinsSynthScene *scene);

/* The caption into text[RINS_SYNTH_TEXT]. */
void rins_synth_caption(const RinsSynthMeaning *meaning, char *text);
/* The meaning changed in exactly this skill so that it is false of its scene, with combos of `world` only; `pick`
   chooses between several. False where the form has no such negative. */
bool rins_synth_negative(const RinsSynthWorld *world, const RinsSynthMeaning *meaning, RinsSynthSkill skill,
                         uint64_t pick, RinsSynthMeaning *negative);

/* Draws the scene: pixels (size, size, 3) interleaved RGB; scratch holds size * size * 3
   floats. */
void rins_synth_draw(const RinsSynthScene *scene, int size, float *scratch, uint8_t *pixels);

/* Signed distance of (x, y) to the outline of a shape of radius 1 around the origin, y downwards; negative inside. */
typedef struct RinsSynthOutline {
    int shape, n;
    float points[24][2];
} RinsSynthOutline;
void rins_synth_outline(RinsSynthOutline *outline, int shape);
float rins_synth_distance(const RinsSynthOutline *outline, float x, float y);

#endif
