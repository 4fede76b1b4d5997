/* Whole runs of a tiny model: resuming anywhere gives the same bytes as never having stopped, and everything that can
   go wrong is one clear error that leaves the last good checkpoint alone. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/training_fixture.h"

#include "src/base/log.h"
#include "src/model/checkpoint_list.h"

#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEPS = 12, DIED = 9 };

/* What a test does to a run from within after a step: die, fail, ask to stop, spoil a weight, push t far up. */
typedef struct Meddler {
    int64_t die_at, fail_at, stop_at, spoil_at, push_at;
    int evaluations;
    volatile sig_atomic_t stop;
} Meddler;

static void set_first(RinsModel *model, const char *name, float value) {
    RinsParams *params = rins_model_params(model);
    const int index = rins_params_find(params, name);
    assert_true(index >= 0);
    float *host = malloc((size_t)params->list[index].count * sizeof *host);
    assert_int_equal(rins_params_get(params, params->w, index, host), RINS_OK);
    host[0] = value;
    assert_int_equal(rins_params_set(params, params->w, index, host), RINS_OK);
    free(host);
}

static RinsStatus meddle(void *user, RinsModel *model, int64_t step, RinsMetrics *metrics) {
    Meddler *m = user;
    float embedding[16];
    const int32_t ids[8] = {1, 2, 3, 4, 5, 6, 7, 1};
    m->evaluations++;
    RINS_TRY(rins_model_encode_text(model, ids, 1, 1, true, embedding)); /* uses the model's memory */
    RINS_TRY(rins_metrics_eval(metrics, step, "t", "{\"task\": \"t\"}"));
    if (step == m->die_at) _exit(DIED);
    if (step == m->stop_at) m->stop = 1;
    if (step == m->spoil_at) set_first(model, "text_model.head.weight", NAN);
    if (step == m->push_at) set_first(model, "logit_scale", 10);
    return step == m->fail_at ? RINS_FAIL(RINS_ERR_IO, "no such picture") : RINS_OK;
}

/* Trains RUN (a name in the fixture) and gives the status of opening or running. */
static RinsStatus train(const char *run, const char *const *more, Meddler *meddler, RinsResume resume,
                        const char *from) {
    RinsRunConfig config = fixture_config(more);
    char *out = fixture_path(run);
    RinsTrainingOptions options = {
        .config = &config, .out = out, .resume = resume, .from = from, .threads = 1, .no_events = true};
    if (meddler) options.eval = meddle, options.eval_user = meddler, options.stop = &meddler->stop;
    RinsTraining *training;
    RinsStatus status = rins_training_open(&training, &options);
    if (status == RINS_OK) status = rins_training_run(training);
    if (status == RINS_OK) assert_int_equal(rins_training_step(training), rins_training_plan(training)->total_steps);
    rins_training_free(training);
    rins_run_config_free(&config);
    free(out);
    return status;
}

static void must_train(const char *run, const char *const *more) {
    if (train(run, more, NULL, RINS_RESUME_AUTO, NULL) != RINS_OK) fail_msg("%s: %s", run, rins_last_error());
}

static const char *const state_files[] = {"config.json",      "model.safetensors",        "optimizer.safetensors",
                                          "train_state.json", "preprocessor_config.json", "tokenizer_config.json",
                                          "spiece.model"};

static void assert_same_run(const char *a, const char *b) {
    for (size_t i = 0; i < sizeof state_files / sizeof state_files[0]; i++) {
        char name[96];
        snprintf(name, sizeof name, "checkpoints/step-%09d/%s", STEPS, state_files[i]);
        fixture_same_file(a, b, name);
    }
    fixture_same_file(a, b, "metrics.jsonl");
}

static void assert_mentions(const char *word) {
    if (!strstr(rins_last_error(), word)) fail_msg("'%s' is not in: %s", word, rins_last_error());
    if (strchr(rins_last_error(), '\n')) fail_msg("more than one line: %s", rins_last_error());
}

