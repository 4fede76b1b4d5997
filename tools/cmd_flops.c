/* rins flops CONFIG.yaml [key=value ...]: what a model costs, before it is trained. */
#include "tools/command.h"
#include "tools/common.h"
#include "tools/flags.h"

#include "src/base/cpu.h"
#include "src/train/initial_weights.h"
#include "src/train/rounds.h"
#include "src/train/run_config.h"
#include "src/train/train_flops.h"

#include <math.h>
#include <stdio.h>

typedef struct TowerCost {
    int64_t parameters;
    int blocks, steps, rounds, max_rounds; /* in force, and the signature's own */
    double forward;                        /* nominal FLOPs per pair at `rounds` */
    double trained;                        /* the same at the signature's own, as training runs it without `drop` */
    double mean_steps, mean;               /* expected over the draws of training: executed steps, forward FLOPs */
    bool stochastic;
} TowerCost;

typedef struct Cost {
    TowerCost image, text;
    int64_t parameters;                 /* with t and b */
    double expected;                    /* training FLOPs per pair, nominal and expected: what a budget is counted in */
    double executed;                    /* training FLOPs per pair that the ops do at the signature's rounds */
    size_t total, activations, weights; /* planned bytes */
    RinsPrecision precision;
} Cost;

static RinsStatus count_steps(const RinsEncoderConfig *encoder, int rounds, int *steps, int *blocks, int *in_force) {
    RinsPlan plan;
    RINS_TRY(rins_encoder_plan(encoder, rounds, NULL, &plan));
    *steps = plan.n_steps;
    *blocks = plan.n_blocks;
    *in_force = plan.rounds;
    rins_plan_free(&plan);
    return RINS_OK;
}

static RinsStatus tower_cost(const RinsModelConfig *config, RinsTower tower, int rounds, TowerCost *cost) {
    const RinsEncoderConfig *encoder = tower == RINS_TOWER_IMAGE ? &config->image.encoder : &config->text.encoder;
    RinsTowerRounds draws;
    RINS_TRY(count_steps(encoder, rounds, &cost->steps, &cost->blocks, &cost->rounds));
    RINS_TRY(rins_tower_rounds(encoder, &draws));
    cost->max_rounds = draws.max;
    cost->stochastic = draws.max > 1 && draws.drop > 0;
    for (int n = 0; n <= draws.max; n++) { /* n 0 stands for the rounds asked for */
        const int at = n ? n : rounds;
        const RinsRounds both = {tower == RINS_TOWER_IMAGE ? at : 0, tower == RINS_TOWER_TEXT ? at : 0};
        RinsModelFlops flops;
        int steps, blocks, in_force;
        RINS_TRY(rins_model_flops(config, both, &flops));
        RINS_TRY(count_steps(encoder, at, &steps, &blocks, &in_force));
        const double forward = tower == RINS_TOWER_IMAGE ? flops.image_forward : flops.text_forward;
        if (n == 0) {
            cost->forward = forward;
            continue;
        }
        if (n == draws.max) cost->trained = forward;
        cost->mean += rins_rounds_probability(&draws, n) * forward;
        cost->mean_steps += rins_rounds_probability(&draws, n) * steps;
    }
    return RINS_OK;
}

/* Builds the model on the device that runs nothing: its memory and work are then known exactly. */
static RinsStatus plan_model(const RinsRunConfig *config, Cost *cost) {
    RinsCpu cpu;
    RinsDevice *dry = NULL;
    RinsModel *model = NULL;
    RinsDeviceStats stats;
    RINS_TRY(rins_cpu_detect(&cpu));
    RinsStatus status = rins_device_open(&dry, "dry", 1);
    if (status != RINS_OK) return status;
    if (config->precision == RINS_PRECISION_AUTO) dry->bf16 = rins_cpu_bf16(&cpu);
    RINS_TRY_DONE(rins_precision_choose(config->precision, dry, &cost->precision));
    const RinsModelOptions options = {
        .training = true,
        .image = true,
        .text = true,
        .precision = cost->precision,
        .loss = (RinsLoss)config->train.loss,
        .batch = config->train.batch,
        .micro_batch = config->train.micro_batch,
        .recompute = config->train.recompute,
    };
    RINS_TRY_DONE(rins_model_new(&model, dry, &config->model, &options));
    RINS_TRY_DONE(rins_model_step_stats(model, (RinsRounds){0, 0}, options.batch, &stats));
    cost->executed = (double)(stats.gemm_flops + stats.attention_flops) / (double)options.batch;
    const RinsParams *params = rins_model_params(model);
    cost->parameters = rins_params_count(params, RINS_TOWER_NONE, false);
    cost->image.parameters = rins_params_count(params, RINS_TOWER_IMAGE, false);
    cost->text.parameters = rins_params_count(params, RINS_TOWER_TEXT, false);
    cost->total = rins_model_bytes(model);
    cost->activations = rins_model_arena_bytes(model);
    cost->weights = rins_params_bytes(params);
done:
    rins_model_free(model);
    rins_device_close(dry);
    return status;
}

