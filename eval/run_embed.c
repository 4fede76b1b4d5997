#define _GNU_SOURCE
#include "eval/run_embed.h"

#include "eval/embed_input.h"
#include "eval/embed_output.h"
#include "eval/embed_stream.h"
#include "eval/embedding_cache.h"
#include "eval/eval_rounds.h"
#include "eval/source_pixels.h"
#include "src/base/rng.h"

#include <stdlib.h>
#include <string.h>

/* Input i's line or key lies in lines[i % window] from when it is read until its row is written. */
typedef struct Run {
    RinsEvalModel *em;
    const RinsEmbedTask *task;
    RinsEmbedReport *report;
    RinsEmbedInput input;
    RinsEmbedOutput output;
    int64_t window;
    RinsEmbedLine *lines;
    float *rows;   /* (batch, dim) */
    uint64_t hash; /* of the inputs so far, in order */
    int64_t seen;  /* how many those are */
} Run;

/* Everything that the bytes of a row depend on, as a JSON object. */
static RinsStatus identity(const Run *run, char **text) {
    const RinsEvalModel *em = run->em;
    const RinsModelConfig *config = rins_model_config(em->model);
    RinsJsonWriter json = {0};
    RinsRounds rounds;
    uint64_t model_hash = RINS_HASH_BASIS;
    char pp[128], hash[17];
    if (em->owned_dir) RINS_TRY(rins_cache_hash_model(em->owned_dir, &model_hash));
    RINS_TRY(rins_resolve_rounds(config, em->rounds, &rounds));
    snprintf(pp, sizeof pp, "%s|ids(%lld)",
             run->task->ids || !em->owned_dir ? "as they are"
                                              : rins_cleaning_file_names[em->owned_dir->tokenizer.cleaning],
             (long long)config->text.length);
    const char *preprocessing = run->task->image ? em->owned_dir ? em->owned_dir->image_pp : "" : pp;
    rins_json_open(&json, NULL, '{');
    rins_json_string(&json, "task", run->task->image ? "image" : "text");
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)model_hash);
    rins_json_string(&json, "model_hash", hash);
    rins_json_string(&json, "precision", em->precision == RINS_PRECISION_BF16 ? "bf16" : "fp32");
    rins_json_int(&json, "rounds", run->task->image ? rounds.image : rounds.text);
    rins_json_string(&json, "preprocessing", preprocessing);
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)rins_hash_str(preprocessing));
    rins_json_string(&json, "preprocessing_hash", hash);
    rins_json_bool(&json, "normalised", !run->task->raw);
    rins_json_int(&json, "batch", em->batch);
    rins_json_int(&json, "dim", rins_eval_model_dim(em));
    rins_json_int(&json, "shard_size", run->task->shard_size);
    if (run->input.rows < 0)
        rins_json_null(&json, "input_rows");
    else
        rins_json_int(&json, "input_rows", run->input.rows);
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)run->input.hash);
    rins_json_string(&json, "input_hash", run->input.has_hash ? hash : NULL);
    rins_json_close(&json);
    return rins_json_take(&json, text);
}

/* The next input's name in order, for the hash and the shards that are there already. */
static RinsStatus count_name(Run *run, int64_t index, const char *name) {
    run->hash = rins_embed_input_hash(run->hash, name);
    run->seen = index + 1;
    return rins_embed_output_check(&run->output, run->seen, run->hash);
}

static RinsStatus too_short(const Run *run) {
    return RINS_FAIL(RINS_ERR_MISMATCH, "'%s' has changed: it ends at row %lld, but %lld rows of it are in '%s.json'",
                     run->task->input, (long long)run->seen, (long long)run->output.kept, run->output.stem);
}

