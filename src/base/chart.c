#include "src/base/chart.h"

#include "src/base/chart_ticks.h"
#include "src/base/html.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 560, HEIGHT = 340, LEFT = 64, BOTTOM = 40, TOP = 14, RIGHT = 18 };
enum { LEGEND_LEFT = 16, LEGEND_ROW = 18, NOTE_ROW = 14, NOTE_LETTERS = 96 };
#define LARGEST 1e300

const char rins_chart_css[] = "svg{width:100%;max-width:580px}svg "
                              "text{fill:currentColor}.t{font-size:10px;opacity:.75}.l{font-size:12px;opacity:.9}"
                              ".g{stroke:#8883}.f{fill:none;stroke:#8889}"
                              ".k{display:inline-block;width:36px;height:12px;margin:0 5px 0 14px;vertical-align:-1px}";

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

/* "10^9" with its exponent raised. */
static void tick_text(FILE *out, const char *text) {
    const char *power = strstr(text, "10^");
    if (!power) {
        fprintf(out, "%s</text>", text);
        return;
    }
    if (power > text) fprintf(out, "%.*s&#183;", (int)(power - text - 1), text);
    fprintf(out, "10<tspan dy='-3' font-size='8'>%s</tspan></text>", power + 3);
}

static void x_ticks(const RinsChart *c) {
    RinsTicks ticks;
    rins_ticks(&ticks, c->x0, c->x1, c->log_x);
    for (int i = 0; i < ticks.n; i++) {
        const double x = rins_chart_x(c, ticks.at[i]);
        fprintf(c->out, "<text x='%.1f' y='%d' class='t' text-anchor='middle'>", x, HEIGHT - BOTTOM + 14);
        tick_text(c->out, ticks.text[i]);
        fprintf(c->out, "<line x1='%.1f' x2='%.1f' y1='%d' y2='%d' class='g'/>\n", x, x, TOP, HEIGHT - BOTTOM);
    }
}

static void y_ticks(const RinsChart *c) {
    RinsTicks ticks;
    rins_ticks(&ticks, c->y0, c->y1, c->log_y);
    for (int i = 0; i < ticks.n; i++) {
        const double y = rins_chart_y(c, ticks.at[i]);
        fprintf(c->out, "<text x='%d' y='%.1f' class='t' text-anchor='end'>", LEFT - 5, y + 3);
        tick_text(c->out, ticks.text[i]);
        fprintf(c->out, "<line x1='%d' x2='%d' y1='%.1f' y2='%.1f' class='g'/>\n", LEFT, WIDTH - RIGHT, y, y);
    }
}

/* Letters of the first line of a note; it ends at a space where it can. */
static size_t note_line(const char *note) {
    size_t n = strlen(note);
    if (n <= NOTE_LETTERS) return n;
    for (n = NOTE_LETTERS; n > 0 && note[n] != ' ';) n--;
    return n ? n : strcspn(note, " ");
}

/* Where out is NULL the lines are only counted. */
static int write_note(FILE *out, const char *note, int y) {
    int lines = 0;
    for (; note && *note; lines++) {
        char line[512];
        const size_t n = note_line(note);
        snprintf(line, sizeof line, "%.*s", (int)n, note);
        note += n + strspn(note + n, " ");
        if (!out) continue;
        fprintf(out, "<text x='%d' y='%d' class='t'>", LEGEND_LEFT, y + lines * NOTE_ROW);
        rins_html_text(out, line);
        fputs("</text>\n", out);
    }
    return lines;
}

static int legend_columns(const RinsChart *c) {
    size_t longest = 1;
    for (int i = 0; i < c->n_series; i++) longest = strlen(c->series[i]) > longest ? strlen(c->series[i]) : longest;
    const int columns = (WIDTH - LEGEND_LEFT) / (50 + 6 * (int)(longest < 100 ? longest : 100));
    return columns < 1 ? 1 : columns > 4 ? 4 : columns;
}

static void write_legend(const RinsChart *c, int columns) {
    for (int i = 0; i < c->n_series; i++) {
        const int x = LEGEND_LEFT + i % columns * (WIDTH - LEGEND_LEFT) / columns;
        const int y = HEIGHT + i / columns * LEGEND_ROW;
        fprintf(c->out, "<g transform='translate(%d,%d)'>", x, y);
        rins_chart_sample(c->out, i);
        fputs("</g><text", c->out);
        fprintf(c->out, " x='%d' y='%d' class='l'>", x + 41, y + 10);
        rins_html_text(c->out, c->series[i]);
        fputs("</text>\n", c->out);
    }
}