/* Trains in a process of its own, this program with other arguments, which dies after step k's evaluation. */
static void train_and_die(const char *run, const char *const *more, int64_t k) {
    char at[24];
    const char *words[16] = {"test_training", "die", fixture_dir, run, at};
    snprintf(at, sizeof at, "%lld", (long long)k);
    for (size_t i = 0; more[i]; i++) words[5 + i] = more[i];
    int ended = 0;
    const pid_t child = fork();
    if (child == 0) {
        execv("/proc/self/exe", (char *const *)words);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFEXITED(ended));
    assert_int_equal(WEXITSTATUS(ended), DIED);
}

/* Dying between a step's record and its checkpoint: the next start goes back to the last checkpoint. */
static void killed_at_any_step_gives_the_same_bytes(void **state) {
    (void)state;
    const char *const each[] = {"train.eval.every_steps=1", "train.checkpoint.every_steps=3", NULL};
    const char *const rarely[] = {"train.checkpoint.every_steps=3", NULL};
    must_train("whole", rarely);
    for (int64_t k = 1; k <= STEPS; k++) {
        train_and_die("killed", each, k);
        must_train("killed", rarely);
        assert_same_run("whole", "killed");
        char *dir = fixture_path("killed");
        assert_int_equal(rins_remove_tree(dir), RINS_OK);
        free(dir);
    }
}

static void has_checkpoints(const char *run, const int64_t *steps, size_t n) {
    RinsCheckpointList list;
    char *dir = fixture_path(run);
    assert_int_equal(rins_checkpoint_list(&list, dir), RINS_OK);
    assert_int_equal(list.n, n);
    for (size_t i = 0; i < n; i++) assert_int_equal(list.steps[i], steps[i]);
    rins_checkpoint_list_free(&list);
    free(dir);
}

/* With a clock that always says that it is time: one checkpoint more, of the newest step, which the next replaces. */
static void the_clock_asks_for_checkpoints_too(void **state) {
    (void)state;
    const char *const often[] = {"train.eval.every_steps=1",
                                 "train.checkpoint={every_steps: 5, every_minutes: 1.0e-9, keep: 2}", NULL};
    const int64_t at_8[] = {5, 7}, at_11[] = {7, 10, 11}, end[] = {11, 12}; /* another process's: as any other */
    must_train("whole", NULL);
    train_and_die("timed", often, 8);
    has_checkpoints("timed", at_8, 2);
    train_and_die("timed", often, 12);
    has_checkpoints("timed", at_11, 3); /* the two to keep, and the clock's */
    must_train("timed", often);
    has_checkpoints("timed", end, 2);
    assert_same_run("whole", "timed");
}

static void an_evaluation_that_fails_costs_no_step(void **state) {
    (void)state;
    const char *const each[] = {"train.eval.every_steps=1", NULL};
    must_train("whole", NULL);
    for (int64_t k = 7; k <= STEPS; k += STEPS - 7) {
        Meddler meddler = {.fail_at = k};
        assert_int_equal(train("failed", each, &meddler, RINS_RESUME_AUTO, NULL), RINS_ERR_IO);
        assert_mentions(k == 7 ? "step 7 is saved, but its evaluation failed" : "step 12 is saved, but");
        assert_mentions("no such picture");
        has_checkpoints("failed", (const int64_t[]){7, 12}, k == 7 ? 1 : 2);
    }
    must_train("failed", each);
    assert_same_run("whole", "failed");
}

/* A model goes on at another picture size: its grid of positions is resampled. Any other number is the model's, and
   said so. */
static void a_model_goes_on_at_another_size(void **state) {
    (void)state;
    const char *const small[] = {"train.budget.steps=2", "train.schedule.warmup_steps=1", NULL};
    must_train("small", small);
    char from[160], *large = fixture_path("large");
    snprintf(from, sizeof from, "model.from=%s/small", fixture_dir);
    const char *const more[] = {from,
                                "model.image.force_size=24",
                                "model.image.width=64",
                                "data.image_pp=decode|resize(24)|value_range(-1,1)",
                                "train.budget.steps=2",
                                "train.schedule.warmup_steps=1",
                                NULL};
    must_train("large", more);
    must_train("large", more); /* and again from its checkpoint */
    RinsModelDir *dir;
    assert_int_equal(rins_model_dir_open(&dir, large), RINS_OK);
    assert_int_equal(dir->config.image.size, 24);
    assert_int_equal(dir->config.image.encoder.width, 16);
    rins_model_dir_free(dir);
    free(large);
    const char *const alone[] = {"model.image.force_size=24", NULL};
    assert_int_equal(train("alone", alone, NULL, RINS_RESUME_AUTO, NULL), RINS_ERR_CONFIG);
    assert_mentions("goes with model.from or model.image.from");
}

