/* Evaluation with a model from a directory: what a run reports is what its embeddings say; caches change
   nothing. */
#define _GNU_SOURCE
#include "tests/unit/saved_model.h"

#include "eval/embedding_cache.h"
#include "eval/gallery.h"
#include "eval/image_index.h"
#include "eval/lines.h"
#include "eval/run_contrast.h"
#include "eval/run_retrieval.h"
#include "eval/run_zeroshot.h"
#include "eval/scores.h"
#include "eval/source_pixels.h"

#include <math.h>

enum { CLASSES = 4, PER_CLASS = 5, DIM = 12 };
static const char *const class_folders[CLASSES] = {"a_red_square", "blue_circle", "green", "void"};

static int setup(void **state) {
    if (fixture_make(state)) return -1;
    setenv("RINS_CACHE_DIR", in_dir("cache"), 1);
    save_model();
    char name[128], table[4096] = "filepath\tcaption\n";
    for (int c = 0; c < CLASSES; c++) {
        snprintf(name, sizeof name, "data/%s/x", class_folders[c]);
        put_text(name, "not an image"); /* makes the folder; the last one has no image */
        for (int i = 0; c < CLASSES - 1 && i < PER_CLASS; i++) {
            snprintf(name, sizeof name, "data/%s/%d.png", class_folders[c], i);
            put_png(name, c * 17 + i * 3);
            for (int k = 0; k <= i % 3; k++) {
                char row[256];
                snprintf(row, sizeof row, "%s\ta %s number %d %d\n", name, class_folders[c], i, k);
                strcat(table, row);
            }
        }
    }
    put_text("captions.tsv", table);
    return 0;
}

static RinsEvalModel *open_model(int image_rounds, int text_rounds) {
    const RinsEvalModelOptions options = {
        .image = true, .text = true, .batch = 3, .threads = 2, .cleaning = -1, .rounds = {image_rounds, text_rounds}};
    RinsEvalModel *em = NULL;
    assert_ok(rins_eval_model_open(&em, in_dir("model"), &options));
    assert_int_equal(rins_eval_model_dim(em), DIM);
    return em;
}

static RinsZeroshotReport run_zeroshot(RinsEvalModel *em, RinsZeroshotTask task) {
    RinsZeroshotReport report;
    char data[512];
    snprintf(data, sizeof data, "folder:%s", in_dir("data"));
    task.data = data;
    task.model = "m";
    assert_ok(rins_run_zeroshot(em, &task, &report));
    return report;
}

/* Rows of all images, folder by folder. */
static void embed_by_hand(RinsEvalModel *em, float *rows) {
    char *paths[(CLASSES - 1) * PER_CLASS];
    RinsBadCause causes[(CLASSES - 1) * PER_CLASS];
    for (int i = 0; i < (CLASSES - 1) * PER_CLASS; i++)
        assert_true(asprintf(&paths[i], "%s/data/%s/%d.png", fixture_dir, class_folders[i / PER_CLASS], i % PER_CLASS) >
                    0);
    RinsPathPixels from = {paths, em->pp};
    assert_ok(rins_embed_images(em, rins_path_pixels, &from, 0, (CLASSES - 1) * PER_CLASS, true, rows, causes, NULL));
    for (int i = 0; i < (CLASSES - 1) * PER_CLASS; i++) free(paths[i]);
}

