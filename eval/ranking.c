#include "eval/ranking.h"

#include <math.h>
#include <stddef.h>

bool rins_in_labels(int64_t index, const int *labels, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (labels[i] == index) return true;
    return false;
}

int64_t rins_rank_of_best(const float *scores, int64_t m, const int *labels, int64_t n) {
    float own = NAN;
    for (int64_t i = 0; i < n; i++)
        if (!(scores[labels[i]] <= own)) own = isnan(scores[labels[i]]) ? own : scores[labels[i]];
    int64_t above = 0;
    for (int64_t j = 0; j < m; j++)
        if (!(scores[j] < own) && !rins_in_labels(j, labels, n)) above++;
    return above;
}

int rins_argmax_but(const float *scores, int64_t m, const int *labels, int64_t n) {
    int best = -1;
    for (int64_t j = 0; j < m; j++) {
        if (rins_in_labels(j, labels, n)) continue;
        if (best < 0 || scores[j] > scores[best] || (isnan(scores[best]) && !isnan(scores[j]))) best = (int)j;
    }
    return best;
}

int rins_argmax(const float *scores, int64_t m) {
    return rins_argmax_but(scores, m, NULL, 0);
}

static bool before(const float *scores, int64_t a, int64_t b) {
    if (isnan(scores[a]) != isnan(scores[b])) return isnan(scores[b]);
    return scores[a] > scores[b] || (!(scores[a] < scores[b]) && a < b);
}

void rins_top_k(const float *scores, int64_t m, int k, int64_t *top) {
    int n = 0;
    for (int64_t j = 0; j < m; j++) {
        if (n == k && !before(scores, j, top[n - 1])) continue;
        int at = n < k ? n++ : n - 1;
        for (; at > 0 && before(scores, j, top[at - 1]); at--) top[at] = top[at - 1];
        top[at] = j;
    }
}
