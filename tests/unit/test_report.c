/* The page of runs: well-formed, the same bytes again, no word of a run becomes markup, damaged lines are
   counted and left out, and what is shown is what the run recorded. */
#define _GNU_SOURCE
#include "tests/unit/saved_model.h"

#include "src/base/chart.h"
#include "src/study/run_report.h"

#include <math.h>

static const char hostile[] = "a<script>alert('x')&\"";

/* n steps of 4 examples; the loss of step s is 10 - s / 100. */
static void put_run(const char *name, int n, const char *tail, const char *lr) {
    char path[256], *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    for (int s = 1; s <= n; s++)
        fprintf(out,
                "{\"step\": %d, \"examples\": %d, \"loss\": %g, \"lr\": 0.1, \"grad_norm\": %s, \"t\": 2, "
                "\"b\": -10, \"flops\": %d}\n",
                s, 4 * s, 10 - s / 100.0, s == 3 ? "null" : "0.5", 100 * s);
    fputs(tail, out);
    fclose(out);
    snprintf(path, sizeof path, "%s/metrics.jsonl", name), put_text(path, text);
    free(text);
    snprintf(path, sizeof path, "%s/timing.jsonl", name);
    put_text(path, "{\"step\": 1, \"pairs_per_s\": 40, \"data_wait_s\": 0}\n{\"step\": 2, \"pairs_per_s\": "
                   "60, \"data_wait_s\": 0}\n");
    snprintf(path, sizeof path, "%s/eval.jsonl", name);
    put_text(path, "{\"step\": 2, \"task\": \"zeroshot_classification\", \"dataset\": \"<val>\", "
                   "\"metrics\": {\"acc1\": 0.25, \"acc5\": null}, "
                   "\"confusions\": [{\"class\": \"<cat>\", \"predicted\": \"dog&\", \"n\": 7}]}\n"
                   "{\"step\": 3, \"task\": \"zeroshot_classification\", \"dataset\": \"<val>\", "
                   "\"metrics\": {\"acc1\": 0.5}}\n");
    snprintf(path, sizeof path, "%s/config.yaml", name), put_text(path, lr);
}

static int setup(void **state) {
    if (fixture_make(state)) return -1;
    char path[128];
    put_run("plain", 600, "", "train: {optimizer: {lr: 0.25}}\n");
    snprintf(path, sizeof path, "%s", hostile);
    put_run(path, 5, "{\"step\": 6, \"lo", "train: {optimizer: {lr: 0.5}, eval: {zeroshot: [\"folder:nowhere\"]}}\n");
    return 0;
}

static char *report(int n, const char *const *names, const char *data, int images, int *bad_lines) {
    char paths[4][256], page[256];
    const char *list[4];
    for (int i = 0; i < n; i++) snprintf(paths[i], sizeof paths[i], "%s", in_dir(names[i])), list[i] = paths[i];
    snprintf(page, sizeof page, "%s", in_dir("page.html"));
    const RinsReportTask task = {.paths = list, .n = n, .html = page, .data = data, .images = images, .threads = 2};
    char *text = NULL;
    size_t size;
    assert_ok(rins_run_report(&task, bad_lines));
    assert_ok(rins_file_read(page, 0, &text, &size));
    return text;
}

/* Every element is closed in order, attributes are quoted, and text holds no bare < or &. */
static void check_markup(const char *text) {
    static const char *const lone[] = {"meta", "img"}; /* elements without an end */
    char open[64][32];
    int depth = 0;
    assert_memory_equal(text, "<!doctype html>", 15);
    for (const char *at = text + 15; *at; at++) {
        if (*at == '&' && at[strspn(at + 1, "abcdefghijklmnopqrstuvwxyz#0123456789") + 1] != ';')
            fail_msg("a bare & at %.40s", at);
        if (*at != '<') continue;
        const bool end = at[1] == '/';
        char name[32] = "";
        sscanf(at + 1 + end, "%31[a-z0-9]", name);
        if (!*name) fail_msg("a bare < at %.40s", at);
        char quote = 0;
        for (; *at && (quote || *at != '>'); at++)
            if (quote ? *at == quote : *at == '"' || *at == '\'') quote = quote ? 0 : *at;
        bool single = at[-1] == '/';
        for (size_t i = 0; i < sizeof lone / sizeof lone[0]; i++) single = single || !strcmp(name, lone[i]);
        if (end) {
            if (depth == 0 || strcmp(open[depth - 1], name))
                fail_msg("</%s> closes <%s>", name, depth ? open[depth - 1] : "nothing");
            depth--;
        } else if (!single) {
            assert_true(depth < 64);
            strcpy(open[depth++], name);
        }
        if (!end && !strcmp(name, "style")) at = strstr(at, "</style>") - 1;
    }
    if (depth) fail_msg("<%s> is not closed", open[depth - 1]);
}

static void expect(const char *text, const char *part) {
    if (!strstr(text, part)) fail_msg("no %s in the page", part);
}

