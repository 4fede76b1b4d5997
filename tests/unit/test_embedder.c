/* The public interface: three ways in for an image give one embedding, comparisons are what they say, and bad input is
   an error with a name. */
#define _GNU_SOURCE
#include "tests/unit/saved_model.h"

#include "data/image.h"
#include "eval/eval_model.h"
#include "eval/prompts.h"

#include <math.h>

enum { DIM = 12, LENGTH = 48, VOCAB = 400, SIZE = 9 };

static int setup(void **state) {
    if (fixture_make(state)) return -1;
    save_model();
    save_model_as("mute", false, "A^2B");
    save_model_as("plain", true, "A");
    put_png("0.png", 3);
    put_png("1.png", 40);
    put_text("bad.png", "not an image");
    return 0;
}

static RinsEmbedder *open_tiny(const char *name) {
    const RinsEmbedderOptions options = {.threads = 2, .batch = 2};
    RinsEmbedder *embedder;
    assert_ok(rins_embedder_open(&embedder, in_dir(name), &options));
    return embedder;
}

#define assert_fails(code, words, expr)                                                                                \
    do {                                                                                                               \
        assert_int_equal(expr, code);                                                                                  \
        if (!strstr(rins_last_error(), words)) fail_msg("'%s' does not say '%s'", rins_last_error(), words);           \
    } while (0)

static void dims_are_the_models(void **state) {
    (void)state;
    RinsEmbedder *e = open_tiny("model");
    float t, b;
    assert_string_equal(rins_version(), RINS_VERSION);
    assert_int_equal(rins_embedder_dim(e), DIM);
    assert_int_equal(rins_embedder_image_size(e), SIZE);
    assert_int_equal(rins_embedder_text_length(e), LENGTH);
    assert_int_equal(rins_embedder_vocab(e), VOCAB);
    rins_embedder_scale(e, &t, &b);
    assert_true(t == 1.2f && b == -0.9f);
    rins_embedder_close(e);
    rins_embedder_close(NULL);
}

/* A file, its bytes, its pixels, its pixels with a stride: one embedding, and the evaluation's. */
static void every_way_in_gives_the_same_embedding(void **state) {
    (void)state;
    RinsEmbedder *e = open_tiny("model");
    float want[DIM], got[4][DIM];
    char *data, path[512];
    size_t size;
    RinsImage image;
    snprintf(path, sizeof path, "%s", in_dir("1.png"));
    const char *const paths[] = {path};
    assert_ok(rins_file_read(path, 1 << 20, &data, &size));
    assert_ok(rins_image_decode(data, size, &(RinsDecodeOptions){0}, &image, NULL));
    const size_t row = 3 * (size_t)image.width, stride = row + 5;
    uint8_t *wide = malloc(stride * (size_t)image.height);
    memset(wide, 77, stride * (size_t)image.height);
    for (int y = 0; y < image.height; y++) memcpy(wide + (size_t)y * stride, image.pixels + (size_t)y * row, row);
    const RinsBytes bytes = {data, size};
    const RinsPixels packed = {image.pixels, image.width, image.height, 0},
                     padded = {wide, image.width, image.height, stride};
    assert_ok(rins_embedder_files(e, paths, 1, got[0], NULL));
    assert_ok(rins_embedder_encoded(e, &bytes, 1, got[1], NULL));
    assert_ok(rins_embedder_pixels(e, &packed, 1, got[2], NULL));
    assert_ok(rins_embedder_pixels(e, &padded, 1, got[3], NULL));

    uint8_t pixels[SIZE * SIZE * 3];
    const double box[4] = {0, 0, image.width, image.height};
    RinsImage small;
    assert_ok(rins_image_resize(&image, box, SIZE, SIZE, RINS_RESIZE_BICUBIC, true, &small));
    memcpy(pixels, small.pixels, sizeof pixels);
    const RinsEvalModelOptions options = {.image = true, .threads = 2, .cleaning = -1};
    RinsEvalModel *em;
    assert_ok(rins_eval_model_open(&em, in_dir("model"), &options));
    assert_ok(rins_model_encode_image(em->model, pixels, 1, 0, true, want));
    rins_eval_model_free(em);
    for (int i = 0; i < 4; i++) assert_memory_equal(got[i], want, sizeof want);
    rins_image_free(&image), rins_image_free(&small);
    free(data), free(wide);
    rins_embedder_close(e);
}

