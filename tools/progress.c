#define _GNU_SOURCE
#include "tools/progress.h"

#include "src/base/clock.h"

#include "tools/notes.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { LINE = 1280, MAX_CELLS = 24, MIN_CELLS = 6 };
static const double draw_every_s = 0.1, line_every_s = 10;

static const char *format_duration(double s, char text[32]) {
    const long t = s > 0 && s < 1e8 ? (long)(s + 0.5) : 0;
    if (t >= 86400)
        snprintf(text, 32, "%ldd %02ldh", t / 86400, t / 3600 % 24);
    else if (t >= 3600)
        snprintf(text, 32, "%ldh %02ldm", t / 3600, t / 60 % 60);
    else if (t >= 60)
        snprintf(text, 32, "%ldm %02lds", t / 60, t % 60);
    else
        snprintf(text, 32, "%lds", t);
    return text;
}

void rins_progress_start(RinsProgress *progress, const char *what, int64_t first, int64_t total) {
    *progress = (RinsProgress){.what = what, .total = total, .first = first, .started = rins_clock()};
    progress->shown = rins_notes_bar_style() == RINS_BAR_TERMINAL ? 0 : progress->started;
}

/* "train [#####.....] 1200/4000  2m 10s, 5m left  loss 1.23", with a bar of so many cells (0: none) */
static void format_line(const RinsProgress *progress, int64_t done, const char *detail, int cells, char *line,
                        size_t room) {
    char bar[MAX_CELLS + 4] = "", count[48], spent[32], left[32], eta[48] = "";
    const double elapsed = rins_clock() - progress->started;
    const int64_t work = done - progress->first;
    if (progress->total > 0) {
        snprintf(count, sizeof count, "%" PRId64 "/%" PRId64, done, progress->total);
        const int full = done < progress->total ? (int)(cells * done / progress->total) : cells;
        for (int i = 0; i < cells; i++) bar[i + 1] = i < full ? '#' : '.';
        if (cells) bar[0] = '[', bar[cells + 1] = ']', bar[cells + 2] = ' ';
        if (work > 0 && done < progress->total)
            snprintf(eta, sizeof eta, ", %s left",
                     format_duration(elapsed / (double)work * (double)(progress->total - done), left));
    } else {
        snprintf(count, sizeof count, "%" PRId64, done);
    }
    snprintf(line, room, "%s %s%s  %s%s%s%s", progress->what, bar, count, format_duration(elapsed, spent), eta,
             detail ? "  " : "", detail ? detail : "");
}

int rins_progress_room(const RinsProgress *progress, int64_t done) {
    char line[LINE];
    if (rins_notes_bar_style() != RINS_BAR_TERMINAL) return LINE;
    format_line(progress, done, "", 0, line, sizeof line);
    const int left = rins_notes_columns() - (int)strlen(line);
    return left > 0 ? left : 0;
}

/* The bar has the columns that are left, and where those are few there is none. */
static int bar_cells(const RinsProgress *progress, int64_t done, const char *detail) {
    char line[LINE];
    format_line(progress, done, detail, 0, line, sizeof line);
    const int left = rins_notes_columns() - (int)strlen(line) - 3;
    return left > MAX_CELLS ? MAX_CELLS : left < MIN_CELLS ? 0 : left;
}

void rins_progress_update(RinsProgress *progress, int64_t done, const char *detail) {
    const RinsBarStyle style = rins_notes_bar_style();
    if (style == RINS_BAR_NONE) return;
    const bool terminal = style == RINS_BAR_TERMINAL;
    const double now = rins_clock();
    if (now - progress->shown < (terminal ? draw_every_s : line_every_s)) return;
    progress->shown = now;
    char line[LINE];
    format_line(progress, done, detail, terminal ? bar_cells(progress, done, detail) : 0, line, sizeof line);
    if (terminal)
        rins_notes_bar(line);
    else
        rins_notes_line(line);
}

/* In the unit that leaves a figure above one. */
static void format_speed(double per_second, char text[64]) {
    const bool minute = per_second < 1, hour = 60 * per_second < 1;
    const double rate = per_second * (hour ? 3600 : minute ? 60 : 1);
    snprintf(text, 64, " (%.*f %s)", rate < 100 ? 1 : 0, rate, hour ? "an hour" : minute ? "a minute" : "a second");
}

void rins_progress_end(RinsProgress *progress, int64_t done, const char *unit) {
    if (progress->what && rins_notes_bar_style() != RINS_BAR_NONE) {
        const double elapsed = rins_clock() - progress->started;
        const int64_t work = done - progress->first;
        char line[160], spent[32], speed[64] = "";
        if (work > 0 && elapsed > 0) format_speed((double)work / elapsed, speed);
        snprintf(line, sizeof line, "%s: %" PRId64 " %s in %s%s", progress->what, work, unit,
                 format_duration(elapsed, spent), speed);
        rins_notes_line(line);
    }
    *progress = (RinsProgress){0};
}
