#define _GNU_SOURCE
#include "src/train/metrics.h"

#include "src/base/file.h"
#include "src/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The step that a line begins with, -1 where it does not. (sscanf would measure all the text behind every line.) */
static int64_t step_of(const char *line, size_t n) {
    static const char start[] = "{\"step\": ";
    const size_t m = sizeof start - 1;
    char *end;
    if (n <= m || memcmp(line, start, m) != 0) return -1;
    const int64_t step = strtoll(line + m, &end, 10);
    return end > line + m ? step : -1;
}

/* Bytes of the leading lines that are whole and not beyond `keep`. */
static size_t kept_bytes(const char *text, size_t size, int64_t keep) {
    size_t kept = 0;
    while (kept < size) {
        const char *line = text + kept, *end = memchr(line, '\n', size - kept);
        const int64_t step = end ? step_of(line, (size_t)(end - line)) : -1;
        if (step < 0 || step > keep) break;
        kept = (size_t)(end - text) + 1;
    }
    return kept;
}

RinsStatus rins_jsonl_cut(const char *path, int64_t keep, int64_t *lost) {
    char *text;
    size_t size;
    *lost = 0;
    if (!rins_path_is_file(path)) return RINS_OK;
    RINS_TRY(rins_file_read(path, 0, &text, &size));
    const size_t kept = kept_bytes(text, size, keep);
    for (size_t i = kept; i < size; i++) *lost += text[i] == '\n';
    free(text);
    if (kept < size && truncate(path, (off_t)kept) != 0)
        return RINS_FAIL(RINS_ERR_IO, "cannot cut '%s' back to step %" PRId64 ": %s", path, keep, strerror(errno));
    return RINS_OK;
}

static RinsStatus open_lines(FILE **stream, const char *out, const char *name, int64_t keep, int64_t *lost) {
    RinsStatus status = RINS_OK;
    char *path = rins_path_join(out, name);
    if (!path) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to open %s", name);
    RINS_TRY_DONE(rins_jsonl_cut(path, keep, lost));
    *stream = fopen(path, "abe");
    if (!*stream) status = RINS_FAIL(RINS_ERR_IO, "cannot write '%s': %s", path, strerror(errno));
done:
    free(path);
    return status;
}

RinsStatus rins_metrics_open(RinsMetrics *metrics, const char *out, int64_t keep, bool events) {
    RinsStatus status = RINS_OK;
    int64_t steps, lost;
    *metrics = (RinsMetrics){0};
    RINS_TRY_DONE(open_lines(&metrics->metrics, out, "metrics.jsonl", keep, &steps));
    if (steps > 0)
        rins_log(RINS_LOG_INFO, "%" PRId64 " recorded steps lie beyond the checkpoint and are done again", steps);
    RINS_TRY_DONE(open_lines(&metrics->timing, out, "timing.jsonl", keep, &lost));
    RINS_TRY_DONE(open_lines(&metrics->eval, out, "eval.jsonl", keep, &lost));
    if (events) RINS_TRY_DONE(rins_events_open(&metrics->events, out));
done:
    if (status != RINS_OK) rins_metrics_close(metrics);
    return status;
}

/* Each line reaches the kernel at once: a killed run keeps what it reported. */
static RinsStatus flush_line(FILE *stream, const char *name) {
    if (fflush(stream) != 0 || ferror(stream))
        return RINS_FAIL(RINS_ERR_IO, "cannot write %s: %s", name, strerror(errno));
    return RINS_OK;
}

static RinsStatus end_line(RinsJsonWriter *line, FILE *stream, const char *name) {
    rins_json_close(line);
    RINS_TRY(rins_json_flush(line, stream));
    return flush_line(stream, name);
}

static void write_bad(RinsJsonWriter *line, const int64_t bad[RINS_BAD_N]) {
    int64_t total = 0;
    for (int cause = 0; cause < RINS_BAD_N; cause++) total += bad[cause];
    rins_json_int(line, "bad", total);
    if (total == 0) return;
    rins_json_open(line, "bad_causes", '{');
    for (int cause = 0; cause < RINS_BAD_N; cause++)
        if (bad[cause] > 0) rins_json_int(line, rins_bad_names[cause], bad[cause]);
    rins_json_close(line);
}

