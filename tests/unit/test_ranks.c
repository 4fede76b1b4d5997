/* Several processes that train together compute what one does with the whole batch, and every one the same bytes. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/thread_comm.h"
#include "tests/unit/tiny_model.h"
#include "tests/unit/training_fixture.h"

#include "src/train/peers.h"

#include <jansson.h>
#include <math.h>
#include <signal.h>

enum { MOST = THREAD_COMM_MOST, STEPS = 12 };

/* --- exchanges --- */

typedef struct Sums {
    int64_t n;
    float *data[MOST];
    int64_t counts[MOST][2];
    bool flags[MOST];
    int64_t firsts[MOST];
} Sums;

static float summand(int rank, int64_t i) {
    return (float)(1e-3 * (double)(i % 977) * (rank + 1) + (i % 3 == rank % 3 ? 1e4 : -3.7));
}

static void add_up(RinsComm *comm, void *user) {
    Sums *s = user;
    s->data[comm->rank] = malloc((size_t)s->n * sizeof(float));
    for (int64_t i = 0; i < s->n; i++) s->data[comm->rank][i] = summand(comm->rank, i);
    s->counts[comm->rank][0] = comm->rank, s->counts[comm->rank][1] = 10;
    s->flags[comm->rank] = comm->rank == comm->world - 1;
    s->firsts[comm->rank] = 100 + comm->rank;
    if (rins_comm_sum(comm, s->data[comm->rank], s->n) != RINS_OK ||
        rins_comm_sum_counts(comm, s->counts[comm->rank], 2) != RINS_OK ||
        rins_comm_any(comm, &s->flags[comm->rank]) != RINS_OK ||
        rins_comm_from_first(comm, &s->firsts[comm->rank], sizeof(int64_t)) != RINS_OK)
        s->data[comm->rank][0] = NAN;
}

static void sums_are_in_rank_order_and_the_same_everywhere(void **state) {
    (void)state;
    const int64_t sizes[] = {1, 2, 5, 1000, (1 << 20) + 3};
    for (int world = 1; world <= MOST; world++)
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            Sums s = {.n = sizes[k]};
            thread_comm_run(world, add_up, &s);
            for (int64_t i = 0; i < s.n; i++) {
                float sum = summand(0, i);
                for (int r = 1; r < world; r++) sum += summand(r, i);
                for (int r = 0; r < world; r++)
                    if (s.data[r][i] != sum)
                        fail_msg("world %d, rank %d: sum %lld is %g, not %g", world, r, (long long)i, s.data[r][i],
                                 sum);
            }
            for (int r = 0; r < world; r++) {
                assert_int_equal(s.counts[r][0], world * (world - 1) / 2);
                assert_int_equal(s.counts[r][1], 10 * world);
                assert_true(s.flags[r]);
                assert_int_equal(s.firsts[r], 100);
                free(s.data[r]);
            }
        }
}

/* --- one step --- */

typedef struct Step {
    const char *overrides;
    RinsLoss loss;
    int64_t pairs, micro_batch;
    RinsStatus status[MOST];
    RinsStepResult result[MOST];
    float *gradients[MOST];
    int64_t n; /* of them */
} Step;

static RinsStatus step_of(Step *s, RinsComm *comm) {
    const int rank = comm ? comm->rank : 0, world = comm ? comm->world : 1;
    RinsModelConfig config = tiny_config(s->overrides);
    RinsModelOptions options = tiny_options(s->pairs / world);
    options.comm = comm, options.loss = s->loss, options.micro_batch = s->micro_batch;
    const size_t first = (size_t)(rank * options.batch);
    TinyInputs all = tiny_inputs(&config, s->pairs, 7);
    RinsDevice *dev = NULL;
    RinsModel *model = NULL;
    RinsStatus status = rins_device_open(&dev, "cpu", 1);
    if (status == RINS_OK) status = rins_model_new(&model, dev, &config, &options);
    if (status == RINS_OK) {
        tiny_weights(model, 5);
        status = rins_model_step(model, all.pixels + first * (size_t)(config.image.size * config.image.size * 3),
                                 all.ids + first * (size_t)config.text.length, options.batch, (RinsRounds){0, 0},
                                 &s->result[rank]);
    }
    if (status == RINS_OK) {
        const RinsParams *params = rins_model_params(model);
        s->n = params->trainable;
        s->gradients[rank] = malloc((size_t)s->n * sizeof(float));
        memcpy(s->gradients[rank], params->g, (size_t)s->n * sizeof(float));
    }
    rins_model_free(model);
    rins_device_close(dev);
    tiny_inputs_free(&all);
    rins_config_free(rins_model_fields, &config);
    return status;
}