static void stopped_at_every_step_gives_the_same_bytes(void **state) {
    (void)state;
    const char *const each[] = {"train.eval.every_steps=1", "train.checkpoint.keep=2", NULL};
    must_train("whole", NULL);
    for (int64_t k = 1; k < STEPS; k++) { /* one run, interrupted after each of its steps */
        Meddler meddler = {.stop_at = k};
        assert_int_equal(train("stopped", each, &meddler, RINS_RESUME_AUTO, NULL), RINS_ERR_INTERRUPTED);
        assert_int_equal(meddler.evaluations, 1);
    }
    must_train("stopped", each);
    assert_same_run("whole", "stopped");
}

static void evaluation_does_not_change_a_run(void **state) {
    (void)state;
    char loss[128];
    snprintf(loss, sizeof loss, "train.eval.loss=[table:%s/pairs.tsv]", fixture_dir);
    const char *const each[] = {"train.eval.every_steps=1", loss, NULL};
    Meddler meddler = {0};
    must_train("whole", NULL);
    if (train("evaluated", each, &meddler, RINS_RESUME_AUTO, NULL) != RINS_OK) fail_msg("%s", rins_last_error());
    assert_int_equal(meddler.evaluations, STEPS);
    assert_same_run("whole", "evaluated");
    size_t size;
    char *lines = fixture_read("evaluated", "eval.jsonl", &size);
    int n = 0;
    for (const char *at = lines; (at = strchr(at, '\n')); at++) n++;
    assert_int_equal(n, 2 * STEPS); /* the validation loss and the hook's line, each step */
    assert_non_null(strstr(lines, "{\"step\": 12, \"task\": \"loss\", \"dataset\": "));
    free(lines);
}

static void threads_that_prepare_data_do_not_change_a_run(void **state) {
    (void)state;
    const char *const none[] = {"data.workers=0", NULL}, *const many[] = {"data.workers=3", NULL};
    must_train("workers0", none);
    must_train("workers3", many);
    assert_same_run("workers0", "workers3");
}

/* A cool-down off a constant run starts with the trunk's weights, moments and place in the data. */
static void a_branch_goes_on_where_the_trunk_was(void **state) {
    (void)state;
    const char *const trunk[] = {"train.schedule={name: constant, warmup_steps: 3}", "train.checkpoint.every_steps=9",
                                 NULL};
    const char *const cooled[] = {"train.schedule={name: constant, warmup_steps: 3, cooldown_fraction: 0.25}", NULL};
    must_train("trunk", trunk);
    must_train("direct", cooled); /* 9 steps like the trunk's, 3 of cool-down */
    char *from = fixture_path("trunk/checkpoints/step-000000009");
    char branch[160];
    snprintf(branch, sizeof branch, "train.branch=%s", from);
    const char *const both[] = {cooled[0], branch, NULL};
    if (train("branch", cooled, NULL, RINS_RESUME_FROM, from) != RINS_OK) fail_msg("%s", rins_last_error());
    must_train("branch_by_key", both);
    for (size_t i = 0; i < 3; i++) {
        char name[96];
        snprintf(name, sizeof name, "checkpoints/step-%09d/%s", STEPS, state_files[i]);
        fixture_same_file("direct", "branch", name);
        fixture_same_file("direct", "branch_by_key", name);
    }
    size_t size;
    char *lines = fixture_read("branch", "metrics.jsonl", &size);
    assert_memory_equal(lines, "{\"step\": 10,", 12);
    free(lines);
    assert_int_equal(train("branch", cooled, NULL, RINS_RESUME_FROM, from), RINS_ERR_ARG); /* it has its own by now */
    assert_mentions("--resume auto");
    free(from);
}

