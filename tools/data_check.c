/* rins data check: every sample read and decoded, what is wrong counted and named. */
#include "data/set_check.h"
#include "data/source_damage.h"
#include "src/base/file.h"
#include "src/base/json_writer.h"
#include "tools/common.h"
#include "tools/data_actions.h"
#include "tools/flags.h"
#include "tools/progress.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

typedef struct Watch {
    RinsProgress progress;
    char first_bad[512]; /* "" while there is none */
    FILE *bad_stream;
    RinsJsonWriter line;
} Watch;

static void show_progress(void *user, int64_t done, int64_t total) {
    (void)total;
    rins_progress_update(&((Watch *)user)->progress, done, NULL);
}

static void write_bad(void *user, int64_t index, const char *key, RinsBadCause cause, const char *message) {
    Watch *watch = user;
    if (!watch->first_bad[0]) rins_name_bad(watch->first_bad, sizeof watch->first_bad, index, key, message);
    if (!watch->bad_stream) return;
    rins_json_open(&watch->line, NULL, '{');
    rins_json_int(&watch->line, "sample", index);
    rins_json_string(&watch->line, "key", key);
    rins_json_string(&watch->line, "cause", rins_bad_names[cause]);
    rins_json_string(&watch->line, "message", message);
    rins_json_close(&watch->line);
    rins_json_flush(&watch->line, watch->bad_stream);
}

/* After the bad samples: what is no sample at all. */
static void write_damage(Watch *watch, const RinsSource *source) {
    int64_t n;
    const RinsSourceDamage *damage = rins_source_damage(source, &n);
    for (int64_t i = 0; watch->bad_stream && i < n; i++) {
        char text[PATH_MAX];
        rins_source_damage_describe(&damage[i], text, sizeof text);
        rins_json_open(&watch->line, NULL, '{');
        rins_json_string(&watch->line, "shard", damage[i].place);
        rins_json_string(&watch->line, "cause", rins_bad_names[damage[i].cause]);
        rins_json_int(&watch->line, "count", damage[i].count);
        rins_json_string(&watch->line, "message", text);
        rins_json_close(&watch->line);
        rins_json_flush(&watch->line, watch->bad_stream);
    }
}

static void print_spread(const char *what, const RinsSpread *spread) {
    if (spread->n)
        printf("%-22s min %.0f, median %.0f, mean %.1f, 99 %% under %.0f, max %.0f\n", what, spread->min,
               spread->median, spread->mean, spread->p99, spread->max);
}

enum { DAMAGE_SHOWN = 20 };

static void print_damage(const RinsSource *source) {
    int64_t n;
    const RinsSourceDamage *damage = rins_source_damage(source, &n);
    for (int64_t i = 0; i < n && i < DAMAGE_SHOWN; i++) {
        char text[PATH_MAX];
        rins_source_damage_describe(&damage[i], text, sizeof text);
        printf("  %s\n", text);
    }
    if (n > DAMAGE_SHOWN) printf("  and %lld more: --bad F names them\n", (long long)(n - DAMAGE_SHOWN));
}

static void print_report(const RinsSource *source, const RinsCheckReport *r, const char *first_bad) {
    printf("%s: %lld samples, %lld good\n", rins_source_spec(source), (long long)r->samples, (long long)r->good);
    for (int c = 0; c < RINS_BAD_N; c++)
        if (r->bad[c]) printf("bad, %-17s %lld\n", rins_bad_names[c], (long long)r->bad[c]);
    if (first_bad[0]) printf("%-22s %s\n", "the first bad one", first_bad);
    for (int c = 0; c < RINS_BAD_N; c++)
        if (r->damage[c]) printf("left out, %-12s %lld\n", rins_bad_names[c], (long long)r->damage[c]);
    print_damage(source);
    if (rins_source_classes(source))
        printf("%-22s %d (%lld without a good image)\n", "classes", rins_source_classes(source),
               (long long)r->empty_classes);
    print_spread("encoded bytes", &r->bytes);
    print_spread("width", &r->width);
    print_spread("height", &r->height);
    printf("%-22s %lld (%lld good images without)\n", "captions", (long long)r->captions,
           (long long)r->without_caption);
    print_spread("bytes of a caption", &r->caption_bytes);
    printf("%-22s %lld\n%-22s %lld\n", "repeated images", (long long)r->duplicate_images, "repeated captions",
           (long long)r->duplicate_captions);
}

static void put_counts(RinsJsonWriter *json, const char *key, const int64_t counts[RINS_BAD_N]) {
    rins_json_open(json, key, '{');
    for (int c = RINS_BAD_NONE + 1; c < RINS_BAD_N; c++) rins_json_int(json, rins_bad_names[c], counts[c]);
    rins_json_close(json);
}

