/* Ablation: plans say what is wrong with them, fits find the law they were drawn from, results survive a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/file.h"
#include "src/base/rng.h"
#include "src/study/study_report.h"
#include "src/study/study_survey.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/rins-study-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **state) {
    (void)state;
    return rins_remove_tree(folder);
}

static const char *put(const char *name, const char *text) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(rins_file_write(path, text, strlen(text)), RINS_OK);
    return path;
}

static const char run_yaml[] = "model:\n"
                               "  embed_dim: 16\n"
                               "  image: {width: 16, depth: 2, mlp: 32, heads: 2, patch: 8, size: 16, pool: gap}\n"
                               "  text: {width: 16, depth: 2, mlp: 32, heads: 2, vocab: 64, length: 8, pool: mean}\n"
                               "data: {train: [world], tokenizer: spiece.model}\n"
                               "train: {batch: 32, schedule: {name: constant, warmup_steps: 4}}\n";

static const char plan_yaml[] = "config: run.yaml\n"
                                "seeds: [0, 1, 5]\n"
                                "budgets: [2.0e9, 4.0e9, 8.0e9, 1.6e10]\n"
                                "arms:\n"
                                "  - {name: plain}\n"
                                "  - {name: text A^2B, set: [model.text.recursion.signature=A^2B]}\n"
                                "  - name: image A^2B, drop\n"
                                "    set:\n"
                                "      - model.image.recursion.signature=A^2B\n"
                                "      - model.image.recursion.drop=0.5\n";

static RinsStudyPlan load(void) {
    RinsStudyPlan plan;
    put("run.yaml", run_yaml);
    if (rins_study_plan_load(&plan, put("plan.yaml", plan_yaml), NULL, 0) != RINS_OK) fail_msg("%s", rins_last_error());
    return plan;
}

static void budgets_are_compute_matched(void **state) {
    (void)state;
    RinsStudyPlan plan = load();
    double examples[3];
    for (int arm = 0; arm < 3; arm++)
        for (int b = 0; b < 4; b++) {
            RinsRunConfig config = {0};
            int64_t steps, branch;
            double per_pair;
            assert_int_equal(rins_study_config(&plan, arm, 2, &config), RINS_OK);
            assert_int_equal(config.seed, 5);
            assert_int_equal(rins_study_steps(&plan, &config, b, &steps, &branch, &per_pair), RINS_OK);
            const double flops = (double)(steps * config.train.batch) * per_pair;
            assert_true(fabs(flops - plan.budgets.items[b]) <= 0.5 * 32 * per_pair);
            assert_true(branch > 0 && branch < steps);
            examples[arm] = (double)(steps * config.train.batch);
            rins_run_config_free(&config);
        }
    print_message("# examples at the largest budget: %.0f %.0f %.0f\n", examples[0], examples[1], examples[2]);
    assert_true(examples[1] < examples[0] && examples[2] < examples[0]);
    rins_study_plan_free(&plan);
}

static void wrong_plans_say_what_is_wrong(void **state) {
    (void)state;
    static const struct {
        const char *yaml, *says;
    } wrong[] = {
        {"arms: [{name: a}]\nbudgets: [1]\n", "'config' is missing"},
        {"config: run.yaml\nbudgets: [1e9]\n", "'arms' is empty"},
        {"config: run.yaml\narms: [{name: a}]\n", "'budgets' is empty"},
        {"config: run.yaml\narms: [{name: a}]\nbudgets: [2e9, 1e9]\n", "rising"},
        {"config: run.yaml\narms: [{name: A b}, {name: A b}]\nbudgets: [1e9]\n", "two arms are called 'A b'"},
        {"config: run.yaml\narms: [{name: a b}, {name: a-B}]\nbudgets: [1e9]\n",
         "arms 'a b' and 'a-B' would share files"},
        {"config: run.yaml\narms: [{name: a}]\nbudgets: [1e9]\nseeds: 2\n",
         "wrong.yaml:4: 'seeds': expected a list such as [0, 1], found '2'"},
        {"config: run.yaml\narms: [{name: a}]\nbudgets: [1e9]\nseeds: [0, 1, 0]\n", "different whole numbers"},
        {"config: run.yaml\narms: [{name: a}]\nbudgets: [1e9]\nseeds: [0.5]\n", "different whole numbers"},
        {"config: run.yaml\narms: [{name: a}]\nbudgets: [1e9]\nretrieval: [\"wds:a/val-0.tar\", b/val-0.tar]\n",
         "called 'val-0'"},
        {"config: run.yaml\narms: [{name: a}]\nbudgets: [1e9]\nzeroshot: [a/x, b/x]\n", "'a/x' and 'b/x'"},
        {"config: run.yaml\narms: [{set: []}]\nbudgets: [1e9]\n", "has no name"},
        {"config: run.yaml\narms: [{nme: a}]\nbudgets: [1e9]\n", "'arms.name'"},
        {"config: run.yaml\narms: [{name: a, set: [model.text.recursion.signature=A^2BC]}]\nbudgets: [1e9]\n",
         "arm 'a'"},
        {"config: run.yaml\narms: [{name: a}]\nbudgets: [1e3]\n", "too few"},
        {"config: run.yaml\narms: [{name: a, set: [train.schedule.name=cosine]}]\nbudgets: [1e9]\n", "constant"},
    };
    put("run.yaml", run_yaml);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        RinsStudyPlan plan;
        assert_int_not_equal(rins_study_plan_load(&plan, put("wrong.yaml", wrong[i].yaml), NULL, 0), RINS_OK);
        if (!strstr(rins_last_error(), wrong[i].says))
            fail_msg("\"%s\" does not say \"%s\"", rins_last_error(), wrong[i].says);
    }
}

static void fits_find_the_law(void **state) {
    (void)state;
    RinsFitPoint points[18];
    int n = 0;
    RinsRng rng = rins_rng(RINS_RNG_TEST, 1, 0, 0);
    for (int seed = 0; seed < 3; seed++)
        for (int i = 0; i < 6; i++) {
            const double x = 1e10 * pow(2, i);
            points[n++] = (RinsFitPoint){x, (800 * pow(x, -0.35) + 0.08) * exp(0.003 * rins_rng_normal(&rng)), seed};
        }
    RinsFit fit;
    assert_int_equal(rins_scaling_fit(points, n, 100, 0, &fit), RINS_OK);
    print_message("# beta %.4g, c %.4f [%.4f, %.4f], epsilon %.4f [%.4f, %.4f]; drawn from 800, 0.35, 0.08\n", fit.beta,
                  fit.c, fit.c_low, fit.c_high, fit.epsilon, fit.epsilon_low, fit.epsilon_high);
    assert_float_equal(fit.c, 0.35, 0.05);
    assert_float_equal(fit.epsilon, 0.08, 0.02);
    assert_true(fit.c_low <= fit.c && fit.c <= fit.c_high && fit.residual < 0.01);
    points[4].error *= 1.5; /* one run gone wrong must not carry the fit away */
    assert_int_equal(rins_scaling_fit(points, n, 0, 0, &fit), RINS_OK);
    assert_float_equal(rins_scaling_value(&fit, 1e11), 800 * pow(1e11, -0.35) + 0.08, 0.01);
    assert_int_equal(rins_scaling_fit(points, 2, 0, 0, &fit), RINS_ERR_ARG);
    assert_int_equal(rins_scaling_fit(points, 3, 0, 0, &fit), RINS_ERR_ARG); /* as many as parameters */
    assert_int_equal(rins_scaling_fit(points, 6, 100, 0, &fit), RINS_OK);
    assert_true(rins_scaling_falls(&fit) && isnan(fit.c_low) && isnan(fit.c_high)); /* one seed: no spread */
    for (int i = 0; i < 6; i++) points[i].error = 1 + 0.02 * i;
    assert_int_equal(rins_scaling_fit(points, 6, 0, 0, &fit), RINS_OK);
    assert_false(rins_scaling_falls(&fit));
    for (int i = 0; i < 6; i++) points[i].error = 0.7;
    assert_int_equal(rins_scaling_fit(points, 6, 0, 0, &fit), RINS_OK);
    assert_false(rins_scaling_falls(&fit));
}

