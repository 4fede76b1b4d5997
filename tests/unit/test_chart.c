/* Charts can be read: ticks on every axis in one unit, and series that are told apart without colours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/chart.h"
#include "src/base/chart_ticks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Value of a tick's text; *unit: the letter behind it, 0: none, '^': a power of ten. */
static double value_of(const char *text, char *unit) {
    static const char units[] = "kMGTPE";
    char *end;
    const char *power = strstr(text, "10^");
    *unit = '^';
    if (power) return (power == text ? 1 : strtod(text, NULL)) * pow(10, atoi(power + 3));
    const double v = strtod(text, &end);
    const char *letter = *end ? strchr(units, *end) : NULL;
    *unit = *end;
    if (*end && (!letter || end[1])) fail_msg("'%s' is no tick", text);
    return letter ? v * pow(1000, (double)(letter - units) + 1) : v;
}

static void every_axis_has_ticks_in_one_unit(void **state) {
    (void)state;
    static const struct {
        double from, to;
        bool is_log;
        const char *some; /* one of its ticks */
    } axes[] = {
        {3.7, 5.9, true, "4.5"},   {0.57, 1.03, true, "0.8"},     {0.9, 1.1, true, "1.00"},
        {16e6, 41e6, true, "20M"}, {19e6, 22e6, true, "20M"},     {1.39e12, 1.3e13, true, "10T"},
        {1e3, 1e12, true, "10^8"}, {0.001, 250, true, "0.1"},     {1e-9, 3e-8, true, "2*10^-9"},
        {8e2, 1.2e4, true, "10k"}, {1, 1e300, true, "10^75"},     {0, 1e-4, false, "0.00002"},
        {-40, 250, false, "-0"},   {0, 235520, false, "50k"},     {0.97, 1.01, false, "0.98"},
        {0, 1.2e13, false, "4T"},  {-1e-7, 3e-7, false, "10^-7"}, {1e6, 1e6 + 10, false, "1.000004M"},
    };
    for (size_t i = 0; i < sizeof axes / sizeof axes[0]; i++) {
        RinsTicks t;
        char unit, first = 0, list[512] = "";
        bool found = !strcmp(axes[i].some, "-0");
        rins_ticks(&t, axes[i].from, axes[i].to, axes[i].is_log);
        for (int k = 0; k < t.n; k++) {
            snprintf(list + strlen(list), sizeof list - strlen(list), " %s", t.text[k]);
            found = found || !strcmp(t.text[k], axes[i].some);
        }
        if (t.n < 3 || t.n > 12 || !found)
            fail_msg("%g to %g: %d ticks, '%s' wanted:%s", axes[i].from, axes[i].to, t.n, axes[i].some, list);
        for (int k = 0; k < t.n; k++) {
            const double v = value_of(t.text[k], &unit);
            if (k && !(t.at[k] > t.at[k - 1])) fail_msg("ticks do not rise:%s", list);
            if (t.at[k] < axes[i].from || t.at[k] > axes[i].to) fail_msg("a tick outside:%s", list);
            if (fabs(v - t.at[k]) > 1e-6 * fabs(t.at[k])) fail_msg("'%s' stands at %g", t.text[k], t.at[k]);
            if (t.at[k] == 0) continue; /* zero has no unit */
            if (first && unit != first) fail_msg("units differ:%s", list);
            first = unit;
        }
    }
}

static double lightness(const char *colour) {
    unsigned r, g, b;
    assert_int_equal(sscanf(colour, "#%2x%2x%2x", &r, &g, &b), 3);
    return 0.3 * r + 0.59 * g + 0.11 * b;
}

static double distance(const char *a, const char *b) {
    int x[3], y[3];
    double sum = 0;
    assert_int_equal(sscanf(a, "#%2x%2x%2x", (unsigned *)x, (unsigned *)x + 1, (unsigned *)x + 2), 3);
    assert_int_equal(sscanf(b, "#%2x%2x%2x", (unsigned *)y, (unsigned *)y + 1, (unsigned *)y + 2), 3);
    for (int k = 0; k < 3; k++) sum += (x[k] - y[k]) * (x[k] - y[k]);
    return sqrt(sum);
}

static void a_dozen_series_are_told_apart(void **state) {
    (void)state;
    enum { SERIES = 12, MANY = 60 };
    double closest = INFINITY;
    for (int i = 0; i < SERIES; i++)
        for (int k = 0; k < i; k++) {
            closest = fmin(closest, distance(rins_chart_colour(i), rins_chart_colour(k)));
            assert_string_not_equal(rins_chart_marker(i), rins_chart_marker(k));
        }
    print_message("# the two closest of %d colours differ by %.0f of 441\n", SERIES, closest);
    assert_true(closest > 50);
    for (int i = 1; i < SERIES; i++)
        assert_true(fabs(lightness(rins_chart_colour(i)) - lightness(rins_chart_colour(i - 1))) > 15 ||
                    strcmp(rins_chart_dashes(i), rins_chart_dashes(i - 1)) != 0);
    for (int i = 0; i < MANY; i++)
        for (int k = 0; k < i; k++)
            assert_true(strcmp(rins_chart_marker(i), rins_chart_marker(k)) != 0 ||
                        strcmp(rins_chart_dashes(i), rins_chart_dashes(k)) != 0);
}

static void a_picture_says_what_its_marks_mean(void **state) {
    (void)state;
    static const char *const names[] = {"plain", "a<b"};
    char *text = NULL, note[300] = "";
    size_t size;
    for (int i = 0; i < 25; i++) strcat(note, i ? " wordy<" : "wordy<");
    RinsChart chart = {
        .out = open_memstream(&text, &size), .log_x = true, .series = names, .n_series = 2, .note = note};
    rins_chart_cover(&chart, 1e12, 1), rins_chart_cover(&chart, 9e12, 3);
    assert_true(rins_chart_begin(&chart, "FLOPs", "loss"));
    rins_chart_mark(&chart, 1, 2e12, 2, true, NULL);
    rins_chart_mark(&chart, 1, 2e12, 2, false, "tip");
    rins_chart_error(&chart, 1, 2e12, NAN, NAN); /* no spread known: nothing is drawn */
    rins_chart_end(&chart);
    fclose(chart.out);
    int marks = 0, lines = 0;
    for (const char *at = text; (at = strstr(at, rins_chart_marker(1))) != NULL; at++) marks++;
    for (const char *at = text; (at = strstr(at, ">wordy&lt; ")) != NULL; at++) lines++;
    assert_int_equal(marks, 3); /* and one in the legend */
    assert_int_equal(lines, 2);
    assert_non_null(strstr(text, ">a&lt;b</text>"));
    assert_null(strstr(text, "nan"));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_axis_has_ticks_in_one_unit),
        cmocka_unit_test(a_dozen_series_are_told_apart),
        cmocka_unit_test(a_picture_says_what_its_marks_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