static RinsStatus count_cost(const RinsRunConfig *config, RinsRounds rounds, Cost *cost) {
    *cost = (Cost){0};
    RINS_TRY(tower_cost(&config->model, RINS_TOWER_IMAGE, rounds.image, &cost->image));
    RINS_TRY(tower_cost(&config->model, RINS_TOWER_TEXT, rounds.text, &cost->text));
    RINS_TRY(rins_expected_flops(&config->model, &cost->expected));
    return plan_model(config, cost);
}

static void row(const char *name, const char *image, const char *text, const char *both) {
    printf("  %-26s %14s %14s %14s\n", name, image, text, both);
}

static void flops_row(const char *name, double image, double text, double both) {
    char a[32], b[32], c[32];
    row(name, rins_format_si(image, a), rins_format_si(text, b), rins_format_si(both, c));
}

static void print_towers(const Cost *cost) {
    char a[32], b[32], c[32];
    const TowerCost *image = &cost->image, *text = &cost->text;
    row("", "image", "text", "both");
    flops_row("parameters", (double)image->parameters, (double)text->parameters, (double)cost->parameters);
    snprintf(a, sizeof a, "%d", image->blocks), snprintf(b, sizeof b, "%d", text->blocks);
    snprintf(c, sizeof c, "%d", image->blocks + text->blocks);
    row("unique blocks", a, b, c);
    snprintf(a, sizeof a, "%d", image->steps), snprintf(b, sizeof b, "%d", text->steps);
    snprintf(c, sizeof c, "%d", image->steps + text->steps);
    row("executed steps", a, b, c);
    snprintf(a, sizeof a, "%d", image->rounds), snprintf(b, sizeof b, "%d", text->rounds);
    row("rounds", a, b, "");
    flops_row("forward FLOPs a pair", image->forward, text->forward, image->forward + text->forward);
    if (image->rounds != image->max_rounds || text->rounds != text->max_rounds) {
        snprintf(a, sizeof a, "%d", image->max_rounds), snprintf(b, sizeof b, "%d", text->max_rounds);
        row("rounds of training", a, b, "");
    }
    flops_row("training FLOPs a pair", 3 * image->trained, 3 * text->trained, 3 * (image->trained + text->trained));
    if (image->stochastic || text->stochastic) {
        snprintf(a, sizeof a, "%.2f", image->mean_steps), snprintf(b, sizeof b, "%.2f", text->mean_steps);
        snprintf(c, sizeof c, "%.2f", image->mean_steps + text->mean_steps);
        row("expected steps", a, b, c);
        flops_row("expected forward", image->mean, text->mean, image->mean + text->mean);
        flops_row("expected training", 3 * image->mean, 3 * text->mean, cost->expected);
    }
    row("really executed, training", "", "", rins_format_si(cost->executed, c));
}

static void print_memory(const RinsRunConfig *config, const Cost *cost) {
    char a[32], b[32], c[32];
    printf("\nmemory for training, batch %lld", (long long)config->train.batch);
    if (config->train.micro_batch) printf(" in micro-batches of %lld", (long long)config->train.micro_batch);
    printf(", %s%s: %s planned (%s weights, gradients and moments; %s activations)\n",
           rins_precision_names[cost->precision], config->train.recompute ? ", recomputing" : "",
           rins_format_bytes((double)cost->total, a), rins_format_bytes((double)cost->weights, b),
           rins_format_bytes((double)cost->activations, c));
}

static void print_bought(const char *what, double flops, const RinsRunConfig *config, const Cost *cost) {
    const double steps = flops / (cost->expected * (double)config->train.batch);
    char a[32], b[32];
    printf("  %-26s %14s FLOPs buy %s pairs = %.0f steps of %lld\n", what, rins_format_si(flops, a),
           rins_format_si(steps * (double)config->train.batch, b), steps < 1 ? 0 : round(steps),
           (long long)config->train.batch);
}

