/* Outlines as signed distances: exact for circles and polygons, so that edges, hollow shapes and any size
   antialias from the same number. */
#include "data/synth.h"

#include <math.h>

enum { CIRCLE, SQUARE, TRIANGLE, STAR, CROSS, DIAMOND, HEART, RING, CRESCENT, HEXAGON };

static void add_point(RinsSynthOutline *outline, double x, double y) {
    outline->points[outline->n][0] = (float)x;
    outline->points[outline->n][1] = (float)y;
    outline->n++;
}

/* n corners on circles of radii `outer` and `inner` in turn, the first at the top. */
static void add_spikes(RinsSynthOutline *outline, int n, double outer, double inner, double turn) {
    for (int i = 0; i < n; i++) {
        const double radius = i % 2 ? inner : outer, angle = 2.0 * M_PI * i / n - M_PI / 2 + turn;
        add_point(outline, radius * cos(angle), radius * sin(angle));
    }
}

static void add_cross(RinsSynthOutline *outline) {
    const double arm = 0.92, half = 0.33;
    for (int side = 0; side < 4; side++) { /* each side: inner corner, then the two ends of the arm */
        const double c = cos(side * M_PI / 2), s = sin(side * M_PI / 2);
        const double corners[3][2] = {{half, -half}, {arm, -half}, {arm, half}};
        for (int i = 0; i < 3; i++)
            add_point(outline, c * corners[i][0] - s * corners[i][1], s * corners[i][0] + c * corners[i][1]);
    }
}

/* Two arcs on a tip: x = sin^3 t scaled, y from three cosines, a common way to draw a heart. */
static void add_heart(RinsSynthOutline *outline) {
    const int n = 24;
    for (int i = 0; i < n; i++) {
        const double t = 2.0 * M_PI * i / n, s = sin(t);
        const double y = 13.0 * cos(t) - 5.0 * cos(2 * t) - 2.0 * cos(3 * t) - cos(4 * t);
        add_point(outline, 0.9 * s * s * s, -(y + 2.5) * 0.9 / 16.0);
    }
}

void rins_synth_outline(RinsSynthOutline *outline, int shape) {
    *outline = (RinsSynthOutline){.shape = shape};
    switch (shape) {
    case SQUARE: add_spikes(outline, 4, 1.0, 1.0, M_PI / 4); break;
    case TRIANGLE: add_spikes(outline, 3, 1.0, 1.0, 0.0); break;
    case STAR: add_spikes(outline, 10, 1.0, 0.42, 0.0); break;
    case CROSS: add_cross(outline); break;
    case DIAMOND: add_spikes(outline, 4, 1.0, 0.66, 0.0); break;
    case HEART: add_heart(outline); break;
    case HEXAGON: add_spikes(outline, 6, 0.98, 0.98, M_PI / 6); break;
    default: break;
    }
}

/* Distance to the nearest edge; inside where a ray to the right crosses an odd number of edges. */
static float polygon_distance(const RinsSynthOutline *outline, float x, float y) {
    float nearest = INFINITY;
    bool inside = false;
    for (int i = 0, j = outline->n - 1; i < outline->n; j = i++) {
        const float ax = outline->points[j][0], ay = outline->points[j][1];
        const float ex = outline->points[i][0] - ax, ey = outline->points[i][1] - ay;
        const float px = x - ax, py = y - ay;
        const float at = (px * ex + py * ey) / (ex * ex + ey * ey), along = at < 0.0f ? 0.0f : at > 1.0f ? 1.0f : at;
        const float dx = px - along * ex, dy = py - along * ey;
        const float squared = dx * dx + dy * dy;
        nearest = squared < nearest ? squared : nearest; /* fminf would be a call */
        if ((py < 0.0f) != (py < ey) && px < py / ey * ex) inside = !inside;
    }
    return inside ? -sqrtf(nearest) : sqrtf(nearest);
}

float rins_synth_distance(const RinsSynthOutline *outline, float x, float y) {
    const float from_centre = sqrtf(x * x + y * y);
    switch (outline->shape) {
    case CIRCLE: return from_centre - 0.92f;
    case RING: return fabsf(from_centre - 0.74f) - 0.24f;
    case CRESCENT: { /* a disc less a disc to its upper right */
        const float bite = sqrtf((x - 0.42f) * (x - 0.42f) + (y + 0.25f) * (y + 0.25f)) - 0.66f;
        const float disc = from_centre - 0.96f;
        return disc > -bite ? disc : -bite;
    }
    default: return polygon_distance(outline, x, y);
    }
}