static void a_bad_image_is_named_or_reported_alone(void **state) {
    (void)state;
    RinsEmbedder *e = open_tiny("model");
    char names[4][512];
    const char *paths[4];
    static const char *const files[4] = {"0.png", "bad.png", "gone.png", "1.png"};
    for (int i = 0; i < 4; i++) paths[i] = strcpy(names[i], in_dir(files[i]));
    float rows[4 * DIM], alone[DIM];
    RinsStatus each[4];
    assert_fails(RINS_ERR_FORMAT, "image 2: ", rins_embedder_files(e, paths, 4, rows, NULL));
    assert_fails(RINS_ERR_IO, "gone.png", rins_embedder_files(e, paths + 2, 1, rows, NULL));
    assert_ok(rins_embedder_files(e, paths, 4, rows, each));
    assert_true(each[0] == RINS_OK && each[1] == RINS_ERR_FORMAT && each[2] == RINS_ERR_IO && each[3] == RINS_OK);
    assert_ok(rins_embedder_files(e, paths + 3, 1, alone, NULL));
    assert_memory_equal(rows + 3 * DIM, alone, sizeof alone);
    for (int k = 0; k < DIM; k++) assert_true(isnan(rows[DIM + k]) && isnan(rows[2 * DIM + k]));
    assert_ok(rins_embedder_files(e, paths, 0, NULL, NULL));
    rins_embedder_close(e);
}

static void wrong_arguments_are_errors(void **state) {
    (void)state;
    RinsEmbedder *e = NULL;
    float rows[2 * DIM];
    const RinsPixels no_image = {(const uint8_t *)"abc", 1, 1, 2}, empty = {(const uint8_t *)"abc", 0, 1, 0};
    const char *const broken[] = {"fine", "\xff\xfe"}, *const missing[] = {NULL};
    int32_t ids[LENGTH] = {0};
    assert_fails(RINS_ERR_IO, "nowhere", rins_embedder_open(&e, in_dir("nowhere"), NULL));
    assert_null(e);
    assert_fails(RINS_ERR_ARG, "NULL", rins_embedder_open(&e, NULL, NULL));
    assert_fails(RINS_ERR_ARG, "NULL", rins_embedder_open(NULL, in_dir("model"), NULL));
    assert_fails(RINS_ERR_ARG, "batch", rins_embedder_open(&e, in_dir("model"), &(RinsEmbedderOptions){.batch = -1}));
    assert_fails(RINS_ERR_ARG, "threads",
                 rins_embedder_open(&e, in_dir("model"), &(RinsEmbedderOptions){.threads = -1}));
    assert_fails(RINS_ERR_ARG, "skipped",
                 rins_embedder_open(&e, in_dir("model"), &(RinsEmbedderOptions){.skip_images = 1, .skip_texts = 1}));
    e = open_tiny("model");
    assert_fails(RINS_ERR_ARG, "stride of 2", rins_embedder_pixels(e, &no_image, 1, rows, NULL));
    assert_fails(RINS_ERR_ARG, "0 x 1", rins_embedder_pixels(e, &empty, 1, rows, NULL));
    assert_fails(RINS_ERR_FORMAT, "text 2", rins_embedder_texts(e, broken, 2, rows));
    assert_fails(RINS_ERR_ARG, "text 1", rins_embedder_texts(e, missing, 1, rows));
    ids[7] = VOCAB;
    assert_fails(RINS_ERR_ARG, "vocabulary of 400", rins_embedder_ids(e, ids, 1, rows));
    assert_fails(RINS_ERR_ARG, "did you mean",
                 rins_embedder_classes(e, broken, 1, (const char *const[]){"openia"}, 1, rows));
    rins_embedder_close(e);
}

static void towers_and_tokenizers_can_be_absent(void **state) {
    (void)state;
    RinsEmbedder *e = NULL;
    float rows[DIM];
    int32_t ids[LENGTH] = {5, 6, 7};
    char png[512];
    const char *const text[] = {"a dog"};
    const char *const path[] = {strcpy(png, in_dir("0.png"))};
    assert_ok(rins_embedder_open(&e, in_dir("model"), &(RinsEmbedderOptions){.skip_images = 1}));
    assert_fails(RINS_ERR_ARG, "skip_images", rins_embedder_files(e, path, 1, rows, NULL));
    assert_ok(rins_embedder_texts(e, text, 1, rows));
    rins_embedder_close(e);
    assert_ok(rins_embedder_open(&e, in_dir("model"), &(RinsEmbedderOptions){.skip_texts = 1}));
    assert_fails(RINS_ERR_ARG, "skip_texts", rins_embedder_texts(e, text, 1, rows));
    assert_fails(RINS_ERR_ARG, "skip_texts", rins_embedder_ids(e, ids, 1, rows));
    assert_ok(rins_embedder_files(e, path, 1, rows, NULL));
    rins_embedder_close(e);
    e = open_tiny("mute");
    assert_fails(RINS_ERR_IO, "spiece.model", rins_embedder_texts(e, text, 1, rows));
    assert_fails(RINS_ERR_IO, "spiece.model", rins_embedder_classes(e, text, 1, NULL, 0, rows));
    assert_ok(rins_embedder_ids(e, ids, 1, rows));
    rins_embedder_close(e);
}

