/* Charts as SVG inside a page: one plot area with linear or logarithmic axes. Write errors are kept by the
   stream; the same values give the same bytes. A series is told from the others by its colour, its marker and
   its line's dashes, so that a print in grey or another's eyes tell them apart too.

       RinsChart chart = {.out = stream, .log_x = true};
       rins_chart_cover(&chart, x, y);            // for every value that must be inside
       if (rins_chart_begin(&chart, "examples", "loss")) {
           rins_chart_line(&chart, 0, xs, ys, n);
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
    /* names of the series: a file of its own, with a legend; NULL: part of a page */
    const char *const *series;
    int n_series;
    const char *note; /* small print below, broken into lines; NULL: none */
} RinsChart;

/* For the page's <style>: what charts and legends use. */
extern const char rins_chart_css[];
/* Colour of series i; they come again after a dozen, as the markers do, but not with the same dashes. */
const char *rins_chart_colour(int i);
/* Its marker as a path round (0, 0). */
const char *rins_chart_marker(int i);
/* The value of a stroke-dasharray, "none" for a whole line. */
const char *rins_chart_dashes(int i);
/* Line and marker of series i within an <svg>, 36 wide and 12 high. */
void rins_chart_sample(FILE *out, int i);
/* A sample and a name in one line: an entry of a legend. */
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
void rins_chart_line(const RinsChart *chart, int series, const double *x, const double *y, int n);
/* The same, thin and pale: only the eye is led from point to point. */
void rins_chart_join(const RinsChart *chart, int series, const double *x, const double *y, int n);
/* The area between two lines. */
void rins_chart_band(const RinsChart *chart, int series, const double *x, const double *low, const double *high, int n);
/* A bar from low to high at x, as far as the axes reach. */
void rins_chart_error(const RinsChart *chart, int series, double x, double low, double high);
/* The series' marker, filled or open, whose tip (plain text, NULL: none) shows under the pointer. */
void rins_chart_mark(const RinsChart *chart, int series, double x, double y, bool filled, const char *tip);

#endif
