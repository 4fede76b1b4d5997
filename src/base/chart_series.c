#include "src/base/chart.h"

#include "src/base/html.h"

enum { DOZEN = 12 };

/* Neighbours differ in lightness as well as in hue. */
static const char *const colours[DOZEN] = {"#2458b3", "#e0592a", "#157a3c", "#e3a400", "#7b3fa8", "#1fa8b0",
                                           "#8c1d40", "#8aa51e", "#5f6975", "#ee86b7", "#85563a", "#5cb3f2"};

static const char *const markers[DOZEN] = {
    "M4 0A4 4 0 1 1-4 0A4 4 0 1 1 4 0Z",                           /* circle */
    "M-3.5-3.5H3.5V3.5H-3.5Z",                                     /* square */
    "M0-4.8L4.5 3.2H-4.5Z",                                        /* triangles: up */
    "M0-5L5 0L0 5L-5 0Z",                                          /* diamond */
    "M0 4.8L4.5-3.2H-4.5Z",                                        /* down */
    "M-1.5-4.6H1.5V-1.5H4.6V1.5H1.5V4.6H-1.5V1.5H-4.6V-1.5H-1.5Z", /* plus */
    "M0-2.1L2.5-4.6L4.6-2.5L2.1 0L4.6 2.5L2.5 4.6L0 2.1L-2.5 4.6"
    "L-4.6 2.5L-2.1 0L-4.6-2.5L-2.5-4.6Z",                                             /* cross */
    "M0-5.4L1.3-1.8L5.1-1.7L2.1 .7L3.2 4.4L0 2.2L-3.2 4.4L-2.1 .7L-5.1-1.7L-1.3-1.8Z", /* star */
    "M-4.8 0L3.2-4.5V4.5Z",                                                            /* left */
    "M4.8 0L-3.2-4.5V4.5Z",                                                            /* right */
    "M-4.8-4L4.8 4V-4L-4.8 4Z",                                                        /* bow tie */
    "M-4-4.8H4L-4 4.8H4Z",                                                             /* hourglass */
};

static const char *const dashes[] = {"none", "6 3", "1.6 3", "10 3 2 3", "14 3 2 3 2 3"};
enum { N_DASHES = sizeof dashes / sizeof dashes[0] };

const char *rins_chart_colour(int i) {
    return colours[i % DOZEN];
}

const char *rins_chart_marker(int i) {
    return markers[i % DOZEN];
}

const char *rins_chart_dashes(int i) {
    return dashes[i % N_DASHES];
}

void rins_chart_sample(FILE *out, int i) {
    fprintf(out,
            "<path stroke='%s' stroke-width='1.6' stroke-dasharray='%s' d='M0 6H36'/>"
            "<path transform='translate(18,6)' fill='%s' d='%s'/>",
            rins_chart_colour(i), rins_chart_dashes(i), rins_chart_colour(i), rins_chart_marker(i));
}

void rins_chart_legend(FILE *out, int i, const char *name) {
    fputs("<span><svg class='k' viewBox='0 0 36 12'>", out);
    rins_chart_sample(out, i);
    fputs("</svg>", out);
    rins_html_text(out, name);
    fputs("</span>\n", out);
}