/* The trunk may be where the branch ends: nothing to train, but a run with its checkpoint and evaluation. */
static void a_branch_at_its_end_is_a_run(void **state) {
    (void)state;
    must_train("trunk", NULL);
    char *from = fixture_path("trunk");
    Meddler meddler = {0};
    if (train("branch", NULL, &meddler, RINS_RESUME_FROM, from) != RINS_OK) fail_msg("%s", rins_last_error());
    assert_int_equal(meddler.evaluations, 1);
    for (size_t i = 0; i < 3; i++) {
        char name[96];
        snprintf(name, sizeof name, "checkpoints/step-%09d/%s", STEPS, state_files[i]);
        fixture_same_file("trunk", "branch", name);
    }
    if (train("branch", NULL, &meddler, RINS_RESUME_AUTO, NULL) != RINS_OK) fail_msg("%s", rins_last_error());
    assert_int_equal(meddler.evaluations, 1); /* it was finished */
    Meddler failing = {.fail_at = STEPS};
    assert_int_equal(train("unjudged", NULL, &failing, RINS_RESUME_FROM, from), RINS_ERR_IO);
    has_checkpoints("unjudged", (const int64_t[]){STEPS}, 1);
    const char *const nowhere[] = {"train.branch=/nonexistent/run", NULL};
    assert_int_not_equal(train("lost", nowhere, NULL, RINS_RESUME_AUTO, NULL), RINS_OK);
    assert_mentions("train.branch: ");
    free(from);
}

static void not_finite_names_the_step_and_keeps_the_checkpoint(void **state) {
    (void)state;
    const char *const each[] = {"train.eval.every_steps=1", "train.checkpoint.every_steps=4", NULL};
    Meddler meddler = {.spoil_at = 6};
    assert_int_equal(train("spoilt", each, &meddler, RINS_RESUME_AUTO, NULL), RINS_ERR_NONFINITE);
    assert_mentions("step 7:");
    assert_mentions("pairs.tsv:"); /* a sample of the batch */
    char *report = fixture_path("spoilt/nonfinite.json"), *dir = fixture_path("spoilt"), *newest;
    assert_true(rins_path_is_file(report));
    assert_int_equal(rins_model_dir_find(dir, &newest), RINS_OK);
    assert_non_null(strstr(newest, "step-000000004"));
    must_train("spoilt", NULL); /* and it is good to go on from */
    must_train("whole", NULL);
    assert_same_run("whole", "spoilt");
    free(newest);
    free(dir);
    free(report);
}

static void damaged_checkpoints_are_errors(void **state) {
    (void)state;
    static const char *const files[] = {"model.safetensors", "optimizer.safetensors", "train_state.json"};
    const char *const first[] = {"train.budget.steps=2", NULL};
    for (int i = 0; i < 3; i++) {
        must_train("damaged", first);
        char name[96];
        snprintf(name, sizeof name, "damaged/checkpoints/step-000000002/%s", files[i]);
        char *path = fixture_path(name), *dir = fixture_path("damaged");
        assert_int_equal(truncate(path, 200), 0);
        assert_int_not_equal(train("damaged", NULL, NULL, RINS_RESUME_AUTO, NULL), RINS_OK);
        assert_mentions(files[i]);
        assert_int_equal(unlink(path), 0);
        assert_int_not_equal(train("damaged", NULL, NULL, RINS_RESUME_AUTO, NULL), RINS_OK);
        assert_mentions("step-000000002");
        assert_int_equal(rins_remove_tree(dir), RINS_OK);
        free(dir);
        free(path);
    }
}