/* The picture's element, and what stands below the plot area. */
static void open_picture(const RinsChart *c) {
    const int columns = c->series ? legend_columns(c) : 1;
    const int below = c->series ? (c->n_series + columns - 1) / columns * LEGEND_ROW + 6 : 0;
    const int notes = write_note(NULL, c->note, 0) * NOTE_ROW;
    fprintf(c->out, "<svg%s viewBox='0 0 %d %d' role='img'>", c->series ? " xmlns='http://www.w3.org/2000/svg'" : "",
            WIDTH, HEIGHT + below + notes + (notes ? 4 : 0));
    if (c->series)
        fprintf(c->out,
                "<style>text{font-family:system-ui,sans-serif}%s</style>"
                "<rect width='100%%' height='100%%' fill='#fff'/>\n",
                rins_chart_css);
    if (c->series) write_legend(c, columns);
    write_note(c->out, c->note, HEIGHT + below + 10);
}

bool rins_chart_begin(RinsChart *c, const char *x_label, const char *y_label) {
    if (!c->covers) return false;
    widen(&c->x0, &c->x1, c->log_x, c->log_x ? 0.08 : 0.02);
    widen(&c->y0, &c->y1, c->log_y, 0.06);
    open_picture(c);
    fprintf(c->out, "<rect x='%d' y='%d' width='%d' height='%d' class='f'/>\n", LEFT, TOP, WIDTH - LEFT - RIGHT,
            HEIGHT - TOP - BOTTOM);
    x_ticks(c);
    y_ticks(c);
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

static void path(const RinsChart *c, const double *x, const double *y, int n) {
    bool down = false;
    for (int i = 0; i < n; i++) {
        const bool visible = shown(x[i], c->log_x) && shown(y[i], c->log_y);
        if (visible) fprintf(c->out, "%c%.1f %.1f", down ? 'L' : 'M', rins_chart_x(c, x[i]), rins_chart_y(c, y[i]));
        down = visible;
    }
    fputs("'/>\n", c->out);
}

void rins_chart_line(const RinsChart *c, int series, const double *x, const double *y, int n) {
    fprintf(c->out,
            "<path fill='none' stroke='%s' stroke-width='1.6' stroke-dasharray='%s' stroke-linejoin='round' d='",
            rins_chart_colour(series), rins_chart_dashes(series));
    path(c, x, y, n);
}

void rins_chart_join(const RinsChart *c, int series, const double *x, const double *y, int n) {
    fprintf(c->out, "<path fill='none' stroke='%s' stroke-width='0.8' opacity='0.6' d='", rins_chart_colour(series));
    path(c, x, y, n);
}

void rins_chart_band(const RinsChart *c, int series, const double *x, const double *low, const double *high, int n) {
    char letter = 'M';
    fprintf(c->out, "<path fill='%s' opacity='0.18' d='", rins_chart_colour(series));
    for (int i = 0; i < 2 * n; i++) {
        const int k = i < n ? i : 2 * n - 1 - i;
        const double y = i < n ? low[k] : high[k];
        if (!shown(x[k], c->log_x) || !shown(y, c->log_y)) continue;
        fprintf(c->out, "%c%.1f %.1f", letter, rins_chart_x(c, x[k]), rins_chart_y(c, y));
        letter = 'L';
    }
    fputs("'/>\n", c->out);
}

void rins_chart_error(const RinsChart *c, int series, double x, double low, double high) {
    if (!shown(x, c->log_x) || !isfinite(low) || !shown(high, c->log_y)) return;
    const double at = rins_chart_x(c, x), top = rins_chart_y(c, high);
    const double bottom = rins_chart_y(c, low > c->y0 ? low : c->y0);
    fprintf(c->out, "<path fill='none' stroke='%s' stroke-width='1.2' d='M%.1f %.1fV%.1fM%.1f %.1fh6M%.1f %.1fh6'/>\n",
            rins_chart_colour(series), at, top, bottom, at - 3, top, at - 3, bottom);
}

void rins_chart_mark(const RinsChart *c, int series, double x, double y, bool filled, const char *tip) {
    if (!shown(x, c->log_x) || !shown(y, c->log_y)) return;
    const char *colour = rins_chart_colour(series);
    fprintf(c->out, "<path transform='translate(%.1f,%.1f)' fill='%s' stroke='%s' stroke-width='%s' d='%s'>",
            rins_chart_x(c, x), rins_chart_y(c, y), filled ? colour : "none", filled ? "#fff" : colour,
            filled ? "0.6" : "1.5", rins_chart_marker(series));
    if (tip) fputs("<title>", c->out), rins_html_text(c->out, tip), fputs("</title>", c->out);
    fputs("</path>\n", c->out);
}
