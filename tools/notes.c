#define _GNU_SOURCE
#include "tools/notes.h"

#include "src/base/log.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* One process, one standard error. */
static struct {
    bool hushed, started, quiet, verbose, terminal;
    int bar_width; /* of the bar that stands there now */
} notes;

static void clear_bar(void) {
    if (notes.bar_width > 0) fprintf(stderr, "\r%*s\r", notes.bar_width, "");
    notes.bar_width = 0;
}

static void show_note(RinsLogLevel level, const char *text, void *user) {
    static const char *const prefix[] = {"error: ", "warning: ", "", "debug: "};
    (void)user;
    clear_bar();
    fprintf(stderr, "rins: %s%s\n", prefix[level], text);
}

void rins_notes_start(bool quiet, bool verbose) {
    notes.started = true;
    notes.quiet = quiet || notes.hushed;
    notes.verbose = verbose && !notes.hushed;
    notes.terminal = isatty(STDERR_FILENO) == 1;
    rins_log_set(show_note, NULL,
                 notes.hushed ? RINS_LOG_ERROR
                 : verbose    ? RINS_LOG_DEBUG
                 : quiet      ? RINS_LOG_WARN
                              : RINS_LOG_INFO);
}

void rins_notes_hush(void) {
    notes.hushed = true;
    rins_notes_start(true, false); /* the program has begun to show them already */
}

bool rins_notes_verbose(void) {
    return notes.verbose;
}

int rins_notes_columns(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20 ? size.ws_col - 1 : 79;
}

RinsBarStyle rins_notes_bar_style(void) {
    if (!notes.started || notes.quiet) return RINS_BAR_NONE;
    return notes.terminal ? RINS_BAR_TERMINAL : RINS_BAR_LINES;
}

void rins_notes_bar(const char *line) {
    clear_bar();
    if (line) notes.bar_width = fprintf(stderr, "%.*s", rins_notes_columns(), line);
    fflush(stderr);
}

void rins_notes_line(const char *line) {
    clear_bar();
    fprintf(stderr, "rins: %s\n", line);
}
