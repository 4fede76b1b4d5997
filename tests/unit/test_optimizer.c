/* AdamW over ranges equals a double-precision reference parameter by parameter, whatever the ranges
   were merged into. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/rng.h"
#include "src/train/optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_PARAMS = 8, STEPS = 6, ROOM = 512 };

typedef struct Row {
    const char *name;
    RinsTower tower;
    int64_t rows, cols;
    bool decay, packed, frozen;
} Row;

static const Row rows[N_PARAMS] = {
    {"logit_scale", RINS_TOWER_NONE, 1, 0, false, false, false},
    {"text_model.head.weight", RINS_TOWER_TEXT, 5, 7, true, false, false},
    {"text_model.head.bias", RINS_TOWER_TEXT, 5, 0, false, false, false},
    {"text_model.layers.1.q.weight", RINS_TOWER_TEXT, 3, 3, true, false, false},
    {"text_model.layers.1.k.weight", RINS_TOWER_TEXT, 3, 3, true, true, false},
    {"text_model.layers.10.q.weight", RINS_TOWER_TEXT, 4, 4, true, false, false},
    {"vision_model.post.weight", RINS_TOWER_IMAGE, 19, 0, false, false, false},
    {"vision_model.patch.weight", RINS_TOWER_IMAGE, 2, 9, true, false, true},
};

typedef struct World {
    RinsDevice *dev;
    RinsParams params;
    double *sqsum;
} World;

static void open_world(World *w, bool low) {
    assert_int_equal(rins_device_open(&w->dev, "cpu", 2), RINS_OK);
    rins_params_init(&w->params, w->dev);
    for (int i = 0; i < N_PARAMS; i++) {
        int index;
        const RinsParamSpec spec = {.shape = {rows[i].rows, rows[i].cols},
                                    .init = RINS_INIT_NORMAL,
                                    .init_arg = 1,
                                    .decay = rows[i].decay,
                                    .packed = rows[i].packed};
        assert_int_equal(rins_params_add(&w->params, rows[i].tower, rows[i].frozen, &spec, &index, "%s", rows[i].name),
                         RINS_OK);
    }
    assert_int_equal(rins_params_alloc(&w->params, true, low), RINS_OK);
    assert_int_equal(rins_params_randomise(&w->params, 4), RINS_OK);
    w->sqsum = w->dev->ops->alloc(w->dev, sizeof *w->sqsum);
}

static void close_world(World *w) {
    w->dev->ops->free(w->dev, w->sqsum);
    rins_params_free(&w->params);
    rins_device_close(w->dev);
}

/* New gradients of about norm `scale` into params->g; gives their squared norm, on the device too. */
static double draw_gradients(World *w, int step, double scale) {
    double sum = 0;
    for (int i = 0; i < N_PARAMS; i++) {
        float g[ROOM];
        if (rows[i].frozen) continue;
        RinsRng rng = rins_rng(RINS_RNG_TEST, 1, (uint64_t)step, (uint64_t)i);
        for (int64_t k = 0; k < w->params.list[i].count; k++) {
            g[k] = (float)(scale * rins_rng_normal(&rng));
            sum += (double)g[k] * (double)g[k];
        }
        assert_int_equal(rins_params_set(&w->params, w->params.g, i, g), RINS_OK);
    }
    w->dev->ops->copy_in(w->dev, w->sqsum, &sum, sizeof sum);
    return sum;
}

static void get(const World *w, const float *buffer, int i, double *out) {
    float host[ROOM];
    assert_int_equal(rins_params_get(&w->params, buffer, i, host), RINS_OK);
    for (int64_t k = 0; k < w->params.list[i].count; k++) out[k] = host[k];
}

typedef struct Reference {
    double w[N_PARAMS][ROOM], m[N_PARAMS][ROOM], v[N_PARAMS][ROOM];
} Reference;

static void reference_step(Reference *r, const World *w, const RinsOptimizerOptions *o, int step, double lr,
                           const double mult[N_PARAMS], double sqsum) {
    double clip = o->clip / (sqrt(sqsum) + 1e-6);
    if (o->clip == 0 || clip > 1) clip = 1;
    for (int i = 0; i < N_PARAMS; i++) {
        double g[ROOM];
        if (rows[i].frozen) continue;
        get(w, w->params.g, i, g);
        const double wd = rows[i].decay || o->decay_all ? o->weight_decay : 0, rate = lr * mult[i];
        for (int64_t k = 0; k < w->params.list[i].count; k++) {
            const double gk = g[k] * clip;
            r->m[i][k] = o->b1 * r->m[i][k] + (1 - o->b1) * gk;
            r->v[i][k] = o->b2 * r->v[i][k] + (1 - o->b2) * gk * gk;
            r->w[i][k] -= rate * wd * r->w[i][k];
            r->w[i][k] -=
                rate * (r->m[i][k] / (1 - pow(o->b1, step))) / (sqrt(r->v[i][k] / (1 - pow(o->b2, step))) + o->eps);
        }
    }
}