/* Passes over inputs [0, rows), whose rows are there. */
static RinsStatus pass_over(Run *run, int64_t rows) {
    RinsSample sample = {0};
    RinsStatus status = RINS_OK;
    for (int64_t i = 0; i < rows && status == RINS_OK; i++) {
        RinsEmbedLine line = {0};
        if (run->input.source) {
            RinsBadCause cause;
            status = rins_source_read_parts(run->input.source, i, RINS_SAMPLE_LABEL, &sample, &cause);
            if (status != RINS_OK && cause != RINS_BAD_NONE) status = RINS_OK; /* its key is known all the same */
        } else {
            status = rins_embed_input_line(&run->input, &line);
            if (status == RINS_OK && !line.text) status = too_short(run);
        }
        if (status == RINS_OK) status = count_name(run, i, run->input.source ? sample.key : line.text);
        free(line.text);
    }
    rins_sample_free(&sample);
    return status;
}

static RinsStatus more_lines(void *user, int64_t first, int64_t most, int64_t *n) {
    Run *run = user;
    for (*n = 0; *n < most; (*n)++) {
        RinsEmbedLine *line = &run->lines[(first + *n) % run->window];
        free(line->text);
        RINS_TRY(rins_embed_input_line(&run->input, line));
        if (!line->text) break;
    }
    return RINS_OK;
}

static RinsStatus check_whole(const RinsEmbedLine *line) {
    if (!line->cut) return RINS_OK;
    return RINS_FAIL(RINS_ERR_FORMAT, "there is a zero byte behind '%s'", line->text);
}

static RinsStatus line_pixels(void *user, int64_t index, uint8_t *pixels, RinsBadCause *cause) {
    const Run *run = user;
    const RinsEmbedLine *line = &run->lines[index % run->window];
    const RinsStatus status = check_whole(line);
    if (status != RINS_OK) *cause = RINS_BAD_MISSING;
    RINS_TRY(status);
    return rins_file_pixels(line->text, run->em->pp, index, pixels, cause);
}

static RinsStatus source_pixels(void *user, int64_t index, uint8_t *pixels, RinsBadCause *cause) {
    const Run *run = user;
    RinsSample sample = {0};
    RinsStatus status = rins_source_read_parts(run->input.source, index, RINS_SAMPLE_IMAGE, &sample, cause);
    if (status == RINS_OK) {
        const RinsPpKey key = {.sample = (uint64_t)index};
        status = rins_pp_apply(run->em->pp, sample.image, sample.image_size, key, pixels, NULL, cause);
        if (status != RINS_OK) rins_fail_context(status, "%s", sample.key);
    }
    char **name = &run->lines[index % run->window].text;
    free(*name);
    *name = sample.key; /* set even where a read fails */
    sample.key = NULL;
    rins_sample_free(&sample);
    if (*name) return status;
    *cause = RINS_BAD_NONE;
    return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a key");
}

/* Exactly `length` ids of the vocabulary. */
static RinsStatus parse_ids(const char *line, int64_t length, int64_t vocab, int32_t *ids) {
    int64_t n = 0;
    for (const char *at = line + strspn(line, " \t,"); *at; n++) {
        char *end;
        const long long id = strtoll(at, &end, 10);
        if (end == at) return RINS_FAIL(RINS_ERR_FORMAT, "'%.*s' is not a token id", (int)strcspn(at, " \t,"), at);
        if (id < 0 || id >= vocab)
            return RINS_FAIL(RINS_ERR_FORMAT, "token id %lld is outside the vocabulary of %lld", id, (long long)vocab);
        if (n < length) ids[n] = (int32_t)id;
        at = end + strspn(end, " \t,");
    }
    if (n != length)
        return RINS_FAIL(RINS_ERR_FORMAT, "%lld token ids, the text tower takes %lld", (long long)n, (long long)length);
    return RINS_OK;
}

static RinsStatus line_ids(void *user, int64_t index, int32_t *ids, RinsBadCause *cause) {
    const Run *run = user;
    const RinsEmbedLine *line = &run->lines[index % run->window];
    const RinsTextConfig *text = &rins_model_config(run->em->model)->text;
    RinsStatus status = check_whole(line);
    if (status == RINS_OK)
        status = run->task->ids ? parse_ids(line->text, text->length, text->vocab, ids)
                                : rins_tokenizer_encode(run->em->tokenizer, line->text, ids);
    if (status != RINS_OK && status != RINS_ERR_MEMORY) *cause = RINS_BAD_CAPTION;
    return status;
}

