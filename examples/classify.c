/* Which of the given names fits a photo best?
     cc classify.c $(pkg-config --cflags --libs rins) -o classify
     ./classify MODEL photo.jpg "a dog" "a cat" "a bicycle"
   MODEL: a run of `rins train`, one of its checkpoints, or a Hugging Face SigLIP directory. */
#include <rins/rins.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(void) {
    fprintf(stderr, "classify: %s\n", rins_last_error());
    return 1;
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: %s MODEL PHOTO NAME...\n", argv[0]);
        return 2;
    }
    const char *const *photo = (const char *const *)&argv[2], *const *names = photo + 1;
    const size_t n = (size_t)argc - 3;
    RinsEmbedder *model;
    if (rins_embedder_open(&model, argv[1], NULL) != RINS_OK) return failed();

    const size_t dim = (size_t)rins_embedder_dim(model);
    float *image = malloc(dim * sizeof *image), *classes = malloc(n * dim * sizeof *classes);
    float *share = malloc(n * sizeof *share);
    int *best = malloc(n * sizeof *best), status = 1;
    if (image && classes && share && best) {
        status = rins_embedder_files(model, photo, 1, image, NULL) != RINS_OK ||
                 rins_embedder_classes(model, names, n, NULL, 0, classes) != RINS_OK ||
                 rins_embedder_classify(model, image, 1, classes, n, (int)n, best, share) != RINS_OK;
        for (size_t i = 0; !status && i < n; i++) printf("%5.1f %%  %s\n", 100 * (double)share[i], names[best[i]]);
        if (status) failed();
    }
    free(image), free(classes), free(share), free(best);
    rins_embedder_close(model);
    return status;
}