static void zero_shot_is_what_the_embeddings_say(void **state) {
    (void)state;
    RinsEvalModel *em = open_model(0, 0);
    RinsZeroshotReport report = run_zeroshot(em, (RinsZeroshotTask){.templates = "clip_best"});
    float rows[(CLASSES - 1) * PER_CLASS * DIM], classes[CLASSES * DIM];
    embed_by_hand(em, rows);
    for (int c = 0; c < CLASSES; c++) {
        static const char *const prompts[8] = {"itap of a %s.",
                                               "a bad photo of the %s.",
                                               "a origami %s.",
                                               "a photo of the large %s.",
                                               "a %s in a video game.",
                                               "art of the %s.",
                                               "a photo of the small %s.",
                                               "%s"};
        double mean[DIM] = {0};
        for (int t = 0; t < 8; t++) {
            char text[128], name[64];
            const char *words = text;
            float row[DIM];
            snprintf(name, sizeof name, "%s", class_folders[c]);
            for (char *at = name; *at; at++) *at = *at == '_' ? ' ' : *at;
            snprintf(text, sizeof text, prompts[t], name);
            assert_ok(rins_embed_texts(em, &words, 1, true, row));
            for (int k = 0; k < DIM; k++) mean[k] += row[k];
        }
        for (int k = 0; k < DIM; k++) classes[c * DIM + k] = (float)(mean[k] / 8);
    }
    rins_normalise_rows(classes, CLASSES, DIM);
    int right = 0, in_five = 0;
    double recall = 0;
    for (int i = 0; i < (CLASSES - 1) * PER_CLASS; i++) {
        int above = 0;
        for (int c = 0; c < CLASSES; c++)
            above += c != i / PER_CLASS && rins_dot(rows + i * DIM, classes + c * DIM, DIM) >=
                                               rins_dot(rows + i * DIM, classes + i / PER_CLASS * DIM, DIM);
        right += above < 1, in_five += above < 5;
        recall += above < 1 ? 1.0 / PER_CLASS / (CLASSES - 1) : 0; /* the empty folder is left out */
    }
    const RinsZeroshot *counts = &report.outcomes[0].counts;
    assert_int_equal(counts->n, (CLASSES - 1) * PER_CLASS);
    assert_int_equal(counts->classes, CLASSES);
    assert_int_equal(counts->top1, right);
    assert_int_equal(counts->top5, in_five);
    assert_true(fabs(rins_zeroshot_mean_recall(counts) - recall) < 1e-12);
    for (int i = 0; i < CLASSES * DIM; i++) assert_true(fabsf(report.embeddings[i] - classes[i]) < 1e-5f);
    assert_true(report.outcomes[0].rounds.image == 2 && report.outcomes[0].rounds.text == 2);
    assert_string_equal(report.classes->names.items[0], "a red square");
    rins_zeroshot_report_free(&report);
    rins_eval_model_free(em);
}

static void json_holds_the_contract(void **state) {
    (void)state;
    RinsEvalModel *em = open_model(0, 0);
    RinsZeroshotReport report = run_zeroshot(em, (RinsZeroshotTask){.templates = "class_name_only"});
    RinsJsonWriter json = {0};
    char *text = NULL;
    rins_zeroshot_json(&report, 0, true, &json);
    assert_ok(rins_json_take(&json, &text));
    static const char *const parts[] = {"{\"task\": \"zeroshot_classification\"",
                                        "\"dataset\": \"folder:",
                                        "\"model\": \"m\"",
                                        "\"n\": 15",
                                        "\"metrics\": {\"acc1\": ",
                                        "\"acc5\": 1,",
                                        "\"mean_per_class_recall\": ",
                                        "\"rounds\": {\"image\": 2, \"text\": 2}",
                                        "\"set\": \"class_name_only\"",
                                        "\"templates\": 1",
                                        "\"hash\": \"",
                                        "\"per_class\": [{\"class\": \"a red square\", \"n\": 5",
                                        "\"confusions\": ["};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!strstr(text, parts[i])) fail_msg("no %s in %s", parts[i], text);
    free(text);
    rins_zeroshot_report_free(&report);
    rins_eval_model_free(em);
}