static void a_page_of_two_runs(void **state) {
    (void)state;
    const char *const names[] = {"plain", hostile};
    int bad_lines = -1;
    char *text = report(2, names, NULL, 4, &bad_lines), *again = report(2, names, NULL, 4, &bad_lines);
    assert_string_equal(text, again);
    free(again);
    check_markup(text);
    assert_int_equal(bad_lines, 1);
    expect(text, ">plain</span>");
    expect(text, "a&lt;script&gt;alert('x')&amp;&quot;</span>");
    expect(text, "1 damaged line");
    expect(text, "<td>50</td>"); /* median of 40 and 60 pairs/s */
    expect(text, "zeroshot_classification &lt;val&gt;");
    expect(text, "&lt;cat&gt;"), expect(text, "dog&amp;");
    expect(text, "0.5 at 12 examples"); /* of step 3 */
    expect(text, "train.optimizer.lr</td>"), expect(text, ">0.25</td>"), expect(text, ">0.5</td>");
    assert_null(strstr(text, ">train.optimizer.b1<")); /* the same in both */
    expect(text, "No sample images: ");
    assert_null(strstr(text, "<script"));
    assert_null(strstr(text, "http"));
    assert_null(strstr(text, "nan"));
    free(text);
}

static void damaged_lines_are_counted(void **state) {
    (void)state;
    int bad_lines = 0;
    const char *const names[] = {"damaged"};
    put_run("damaged", 3,
            "\nno json\n[1]\n{\"step\": \"x\"}\n{\"step\": 2, \"loss\": 1}\n{\"step\": 4, \"loss\": null}\n",
            "unknown_key: 1\n");
    char *text = report(1, names, NULL, 0, &bad_lines);
    check_markup(text);
    assert_int_equal(bad_lines, 5); /* the empty one too */
    expect(text, "unknown_key");    /* why there is no config */
    expect(text, "<td>4</td>");     /* steps */
    expect(text, "<td>9.97</td>");  /* the last loss known */
    free(text);
    char page[256];
    snprintf(page, sizeof page, "%s", in_dir("none.html"));
    const RinsReportTask task = {.paths = (const char *const[]){"/nowhere"}, .n = 1, .html = page};
    assert_int_equal(rins_run_report(&task, &bad_lines), RINS_ERR_IO);
    assert_non_null(strstr(rins_last_error(), "'/nowhere' is not a run"));
}

static void samples_show_what_the_model_finds(void **state) {
    (void)state;
    char entry[256], name[64];
    int bad_lines;
    save_model(); /* in "model", which a run directory may be as well */
    put_run("model", 4, "", "seed: 0\n");
    for (int i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "data/%s/%d.png", i % 2 ? "red" : "blue", i);
        put_png(name, i);
    }
    put_text("data/red/x.jpg", "no image");
    snprintf(entry, sizeof entry, "folder:%s templates=class_name_only", in_dir("data"));
    const char *const names[] = {"model"};
    char *text = report(1, names, entry, 7, &bad_lines);
    check_markup(text);
    int figures = 0;
    for (const char *at = text; (at = strstr(at, "<figure>")) != NULL; at++) figures++;
    assert_int_equal(figures, 6); /* the bad one is left out */
    expect(text, "<b>red</b>"), expect(text, "data:image/jpeg;base64,"), expect(text, "<div class=\"c r\">");
    free(text);
    char path[256], page[256];
    snprintf(path, sizeof path, "%s", in_dir("model"));
    snprintf(page, sizeof page, "%s", in_dir("none.html"));
    const RinsReportTask task = {
        .paths = (const char *const[]){path}, .n = 1, .html = page, .data = "folder:/nowhere", .images = 1};
    assert_int_not_equal(rins_run_report(&task, &bad_lines), RINS_OK); /* asked for by name */
    assert_int_not_equal(access(page, F_OK), 0);
}

static void axes_hold_what_they_cover(void **state) {
    (void)state;
    for (int log_y = 0; log_y < 2; log_y++) {
        char *text = NULL;
        size_t size;
        RinsChart chart = {.out = open_memstream(&text, &size), .log_y = log_y};
        assert_false(rins_chart_begin(&chart, "x", "y"));
        rins_chart_cover(&chart, 1, NAN), rins_chart_cover(&chart, INFINITY, 1), rins_chart_cover(&chart, 1, 1.7e308);
        assert_false(chart.covers);
        const double y[] = {0.001, 250, log_y ? 3 : -40};
        for (int i = 0; i < 3; i++) rins_chart_cover(&chart, i, y[i]);
        if (log_y) rins_chart_cover(&chart, 1, -5);
        assert_true(rins_chart_begin(&chart, "x", "y"));
        rins_chart_end(&chart);
        fclose(chart.out);
        assert_true(chart.y1 > 250 && (log_y ? chart.y0 > 0 && chart.y0 < 0.001 : chart.y0 < -40));
        assert_true(rins_chart_y(&chart, 250) < rins_chart_y(&chart, 3) &&
                    rins_chart_x(&chart, 0) < rins_chart_x(&chart, 2));
        int ticks = 0;
        for (const char *at = text; (at = strstr(at, "class='t'")) != NULL; at++) ticks++;
        assert_in_range(ticks, 6, 30);
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_of_two_runs),
        cmocka_unit_test(damaged_lines_are_counted),
        cmocka_unit_test(samples_show_what_the_model_finds),
        cmocka_unit_test(axes_hold_what_they_cover),
    };
    return cmocka_run_group_tests(tests, setup, fixture_remove);
}
