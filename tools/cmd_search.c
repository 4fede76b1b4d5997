/* rins search: a text finds images in a folder. */
#include "tools/command.h"
#include "tools/common.h"
#include "tools/eval_flags.h"

#include "data/source.h"
#include "eval/gallery.h"
#include "eval/image_index.h"
#include "src/base/file.h"
#include "src/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static RinsStatus write_gallery(const char *path, const char *query, const RinsImageIndex *index, const int64_t *top,
                                const float *scores, int n) {
    RinsGallery gallery = {0};
    char intro[128];
    RinsStatus status = RINS_OK;
    snprintf(intro, sizeof intro, "The %d nearest of %zu images (cosine).", n, index->paths.n);
    RINS_TRY_DONE(rins_gallery_begin(&gallery, path, query, intro));
    for (int i = 0; i < n; i++) {
        char *data = NULL;
        size_t size = 0;
        RINS_TRY_DONE(rins_file_read(index->paths.items[top[i]], RINS_MAX_MEMBER_BYTES, &data, &size));
        const RinsGalleryLine line = {index->paths.items[top[i]], scores[i], false};
        status = rins_gallery_item(&gallery, (const uint8_t *)data, size, NULL, &line, 1);
        free(data);
        if (status != RINS_OK) goto done;
    }
    status = rins_gallery_commit(&gallery);
done:
    rins_gallery_abort(&gallery);
    return status;
}

static RinsStatus search(RinsEvalModel *em, const char *dir, const char *query, int k, bool use_cache,
                         const char *html) {
    RinsImageIndex index = {0};
    RinsStatus status = RINS_OK;
    float *row = malloc((size_t)rins_eval_model_dim(em) * sizeof *row), *scores = malloc((size_t)k * sizeof *scores);
    int64_t *top = malloc((size_t)k * sizeof *top);
    int n = 0;
    if (!row || !scores || !top) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for %d results", k);
        goto done;
    }
    RINS_TRY_DONE(rins_embed_texts(em, &query, 1, true, row));
    RINS_TRY_DONE(rins_image_index_open(&index, em, dir, use_cache));
    if (index.bad)
        rins_log(RINS_LOG_WARN, "%lld of %zu images cannot be used%s%s", (long long)index.bad, index.paths.n,
                 index.first_bad ? "; the first: " : "", index.first_bad ? index.first_bad : "");
    RINS_TRY_DONE(rins_image_index_search(&index, row, k, top, scores, &n));
    for (int i = 0; i < n; i++) printf("%.4f\t%s\n", (double)scores[i], index.paths.items[top[i]]);
    if (html) status = write_gallery(html, query, &index, top, scores, n);
done:
    free(row), free(scores), free(top);
    rins_image_index_free(&index);
    return status;
}

int rins_cmd_search(int argc, char **argv) {
    RinsEvalFlags eval = {0};
    const char *images = NULL, *html = NULL;
    int64_t top = 10;
    bool no_cache = false;
    const RinsFlag flags[] = {
        RINS_EVAL_MODEL_FLAGS(eval),
        {"images", RINS_FLAG_STRING, &images, "DIR", "folder of images, searched to any depth", true},
        {"top", RINS_FLAG_INT, &top, "K", "how many to show (default 10)", .min = 1, .max = 100000},
        {"html", RINS_FLAG_OUT, &html, "F", "write a page with the pictures"},
        RINS_EVAL_ROUNDS_FLAG(eval),
        {"no-cache", RINS_FLAG_BOOL, &no_cache, NULL, "embed every image again"},
        {NULL},
    };
    const RinsCli cli = {"rins search",
                         "--model M --images DIR \"query\" [FLAG ...]",
                         "Prints the nearest images, score and path. Embeddings are kept between commands in\n"
                         "$RINS_CACHE_DIR, else $XDG_CACHE_HOME/rins, else ~/.cache/rins.",
                         flags,
                         1,
                         1,
                         &eval.common};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    RinsEvalModel *em = NULL;
    RinsStatus status = RINS_OK;
    if (!argv[0][strspn(argv[0], " \t\n\r\v\f")])
        status = RINS_FAIL(RINS_ERR_ARG, "the query is empty: say what the pictures should show");
    if (status == RINS_OK && rins_source_path(images) != images && !rins_path_is_dir(images))
        status = RINS_FAIL(RINS_ERR_ARG, "--images takes a folder alone, such as '%s', not '%s'",
                           rins_source_path(images), images);
    if (status == RINS_OK) status = rins_eval_flags_open(&eval, true, true, false, &em);
    if (status == RINS_OK) status = search(em, images, argv[0], (int)top, !no_cache, html);
    rins_eval_bar_end(&eval.bar);
    rins_eval_model_free(em);
    return rins_report(status);
}
