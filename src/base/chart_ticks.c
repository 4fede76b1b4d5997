#include "src/base/chart_ticks.h"

#include <math.h>
#include <stdio.h>

enum { ENOUGH = 4, MANY = 8, MOST_DECIMALS = 9 };

static void add(RinsTicks *t, double v) {
    if (t->n < RINS_TICKS) t->at[t->n++] = v;
}

/* Gives the step. */
static double linear(RinsTicks *t, double from, double to) {
    static const double steps[] = {5, 2, 1};
    for (int e = (int)ceil(log10(to - from));; e--)
        for (int s = 0; s < 3; s++) {
            const double step = steps[s] * pow(10, e), first = ceil(from / step), last = floor(to / step);
            if (last - first + 1 < ENOUGH) continue;
            for (double k = first; k <= last; k++) add(t, k * step);
            return step;
        }
}

/* The given multiples of every `every`-th power of ten. */
static void multiples(RinsTicks *t, double from, double to, const double *of, int n, int every) {
    t->n = 0;
    for (int e = (int)floor(log10(from)) - 1; e <= (int)ceil(log10(to)); e++)
        for (int i = 0; i < n && e % every == 0; i++) {
            const double v = of[i] * pow(10, e);
            if (v >= from && v <= to) add(t, v);
        }
}

/* Gives the step where it is a linear one, else 0. */
static double logarithmic(RinsTicks *t, double from, double to) {
    static const struct Set {
        int n;
        double of[8];
    } sets[] = {{1, {1}}, {3, {1, 2, 5}}, {5, {1, 2, 3, 5, 7}}, {8, {1, 1.5, 2, 3, 4, 5, 6, 8}}};
    const int decades = (int)log10(to / from);
    for (size_t s = 0; s < sizeof sets / sizeof sets[0]; s++) {
        multiples(t, from, to, sets[s].of, sets[s].n, decades >= MANY ? decades / (MANY / 2) : 1);
        if (t->n >= ENOUGH) return 0;
    }
    t->n = 0;
    return linear(t, from, to);
}

/* Decimals that a step, or the finest of the ticks, needs. */
static int decimals_for(const RinsTicks *t, double step, double unit) {
    for (int d = 0; d < MOST_DECIMALS; d++) {
        const double power = pow(10, d) / unit;
        bool whole = true;
        for (int i = 0; i < (step > 0 ? 1 : t->n); i++) {
            const double v = (step > 0 ? step : t->at[i]) * power;
            whole = whole && fabs(v - round(v)) <= 1e-6 * fabs(v);
        }
        if (whole) return d;
    }
    return MOST_DECIMALS;
}

/* "2*10^9" of 2e9, for what spans too much for one unit. */
static void write_power(char *text, double v) {
    int e = (int)floor(log10(fabs(v)) + 1e-9);
    const double mantissa = v / pow(10, e);
    if (fabs(mantissa - 1) < 1e-9)
        snprintf(text, RINS_TICK_TEXT, "10^%d", e);
    else
        snprintf(text, RINS_TICK_TEXT, "%.6g*10^%d", mantissa, e);
}

static void write_texts(RinsTicks *t, double step, bool is_log) {
    static const char units[] = " kMGTPE";
    double largest = 0, least = INFINITY, unit = 1;
    int u = 0;
    for (int i = 0; i < t->n; i++) {
        if (fabs(t->at[i]) < 1e-9 * step) t->at[i] = 0;
        largest = fmax(largest, fabs(t->at[i]));
        if (t->at[i] != 0) least = fmin(least, fabs(t->at[i]));
    }
    if (largest >= 9999.5)
        while (largest / unit >= 999.5 && u < 6) unit *= 1000, u++;
    const bool powers =
        largest >= 1e22 || least < (is_log ? 0.9e-4 : 0.9e-5) || (is_log && largest > 9999.5 && least / unit < 0.009);
    const int decimals = decimals_for(t, step, unit);
    for (int i = 0; i < t->n; i++) {
        if (t->at[i] == 0)
            snprintf(t->text[i], RINS_TICK_TEXT, "0");
        else if (powers)
            write_power(t->text[i], t->at[i]);
        else if (is_log && step == 0)
            snprintf(t->text[i], RINS_TICK_TEXT, "%.5g%.*s", t->at[i] / unit, u > 0, units + u);
        else
            snprintf(t->text[i], RINS_TICK_TEXT, "%.*f%.*s", decimals, t->at[i] / unit, u > 0, units + u);
    }
}

void rins_ticks(RinsTicks *ticks, double from, double to, bool is_log) {
    ticks->n = 0;
    const double step = is_log ? logarithmic(ticks, from, to) : linear(ticks, from, to);
    write_texts(ticks, step, is_log);
}