static void a_sweep_is_each_of_its_runs(void **state) {
    (void)state;
    const int image[] = {1, 3}, words[] = {1, 2};
    RinsEvalModel *em = open_model(0, 0);
    RinsZeroshotReport sweep = run_zeroshot(em, (RinsZeroshotTask){.templates = "simple",
                                                                   .image_rounds = image,
                                                                   .n_image_rounds = 2,
                                                                   .text_rounds = words,
                                                                   .n_text_rounds = 2});
    assert_int_equal(sweep.n_outcomes, 4);
    assert_int_equal(sweep.samples, 15);
    bool differs = false;
    for (int k = 0; k < 4; k++) {
        RinsEvalModel *one = open_model(image[k / 2], words[k % 2]);
        RinsZeroshotReport report = run_zeroshot(one, (RinsZeroshotTask){.templates = "simple"});
        assert_int_equal(report.outcomes[0].counts.top1, sweep.outcomes[k].counts.top1);
        assert_memory_equal(report.outcomes[0].counts.predicted, sweep.outcomes[k].counts.predicted,
                            15 * sizeof(int32_t));
        assert_memory_equal(report.embeddings, sweep.embeddings + (k % 2) * CLASSES * DIM,
                            CLASSES * DIM * sizeof(float));
        assert_int_equal(sweep.outcomes[k].rounds.image, image[k / 2]);
        assert_true(sweep.outcomes[k].flops.image_forward == report.outcomes[0].flops.image_forward);
        rins_zeroshot_report_free(&report);
        rins_eval_model_free(one);
    }
    for (int i = 0; i < CLASSES * DIM; i++) differs |= sweep.embeddings[i] != sweep.embeddings[CLASSES * DIM + i];
    assert_true(differs);
    assert_true(sweep.outcomes[2].flops.image_forward > sweep.outcomes[0].flops.image_forward);
    rins_zeroshot_report_free(&sweep);
    rins_eval_model_free(em);
}

static void kept_class_embeddings_are_the_same(void **state) {
    (void)state;
    RinsEvalModel *em = open_model(0, 0);
    RinsZeroshotReport first = run_zeroshot(em, (RinsZeroshotTask){.templates = "openai", .use_cache = true});
    RinsZeroshotReport second = run_zeroshot(em, (RinsZeroshotTask){.templates = "openai", .use_cache = true});
    RinsZeroshotReport other = run_zeroshot(em, (RinsZeroshotTask){.templates = "clip_paper", .use_cache = true});
    assert_int_equal(first.distinct_prompts, 320);
    assert_int_equal(second.distinct_prompts, 0);
    assert_true(other.distinct_prompts > 0);
    assert_memory_equal(first.embeddings, second.embeddings, CLASSES * DIM * sizeof(float));
    put_text("model/extra.json", "{}"); /* another state of the model's folder */
    RinsZeroshotReport third = run_zeroshot(em, (RinsZeroshotTask){.templates = "openai", .use_cache = true});
    assert_true(third.distinct_prompts > 0);
    assert_int_equal(unlink(in_dir("model/extra.json")), 0);
    rins_zeroshot_report_free(&first), rins_zeroshot_report_free(&second);
    rins_zeroshot_report_free(&other), rins_zeroshot_report_free(&third);
    rins_eval_model_free(em);
}

static void bad_images_are_left_out_and_counted(void **state) {
    (void)state;
    RinsEvalModel *em = open_model(0, 0);
    put_text("data/green/broken.png", "\x89PNG\r\n\x1a\nno");
    RinsZeroshotReport report = run_zeroshot(em, (RinsZeroshotTask){.templates = "simple"});
    assert_int_equal(report.outcomes[0].counts.n, 15);
    assert_int_equal(report.bad, 1);
    assert_int_equal(report.samples, 16);
    assert_non_null(strstr(report.first_bad, "broken.png"));
    rins_zeroshot_report_free(&report);
    assert_int_equal(unlink(in_dir("data/green/broken.png")), 0);
    rins_eval_model_free(em);
}

