/* Charts as SVG inside a page: one plot area with linear or logarithmic axes. Write errors are kept by the
   stream; the same values give the same bytes.

       RinsChart chart = {.out = stream, .log_x = true};
       rins_chart_cover(&chart, x, y);            // for every value that must be inside
       if (rins_chart_begin(&chart, "examples", "loss")) {
           rins_chart_line(&chart, rins_chart_colour(0), xs, ys, n);
           rins_chart_end(&chart);
       }                                                                                                  */
#ifndef RINS_BASE_CHART_H
#define RINS_BASE_CHART_H

#include <stdbool.h>
#include <stdio.h>

typedef struct RinsChart {
    FILE *out;
    bool log_x, log_y;
    bool covers;           /* something was covered */
    double x0, x1, y0, y1; /* what the axes show */
    /* names of the colours' series: a file of its own, with a legend; NULL: part of a page */
    const char *const *series;
    int n_series;
} RinsChart;

/* For the page's <style>: what charts and legends use. */
extern const char rins_chart_css[];
/* Colour of series i; they come again after a dozen. */
const char *rins_chart_colour(int i);
/* A coloured mark and a name in one line: an entry of a legend. */
void rins_chart_legend(FILE *out, int i, const char *name);

/* Widens the axes; values that are not finite, or not positive on a logarithmic axis, are passed over. */
void rins_chart_cover(RinsChart *chart, double x, double y);
/* Opens the picture with a little air round what was covered, its ticks and labels. False, and nothing is
   written, where nothing was covered. */
bool rins_chart_begin(RinsChart *chart, const char *x_label, const char *y_label);
void rins_chart_end(RinsChart *chart);

/* Places in the picture, within the plot area. */
double rins_chart_x(const RinsChart *chart, double x);
double rins_chart_y(const RinsChart *chart, double y);

/* A line through n points; those that cannot be shown break it. */
void rins_chart_line(const RinsChart *chart, const char *colour, const double *x, const double *y, int n);
/* The area between two lines. */
void rins_chart_band(const RinsChart *chart, const char *colour, const double *x, const double *low,
                     const double *high, int n);
/* A dot, filled or open, whose tip (plain text, NULL: none) shows under the pointer. */
void rins_chart_dot(const RinsChart *chart, const char *colour, double x, double y, bool filled,
                    const char *tip);

#endif
