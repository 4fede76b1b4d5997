#include "tools/ablate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void rins_ablate_describe(const RinsStudyPlan *plan, const RinsStudyProgress *p, RinsAblationLine *line) {
    char more[160] = "", rate[32];
    const RinsStudyEvalProgress *e = p->evaluation;
    if (e && e->total > 0)
        snprintf(more, sizeof more, " %.60s: %s %lld/%lld", e->data, e->what, (long long)e->done, (long long)e->total);
    else if (e)
        snprintf(more, sizeof more, " %.100s", e->data);
    else if (p->pairs_per_s > 0)
        snprintf(more, sizeof more, "  loss %.4f  %s pairs/s", p->loss,
                 rins_ablate_count(llround(p->pairs_per_s), rate));
    snprintf(line->full, sizeof line->full, "%.60s, seed %.0f, budget %.4g: %s %lld/%lld%.120s", p->arm,
             plan->seeds.items[p->seed], plan->budgets.items[p->budget], p->phase, (long long)p->step,
             (long long)p->total, more);
    if (e)
        snprintf(line->brief, sizeof line->brief, "%.32s:%d %.16s", p->arm, p->seed, p->phase);
    else
        snprintf(line->brief, sizeof line->brief, "%.32s:%d %lld/%lld", p->arm, p->seed, (long long)p->step,
                 (long long)p->total);
}

enum { FULL, WITHOUT_FIGURES, BRIEF, N_LEVELS };

/* One job's text at a level; gives its length. */
static int piece(const RinsAblationLine *line, int level, const char **text) {
    *text = level == BRIEF ? line->brief : line->full;
    const char *figures = level == WITHOUT_FIGURES ? strstr(line->full, "  ") : NULL;
    return (int)(figures ? figures - line->full : (ptrdiff_t)strlen(*text));
}

/* As many as fit, and how many more there are. Gives how many fit. */
static int join(const RinsAblationLine *const *lines, int n, int level, int columns, char *text, size_t room) {
    char more[32] = "";
    int used = 0, i = 0;
    if (columns >= (int)room) columns = (int)room - 1;
    for (; i < n; i++) {
        const char *at;
        const int length = piece(lines[i], level, &at) + (i ? 3 : 0);
        if (i + 1 < n) snprintf(more, sizeof more, " | +%d more", n - i - 1);
        if (used + length + (i + 1 < n ? (int)strlen(more) : 0) > columns) break;
        used += snprintf(text + used, room - (size_t)used, "%s%.*s", i ? " | " : "", length - (i ? 3 : 0), at);
    }
    if (i == 0 && n > 0)
        snprintf(text, room, "%d job%s", n, n == 1 ? "" : "s");
    else if (i < n)
        snprintf(text + used, room - (size_t)used, " | +%d more", n - i);
    return i;
}

void rins_ablate_join(const RinsAblationLine *const *lines, int n, int columns, char *text, size_t room) {
    text[0] = 0;
    for (int level = FULL; level < N_LEVELS; level++)
        if (join(lines, n, level, columns, text, room) == n) return;
}