static RinsStatus step_events(RinsEvents *events, const RinsStepMetrics *s, const RinsStepTiming *timing) {
    const RinsScalar scalars[] = {
        {"train/loss", s->loss},
        {"train/lr", s->lr},
        {"train/grad_norm", s->grad_norm},
        {"train/t", s->t},
        {"train/b", s->b},
        {"speed/pairs_per_s", timing->pairs_per_s},
        {"train/image_rounds", s->image_rounds},
        {"train/text_rounds", s->text_rounds},
    };
    return rins_events_scalars(events, s->step, scalars, sizeof scalars / sizeof scalars[0]);
}

static RinsStatus write_timing(RinsMetrics *metrics, int64_t step, const RinsStepTiming *timing) {
    RinsJsonWriter *line = &metrics->line;
    rins_json_open(line, NULL, '{');
    rins_json_int(line, "step", step);
    rins_json_float(line, "pairs_per_s", timing->pairs_per_s);
    rins_json_float(line, "step_s", timing->step_s);
    rins_json_float(line, "data_wait_s", timing->data_wait_s);
    return end_line(line, metrics->timing, "timing.jsonl");
}

RinsStatus rins_metrics_step(RinsMetrics *metrics, const RinsStepMetrics *s, const RinsStepTiming *timing) {
    RinsJsonWriter *line = &metrics->line;
    rins_json_open(line, NULL, '{');
    rins_json_int(line, "step", s->step);
    rins_json_int(line, "examples", s->examples);
    rins_json_float(line, "loss", s->loss);
    rins_json_float(line, "lr", s->lr);
    rins_json_float(line, "grad_norm", s->grad_norm);
    rins_json_float(line, "t", s->t);
    rins_json_float(line, "b", s->b);
    rins_json_int(line, "image_rounds", s->image_rounds);
    rins_json_int(line, "text_rounds", s->text_rounds);
    rins_json_float(line, "flops", s->flops);
    rins_json_float(line, "flops_executed", s->flops_executed);
    write_bad(line, s->bad);
    rins_json_int(line, "duplicate_texts", s->duplicate_texts);
    RINS_TRY(end_line(line, metrics->metrics, "metrics.jsonl"));
    RINS_TRY(write_timing(metrics, s->step, timing));
    return step_events(&metrics->events, s, timing);
}

static RinsStatus eval_events(RinsEvents *events, int64_t step, const char *tag, json_t *root) {
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(root, "metrics"), key, value) {
        char name[256];
        if (!json_is_number(value)) continue;
        snprintf(name, sizeof name, "eval/%s/%s", tag, key);
        const RinsScalar scalar = {name, json_number_value(value)};
        RINS_TRY(rins_events_scalars(events, step, &scalar, 1));
    }
    return RINS_OK;
}

RinsStatus rins_metrics_eval(RinsMetrics *metrics, int64_t step, const char *tag, const char *object) {
    json_error_t error;
    json_t *root = json_loads(object, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(root) || object[0] != '{' || strchr(object, '\n')) {
        json_decref(root);
        return RINS_FAIL(RINS_ERR_ARG, "the evaluation '%s' is not a JSON object on one line", tag);
    }
    fprintf(metrics->eval, "{\"step\": %" PRId64 "%s%s\n", step, json_object_size(root) ? ", " : "", object + 1);
    RinsStatus status = flush_line(metrics->eval, "eval.jsonl");
    if (status == RINS_OK) status = eval_events(&metrics->events, step, tag, root);
    json_decref(root);
    return status;
}

RinsStatus rins_metrics_sync(RinsMetrics *metrics) {
    FILE *const streams[] = {metrics->metrics, metrics->timing, metrics->eval};
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++)
        if (fflush(streams[i]) != 0 || (fsync(fileno(streams[i])) != 0 && errno != EINVAL))
            return RINS_FAIL(RINS_ERR_IO, "cannot flush the metrics: %s", strerror(errno));
    return rins_events_flush(&metrics->events);
}

void rins_metrics_close(RinsMetrics *metrics) {
    if (metrics->metrics) fclose(metrics->metrics);
    if (metrics->timing) fclose(metrics->timing);
    if (metrics->eval) fclose(metrics->eval);
    rins_events_close(&metrics->events);
    rins_json_writer_free(&metrics->line);
    *metrics = (RinsMetrics){0};
}
