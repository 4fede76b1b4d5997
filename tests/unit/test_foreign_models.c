/* open_clip and big_vision checkpoints compute here what they compute there: open_clip's own outputs within 1e-5, and
   big_vision's layout of a known model gives its tensors bit for bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/model/weights.h"
#include "tests/unit/golden.h"

#include <math.h>

static RinsDevice *dev;

static void must(RinsStatus status) {
    if (status != RINS_OK) fail_msg("%s: %s", rins_status_name(status), rins_last_error());
}

static int start(void **state) {
    (void)state;
    return rins_device_open(&dev, "cpu", 2);
}

static int stop(void **state) {
    (void)state;
    rins_device_close(dev);
    return 0;
}

static const RinsModelOptions both = {.image = true, .text = true, .batch = 5};

static RinsModel *load(const char *name, RinsModelDir **dir) {
    char path[512];
    RinsModel *model;
    golden_path(path, name);
    must(rins_model_dir_open(dir, path));
    must(rins_model_new(&model, dev, &(*dir)->config, &both));
    must(rins_model_dir_load(*dir, model));
    return model;
}

static double largest_difference(const float *a, const float *b, int64_t n) {
    double largest = 0;
    for (int64_t i = 0; i < n; i++) {
        const double d = fabs((double)a[i] - (double)b[i]);
        if (!(d <= largest)) largest = d;
    }
    return largest;
}

static void open_clip_outputs_match(void **state) {
    (void)state;
    RinsModelDir *dir;
    RinsSafetensors io;
    RinsModel *model = load("open_clip_tiny", &dir);
    assert_int_equal(dir->format, RINS_MODEL_OPEN_CLIP);
    assert_int_equal(dir->config.act, 1);
    assert_int_equal(dir->config.image.encoder.heads, 1);
    assert_int_equal(dir->config.text.encoder.mlp, 60);
    assert_string_equal(dir->image_pp, "decode|resize(20,method=bicubic)|value_range(-1,1)");
    assert_int_equal(dir->tokenizer.cleaning, RINS_CLEAN_CANONICALIZE);
    golden_open(&io, "open_clip_tiny", "io.safetensors");
    uint8_t *pixels = golden_copy(&io, "pixels", RINS_ST_U8);
    int32_t *ids = golden_copy(&io, "ids", RINS_ST_I32);
    float *x = golden_copy(&io, "image_embeds", RINS_ST_F32), *y = golden_copy(&io, "text_embeds", RINS_ST_F32);
    float *loss = golden_copy(&io, "loss", RINS_ST_F32), image[5 * 32], text[5 * 32], got;
    must(rins_model_encode_image(model, pixels, 5, 0, true, image));
    must(rins_model_encode_text(model, ids, 5, 0, true, text));
    must(rins_model_loss(model, pixels, ids, 5, (RinsRounds){0, 0}, &got));
    const double dx = largest_difference(image, x, 5 * 32), dy = largest_difference(text, y, 5 * 32);
    print_message(
        "open_clip: largest difference of image embeddings %.2g, text embeddings %.2g; loss %.7g, there %.7g\n", dx, dy,
        (double)got, (double)*loss);
    assert_true(dx <= 1e-5 && dy <= 1e-5 && fabs((double)got - (double)*loss) <= 1e-5 * fabs((double)*loss));
    void *owned[] = {pixels, ids, x, y, loss};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) free(owned[i]);
    rins_safetensors_close(&io);
    rins_model_free(model);
    rins_model_dir_free(dir);
}

static void same_parameters(RinsModel *model, RinsModel *other) {
    RinsParams *a = rins_model_params(model), *b = rins_model_params(other);
    assert_int_equal(a->n, b->n);
    for (int i = 0; i < a->n; i++) {
        const size_t bytes = (size_t)a->list[i].count * sizeof(float);
        float *x = malloc(bytes), *y = malloc(bytes);
        must(rins_params_get(a, a->w, i, x));
        must(rins_params_get(b, b->w, rins_params_find(b, a->list[i].name), y));
        if (memcmp(x, y, bytes) != 0) fail_msg("%s differs", a->list[i].name);
        free(x);
        free(y);
    }
}

static void big_vision_tensors_are_the_same(void **state) {
    (void)state;
    RinsModelDir *dir, *hf;
    RinsModel *model = load("big_vision_tiny.npz", &dir), *tiny = load("siglip_tiny", &hf);
    assert_int_equal(dir->format, RINS_MODEL_BIG_VISION);
    assert_int_equal(dir->config.image.encoder.heads, 2);
    assert_int_equal(dir->config.text.encoder.depth, 2);
    assert_int_equal(dir->config.text.length, 8);
    assert_int_equal(dir->config.act, 0);
    assert_string_equal(dir->image_pp, "decode|resize(16,method=bilinear,antialias=false)|value_range(-1,1)");
    same_parameters(model, tiny);
    rins_model_free(model);
    rins_model_free(tiny);
    rins_model_dir_free(dir);
    rins_model_dir_free(hf);
}

/* scipy.ndimage.zoom(a, (m/n, m/n, 1), order=1) of scipy 1.17.1, for a[y, x] = [y*y + 2 x, 3 x - y]. */
static void positions_are_resampled_as_scipy_does(void **state) {
    (void)state;
    float from[3 * 3 * 2], to[5 * 5 * 2], down[2 * 2 * 2], same[3 * 3 * 2], one[2];
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 3; x++) {
            from[(y * 3 + x) * 2] = (float)(y * y + 2 * x);
            from[(y * 3 + x) * 2 + 1] = (float)(3 * x - y);
        }
    rins_resample_positions(from, 3, to, 5, 2);
    static const float rows[5] = {0, 0.5f, 1, 2.5f, 4}; /* y * y between its knots */
    for (int y = 0; y < 5; y++)
        for (int x = 0; x < 5; x++) {
            assert_true(fabsf(to[(y * 5 + x) * 2] - (rows[y] + (float)x)) < 1e-6f);
            assert_true(fabsf(to[(y * 5 + x) * 2 + 1] - (1.5f * (float)x - 0.5f * (float)y)) < 1e-6f);
        }
    rins_resample_positions(from, 3, down, 2, 2);
    const float corners[] = {0, 0, 4, 6, 4, -2, 8, 4};
    assert_memory_equal(down, corners, sizeof down);
    rins_resample_positions(from, 3, same, 3, 2);
    assert_memory_equal(same, from, sizeof same);
    rins_resample_positions(from, 3, one, 1, 2);
    assert_memory_equal(one, from, sizeof one);
}