static void labels_of_a_flat_folder(void **state) {
    (void)state;
    RinsEvalModel *em = open_model(0, 0);
    RinsZeroshotReport report;
    char data[512];
    put_png("flat/n01440764_tench.png", 3);
    put_png("flat/n15075141_x.png", 4);
    snprintf(data, sizeof data, "folder:%s", in_dir("flat"));
    RinsZeroshotTask task = {.data = data, .labels = "wnid", .templates = "class_name_only"};
    assert_ok(rins_run_zeroshot(em, &task, &report));
    assert_int_equal(report.outcomes[0].counts.classes, 1000);
    assert_int_equal(report.outcomes[0].counts.n, 2);
    assert_int_equal(report.outcomes[0].counts.counts[0].n, 1);
    assert_int_equal(report.outcomes[0].counts.counts[999].n, 1);
    assert_in_range(report.distinct_prompts, 950,
                    998); /* two names occur twice; pieces that this tokenizer lacks make more alike */
    rins_zeroshot_report_free(&report);
    task.labels = NULL;
    assert_int_equal(rins_run_zeroshot(em, &task, &report), RINS_ERR_FORMAT);
    assert_non_null(strstr(rins_last_error(), "--labels"));
    rins_eval_model_free(em);
}

/* CLIP_benchmark's layout: DIR/classnames.txt, DIR/zeroshot_classification_templates.txt, DIR/test/0.tar
   with .cls members. */
static void names_and_templates_beside_shards_are_used(void **state) {
    (void)state;
    RinsEvalModel *em = open_model(0, 0);
    RinsZeroshotReport report;
    RinsShardWriter *writer;
    char data[600], dir[512];
    put_text("bench/classnames.txt", "cat\ndog\nbird\n");
    put_text("bench/zeroshot_classification_templates.txt", "a {c} of {}\n{} there\n");
    assert_ok(rins_mkdirs(in_dir("bench/test")));
    snprintf(dir, sizeof dir, "%s", in_dir("bench/test"));
    const RinsShardOptions options = {.dir = dir, .prefix = "", .max_samples = 3};
    assert_ok(rins_shard_open(&writer, &options));
    for (int i = 0; i < 6; i++) { /* the last one has no label */
        char key[16];
        uint8_t *png;
        size_t size;
        snprintf(key, sizeof key, "s%d", i);
        make_png(i, 24, 20, &png, &size);
        assert_ok(rins_shard_add(writer, key, "png", png, size));
        if (i < 5)
            assert_ok(
                rins_shard_add(writer, key, "cls", i % 2 ? "2" : "0", 1)); /* no image of class 1: still a candidate */
        free(png);
    }
    assert_ok(rins_shard_close(writer, NULL, NULL));
    snprintf(data, sizeof data, "wds:%s/{00000..00001}.tar", dir);
    const RinsZeroshotTask task = {.data = data};
    assert_ok(rins_run_zeroshot(em, &task, &report));
    assert_int_equal(report.outcomes[0].counts.classes, 3);
    assert_int_equal(report.outcomes[0].counts.n, 5);
    assert_int_equal(report.unlabelled, 1);
    assert_int_equal(report.outcomes[0].counts.counts[0].n, 3);
    assert_int_equal(report.outcomes[0].counts.counts[1].n, 0);
    assert_int_equal(report.outcomes[0].counts.counts[2].n, 2);
    assert_int_equal(report.n_templates, 2);
    assert_string_equal(report.classes->names.items[2], "bird");
    rins_zeroshot_report_free(&report);
    rins_eval_model_free(em);
}

static void the_gallery_is_one_file(void **state) {
    (void)state;
    RinsEvalModel *em = open_model(0, 0);
    char html[512];
    snprintf(html, sizeof html, "%s", in_dir("page.html"));
    RinsZeroshotReport report =
        run_zeroshot(em, (RinsZeroshotTask){.templates = "simple", .html = html, .html_images = 6});
    char *page = NULL;
    size_t size = 0;
    assert_ok(rins_file_read(html, 0, &page, &size));
    int figures = 0, images = 0, right = 0;
    for (const char *at = page; (at = strstr(at, "<figure>")) != NULL; at++) figures++;
    for (const char *at = page; (at = strstr(at, "src=\"data:image/jpeg;base64,")) != NULL; at++) images++;
    for (const char *at = page; (at = strstr(at, "class=\"c r\"")) != NULL; at++) right++;
    assert_true(figures >= 6 && figures <= 9);
    assert_int_equal(images, figures);
    assert_int_equal(right, figures); /* four classes: the right one is always among the five shown */
    assert_null(strstr(page, "http"));
    free(page);
    rins_zeroshot_report_free(&report);
    rins_eval_model_free(em);
}