static void results_are_read_back_and_reported(void **state) {
    (void)state;
    RinsStudyPlan plan = load();
    RinsStudyRows all = {0};
    char out[300], path[320];
    int missing;
    plan.bootstrap = 20;
    snprintf(out, sizeof out, "%s/out", folder);
    snprintf(path, sizeof path, "%s/results", out);
    assert_int_equal(rins_mkdirs(path), RINS_OK);
    for (int arm = 0; arm < 3; arm++)
        for (int seed = 0; seed < 3; seed++)
            for (int b = 0; b < 4; b++) {
                RinsStudyRows rows = {0};
                RinsStudyRow row = {.arm = arm,
                                    .seed = seed,
                                    .budget = b,
                                    .flops = plan.budgets.items[b],
                                    .examples = 100,
                                    .image_flops = 5,
                                    .text_flops = 7,
                                    .metric = "loss",
                                    .value = 5.0 / (b + 1)};
                rins_study_rows_add(&rows, &row);
                snprintf(row.metric, sizeof row.metric, "zeroshot <x> acc1");
                row.value = 0.2 + 0.1 * b + 0.05 * (arm == 1) + 0.001 * seed;
                row.n = 75;
                rins_study_rows_add(&rows, &row);
                char *file = rins_study_result_path(&plan, out, arm, seed, b);
                assert_int_equal(rins_study_result_write(&plan, file, &rows), RINS_OK);
                free(file);
                rins_study_rows_free(&rows);
            }
    assert_int_equal(rins_study_results_read(&plan, out, &all, &missing), RINS_OK);
    assert_int_equal(missing, 0);
    assert_int_equal(all.n, 72);
    RinsStudyRows stale = {0}; /* another budget, or another arm of the same name, has no results yet */
    plan.budgets.items[1] *= 1.5;
    assert_int_equal(rins_study_results_read(&plan, out, &stale, &missing), RINS_OK);
    assert_int_equal(missing, 9);
    plan.budgets.items[1] /= 1.5;
    char **drop = &((RinsArm *)plan.arms.items)[2].set.items[1];
    free(*drop);
    *drop = strdup("model.image.recursion.drop=0.25");
    assert_int_equal(rins_study_results_read(&plan, out, &stale, &missing), RINS_OK);
    assert_int_equal(missing, 12);
    rins_study_rows_free(&stale);
    const RinsSpread spread = rins_study_spread(&all, 1, 3, false, "zeroshot <x> acc1");
    assert_float_equal(spread.mean, 0.551, 1e-12);
    assert_float_equal(spread.deviation, 0.001, 1e-12);
    char *text;
    size_t size;
    FILE *summary = open_memstream(&text, &size);
    assert_int_equal(rins_study_summary(&plan, &all, summary), RINS_OK);
    fclose(summary);
    assert_non_null(strstr(text, "best: text A^2B, better than plain, beyond the spread"));
    assert_null(strstr(text, "not finished"));
    free(text);
    snprintf(path, sizeof path, "%s/report.html", out);
    assert_int_equal(rins_study_html(&plan, path, &all), RINS_OK);
    assert_int_equal(rins_file_read(path, 0, &text, &size), RINS_OK);
    assert_non_null(strstr(text, "zeroshot &lt;x&gt; acc1"));
    assert_null(strstr(text, "http"));
    assert_null(strstr(text, "nan"));
    free(text);
    assert_int_equal(rins_study_figures(&plan, out, &all), RINS_OK);
    snprintf(path, sizeof path, "%s/zeroshot-x-acc1.svg", out);
    assert_int_equal(rins_file_read(path, 0, &text, &size), RINS_OK);
    assert_int_equal(strncmp(text, "<svg xmlns=", 11), 0);
    assert_non_null(strstr(text, ">error of zeroshot &lt;x&gt; acc1<"));
    assert_non_null(strstr(text, ">text A^2B</text>"));
    free(text);
    rins_study_rows_free(&all);
    rins_study_plan_free(&plan);
}

