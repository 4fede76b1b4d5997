#include "eval/retrieval.h"

#include "eval/scores.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { IMAGE_BLOCK = 64, TEXT_BLOCK = 64 };

static int by_rank(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Statistics of ranks counted from 0; `ranks` is sorted in place. */
static RinsRecall recall_of_ranks(int64_t *ranks, int64_t n) {
    RinsRecall recall = {.n = n};
    if (n == 0) return recall;
    qsort(ranks, (size_t)n, sizeof *ranks, by_rank);
    int64_t at1 = 0, at5 = 0, at10 = 0;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        at1 += ranks[i] < 1, at5 += ranks[i] < 5, at10 += ranks[i] < 10;
        sum += (double)(ranks[i] + 1);
    }
    recall.at1 = (double)at1 / (double)n, recall.at5 = (double)at5 / (double)n, recall.at10 = (double)at10 / (double)n;
    recall.mean_rank = sum / (double)n;
    recall.median_rank = (double)(ranks[(n - 1) / 2] + ranks[n / 2]) / 2 + 1;
    return recall;
}

typedef struct Ranks {
    const float *images, *texts;
    const int64_t *image_of;
    int64_t n_images, n_texts, dim;
    float *own;                  /* [n_texts] score of a text with its image */
    float *best;                 /* [n_images] best of an image's own texts, NaN: it has none */
    int64_t *of_text, *of_image; /* candidates that are not below */
} Ranks;

/* The two ranks that one block of scores adds to. Texts are this thread's own; images are shared. */
static void count_block(Ranks *ranks, const float *scores, int64_t first_text, int64_t texts, int64_t first_image,
                        int64_t images) {
    for (int64_t i = 0; i < images; i++) {
        const int64_t image = first_image + i;
        const float best = ranks->best[image];
        int64_t above = 0;
        for (int64_t t = 0; t < texts; t++) {
            const int64_t text = first_text + t;
            const float score = scores[t * images + i];
            if (ranks->image_of[text] == image) continue;
            above += !(score < best);
            ranks->of_text[text] += !(score < ranks->own[text]);
        }
#pragma omp atomic
        ranks->of_image[image] += above;
    }
}

static void count_all(Ranks *ranks) {
#pragma omp parallel for schedule(dynamic)
    for (int64_t first_text = 0; first_text < ranks->n_texts; first_text += TEXT_BLOCK) {
        float scores[IMAGE_BLOCK * TEXT_BLOCK];
        const int64_t texts = ranks->n_texts - first_text < TEXT_BLOCK ? ranks->n_texts - first_text : TEXT_BLOCK;
        for (int64_t first = 0; first < ranks->n_images; first += IMAGE_BLOCK) {
            const int64_t images = ranks->n_images - first < IMAGE_BLOCK ? ranks->n_images - first : IMAGE_BLOCK;
            rins_scores(ranks->texts + first_text * ranks->dim, texts, ranks->images + first * ranks->dim, images,
                        ranks->dim, scores);
            count_block(ranks, scores, first_text, texts, first, images);
        }
    }
}

static void score_own(Ranks *ranks) {
    for (int64_t i = 0; i < ranks->n_images; i++) ranks->best[i] = NAN;
    for (int64_t t = 0; t < ranks->n_texts; t++) {
        const int64_t image = ranks->image_of[t];
        const float own = rins_dot(ranks->texts + t * ranks->dim, ranks->images + image * ranks->dim, ranks->dim);
        ranks->own[t] = own;
        if (!(own <= ranks->best[image]) && !isnan(own)) ranks->best[image] = own;
    }
}

RinsStatus rins_retrieval(const float *images, int64_t n_images, const float *texts, const int64_t *image_of,
                          int64_t n_texts, int64_t dim, RinsRetrieval *result) {
    for (int64_t t = 0; t < n_texts; t++)
        if (image_of[t] < 0 || image_of[t] >= n_images)
            return RINS_FAIL(RINS_ERR_ARG, "text %lld describes image %lld of %lld", (long long)t,
                             (long long)image_of[t], (long long)n_images);
    Ranks ranks = {images, texts, image_of, n_images, n_texts, dim};
    RinsStatus status = RINS_OK;
    bool *has_text = calloc((size_t)n_images + 1, sizeof *has_text);
    ranks.own = malloc((size_t)(n_texts + 1) * sizeof *ranks.own);
    ranks.best = malloc((size_t)(n_images + 1) * sizeof *ranks.best);
    ranks.of_text = calloc((size_t)n_texts + 1, sizeof *ranks.of_text);
    ranks.of_image = calloc((size_t)n_images + 1, sizeof *ranks.of_image);
    if (!has_text || !ranks.own || !ranks.best || !ranks.of_text || !ranks.of_image) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld ranks", (long long)(n_texts + n_images));
        goto done;
    }
    score_own(&ranks);
    count_all(&ranks);
    result->text_to_image = recall_of_ranks(ranks.of_text, n_texts);
    for (int64_t t = 0; t < n_texts; t++) has_text[image_of[t]] = true;
    int64_t n = 0;
    for (int64_t i = 0; i < n_images; i++)
        if (has_text[i]) ranks.of_image[n++] = ranks.of_image[i];
    result->image_to_text = recall_of_ranks(ranks.of_image, n);
done:
    free(has_text), free(ranks.own), free(ranks.best), free(ranks.of_text), free(ranks.of_image);
    return status;
}