static void retrieval_is_what_the_embeddings_say(void **state) {
    (void)state;
    RinsEvalModel *em = open_model(0, 1);
    RinsRetrievalReport report;
    char data[512];
    snprintf(data, sizeof data, "table:%s", in_dir("captions.tsv"));
    assert_ok(rins_run_retrieval(em, data, "m", &report));
    float rows[(CLASSES - 1) * PER_CLASS * DIM], words[64 * DIM];
    int64_t image_of[64], n = 0;
    embed_by_hand(em, rows);
    for (int i = 0; i < (CLASSES - 1) * PER_CLASS; i++)
        for (int k = 0; k <= i % PER_CLASS % 3; k++) {
            char text[128];
            const char *caption = text;
            snprintf(text, sizeof text, "a %s number %d %d", class_folders[i / PER_CLASS], i % PER_CLASS, k);
            assert_ok(rins_embed_texts(em, &caption, 1, true, words + n * DIM));
            image_of[n++] = i;
        }
    RinsRetrieval want;
    assert_ok(rins_retrieval(rows, (CLASSES - 1) * PER_CLASS, words, image_of, n, DIM, &want));
    assert_int_equal(report.images, (CLASSES - 1) * PER_CLASS);
    assert_int_equal(report.texts, n);
    assert_true(fabs(report.figures.text_to_image.mean_rank - want.text_to_image.mean_rank) < 1e-9);
    assert_true(fabs(report.figures.image_to_text.mean_rank - want.image_to_text.mean_rank) < 1e-9);
    assert_true(report.rounds.image == 2 && report.rounds.text == 1);
    RinsJsonWriter json = {0};
    char *text = NULL;
    rins_retrieval_json(&report, &json);
    assert_ok(rins_json_take(&json, &text));
    assert_non_null(strstr(text, "\"image_retrieval_recall@1\": "));
    assert_non_null(strstr(text, "\"text_retrieval_recall@10\": "));
    free(text);
    rins_retrieval_report_free(&report);
    rins_eval_model_free(em);
}

static void an_index_embeds_only_what_changed(void **state) {
    (void)state;
    RinsEvalModel *em = open_model(0, 0);
    RinsImageIndex first, second, third, plain;
    assert_ok(rins_image_index_open(&first, em, in_dir("data"), true));
    assert_int_equal(first.fresh, 15);
    assert_ok(rins_image_index_open(&second, em, in_dir("data"), true));
    assert_int_equal(second.fresh, 0);
    assert_memory_equal(first.rows, second.rows, 15 * DIM * sizeof(float));
    put_png("data/green/2.png", 99);
    put_text("data/green/zz.jpg", "no image");
    put_png("data/blue_circle/new.png", 98);
    assert_ok(rins_image_index_open(&third, em, in_dir("data"), true));
    assert_int_equal(third.paths.n, 17);
    assert_int_equal(third.fresh, 3);
    assert_int_equal(third.bad, 1);
    assert_ok(rins_image_index_open(&plain, em, in_dir("data"), false));
    for (int64_t i = 0; i < 17 * DIM; i++)
        assert_true(fabsf(plain.rows[i] - third.rows[i]) < 1e-5f || (isnan(plain.rows[i]) && isnan(third.rows[i])));
    const char *query = "a red square";
    float row[DIM], scores[20];
    int64_t top[20];
    int n = 0;
    assert_ok(rins_embed_texts(em, &query, 1, true, row));
    assert_ok(rins_image_index_search(&plain, row, 20, top, scores, &n));
    assert_int_equal(n, 16); /* the bad one is never found */
    for (int i = 1; i < n; i++) assert_true(scores[i - 1] >= scores[i]);
    rins_image_index_free(&first), rins_image_index_free(&second), rins_image_index_free(&third),
        rins_image_index_free(&plain);
    rins_eval_model_free(em);
}