static void add_row(RinsStudyRows *rows, const RinsStudyPlan *plan, int arm, int seed, int b, const char *metric,
                    double value, double chance) {
    RinsStudyRow row = {.arm = arm,
                        .seed = seed,
                        .budget = b,
                        .flops = plan->budgets.items[b],
                        .examples = 100,
                        .value = value,
                        .n = 75,
                        .chance = chance};
    snprintf(row.metric, sizeof row.metric, "%s", metric);
    assert_int_equal(rins_study_rows_add(rows, &row), RINS_OK);
}

typedef RinsStatus WriteFn(const RinsStudyPlan *plan, const char *path, const RinsStudyRows *rows);

static void written(const RinsStudyPlan *plan, const RinsStudyRows *rows, WriteFn *write, char **text) {
    char path[300];
    size_t size;
    snprintf(path, sizeof path, "%s/written", folder);
    assert_int_equal(write(plan, path, rows), RINS_OK);
    assert_int_equal(rins_file_read(path, 0, text, &size), RINS_OK);
}

static RinsStatus write_summary(const RinsStudyPlan *plan, const char *path, const RinsStudyRows *rows) {
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    const RinsStatus status = rins_study_summary(plan, rows, out);
    assert_int_equal(fclose(out), 0);
    return status;
}

