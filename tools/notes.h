/* What the program tells people on standard error: notes above, and a bar below that gives way to them. */
#ifndef RINS_TOOLS_NOTES_H
#define RINS_TOOLS_NOTES_H

#include <stdbool.h>

/* Shows the library's notes from now on: errors and warnings always, information unless quiet,
   debugging where verbose. */
void rins_notes_start(bool quiet, bool verbose);
/* From now on errors alone, whatever rins_notes_start is told: of several processes this is not the one that speaks. */
void rins_notes_hush(void);
bool rins_notes_verbose(void);

/* How much of a bar to show: none with --quiet, redrawn on a terminal, plain lines elsewhere. */
typedef enum RinsBarStyle { RINS_BAR_NONE, RINS_BAR_LINES, RINS_BAR_TERMINAL } RinsBarStyle;
RinsBarStyle rins_notes_bar_style(void);

/* Of a line on the terminal: one less than it has, as the last would break the line. */
int rins_notes_columns(void);
/* Draws `line` over the present bar, cut to the terminal's width; NULL clears it. */
void rins_notes_bar(const char *line);
/* One plain line above the bar. */
void rins_notes_line(const char *line);

#endif