static void wrong_use_is_an_error(void **state) {
    (void)state;
    const char *const two[] = {"train.budget.steps=2", NULL}, *const one[] = {"train.budget.steps=1", NULL};
    const char *const wider[] = {"train.budget.steps=2", "model.text.mlp=64", NULL};
    const char *const small[] = {"model.text.vocab=8", NULL}, *const big[] = {"model.image.size=24", NULL};
    const char *const range[] = {"data.eval_image_pp=decode|resize(16)|value_range(0,1)", NULL};
    char *empty = fixture_path("nothing"), *own = fixture_path("own"), *config = fixture_path("own/config.yaml");
    assert_int_equal(rins_mkdirs(own), RINS_OK);
    assert_int_equal(rins_file_write(config, "# precious\n", 11), RINS_OK);
    assert_int_equal(train("own", two, NULL, RINS_RESUME_AUTO, NULL), RINS_ERR_ARG);
    assert_mentions("holds a config.yaml but no run");
    assert_int_equal(unlink(config), 0);
    must_train("own", two); /* an empty folder, or one with other files, becomes a run */
    must_train("used", two);
    must_train("used", two); /* nothing left to do */
    assert_int_equal(train("used", two, NULL, RINS_RESUME_NEVER, NULL), RINS_ERR_ARG);
    assert_mentions("not empty");
    assert_int_equal(train("used", wider, NULL, RINS_RESUME_AUTO, NULL), RINS_ERR_MISMATCH);
    assert_mentions("model.text.mlp was 32, is 64");
    assert_int_equal(train("used", one, NULL, RINS_RESUME_AUTO, NULL), RINS_ERR_CONFIG);
    assert_mentions("beyond it");
    assert_int_equal(train("other", two, NULL, RINS_RESUME_FROM, empty), RINS_ERR_ARG);
    assert_mentions("nothing");
    assert_int_equal(train("vocab", small, NULL, RINS_RESUME_AUTO, NULL), RINS_ERR_MISMATCH);
    assert_mentions("model.text.vocab");
    assert_int_equal(train("size", big, NULL, RINS_RESUME_AUTO, NULL), RINS_ERR_CONFIG);
    assert_mentions("model.image.size");
    assert_int_equal(train("range", range, NULL, RINS_RESUME_AUTO, NULL), RINS_ERR_CONFIG);
    assert_mentions("value ranges");
    free(config);
    free(own);
    free(empty);
}

/* A longer budget goes on only as the run that had it from the start; elsewhere it is a branch or an error. */
static void budgets_change_where_the_schedule_allows(void **state) {
    (void)state;
    static const char *const constant = "train.schedule={name: constant, warmup_steps: 3}";
    const char *const five[] = {constant, "train.budget.steps=5", NULL}, *const whole[] = {constant, NULL};
    const char *const cosine[] = {"train.budget.steps=5", NULL};
    must_train("whole", whole);
    must_train("longer", five);
    must_train("longer", whole);
    assert_same_run("whole", "longer");
    must_train("cosine", cosine);
    assert_int_equal(train("cosine", NULL, NULL, RINS_RESUME_AUTO, NULL), RINS_ERR_MISMATCH);
    assert_mentions("train.budget was 5 steps, is 12");
    assert_mentions("since the train.schedule's cosine hangs on the end");
    assert_mentions("train.branch=");
    must_train("cosine", cosine); /* nothing was changed by trying */
    char *from = fixture_path("cosine");
    if (train("branch", NULL, NULL, RINS_RESUME_FROM, from) != RINS_OK) fail_msg("%s", rins_last_error());
    free(from);
}

static double last_number(const char *run, const char *key) {
    size_t size;
    char *lines = fixture_read(run, "metrics.jsonl", &size), quoted[40];
    snprintf(quoted, sizeof quoted, "\"%s\": ", key);
    char *found = NULL;
    for (char *at = lines; (at = strstr(at, quoted)); at++) found = at;
    assert_non_null(found);
    const double value = strtod(found + strlen(quoted), NULL);
    free(lines);
    return value;
}

/* One FLOP budget, three towers of different cost: each ends within 0.5 % of it, and sees the examples it buys. */
static void flop_budgets_are_kept(void **state) {
    (void)state;
    static const char *const recursions[] = {"model.text.recursion={signature: A, drop: 0}",
                                             "model.text.recursion={signature: A^2B, drop: 0}",
                                             "model.text.recursion={signature: A^3B, drop: 0.5}"};
    const double budget = 5e8;
    double examples[3];
    for (int i = 0; i < 3; i++) {
        char run[24];
        snprintf(run, sizeof run, "flops%d", i);
        const char *const more[] = {recursions[i], "train.budget={steps: null, flops: 5.0e+8}", "train.batch=4", NULL};
        must_train(run, more);
        const double off = last_number(run, "flops") / budget - 1;
        if (fabs(off) > 0.005) fail_msg("%s: %.3f %% off the budget", recursions[i], 100 * off);
        examples[i] = last_number(run, "examples");
    }
    if (!(examples[0] > examples[1] && fabs(examples[1] / examples[2] - 1) < 0.01))
        fail_msg("examples: %g plain, %g A^2B, %g A^3B with drop 0.5", examples[0], examples[1], examples[2]);
}

