#include "src/base/chart.h"

#include "src/base/html.h"

#include <math.h>

enum { WIDTH = 560, HEIGHT = 340, LEFT = 64, BOTTOM = 40, TOP = 14, RIGHT = 18, TICKS = 6 };
enum { LEGEND_COLUMNS = 3, LEGEND_ROW = 18 };
#define LARGEST 1e300

const char rins_chart_css[] =
    "svg{width:100%;max-width:580px}svg "
    "text{fill:currentColor}.t{font-size:10px;opacity:.65}.l{font-size:12px;opacity:.9}"
    ".g{stroke:#8883}.f{fill:none;stroke:#8889}"
    ".k{display:inline-block;width:12px;height:12px;margin:0 5px 0 14px;border-radius:2px}";

static const char *const colours[] = {"#2f62b5", "#c8402f", "#2f8f4e", "#b07a10", "#7a3fa0", "#138a92",
                                      "#a03060", "#6b7d2d", "#6a7488", "#d06a9a", "#3f7fd0", "#8a5a3a"};
enum { N_COLOURS = sizeof colours / sizeof colours[0] };

const char *rins_chart_colour(int i) {
    return colours[i % N_COLOURS];
}

void rins_chart_legend(FILE *out, int i, const char *name) {
    fprintf(out, "<span><span class='k' style='background:%s'></span>", rins_chart_colour(i));
    rins_html_text(out, name);
    fputs("</span>\n", out);
}

/* Beyond LARGEST the ends of the axes would not be finite. */
static bool shown(double v, bool is_log) {
    return fabs(v) <= LARGEST && (!is_log || v > 0);
}

void rins_chart_cover(RinsChart *chart, double x, double y) {
    if (!shown(x, chart->log_x) || !shown(y, chart->log_y)) return;
    chart->x0 = chart->covers ? fmin(chart->x0, x) : x, chart->x1 = chart->covers ? fmax(chart->x1, x) : x;
    chart->y0 = chart->covers ? fmin(chart->y0, y) : y, chart->y1 = chart->covers ? fmax(chart->y1, y) : y;
    chart->covers = true;
}

/* Air round the values, also where there is only one. */
static void widen(double *from, double *to, bool is_log, double air) {
    if (is_log) {
        *from /= 1 + air, *to *= 1 + air;
        return;
    }
    const double range = *to - *from, size = fmax(fabs(*from), fabs(*to));
    const double by = range > 1e-9 * size ? air * range : size > 0 ? 0.1 * size : 1;
    *from -= by, *to += by;
}

static double part(double v, double from, double to, bool is_log) {
    const double p = is_log ? (log(v) - log(from)) / (log(to) - log(from)) : (v - from) / (to - from);
    return fmin(fmax(p, 0), 1);
}

double rins_chart_x(const RinsChart *c, double x) {
    return LEFT + part(x, c->x0, c->x1, c->log_x) * (WIDTH - LEFT - RIGHT);
}
double rins_chart_y(const RinsChart *c, double y) {
    return HEIGHT - BOTTOM - part(y, c->y0, c->y1, c->log_y) * (HEIGHT - BOTTOM - TOP);
}

/* "250k", "1.5M": counts and FLOPs stay short; "0.002" small. */
static void tick_text(FILE *out, double v) {
    static const char units[] = " kMGTPE";
    int unit = 0;
    double shown_value = v;
    while (fabs(shown_value) >= 9999.5 && unit < 6) shown_value /= 1000, unit++;
    if (fabs(v) >= 1e22)
        fprintf(out, "%.3g", v);
    else
        fprintf(out, "%.5g", fabs(shown_value) < 1e-12 ? 0 : shown_value);
    if (unit && fabs(v) < 1e22) putc(units[unit], out);
}

static void x_tick(const RinsChart *c, double v) {
    fprintf(c->out, "<text x='%.1f' y='%d' class='t' text-anchor='middle'>", rins_chart_x(c, v),
            HEIGHT - BOTTOM + 14);
    tick_text(c->out, v);
    fputs("</text>\n", c->out);
}

static void y_tick(const RinsChart *c, double v) {
    const double y = rins_chart_y(c, v);
    fprintf(c->out, "<text x='%d' y='%.1f' class='t' text-anchor='end'>", LEFT - 5, y + 3);
    tick_text(c->out, v);
    fprintf(c->out, "</text><line x1='%d' x2='%d' y1='%.1f' y2='%.1f' class='g'/>\n", LEFT, WIDTH - RIGHT, y,
            y);
}

typedef void TickFn(const RinsChart *chart, double v);

static void linear_ticks(const RinsChart *c, double from, double to, TickFn *tick) {
    const double rough = (to - from) / TICKS, power = pow(10, floor(log10(rough)));
    const double step = rough / power > 5   ? 10 * power
                        : rough / power > 2 ? 5 * power
                        : rough / power > 1 ? 2 * power
                                            : power;
    for (double k = ceil(from / step); k * step <= to; k++) tick(c, k * step);
}