static void expect(const char *text, const char *part) {
    if (!strstr(text, part)) fail_msg("no \"%s\" in\n%s", part, text);
}

static void one_seed_has_no_spread(void **state) {
    (void)state;
    RinsStudyPlan plan = load();
    RinsStudyRows rows = {0};
    plan.seeds.n = 1;
    plan.bootstrap = 20;
    for (int arm = 0; arm < 3; arm++)
        for (int b = 0; b < 4; b++) {
            add_row(&rows, &plan, arm, 0, b, "loss", 4.0 / (b + 1) - 0.1 * (arm == 1) + 0.02 * (b & 1), 0);
            add_row(&rows, &plan, arm, 0, b, "hard count", arm == 2 ? 0.5 - 0.01 * b : 0.5 + 0.1 * b, 0.5);
        }
    char *text;
    written(&plan, &rows, write_summary, &text);
    expect(text, "+- -      (1)\n");
    expect(text, "best: text A^2B; one seed does not tell whether it is better than plain\n");
    expect(text, "hard count (chance 0.5)\n");
    assert_null(strstr(text, "0.0000 (")), assert_null(strstr(text, "nan"));
    free(text);
    written(&plan, &rows, rins_study_html, &text);
    expect(text, "hard count<br><small>chance 0.5</small>");
    expect(text, "<td>0.8000</td>");
    assert_null(strstr(text, "&plusmn;")), assert_null(strstr(text, "nan"));
    expect(text, "No law of image A^2B, drop: it does not fall");
    free(text);
    written(&plan, &rows, rins_study_fits_csv, &text);
    double beta, c, epsilon, residual;
    int n;
    expect(text, "\"plain\",\"loss\",");
    if (sscanf(strstr(text, "\"plain\",\"loss\","), "\"plain\",\"loss\",%lf,,,%lf,,,%lf,,,%lf,%d\n", &beta, &c,
               &epsilon, &residual, &n) != 5 ||
        n != 4)
        fail_msg("the intervals of one seed are not empty:\n%s", text);
    expect(text, "\"image A^2B, drop\",\"hard count\",,,,,,,,,,,4\n"); /* it does not fall */
    free(text);
    rins_study_rows_free(&rows);
    rins_study_plan_free(&plan);
}

static void three_budgets_are_no_fit(void **state) {
    (void)state;
    RinsStudyPlan plan = load();
    RinsStudyRows rows = {0};
    plan.budgets.n = 3;
    for (int seed = 0; seed < 3; seed++)
        for (int b = 0; b < 3; b++) add_row(&rows, &plan, 0, seed, b, "loss", 4.0 / (b + 1) + 0.01 * seed, 0);
    char *text;
    written(&plan, &rows, rins_study_html, &text);
    expect(text, "No fit of plain: fewer than 4 budgets");
    assert_null(strstr(text, "Lines: the fitted"));
    free(text);
    written(&plan, &rows, rins_study_fits_csv, &text);
    if (strchr(text, '\n')[1]) fail_msg("fits of three budgets: %s", text);
    free(text);
    rins_study_rows_free(&rows);
    rins_study_plan_free(&plan);
}