/* Rows of two skills; the figures are those of the embeddings, a tie is wrong and a lost image is counted. */
static void hard_negatives_are_what_the_embeddings_say(void **state) {
    (void)state;
    enum { ROWS = 10 };
    RinsEvalModel *em = open_model(0, 0);
    RinsContrastReport report;
    char table[2048] = "filepath\tcaption\tnegative\tskill\n", texts[2][ROWS][64];
    float rows[(CLASSES - 1) * PER_CLASS * DIM], text_rows[2][ROWS * DIM];
    int right[2] = {0};
    embed_by_hand(em, rows);
    for (int i = 0; i < ROWS; i++) {
        char row[2048];
        snprintf(texts[0][i], sizeof texts[0][i], "a red square and %d stars", i);
        snprintf(texts[1][i], sizeof texts[1][i], i == 4 ? "a red square and %d stars" : "a star and %d red squares",
                 i);
        snprintf(row, sizeof row, "data/%s/%d.png\t%s\t%s\t%s\n", class_folders[i / PER_CLASS], i % PER_CLASS,
                 texts[0][i], texts[1][i], i % 2 ? "count" : "binding");
        strcat(table, row);
        for (int k = 0; k < 2; k++) {
            const char *text = texts[k][i];
            assert_ok(rins_embed_texts(em, &text, 1, true, text_rows[k] + i * DIM));
        }
        right[i % 2] += rins_dot(rows + i * DIM, text_rows[0] + i * DIM, DIM) >
                        rins_dot(rows + i * DIM, text_rows[1] + i * DIM, DIM);
    }
    put_text("hard.tsv", strcat(table, "\ndata/lost.png\ta star\ta square\tcount\r\n\r\n"));
    assert_ok(rins_run_contrast(em, in_dir("hard.tsv"), &report));
    assert_int_equal(report.n_skills, 2);
    assert_string_equal(report.skills[0].name, "binding");
    assert_int_equal(report.n, ROWS);
    assert_int_equal(report.bad, 1);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(report.skills[k].n, ROWS / 2);
        assert_int_equal(report.skills[k].right, right[k]);
    }
    assert_true(report.skills[0].right < ROWS / 2); /* row 4 ties */
    rins_contrast_report_free(&report);
    put_text("hard.tsv", "filepath\tcaption\tnegative\tskill\ndata/lost.png\ta star\ta square\tcount\n");
    assert_int_equal(rins_run_contrast(em, in_dir("hard.tsv"), &report), RINS_ERR_FORMAT);
    assert_non_null(strstr(rins_last_error(), "lost.png"));
    put_text("hard.tsv", "filepath\tcaption\ndata/lost.png\ta star\n");
    assert_int_not_equal(rins_run_contrast(em, in_dir("hard.tsv"), &report), RINS_OK);
    rins_eval_model_free(em);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_shot_is_what_the_embeddings_say),
        cmocka_unit_test(json_holds_the_contract),
        cmocka_unit_test(a_sweep_is_each_of_its_runs),
        cmocka_unit_test(kept_class_embeddings_are_the_same),
        cmocka_unit_test(bad_images_are_left_out_and_counted),
        cmocka_unit_test(labels_of_a_flat_folder),
        cmocka_unit_test(names_and_templates_beside_shards_are_used),
        cmocka_unit_test(the_gallery_is_one_file),
        cmocka_unit_test(retrieval_is_what_the_embeddings_say),
        cmocka_unit_test(hard_negatives_are_what_the_embeddings_say),
        cmocka_unit_test(an_index_embeds_only_what_changed),
    };
    return cmocka_run_group_tests(tests, setup, fixture_remove);
}
