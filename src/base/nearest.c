#include "src/base/config.h"

#include <string.h>
#include <strings.h>

enum { MAX_WORD = 64 };

static int min3(int a, int b, int c) {
    const int ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other (Damerau 1964). */
static int edit_distance(const char *a, const char *b) {
    const int n = (int)strlen(a), m = (int)strlen(b);
    int rows[3][MAX_WORD + 1];
    for (int j = 0; j <= m; j++) rows[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *row = rows[i % 3];
        const int *above = rows[(i - 1) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && above2[j - 2] + 1 < row[j])
                row[j] = above2[j - 2] + 1;
        }
    }
    return rows[n % 3][m];
}

/* "warmup" for "warmup_steps" is far by edits, but what was meant. */
static bool is_prefix(const char *word, const char *name) {
    const size_t n = strlen(word);
    return n >= 3 && strncmp(word, name, n) == 0;
}

const char *rins_nearest(const char *word, const char *const *names, size_t n) {
    const size_t length = strlen(word);
    if (length == 0 || length > MAX_WORD) return NULL;
    int best = (int)length / 3 + 1;
    const char *found = NULL;
    for (size_t i = 0; i < n; i++)
        if (!strcasecmp(word, names[i])) return names[i];
    for (size_t i = 0; i < n; i++) {
        const size_t other = strlen(names[i]);
        if (other > MAX_WORD) continue;
        const int distance = edit_distance(word, names[i]);
        if (distance >= (int)(other > length ? other : length)) continue; /* nothing of the word is kept */
        if (distance < best || (distance == best && !found)) best = distance, found = names[i];
    }
    for (size_t i = 0; i < n && !found; i++)
        if (is_prefix(word, names[i])) found = names[i];
    return found;
}