/* The softmax loss keeps exp(t) at or below 100: t pushed to 10 after step 2 is in force in step 3 and
   clamped by it. */
static void softmax_clamps_t(void **state) {
    (void)state;
    const char *const more[] = {"train.loss=softmax", "train.eval.every_steps=1", NULL};
    Meddler meddler = {.push_at = 2};
    if (train("softmax", more, &meddler, RINS_RESUME_AUTO, NULL) != RINS_OK) fail_msg("%s", rins_last_error());
    size_t size;
    char *lines = fixture_read("softmax", "metrics.jsonl", &size), *at = lines;
    for (int step = 1; step <= STEPS; step++, at++) {
        at = strstr(at, "\"t\": ");
        const double t = strtod(at + 5, NULL);
        if (step == 3)
            assert_true(t == 10);
        else if (!(t <= log(100) + 1e-6))
            fail_msg("t is %.9g in step %d", t, step);
        if (step == 4 && !(t >= 4.5)) fail_msg("t is %.9g in step 4, not near log 100", t);
    }
    free(lines);
    assert_true(last_number("softmax", "b") == 0);
}

static void keep_line(RinsLogLevel level, const char *text, void *user) {
    (void)level;
    snprintf(user, 256, "%s", text);
}

/* b is 0 in every step whatever the run starts from, a model or a trunk whose moments would move it on, and
   it is said. */
static void softmax_drops_a_bias(void **state) {
    (void)state;
    const char *const first[] = {"train.budget.steps=4", NULL};
    char line[256] = "", from[160];
    must_train("sigmoid", first);
    char *trunk = fixture_path("sigmoid");
    snprintf(from, sizeof from, "model.from=%s", trunk);
    const char *const tuned[] = {"train.loss=softmax", "train.budget.steps=2", from, NULL}, *const branch[] = {tuned[0],
                                                                                                               NULL};
    rins_log_set(keep_line, line, RINS_LOG_WARN);
    must_train("tuned", tuned);
    assert_non_null(strstr(line, "logit_bias, -"));
    line[0] = 0;
    must_train("tuned", tuned); /* nothing to drop any more */
    if (strstr(line, "logit_bias")) fail_msg("said again: %s", line);
    if (train("branch", branch, NULL, RINS_RESUME_FROM, trunk) != RINS_OK) fail_msg("%s", rins_last_error());
    rins_log_set(NULL, NULL, RINS_LOG_ERROR);
    assert_non_null(strstr(line, "logit_bias, -"));
    if (last_number("tuned", "b") != 0) fail_msg("b is %g after model.from", last_number("tuned", "b"));
    if (last_number("branch", "b") != 0) fail_msg("b is %g in a branch", last_number("branch", "b"));
    free(trunk);
}

int main(int argc, char **argv) {
    if (argc >= 5 && !strcmp(argv[1], "die")) {
        Meddler meddler = {.die_at = atoll(argv[4])};
        snprintf(fixture_dir, sizeof fixture_dir, "%s", argv[2]);
        return train(argv[3], (const char *const *)argv + 5, &meddler, RINS_RESUME_AUTO, NULL) != RINS_OK;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(killed_at_any_step_gives_the_same_bytes, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(stopped_at_every_step_gives_the_same_bytes, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(a_model_goes_on_at_another_size, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(the_clock_asks_for_checkpoints_too, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(an_evaluation_that_fails_costs_no_step, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(evaluation_does_not_change_a_run, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(threads_that_prepare_data_do_not_change_a_run, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(a_branch_goes_on_where_the_trunk_was, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(a_branch_at_its_end_is_a_run, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(not_finite_names_the_step_and_keeps_the_checkpoint, fixture_make,
                                        fixture_remove),
        cmocka_unit_test_setup_teardown(damaged_checkpoints_are_errors, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(wrong_use_is_an_error, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(budgets_change_where_the_schedule_allows, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(flop_budgets_are_kept, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(softmax_clamps_t, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(softmax_drops_a_bias, fixture_make, fixture_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