/* Fewer between the powers of ten the more powers there are. */
static void log_ticks(const RinsChart *c, double from, double to, TickFn *tick) {
    static const double steps[] = {1, 3, 2, 5, 1.5, 7};
    const double decades = log10(to / from);
    const int n = decades > 4 ? 1 : decades > 2 ? 2 : decades > 1 ? 4 : 6;
    const int every = decades > 12 ? (int)(decades / 6) : 1;
    for (int e = (int)floor(log10(from)); e <= (int)ceil(log10(to)); e++)
        for (int s = 0; s < n && e % every == 0; s++) {
            const double v = steps[s] * pow(10, e);
            if (v >= from && v <= to) tick(c, v);
        }
}

static void open_file(const RinsChart *c) {
    const int rows = (c->n_series + LEGEND_COLUMNS - 1) / LEGEND_COLUMNS;
    fprintf(c->out,
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' role='img'>"
            "<style>text{font-family:system-ui,sans-serif}%s</style>"
            "<rect width='100%%' height='100%%' fill='#fff'/>\n",
            WIDTH, HEIGHT + rows * LEGEND_ROW + 6, rins_chart_css);
    for (int i = 0; i < c->n_series; i++) {
        const int x = LEFT + i % LEGEND_COLUMNS * (WIDTH - LEFT) / LEGEND_COLUMNS;
        const int y = HEIGHT + i / LEGEND_COLUMNS * LEGEND_ROW;
        fprintf(c->out,
                "<rect x='%d' y='%d' width='12' height='12' rx='2' fill='%s'/><text x='%d' y='%d' class='l'>",
                x, y, rins_chart_colour(i), x + 17, y + 10);
        rins_html_text(c->out, c->series[i]);
        fputs("</text>\n", c->out);
    }
}

bool rins_chart_begin(RinsChart *c, const char *x_label, const char *y_label) {
    if (!c->covers) return false;
    widen(&c->x0, &c->x1, c->log_x, c->log_x ? 0.08 : 0.02);
    widen(&c->y0, &c->y1, c->log_y, 0.06);
    if (c->series)
        open_file(c);
    else
        fprintf(c->out, "<svg viewBox='0 0 %d %d' role='img'>", WIDTH, HEIGHT);
    fprintf(c->out, "<rect x='%d' y='%d' width='%d' height='%d' class='f'/>\n", LEFT, TOP,
            WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    (c->log_x ? log_ticks : linear_ticks)(c, c->x0, c->x1, x_tick);
    (c->log_y ? log_ticks : linear_ticks)(c, c->y0, c->y1, y_tick);
    fprintf(c->out, "<text x='%d' y='%d' class='l' text-anchor='middle'>", (WIDTH + LEFT) / 2, HEIGHT - 8);
    rins_html_text(c->out, x_label);
    fprintf(c->out, "</text>\n<text transform='translate(13,%d) rotate(-90)' class='l' text-anchor='middle'>",
            HEIGHT / 2);
    rins_html_text(c->out, y_label);
    fputs("</text>\n", c->out);
    return true;
}

void rins_chart_end(RinsChart *chart) {
    fputs("</svg>\n", chart->out);
}

void rins_chart_line(const RinsChart *c, const char *colour, const double *x, const double *y, int n) {
    bool down = false;
    fprintf(c->out, "<path fill='none' stroke='%s' stroke-width='1.6' stroke-linejoin='round' d='", colour);
    for (int i = 0; i < n; i++) {
        const bool visible = shown(x[i], c->log_x) && shown(y[i], c->log_y);
        if (visible)
            fprintf(c->out, "%c%.1f %.1f", down ? 'L' : 'M', rins_chart_x(c, x[i]), rins_chart_y(c, y[i]));
        down = visible;
    }
    fputs("'/>\n", c->out);
}

void rins_chart_band(const RinsChart *c, const char *colour, const double *x, const double *low,
                     const double *high, int n) {
    char letter = 'M';
    fprintf(c->out, "<path fill='%s' opacity='0.18' d='", colour);
    for (int i = 0; i < 2 * n; i++) {
        const int k = i < n ? i : 2 * n - 1 - i;
        const double y = i < n ? low[k] : high[k];
        if (!shown(x[k], c->log_x) || !shown(y, c->log_y)) continue;
        fprintf(c->out, "%c%.1f %.1f", letter, rins_chart_x(c, x[k]), rins_chart_y(c, y));
        letter = 'L';
    }
    fputs("'/>\n", c->out);
}

void rins_chart_dot(const RinsChart *c, const char *colour, double x, double y, bool filled,
                    const char *tip) {
    if (!shown(x, c->log_x) || !shown(y, c->log_y)) return;
    fprintf(c->out, "<circle cx='%.1f' cy='%.1f' r='%s' stroke='%s' stroke-width='%s' fill='%s'>",
            rins_chart_x(c, x), rins_chart_y(c, y), filled ? "3" : "4.5", colour, filled ? "1" : "2",
            filled ? colour : "none");
    if (tip) fputs("<title>", c->out), rins_html_text(c->out, tip), fputs("</title>", c->out);
    fputs("</circle>\n", c->out);
}