static void another_resolution_resamples_positions_only(void **state) {
    (void)state;
    static const char *const names[] = {"siglip_tiny", "big_vision_tiny.npz"};
    for (int i = 0; i < 2; i++) {
        char path[512];
        RinsModelDir *dir;
        RinsModel *model;
        golden_path(path, names[i]);
        must(rins_model_dir_open(&dir, path));
        dir->config.image.size = 32; /* 4 x 4 patches where the file has 2 x 2 */
        must(rins_model_new(&model, dev, &dir->config, &both));
        must(rins_model_dir_load(dir, model));
        RinsParams *params = rins_model_params(model);
        float positions[16 * 32];
        must(rins_params_get(params, params->w,
                             rins_params_find(params, "vision_model.embeddings.position_embedding.weight"), positions));
        RinsSafetensors st;
        golden_open(&st, "siglip_tiny", "model.safetensors");
        float *p = golden_copy(&st, "vision_model.embeddings.position_embedding.weight", RINS_ST_F32);
        assert_memory_equal(positions, p, 32 * sizeof *p); /* the four corners stay */
        assert_memory_equal(positions + 15 * 32, p + 3 * 32, 32 * sizeof *p);
        assert_true(fabsf(positions[32] - (2 * p[0] + p[32]) / 3) < 1e-6f);
        free(p);
        rins_safetensors_close(&st);
        rins_model_free(model);
        rins_model_dir_free(dir);
    }
}

static void damaged_npy_headers_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        RinsStatus status;
    } cases[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", RINS_OK},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (), }", RINS_OK},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", RINS_ERR_UNSUPPORTED},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }", RINS_ERR_UNSUPPORTED},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", RINS_ERR_UNSUPPORTED},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, -3), }", RINS_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3", RINS_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", RINS_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, }", RINS_ERR_FORMAT},
        {"{}", RINS_ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t n = strlen(cases[i].text), size = 10 + n;
        uint8_t *bytes = malloc(size);
        memcpy(bytes, "\x93NUMPY\x01\x00", 8);
        bytes[8] = (uint8_t)n, bytes[9] = 0;
        memcpy(bytes + 10, cases[i].text, n);
        RinsStTensor t = {.name = "x"};
        size_t data_at;
        const RinsStatus status = rins_npy_header(bytes, size, &t, &data_at);
        if (status != cases[i].status) fail_msg("%s: got %s", cases[i].text, rins_status_name(status));
        for (size_t cut = 0; cut < size; cut++) {
            uint8_t *less = malloc(cut + 1);
            memcpy(less, bytes, cut);
            assert_int_equal(rins_npy_header(less, cut, &t, &data_at), RINS_ERR_FORMAT);
            free(less);
        }
        free(bytes);
    }
}

static void damaged_archives_are_refused(void **state) {
    (void)state;
    char from[512], to[] = "/tmp/rins-foreign-XXXXXX", path[600];
    char *bytes;
    size_t size;
    RinsModelDir *dir;
    assert_non_null(mkdtemp(to));
    golden_path(from, "big_vision_tiny.npz");
    must(rins_file_read(from, 0, &bytes, &size));
    snprintf(path, sizeof path, "%s/cut.npz", to);
    static const double cuts[] = {0, 0.1, 0.5, 0.9, 0.999};
    for (int i = 0; i < 5; i++) {
        must(rins_file_write(path, bytes, (size_t)(cuts[i] * (double)size)));
        if (rins_model_dir_open(&dir, path) == RINS_OK) fail_msg("%.0f %% of an archive was taken", 100 * cuts[i]);
        assert_non_null(strstr(rins_last_error(), "cut.npz"));
    }
    free(bytes);
    assert_int_equal(rins_remove_tree(to), RINS_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_clip_outputs_match),
        cmocka_unit_test(big_vision_tensors_are_the_same),
        cmocka_unit_test(positions_are_resampled_as_scipy_does),
        cmocka_unit_test(another_resolution_resamples_positions_only),
        cmocka_unit_test(damaged_npy_headers_are_refused),
        cmocka_unit_test(damaged_archives_are_refused),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