static void what_is_finished_is_shown(void **state) {
    (void)state;
    RinsStudyPlan plan = load();
    RinsStudyRows rows = {0};
    for (int arm = 1; arm < 3; arm++) /* of the first arm there is nothing */
        for (int seed = 0; seed < 3; seed++)
            for (int b = 0; b < 4; b++) {
                if (arm == 2 && (b == 2 || (b == 3 && seed > 0))) continue;
                add_row(&rows, &plan, arm, seed, b, "loss", 4.0 / (b + 1) + 0.01 * seed + arm, 0);
            }
    assert_int_equal(rins_study_compared(&plan, &rows), 3);
    char *text;
    written(&plan, &rows, write_summary, &text);
    expect(text, "at 1.6e+10 training FLOPs per arm, mean +- deviation over seeds, against 'text A^2B':");
    expect(text, "  plain                                -\n");
    expect(text, "  text A^2B                       2.0100 +- 0.0100 (3)\n");
    expect(text, "  image A^2B, drop                3.0000 +- -      (1)    +0.9900  one seed: no spread known\n");
    expect(text, "best: text A^2B\n");
    expect(text, "\nnot finished:\n");
    expect(text, "  plain                        all budgets\n");
    expect(text, "  image A^2B, drop             8e+09, 1.6e+10 (seeds 1, 5)\n");
    free(text);
    written(&plan, &rows, rins_study_html, &text);
    expect(text, "<h2>At 1.6e+10 training FLOPs</h2>");
    expect(text, "Not finished: plain: all budgets.");
    assert_null(strstr(text, "nan"));
    free(text);
    RinsStudyRows none = {0};
    written(&plan, &none, write_summary, &text);
    expect(text, "no budget of any arm is finished yet");
    free(text);
    written(&plan, &none, rins_study_html, &text);
    expect(text, "No budget of any arm is finished yet.");
    free(text);
    rins_study_rows_free(&rows);
    rins_study_plan_free(&plan);
}

/* Chance is written with a result; of one that does not say, as older ones do not, it follows from the task. */
static void results_keep_their_chance(void **state) {
    (void)state;
    static const struct {
        const char *metric;
        double chance, read;
        int n;
    } cases[] = {{"loss", 0, 0, 20},
                 {"zeroshot x acc1", 0.04, 0.04, 75},
                 {"zeroshot y acc1", 0, 0, 75},
                 {"retrieval v i2t R@1", 0, 0.01, 100},
                 {"retrieval v t2i R@1", 0, 0.01, 500},
                 {"hard count", 0, 0.5, 75}};
    enum { CASES = sizeof cases / sizeof cases[0] };
    RinsStudyPlan plan = load();
    RinsStudyRows rows = {0}, back = {0};
    char path[300];
    bool current;
    for (int i = 0; i < CASES; i++) {
        add_row(&rows, &plan, 0, 0, 0, cases[i].metric, 0.25, cases[i].chance);
        rows.items[i].n = cases[i].n;
    }
    snprintf(path, sizeof path, "%s/one.json", folder);
    assert_int_equal(rins_study_result_write(&plan, path, &rows), RINS_OK);
    assert_int_equal(rins_study_result_read(&plan, path, (RinsStudyRow){0}, &back, &current), RINS_OK);
    assert_true(current);
    for (int i = 0; i < CASES; i++) {
        if (rins_study_chance(&back, cases[i].metric) != cases[i].read)
            fail_msg("chance of %s is read as %g", cases[i].metric, rins_study_chance(&back, cases[i].metric));
        assert_int_equal(back.items[i].n, cases[i].n);
    }
    rins_study_rows_free(&rows), rins_study_rows_free(&back);
    rins_study_plan_free(&plan);
}