/* A list's lines are counted from 1, a source's rows from 0. */
static RinsStatus refuse(const Run *run, int64_t index, const char *message) {
    const bool lines = !run->input.source;
    return RINS_FAIL(RINS_ERR_FORMAT, "'%s' %s %lld: %s (--skip-bad writes a row of NaN instead)", run->task->input,
                     lines ? "line" : "row", (long long)(index + lines), message);
}

static RinsStatus take_batch(void *user, RinsEvalModel *em, const RinsEmbedBatch *batch) {
    Run *run = user;
    RINS_TRY(rins_embed_batch(em, batch, !run->task->raw, run->rows));
    for (int64_t i = 0; i < batch->n; i++) {
        const int64_t index = batch->first + i;
        const char *name = run->lines[index % run->window].text;
        const RinsEmbedFault fault = {batch->causes[i], batch->messages[i] ? batch->messages[i] : "no memory"};
        const bool bad = fault.cause != RINS_BAD_NONE;
        RINS_TRY(count_name(run, index, name));
        if (index < run->output.kept) continue; /* embedded again only to keep the batches as they were */
        if (bad && !run->task->skip_bad) return refuse(run, index, fault.message);
        if (bad && !run->report->first_bad) run->report->first_bad = strdup(fault.message);
        RINS_TRY(
            rins_embed_output_row(&run->output, run->rows + i * run->output.dim, name, bad ? &fault : NULL, run->hash));
    }
    return RINS_OK;
}

static RinsStatus embed(Run *run) {
    const RinsEmbedTask *task = run->task;
    const int64_t batch = run->em->batch, dim = rins_eval_model_dim(run->em);
    run->window = rins_embed_window(run->em);
    run->lines = calloc((size_t)run->window, sizeof *run->lines);
    run->rows = malloc((size_t)(batch * dim) * sizeof *run->rows);
    if (!run->lines || !run->rows) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld rows", (long long)run->window);
    RinsEmbedJob job = {.take = take_batch, .user = run, .what = task->image ? "images" : "texts"};
    job.first = run->output.kept / batch * batch; /* the same batches as without a stop: the same bytes */
    job.total = run->input.rows > 0 ? run->input.rows : 0;
    job.end = run->input.rows;
    if (!run->input.source) job.more = more_lines;
    if (task->image)
        job.pixels = run->input.source ? source_pixels : line_pixels;
    else
        job.ids = line_ids;
    RINS_TRY(pass_over(run, job.first));
    RINS_TRY(rins_embed_stream(run->em, &job));
    if (run->seen < run->output.kept) return too_short(run);
    return rins_embed_output_commit(&run->output, run->hash);
}

RinsStatus rins_run_embed(RinsEvalModel *em, const RinsEmbedTask *task, RinsEmbedReport *report) {
    Run run = {.em = em, .task = task, .report = report, .hash = RINS_HASH_BASIS};
    RinsStatus status = RINS_OK;
    char *text = NULL;
    *report = (RinsEmbedReport){0};
    RINS_TRY_DONE(rins_embed_input_open(&run.input, task->input, task->image));
    RINS_TRY_DONE(identity(&run, &text));
    RINS_TRY_DONE(rins_embed_output_open(&run.output, task->out, task->shard_size, run.input.source != NULL,
                                         rins_eval_model_dim(em), text, task->input, task->model));
    report->kept = run.output.kept;
    RINS_TRY_DONE(embed(&run));
    report->rows = run.output.rows, report->bad = run.output.bad_rows;
done:
    rins_embed_output_close(&run.output);
    rins_embed_input_close(&run.input);
    for (int64_t i = 0; run.lines && i < run.window; i++) free(run.lines[i].text);
    free(run.lines), free(run.rows);
    if (status != RINS_OK) rins_embed_report_free(report);
    return status;
}

void rins_embed_report_free(RinsEmbedReport *report) {
    free(report->first_bad);
    *report = (RinsEmbedReport){0};
}
