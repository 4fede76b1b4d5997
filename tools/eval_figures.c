#define _GNU_SOURCE
#include "tools/eval_figures.h"

#include "src/base/number.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_CONFUSIONS = 10 };

/* "2" or "1..4" */
static bool parse_range(const char *text, size_t n, RinsRoundsList *list) {
    int64_t first, last;
    const char *dots = memmem(text, n, "..", 2);
    const size_t n_first = dots ? (size_t)(dots - text) : n;
    if (!rins_parse_int(text, n_first, &first)) return false;
    last = first;
    if (dots && !rins_parse_int(dots + 2, n - n_first - 2, &last)) return false;
    if (first < 1 || last < first || last - first >= RINS_MAX_ROUNDS_LIST || last > 1000) return false;
    list->n = 0;
    for (int64_t r = first; r <= last; r++) list->items[list->n++] = (int)r;
    return true;
}

RinsStatus rins_parse_rounds_lists(const char *text, RinsRoundsList *image, RinsRoundsList *words) {
    for (const char *at = text; at && *at;) {
        const size_t n = strcspn(at, ","), name = strcspn(at, "=");
        RinsRoundsList *list = name == 5 && !strncmp(at, "image", 5)  ? image
                               : name == 4 && !strncmp(at, "text", 4) ? words
                                                                      : NULL;
        if (!list || name >= n || !parse_range(at + name + 1, n - name - 1, list))
            return RINS_FAIL(RINS_ERR_ARG,
                             "--rounds takes image=R,text=R, each R a number of 1 to 1000 or a range such as "
                             "1..4, not '%s'",
                             text);
        at += n + (at[n] == ',');
    }
    return RINS_OK;
}

void rins_print_figures(const RinsZeroshot *counts) {
    const RinsInterval interval = rins_wilson(counts->top1, counts->n);
    printf("  acc1                   %.4f   95%% interval %.4f to %.4f, chance %.4f\n", rins_zeroshot_acc1(counts),
           interval.low, interval.high, 1.0 / counts->classes);
    printf("  acc5                   %.4f\n", rins_zeroshot_acc5(counts));
    if (!counts->multi_label) printf("  mean_per_class_recall  %.4f\n", rins_zeroshot_mean_recall(counts));
}

RinsStatus rins_print_classes(const RinsZeroshot *counts, const RinsStringList *names) {
    RinsConfusion pairs[SHOWN_CONFUSIONS];
    int n = 0;
    printf("\n  recall    n  class\n");
    for (int c = 0; c < counts->classes; c++)
        if (counts->counts[c].n)
            printf("  %.4f %4lld  %s\n", (double)counts->counts[c].top1 / (double)counts->counts[c].n,
                   (long long)counts->counts[c].n, names->items[c]);
    RINS_TRY(rins_zeroshot_confusions(counts, pairs, SHOWN_CONFUSIONS, &n));
    if (n) printf("\n  most frequent confusions\n");
    for (int i = 0; i < n; i++)
        printf("  %4lld  %s -> %s\n", (long long)pairs[i].n, names->items[pairs[i].truth],
               names->items[pairs[i].predicted]);
    return RINS_OK;
}