static void put_spread(RinsJsonWriter *json, const char *key, const RinsSpread *spread) {
    rins_json_open(json, key, '{');
    rins_json_float(json, "min", spread->min);
    rins_json_float(json, "median", spread->median);
    rins_json_float(json, "mean", spread->mean);
    rins_json_float(json, "p99", spread->p99);
    rins_json_float(json, "max", spread->max);
    rins_json_close(json);
}

static RinsStatus write_report(const RinsSource *source, const RinsCheckReport *r, const char *path) {
    RinsJsonWriter json = {.indent = 2};
    rins_json_open(&json, NULL, '{');
    rins_json_string(&json, "data", rins_source_spec(source));
    rins_json_string(&json, "kind", rins_source_kind(source));
    rins_json_int(&json, "samples", r->samples);
    rins_json_int(&json, "good", r->good);
    put_counts(&json, "bad", r->bad);
    put_counts(&json, "left_out", r->damage);
    rins_json_int(&json, "classes", rins_source_classes(source));
    rins_json_int(&json, "empty_classes", r->empty_classes);
    rins_json_int(&json, "captions", r->captions);
    rins_json_int(&json, "without_caption", r->without_caption);
    rins_json_int(&json, "repeated_images", r->duplicate_images);
    rins_json_int(&json, "repeated_captions", r->duplicate_captions);
    put_spread(&json, "bytes", &r->bytes);
    put_spread(&json, "width", &r->width);
    put_spread(&json, "height", &r->height);
    put_spread(&json, "caption_bytes", &r->caption_bytes);
    rins_json_close(&json);
    const RinsStatus status = rins_write_json(path, &json);
    rins_json_writer_free(&json);
    return status;
}

/* What was left out counts as one bad sample each, being at least that. */
static RinsStatus judge(const RinsCheckReport *report, double max_bad) {
    int64_t left_out = 0;
    for (int c = 0; c < RINS_BAD_N; c++) left_out += report->damage[c];
    const int64_t bad = report->samples - report->good + left_out, all = report->samples + left_out;
    if (isnan(max_bad) || (double)bad <= max_bad * (double)all) return RINS_OK;
    return RINS_FAIL(RINS_ERR_LIMIT, "%lld of %lld samples are bad or left out, more than --max-bad %g allows",
                     (long long)bad, (long long)all, max_bad);
}

static RinsStatus check(const char *data, int threads, const char *json, const char *bad_path, double max_bad) {
    RinsSource *source = NULL;
    RinsAtomicFile bad_file = {0};
    RinsCheckReport report;
    Watch watch = {0};
    RinsStatus status = RINS_OK;
    RINS_TRY_DONE(rins_source_open(&source, data));
    if (bad_path) RINS_TRY_DONE(rins_atomic_open(&bad_file, bad_path));
    watch.bad_stream = bad_file.stream;
    rins_progress_start(&watch.progress, "check", 0, rins_source_count(source));
    const RinsCheckOptions options = {threads, show_progress, write_bad, &watch};
    RINS_TRY_DONE(rins_set_check(source, &options, &report));
    rins_progress_end(&watch.progress, report.samples, "samples");
    if (!json || json[0] != '-' || json[1]) print_report(source, &report, watch.first_bad);
    RINS_TRY_DONE(write_report(source, &report, json));
    write_damage(&watch, source);
    if (bad_path) RINS_TRY_DONE(rins_atomic_commit(&bad_file));
    status = judge(&report, max_bad);
done:
    rins_json_writer_free(&watch.line);
    rins_atomic_abort(&bad_file);
    rins_source_free(source);
    return status;
}

int rins_data_check(int argc, char **argv) {
    RinsCommon common = {0};
    const char *json = NULL, *bad_path = NULL;
    double max_bad = NAN; /* not given */
    const RinsFlag flags[] = {
        {"json", RINS_FLAG_OUT_OR_STDOUT, &json, "F", "write the report as JSON; - is standard output"},
        {"bad", RINS_FLAG_OUT, &bad_path, "F",
         "name every bad sample and damaged shard with cause and message, one JSON object a line"},
        {"max-bad", RINS_FLAG_FLOAT, &max_bad, "FRACTION", "fail where more than this fraction is bad or was left out",
         .max = 1},
        {0}};
    const RinsCli cli = {"rins data check",
                         "D [--json F] [--bad F] [--max-bad FRACTION]",
                         "Reads and decodes every sample of a data set and reports causes of bad ones, sizes, caption\n"
                         "lengths, and images and captions that repeat. D: folder:DIR, wds:PATTERN, table:FILE or\n"
                         "karpathy:FILE.json.",
                         flags,
                         1,
                         1,
                         &common};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    const int threads = common.threads ? (int)common.threads : (int)sysconf(_SC_NPROCESSORS_ONLN);
    return rins_report(check(argv[0], threads, json, bad_path, max_bad));
}