static void print_budget(const RinsRunConfig *config, const Cost *cost) {
    const RinsBudgetConfig *budget = &config->train.budget;
    const double batch_flops = cost->expected * (double)config->train.batch;
    char a[32];
    printf("\nbudget\n");
    if (!isnan(budget->flops))
        print_bought("train.budget.flops", budget->flops, config, cost);
    else if (budget->steps != RINS_INT_NULL)
        printf("  %-26s %lld steps cost %s FLOPs\n", "train.budget.steps", (long long)budget->steps,
               rins_format_si((double)budget->steps * batch_flops, a));
    else if (budget->examples != RINS_INT_NULL)
        printf("  %-26s %lld pairs cost %s FLOPs\n", "train.budget.examples", (long long)budget->examples,
               rins_format_si((double)budget->examples * cost->expected, a));
    else
        for (double flops = 1e15; flops <= 1e21; flops *= 100) print_bought("", flops, config, cost);
}

static void tower_json(RinsJsonWriter *json, const char *key, const TowerCost *cost) {
    rins_json_open(json, key, '{');
    rins_json_int(json, "parameters", cost->parameters);
    rins_json_int(json, "unique_blocks", cost->blocks);
    rins_json_int(json, "executed_steps", cost->steps);
    rins_json_int(json, "rounds", cost->rounds);
    rins_json_double(json, "forward_flops", cost->forward);
    rins_json_double(json, "training_flops", 3 * cost->trained);
    rins_json_double(json, "expected_steps", cost->mean_steps);
    rins_json_double(json, "expected_training_flops", 3 * cost->mean);
    rins_json_close(json);
}

static RinsStatus write_json(const char *path, const RinsRunConfig *config, const Cost *cost) {
    RinsJsonWriter json = {.indent = 2};
    rins_json_open(&json, NULL, '{');
    tower_json(&json, "image", &cost->image);
    tower_json(&json, "text", &cost->text);
    rins_json_int(&json, "parameters", cost->parameters);
    rins_json_double(&json, "training_flops", 3 * (cost->image.trained + cost->text.trained));
    rins_json_double(&json, "expected_training_flops", cost->expected);
    rins_json_double(&json, "flops_executed", cost->executed);
    rins_json_int(&json, "batch", config->train.batch);
    rins_json_string(&json, "precision", rins_precision_names[cost->precision]);
    rins_json_int(&json, "memory_bytes", (int64_t)cost->total);
    rins_json_int(&json, "activation_bytes", (int64_t)cost->activations);
    if (!isnan(config->train.budget.flops)) {
        rins_json_double(&json, "budget_flops", config->train.budget.flops);
        rins_json_double(&json, "budget_examples", floor(config->train.budget.flops / cost->expected));
    }
    rins_json_close(&json);
    return rins_write_json(path, &json);
}

int rins_cmd_flops(int argc, char **argv) {
    const char *rounds_text = NULL, *json = NULL;
    const RinsFlag flags[] = {
        {"rounds", RINS_FLAG_STRING, &rounds_text, "image=R,text=R",
         "forward at other rounds than the signature's, as in evaluation; training, its memory and what a budget buys "
         "stay the signature's"},
        {"json", RINS_FLAG_OUT_OR_STDOUT, &json, "F", "also write the figures as JSON (-: standard output, alone)"},
        {NULL},
    };
    const RinsCli cli = {"rins flops",
                         "CONFIG.yaml [key=value ...]",
                         "Counts parameters, steps, FLOPs and memory of a model, and what a budget buys.\n"
                         "Nominal FLOPs are every row of every step, 2 a multiply-add, training 3 x forward.",
                         flags,
                         1,
                         -1};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    RinsRunConfig config = {0};
    RinsRounds rounds;
    Cost cost;
    RinsStatus status = rins_parse_rounds(rounds_text, &rounds);
    if (status == RINS_OK) status = rins_run_config_load(&config, argv[0], argv + 1, n_args - 1);
    if (status == RINS_OK) status = rins_origins_adopt(&config);
    if (status == RINS_OK) status = count_cost(&config, rounds, &cost);
    if (status == RINS_OK && !(json && json[0] == '-' && !json[1])) {
        printf("%s\n", argv[0]);
        print_towers(&cost);
        print_memory(&config, &cost);
        print_budget(&config, &cost);
    }
    if (status == RINS_OK) status = write_json(json, &config, &cost);
    rins_run_config_free(&config);
    return rins_report(status);
}