static void metrics_of_one_slug_keep_a_figure_each(void **state) {
    (void)state;
    static const struct {
        const char *metric, *file;
    } cases[] = {
        {"hard left of", "hard-left-of"},
        {"hard left-of", "hard-left-of-2"},
        {"hard left-of 3", "hard-left-of-3"},
        {"hard left_of", "hard-left-of-4"},
    };
    enum { CASES = sizeof cases / sizeof cases[0] };
    RinsStudyPlan plan = load();
    RinsStudyRows rows = {0};
    char out[300], path[400], *text;
    size_t size;
    snprintf(out, sizeof out, "%s/figures", folder);
    for (int i = 0; i < CASES; i++)
        for (int b = 0; b < 4; b++) {
            RinsStudyRow row = {.budget = b, .flops = plan.budgets.items[b], .value = 0.1 * (b + 1), .n = 75};
            snprintf(row.metric, sizeof row.metric, "%s", cases[i].metric);
            assert_int_equal(rins_study_rows_add(&rows, &row), RINS_OK);
        }
    assert_int_equal(rins_study_figures(&plan, out, &rows), RINS_OK);
    for (int i = 0; i < CASES; i++) {
        snprintf(path, sizeof path, "%s/%s.svg", out, cases[i].file);
        if (rins_file_read(path, 0, &text, &size) != RINS_OK) fail_msg("%s", rins_last_error());
        snprintf(path, sizeof path, ">error of %s<", cases[i].metric);
        if (!strstr(text, path)) fail_msg("%s.svg is not of '%s'", cases[i].file, cases[i].metric);
        free(text);
    }
    rins_study_rows_free(&rows);
    rins_study_plan_free(&plan);
}

static void all_edited_arms_are_named(void **state) {
    (void)state;
    RinsStudyPlan plan;
    RinsStudySurvey survey;
    char yaml[1024], out[256];
    put("run.yaml", run_yaml);
    snprintf(out, sizeof out, "%s/edited", folder);
    for (int edited = 0; edited <= 6; edited++) { /* 0: as they are trained; then some of the six with another key */
        int n = snprintf(yaml, sizeof yaml, "config: run.yaml\nseeds: [0, 1]\nbudgets: [2.0e9]\narms:\n");
        for (int arm = 0; arm < 6; arm++)
            n += snprintf(yaml + n, sizeof yaml - (size_t)n, "  - {name: arm %d, set: [train.optimizer.lr=%s]}\n", arm,
                          arm < edited ? "0.002" : "0.001");
        assert_int_equal(rins_study_plan_load(&plan, put("edited.yaml", yaml), NULL, 0), RINS_OK);
        for (int at = 0; at < 12 && !edited; at++) {
            bool known;
            char *run = rins_study_folder(&plan, out, at / 2, at % 2), checkpoint[400];
            assert_int_equal(rins_study_claim(&plan, out, at / 2, at % 2, &known), RINS_OK);
            snprintf(checkpoint, sizeof checkpoint, "%s/trunk/checkpoints/step-000000001", run);
            assert_int_equal(rins_mkdirs(checkpoint), RINS_OK);
            free(run);
        }
        static const char *const says[] = {
            "",
            "arm 'arm 0', seed 0: cannot go on in ",
            "2 arms were trained with other keys ('arm 0', 'arm 1'); the first: arm 'arm 0', seed 0: cannot",
            "3 arms were trained with other keys ('arm 0', 'arm 1', 'arm 2'); the first: ",
            "('arm 0', 'arm 1', 'arm 2', 'arm 3'); the first: ",
            "5 arms were trained with other keys ('arm 0', 'arm 1', 'arm 2', 'arm 3' and 1 more); the first: ",
            "6 arms were trained with other keys ('arm 0', 'arm 1', 'arm 2', 'arm 3' and 2 more); the first: "};
        assert_int_equal(rins_study_survey(&plan, out, -1, -1, &survey), edited ? RINS_ERR_MISMATCH : RINS_OK);
        if (edited &&
            (!strstr(rins_last_error(), says[edited]) || !strstr(rins_last_error(), "train.optimizer.lr was")))
            fail_msg("%d: %s", edited, rins_last_error());
        rins_study_survey_free(&survey);
        rins_study_plan_free(&plan);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(budgets_are_compute_matched), cmocka_unit_test(wrong_plans_say_what_is_wrong),
        cmocka_unit_test(fits_find_the_law),           cmocka_unit_test(results_are_read_back_and_reported),
        cmocka_unit_test(one_seed_has_no_spread),      cmocka_unit_test(three_budgets_are_no_fit),
        cmocka_unit_test(what_is_finished_is_shown),   cmocka_unit_test(results_keep_their_chance),
        cmocka_unit_test(all_edited_arms_are_named),   cmocka_unit_test(metrics_of_one_slug_keep_a_figure_each),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