static void compare(const World *w, const float *buffer, int i, const double *want, const char *what,
                    double tolerance) {
    double got[ROOM];
    get(w, buffer, i, got);
    for (int64_t k = 0; k < w->params.list[i].count; k++)
        if (fabs(got[k] - want[k]) > tolerance * fmax(1, fabs(want[k])))
            fail_msg("%s %s[%d]: %.9g, reference %.9g", rows[i].name, what, (int)k, got[k], want[k]);
}

static void run_against_reference(const RinsOptimizerOptions *o, double gradient_scale, const double mult[N_PARAMS],
                                  int expected_ranges) {
    World w = {0};
    RinsOptimizer optimizer;
    static Reference r;
    memset(&r, 0, sizeof r);
    open_world(&w, false);
    for (int i = 0; i < N_PARAMS; i++) get(&w, w.params.w, i, r.w[i]);
    assert_int_equal(rins_optimizer_make(&optimizer, &w.params, o), RINS_OK);
    if (expected_ranges >= 0) assert_int_equal(optimizer.n_ranges, expected_ranges);
    for (int step = 1; step <= STEPS; step++) {
        const double sqsum = draw_gradients(&w, step, gradient_scale);
        rins_optimizer_step(&optimizer, step, 0.01 * step, w.sqsum);
        assert_int_equal(w.dev->ops->sync(w.dev), RINS_OK);
        reference_step(&r, &w, o, step, 0.01 * step, mult, sqsum);
    }
    for (int i = 0; i < N_PARAMS; i++) {
        compare(&w, w.params.w, i, r.w[i], "weight", 2e-6);
        if (rows[i].frozen) continue;
        compare(&w, w.params.m, i, r.m[i], "first moment", 1e-6);
        compare(&w, w.params.v, i, r.v[i], "second moment", 1e-6);
    }
    rins_optimizer_free(&optimizer);
    close_world(&w);
}

static const RinsOptimizerOptions defaults = {.b1 = 0.9, .b2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .clip = 1};
static const double ones[N_PARAMS] = {1, 1, 1, 1, 1, 1, 1, 1};

static void equals_the_reference(void **state) {
    (void)state;
    RinsOptimizerOptions o = defaults;
    run_against_reference(&o, 3, ones, 5); /* t | head | its bias | q k q | norm */
    run_against_reference(&o, 1e-3, ones, 5);
    o.clip = 0;
    run_against_reference(&o, 3, ones, 5);
    o.decay_all = true, o.weight_decay = 0.5;
    run_against_reference(&o, 3, ones, 1);
}

static void lr_mults_go_by_tower_and_by_name(void **state) {
    (void)state;
    struct RinsFloatEntry entries[] = {
        {(char *)"text_model.layers.1", 0.5}, {(char *)"text", 0.1}, {(char *)"image", 0}, {(char *)"logit_scale", 2}};
    const RinsFloatMap map = {entries, 4};
    RinsOptimizerOptions o = defaults;
    o.lr_mults = &map;
    /* "layers.1" is not "layers.10", and a name wins over its tower. */
    const double mult[N_PARAMS] = {2, 0.1, 0.1, 0.5, 0.5, 0.1, 0, 0};
    run_against_reference(&o, 1, mult, 6);
}

static void wrong_keys_are_errors(void **state) {
    (void)state;
    World w = {0};
    RinsOptimizer optimizer;
    open_world(&w, false);
    const char *const keys[] = {"text_model.hea", "vision_model.patch", ""};
    for (int i = 0; i < 3; i++) { /* half a word, a frozen parameter, nothing */
        struct RinsFloatEntry entry = {(char *)(uintptr_t)keys[i], 1};
        const RinsFloatMap map = {&entry, 1};
        RinsOptimizerOptions o = defaults;
        o.lr_mults = &map;
        assert_int_equal(rins_optimizer_make(&optimizer, &w.params, &o), RINS_ERR_CONFIG);
        if (!strstr(rins_last_error(), "lr_mults")) fail_msg("'%s' does not name the key", rins_last_error());
    }
    close_world(&w);
}

static void a_gradient_that_is_not_finite_changes_nothing(void **state) {
    (void)state;
    World w = {0};
    RinsOptimizer optimizer;
    double before[N_PARAMS][ROOM];
    open_world(&w, false);
    for (int i = 0; i < N_PARAMS; i++) get(&w, w.params.w, i, before[i]);
    assert_int_equal(rins_optimizer_make(&optimizer, &w.params, &defaults), RINS_OK);
    draw_gradients(&w, 1, 1);
    const double bad[] = {INFINITY, NAN};
    for (int i = 0; i < 2; i++) {
        w.dev->ops->copy_in(w.dev, w.sqsum, &bad[i], sizeof bad[i]);
        rins_optimizer_step(&optimizer, 1, 0.1, w.sqsum);
        assert_int_equal(w.dev->ops->sync(w.dev), RINS_OK);
    }
    for (int i = 0; i < N_PARAMS; i++) compare(&w, w.params.w, i, before[i], "weight", 0);
    rins_optimizer_free(&optimizer);
    close_world(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_reference),
        cmocka_unit_test(lr_mults_go_by_tower_and_by_name),
        cmocka_unit_test(wrong_keys_are_errors),
        cmocka_unit_test(a_gradient_that_is_not_finite_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
