#include "src/api/embedder.h"

#include "eval/ranking.h"
#include "eval/scores.h"

#include <math.h>
#include <stdlib.h>

void rins_embedder_logits(const RinsEmbedder *embedder, const float *images, size_t n, const float *texts, size_t m,
                          float *logits) {
    const float scale = expf(embedder->t);
    rins_scores(images, (int64_t)n, texts, (int64_t)m, rins_eval_model_dim(embedder->em), logits);
    for (size_t i = 0; i < n * m; i++) logits[i] = scale * logits[i] + embedder->b;
}

/* share[j] = exp(scale * scores[top[j]]) / sum over all m. */
static void shares(const float *scores, size_t m, const int64_t *top, int k, double scale, float *share) {
    double sum = 0;
    for (size_t j = 0; j < m; j++) sum += exp(scale * ((double)scores[j] - (double)scores[top[0]]));
    for (int j = 0; j < k; j++)
        share[j] = (float)(exp(scale * ((double)scores[top[j]] - (double)scores[top[0]])) / sum);
}

RinsStatus rins_embedder_classify(const RinsEmbedder *embedder, const float *images, size_t n, const float *classes,
                                  size_t m, int k, int *best, float *share) {
    if (k < 1 || (size_t)k > m) return RINS_FAIL(RINS_ERR_ARG, "the best %d of %zu classes: give 1 to %zu", k, m, m);
    const int64_t dim = rins_eval_model_dim(embedder->em);
    float *scores = malloc(m * sizeof *scores);
    int64_t *top = malloc((size_t)k * sizeof *top);
    if (!scores || !top) {
        free(scores), free(top);
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory for the scores of %zu classes", m);
    }
    for (size_t i = 0; i < n; i++) {
        const float *image = images + i * (size_t)dim;
        rins_scores(image, 1, classes, (int64_t)m, dim, scores);
        rins_top_k(scores, (int64_t)m, k, top);
        for (int j = 0; j < k; j++) best[i * (size_t)k + (size_t)j] = isnan(image[0]) ? -1 : (int)top[j];
        if (share) shares(scores, m, top, k, exp((double)embedder->t), share + i * (size_t)k);
    }
    free(scores), free(top);
    return RINS_OK;
}