static void step_together(RinsComm *comm, void *user) {
    Step *s = user;
    s->status[comm->rank] = step_of(s, comm);
}

static void check_step(Step alone, int world) {
    Step shared = alone;
    assert_int_equal(step_of(&alone, NULL), RINS_OK);
    thread_comm_run(world, step_together, &shared);
    double error = 0, norm = 0;
    for (int r = 0; r < world; r++) {
        assert_int_equal(shared.status[r], RINS_OK);
        assert_memory_equal(shared.gradients[r], shared.gradients[0], (size_t)shared.n * sizeof(float));
        assert_memory_equal(&shared.result[r].grad_sqsum, &shared.result[0].grad_sqsum, sizeof(double));
        assert_true(shared.result[r].loss == shared.result[0].loss);
    }
    for (int64_t i = 0; i < alone.n; i++) {
        error += pow((double)shared.gradients[0][i] - alone.gradients[0][i], 2);
        norm += pow(alone.gradients[0][i], 2);
    }
    error = sqrt(error / norm);
    const double loss = fabs((double)shared.result[0].loss / alone.result[0].loss - 1);
    const double sqsum = fabs(shared.result[0].grad_sqsum / alone.result[0].grad_sqsum - 1);
    print_message("# %d ranks, %-52s loss %.1e, gradients %.1e, norm %.1e off\n", world, alone.overrides, loss, error,
                  sqsum);
    assert_true(loss < 1e-6 && error < 2e-6 && sqsum < 1e-5);
    free(alone.gradients[0]);
    for (int r = 0; r < world; r++) free(shared.gradients[r]);
}