static void rounds_change_what_runs(void **state) {
    (void)state;
    RinsEmbedder *e = open_tiny("model");
    float as_trained[DIM], one[DIM], two[DIM];
    const char *const text[] = {"a dog"};
    assert_ok(rins_embedder_texts(e, text, 1, as_trained));
    assert_ok(rins_embedder_set_rounds(e, 1, 1));
    assert_ok(rins_embedder_texts(e, text, 1, one));
    assert_memory_not_equal(one, as_trained, sizeof one);
    assert_fails(RINS_ERR_ARG, "-1", rins_embedder_set_rounds(e, -1, 2)); /* and nothing has changed */
    assert_ok(rins_embedder_texts(e, text, 1, two));
    assert_memory_equal(two, one, sizeof one);
    assert_ok(rins_embedder_set_rounds(e, 5, 2));
    assert_ok(rins_embedder_texts(e, text, 1, two));
    assert_memory_equal(two, as_trained, sizeof two);
    rins_embedder_close(e);
    e = open_tiny("plain");
    assert_fails(RINS_ERR_ARG, "2 and 1 rounds", rins_embedder_set_rounds(e, 2, 1));
    rins_embedder_close(e);
}

static double cosine(const float *x, const float *y) {
    double sum = 0;
    for (int k = 0; k < DIM; k++) sum += (double)x[k] * y[k];
    return sum;
}

static void logits_and_shares_are_what_they_say(void **state) {
    (void)state;
    RinsEmbedder *e = open_tiny("model");
    enum { N = 3, M = 4, K = 2 };
    float images[N * DIM], texts[M * DIM], logits[N * M], share[N * K], worst = 0;
    int best[N * K];
    RinsRng rng = rins_rng(RINS_RNG_TEST, 5, 1, 0);
    for (int i = 0; i < N * DIM; i++) images[i] = (float)rins_rng_normal(&rng) / 4;
    for (int i = 0; i < M * DIM; i++) texts[i] = (float)rins_rng_normal(&rng) / 4;
    memcpy(texts + 3 * DIM, texts + DIM, DIM * sizeof *texts); /* classes 1 and 3 tie */
    rins_embedder_logits(e, images, N, texts, M, logits);
    images[2 * DIM] = NAN;
    assert_ok(rins_embedder_classify(e, images, N, texts, M, K, best, share));
    for (int i = 0; i < 2; i++) {
        double want[M], sum = 0;
        int first = 0;
        for (int j = 0; j < M; j++) {
            const double logit = exp((double)1.2f) * cosine(images + i * DIM, texts + j * DIM);
            worst = fmaxf(worst, fabsf(logits[i * M + j] - (float)(logit - 0.9)));
            sum += want[j] = exp(logit);
            if (want[j] > want[first]) first = j;
        }
        assert_int_equal(best[i * K], first);
        assert_true(fabs(share[i * K] - want[first] / sum) < 1e-5);
        assert_true(best[i * K] != 1 || best[i * K + 1] == 3); /* of equal ones the lower index comes first */
        assert_true(share[i * K + 1] <= share[i * K]);
    }
    print_message("# worst logit error %.2g\n", (double)worst);
    assert_true(worst < 1e-5f);
    assert_int_equal(best[2 * K], -1);
    assert_true(isnan(share[2 * K]));
    assert_fails(RINS_ERR_ARG, "best 5 of 4", rins_embedder_classify(e, images, 1, texts, M, 5, best, NULL));
    rins_embedder_close(e);
}

static void class_embeddings_average_their_prompts(void **state) {
    (void)state;
    RinsEmbedder *e = open_tiny("model");
    const char *const names[] = {"dog", "red square"}, *const templates[] = {"a {}", "{} in the rain",
                                                                             "class_name_only"};
    const char *const prompts[] = {"a dog", "dog in the rain", "dog"};
    float classes[2 * DIM], rows[3 * DIM], set[2 * DIM], mean[DIM] = {0};
    assert_ok(rins_embedder_classes(e, names, 2, templates, 3, classes));
    assert_ok(rins_embedder_texts(e, prompts, 3, rows));
    for (int i = 0; i < 3 * DIM; i++) mean[i % DIM] += rows[i] / 3;
    const double norm = sqrt(cosine(mean, mean));
    for (int k = 0; k < DIM; k++) assert_true(fabs(mean[k] / norm - classes[k]) < 1e-6);
    assert_ok(rins_embedder_classes(e, names, 2, NULL, 0, classes));
    assert_ok(rins_embedder_classes(e, names, 2, (const char *const[]){"clip_paper"}, 1, set));
    assert_memory_equal(classes, set, sizeof set);
    rins_embedder_close(e);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dims_are_the_models),
        cmocka_unit_test(every_way_in_gives_the_same_embedding),
        cmocka_unit_test(a_bad_image_is_named_or_reported_alone),
        cmocka_unit_test(wrong_arguments_are_errors),
        cmocka_unit_test(towers_and_tokenizers_can_be_absent),
        cmocka_unit_test(rounds_change_what_runs),
        cmocka_unit_test(logits_and_shares_are_what_they_say),
        cmocka_unit_test(class_embeddings_average_their_prompts),
    };
    return cmocka_run_group_tests(tests, setup, fixture_remove);
}