static void a_step_is_that_of_the_whole_batch(void **state) {
    (void)state;
    const Step steps[] = {
        {"", RINS_LOSS_SIGMOID, 12, 0},
        {"", RINS_LOSS_SIGMOID, 12, 2},
        {"", RINS_LOSS_SOFTMAX, 12, 0},
        {"image.recursion.signature=A^2B text.recursion.signature=(AB)^2", RINS_LOSS_SIGMOID, 12, 0},
        {"image.freeze=true", RINS_LOSS_SIGMOID, 12, 0},
        {"text.freeze=true image.pool=gap", RINS_LOSS_SIGMOID, 12, 1},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        for (int world = 2; world <= MOST; world++) check_step(steps[i], world);
}

/* --- whole runs --- */

typedef struct Run {
    const char *name;
    const char *const *more;
    const char *const *more_of_last; /* of the last rank; NULL: the same */
    RinsResume resume;
    int64_t stop_at; /* rank 1 is asked to stop after this step; 0: none */
    RinsStatus status[MOST];
    char message[MOST][256];
} Run;

typedef struct Stopper {
    int64_t at;
    volatile sig_atomic_t stop;
} Stopper;

static void stop_at(void *user, const RinsTrainProgress *progress) {
    Stopper *stopper = user;
    if (progress->step == stopper->at) stopper->stop = 1;
}

static void train_rank(RinsComm *comm, void *user) {
    Run *run = user;
    const bool last = comm->rank == comm->world - 1;
    RinsRunConfig config = fixture_config(last && run->more_of_last ? run->more_of_last : run->more);
    char *out = fixture_path(run->name);
    Stopper stopper = {.at = comm->rank == 1 ? run->stop_at : 0};
    const RinsTrainingOptions options = {.config = &config,
                                         .out = out,
                                         .resume = run->resume,
                                         .threads = 1,
                                         .no_events = true,
                                         .comm = comm,
                                         .progress = stop_at,
                                         .progress_user = &stopper,
                                         .stop = &stopper.stop};
    RinsTraining *training;
    RinsStatus status = rins_training_open(&training, &options);
    if (status == RINS_OK) status = rins_training_run(training);
    run->status[comm->rank] = status;
    if (status != RINS_OK) snprintf(run->message[comm->rank], sizeof run->message[0], "%s", rins_last_error());
    rins_training_free(training);
    rins_run_config_free(&config);
    free(out);
}

static void must_run(int world, Run run, RinsStatus expected) {
    thread_comm_run(world, train_rank, &run);
    for (int r = 0; r < world; r++)
        if (run.status[r] != expected)
            fail_msg("%s, rank %d of %d: %d, %s", run.name, r, world, run.status[r], run.message[r]);
}

static double number(json_t *line, const char *key) {
    return json_number_value(json_object_get(line, key));
}

/* Largest relative difference of the loss in two runs; everything counted must be equal. */
static double compare_metrics(const char *a, const char *b) {
    size_t na, nb;
    char *x = fixture_read(a, "metrics.jsonl", &na), *y = fixture_read(b, "metrics.jsonl", &nb);
    static const char *const counts[] = {"step",         "examples",    "lr",   "bad", "duplicate_texts",
                                         "image_rounds", "text_rounds", "flops"};
    const char *p = x, *q = y;
    double worst = 0;
    for (int step = 0; step < STEPS; step++) {
        json_t *one = json_loads(p, JSON_DISABLE_EOF_CHECK, NULL), *two = json_loads(q, JSON_DISABLE_EOF_CHECK, NULL);
        assert_non_null(one);
        assert_non_null(two);
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
            if (number(one, counts[i]) != number(two, counts[i])) fail_msg("step %d: %s differs", step + 1, counts[i]);
        worst = fmax(worst, fabs(number(one, "loss") / number(two, "loss") - 1));
        json_decref(one);
        json_decref(two);
        p = strchr(p, '\n') + 1, q = strchr(q, '\n') + 1;
    }
    assert_int_equal(*p, 0);
    free(x);
    free(y);
    return worst;
}

static void a_run_is_that_of_one_process(void **state) {
    (void)state;
    char twice[192];
    snprintf(twice, sizeof twice, "data.train=[table:%s/pairs.tsv, table:%s/pairs.tsv]", fixture_dir, fixture_dir);
    const char *const bad[] = {"data.max_bad_fraction=0.5", twice, NULL}; /* and two of each text */
    fixture_write("05.png", "no picture", 10);                            /* both ways count it, whoever meets it */
    must_run(1, (Run){.name = "one", .more = bad}, RINS_OK);
    must_run(2, (Run){.name = "two", .more = bad}, RINS_OK);
    must_run(2, (Run){.name = "again", .more = bad}, RINS_OK);
    must_run(4, (Run){.name = "four", .more = bad}, RINS_OK);
    const double two = compare_metrics("one", "two"), four = compare_metrics("one", "four");
    print_message("# losses: 2 ranks %.1e, 4 ranks %.1e off\n", two, four);
    assert_true(two < 1e-5 && four < 1e-5);
    fixture_same_file("two", "again", "metrics.jsonl");
    fixture_same_file("two", "again", "checkpoints/step-000000012/model.safetensors");
    fixture_same_file("two", "again", "checkpoints/step-000000012/optimizer.safetensors");
    size_t n;
    char *line = fixture_read("two", "metrics.jsonl", &n);
    double met = 0, duplicates = 0;
    for (const char *p = line; *p; p = strchr(p, '\n') + 1) {
        json_t *object = json_loads(p, JSON_DISABLE_EOF_CHECK, NULL);
        met += number(object, "bad"), duplicates += number(object, "duplicate_texts");
        json_decref(object);
    }
    assert_true(met > 0 && duplicates > 0);
    free(line);
    fixture_picture(5);
}

static int count_lines(const char *run) {
    size_t n;
    int lines = 0;
    char *text = fixture_read(run, "metrics.jsonl", &n);
    for (size_t i = 0; i < n; i++) lines += text[i] == '\n';
    free(text);
    return lines;
}

static bool is_there(const char *run, const char *name) {
    char *dir = fixture_path(run), *path = rins_path_join(dir, name);
    const bool there = rins_path_is_file(path);
    free(path);
    free(dir);
    return there;
}

static void append(const char *run, const char *name, const char *text, size_t size) {
    char *dir = fixture_path(run), *path = rins_path_join(dir, name);
    FILE *file = fopen(path, "ab");
    assert_non_null(file);
    fwrite(text, 1, size, file);
    assert_int_equal(fclose(file), 0);
    free(path);
    free(dir);
}

/* Four processes, then two, then one, with lines beyond the checkpoint and half a move in between: every bad sample is
   named once, as by one process. */
static void bad_samples_of_ranks_that_are_no_more_stay_named_once(void **state) {
    (void)state;
    static const char *const bad[] = {"data.max_bad_fraction=0.8", NULL};
    size_t n, size;
    char name[32];
    for (int i = 0; i < FIXTURE_PAIRS; i += 3) {
        snprintf(name, sizeof name, "%02d.png", i);
        fixture_write(name, "no picture", 10);
    }
    must_run(1, (Run){.name = "one", .more = bad}, RINS_OK);
    must_run(4, (Run){.name = "fewer", .more = bad, .stop_at = 6}, RINS_ERR_INTERRUPTED);
    char *expected = fixture_read("one", "bad.jsonl", &n), *of_last = fixture_read("fewer", "bad.jsonl.3", &size);
    static const char beyond[] = "{\"slot\": 50, \"sample\": 1}\n"; /* of a step behind the checkpoint, done again */
    append("fewer", "bad.jsonl.3", beyond, strlen(beyond));
    append("fewer", "bad.jsonl", of_last, size); /* moved, but killed before the file was removed */
    assert_true(size > 0);
    must_run(2, (Run){.name = "fewer", .more = bad, .stop_at = 9}, RINS_ERR_INTERRUPTED);
    if (is_there("fewer", "bad.jsonl.2") || is_there("fewer", "bad.jsonl.3")) fail_msg("a file of no rank is left");
    assert_true(is_there("fewer", "bad.jsonl.1"));
    must_run(1, (Run){.name = "fewer", .more = bad}, RINS_OK);
    assert_false(is_there("fewer", "bad.jsonl.1"));
    print_message("# %zu bytes of bad samples, %zu of them of the last rank of four\n", n, size);
    fixture_same_file("one", "fewer", "bad.jsonl");
    free(expected);
    free(of_last);
}

/* Every bad sample is in the share of the last of two: a half of its own, a quarter of all. */
static void the_bad_fraction_is_that_of_all(void **state) {
    (void)state;
    char name[32];
    for (int i = 0; i < FIXTURE_PAIRS; i++) {
        snprintf(name, sizeof name, "%02d.png", i);
        if (i % FIXTURE_BATCH >= 6) fixture_write(name, "no picture", 10);
    }
    static const char *const within[] = {"data.shuffle=false", "data.max_bad_fraction=0.45", "train.budget.steps=40",
                                         NULL};
    must_run(1, (Run){.name = "one", .more = within}, RINS_OK);
    must_run(2, (Run){.name = "two", .more = within}, RINS_OK);
    static const char *const beyond[] = {"data.shuffle=false", "data.max_bad_fraction=0.2", "train.budget.steps=40",
                                         NULL};
    must_run(1, (Run){.name = "too bad", .more = beyond}, RINS_ERR_LIMIT);
    must_run(2, (Run){.name = "too bad of two", .more = beyond}, RINS_ERR_LIMIT);
    const int steps = count_lines("too bad");
    assert_in_range(steps, 5, 39);
    assert_int_equal(count_lines("too bad of two"), steps);
}

/* The validation loss is over whole batches, of which a rank trains but a share. */
static void evaluation_is_that_of_one_process(void **state) {
    (void)state;
    char loss[128];
    snprintf(loss, sizeof loss, "train.eval.loss=[table:%s/pairs.tsv]", fixture_dir);
    const char *const each[] = {"train.eval.every_steps=6", loss, NULL};
    must_run(1, (Run){.name = "one", .more = each}, RINS_OK);
    must_run(4, (Run){.name = "four", .more = each}, RINS_OK);
    size_t n;
    char *one = fixture_read("one", "eval.jsonl", &n), *four = fixture_read("four", "eval.jsonl", &n);
    const char *p = one, *q = four;
    for (int64_t step = 6; step <= STEPS; step += 6) {
        json_t *a = json_loads(p, JSON_DISABLE_EOF_CHECK, NULL), *b = json_loads(q, JSON_DISABLE_EOF_CHECK, NULL);
        const double x = number(json_object_get(a, "metrics"), "loss"),
                     y = number(json_object_get(b, "metrics"), "loss");
        print_message("# step %lld: validation loss %.9g, 4 ranks %.9g\n", (long long)step, x, y);
        assert_true(number(a, "step") == (double)step && number(b, "step") == (double)step);
        assert_true(number(a, "n") == FIXTURE_PAIRS && number(b, "n") == FIXTURE_PAIRS);
        assert_true(x > 0 && fabs(x / y - 1) < 1e-5);
        json_decref(a);
        json_decref(b);
        p = strchr(p, '\n') + 1, q = strchr(q, '\n') + 1;
    }
    free(one);
    free(four);
}

static void a_signal_to_one_stops_all_and_they_go_on_exactly(void **state) {
    (void)state;
    must_run(2, (Run){.name = "whole"}, RINS_OK);
    must_run(2, (Run){.name = "stopped", .stop_at = 5}, RINS_ERR_INTERRUPTED);
    must_run(2, (Run){.name = "stopped"}, RINS_OK);
    fixture_same_file("whole", "stopped", "metrics.jsonl");
    fixture_same_file("whole", "stopped", "checkpoints/step-000000012/model.safetensors");
    fixture_same_file("whole", "stopped", "checkpoints/step-000000012/train_state.json");
    must_run(2, (Run){.name = "fewer", .stop_at = 5}, RINS_ERR_INTERRUPTED); /* the rest by one */
    must_run(1, (Run){.name = "fewer"}, RINS_OK);
    assert_true(compare_metrics("whole", "fewer") < 1e-5);
}

static void what_cannot_work_ends_at_every_rank(void **state) {
    (void)state;
    static const char *const other[] = {"seed=4", NULL};
    Run run = {.name = "odd", .more_of_last = other};
    thread_comm_run(2, train_rank, &run);
    assert_int_equal(run.status[0], RINS_ERR_MISMATCH);
    assert_int_equal(run.status[1], RINS_ERR_MISMATCH);
    assert_non_null(strstr(run.message[1], "rank 1 has another config than rank 0"));
    char first[160], second[160]; /* the same path on two machines may hold two models */
    snprintf(first, sizeof first, "model.from=%s/a", fixture_dir);
    snprintf(second, sizeof second, "model.from=%s/b", fixture_dir);
    must_run(1, (Run){.name = "a"}, RINS_OK);
    must_run(1, (Run){.name = "b", .more = other}, RINS_OK);
    run = (Run){.name = "apart",
                .more = (const char *const[]){first, NULL},
                .more_of_last = (const char *const[]){second, NULL}};
    thread_comm_run(2, train_rank, &run);
    assert_int_equal(run.status[0], RINS_ERR_MISMATCH);
    assert_int_equal(run.status[1], RINS_ERR_MISMATCH);
    assert_non_null(strstr(run.message[1], "another file of starting weights"));
    run = (Run){.name = "third"};
    thread_comm_run(3, train_rank, &run);
    for (int r = 0; r < 3; r++) {
        assert_int_equal(run.status[r], RINS_ERR_CONFIG);
        assert_non_null(strstr(run.message[r], "train.batch=8 cannot be shared by 3 processes"));
    }
    fixture_write("taken", "", 0); /* a file where the run directory should be */
    run = (Run){.name = "taken"};
    thread_comm_run(2, train_rank, &run);
    assert_int_equal(run.status[0], RINS_ERR_IO);
    assert_int_equal(run.status[1], RINS_ERR_IO);
    assert_non_null(strstr(run.message[1], "rank 0 could not open"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_in_rank_order_and_the_same_everywhere),
        cmocka_unit_test(a_step_is_that_of_the_whole_batch),
        cmocka_unit_test_setup_teardown(a_run_is_that_of_one_process, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(bad_samples_of_ranks_that_are_no_more_stay_named_once, fixture_make,
                                        fixture_remove),
        cmocka_unit_test_setup_teardown(the_bad_fraction_is_that_of_all, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(evaluation_is_that_of_one_process, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(a_signal_to_one_stops_all_and_they_go_on_exactly, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(what_cannot_work_ends_at_every_rank, fixture_make, fixture_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
