/* rins embed image|text: one .npy row for each line of a list, streamed. */
#define _GNU_SOURCE
#include "tools/command.h"
#include "tools/common.h"
#include "tools/eval_flags.h"

#include "eval/lines.h"
#include "eval/npy.h"
#include "eval/source_pixels.h"
#include "src/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BATCHES = 4 };

typedef struct Embedding {
    RinsEvalModel *em;
    FILE *input;
    const char *input_name;
    RinsNpyWriter out;
    bool image, ids, raw, skip_bad;
    RinsStringList lines; /* the chunk at hand */
    int64_t first, total,
        bad; /* line number (from 0) of the chunk's first, lines in the file (0: not known), bad images */
    float *rows;
} Embedding;

/* The next lines; none at the end. */
static RinsStatus read_chunk(Embedding *e, int64_t most) {
    char *line = NULL;
    size_t room = 0;
    RinsStatus status = RINS_OK;
    rins_lines_free(&e->lines);
    while (status == RINS_OK && (int64_t)e->lines.n < most && getline(&line, &room, e->input) >= 0) {
        rins_cut_line_end(line);
        status = rins_lines_add(&e->lines, line);
    }
    if (status == RINS_OK && ferror(e->input))
        status = RINS_FAIL(RINS_ERR_IO, "cannot read '%s': %s", e->input_name, strerror(errno));
    free(line);
    return status;
}

static RinsStatus embed_images(Embedding *e) {
    RinsPathPixels from = {e->lines.items, e->em->pp};
    const int64_t n = (int64_t)e->lines.n;
    RinsBadCause *causes = malloc((size_t)n * sizeof *causes);
    char *bad = NULL;
    if (!causes) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld images", (long long)n);
    RinsStatus status =
        rins_embed_images(e->em, rins_path_pixels, &from, 0, n, !e->raw, e->rows, causes, &bad);
    for (int64_t i = 0; status == RINS_OK && i < n; i++) {
        if (causes[i] == RINS_BAD_NONE) continue;
        if (!e->skip_bad)
            status = RINS_FAIL(RINS_ERR_FORMAT, "'%s' line %lld: %s (--skip-bad writes NaN rows instead)",
                               e->input_name, (long long)(e->first + i + 1), bad);
        else if (e->bad++ == 0)
            rins_log(RINS_LOG_WARN, "line %lld is bad: %s", (long long)(e->first + i + 1), bad);
    }
    free(causes), free(bad);
    return status;
}

/* Exactly `length` ids of the vocabulary. */
static RinsStatus parse_ids(const char *line, int64_t length, int64_t vocab, int32_t *ids) {
    int64_t n = 0;
    for (const char *at = line + strspn(line, " \t,"); *at; n++) {
        char *end;
        const long long id = strtoll(at, &end, 10);
        if (end == at)
            return RINS_FAIL(RINS_ERR_FORMAT, "'%.*s' is not a token id", (int)strcspn(at, " \t,"), at);
        if (id < 0 || id >= vocab)
            return RINS_FAIL(RINS_ERR_FORMAT, "token id %lld is outside the vocabulary of %lld", id,
                             (long long)vocab);
        if (n < length) ids[n] = (int32_t)id;
        at = end + strspn(end, " \t,");
    }
    if (n != length)
        return RINS_FAIL(RINS_ERR_FORMAT, "%lld token ids, the text tower takes %lld", (long long)n,
                         (long long)length);
    return RINS_OK;
}

static RinsStatus embed_texts(Embedding *e) {
    const RinsTextConfig *text = &rins_model_config(e->em->model)->text;
    const int64_t n = (int64_t)e->lines.n;
    RinsStatus status = RINS_OK;
    int32_t *ids = malloc((size_t)(n * text->length) * sizeof *ids);
    if (!ids) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld texts", (long long)n);
    for (int64_t i = 0; i < n; i++) {
        status = e->ids ? parse_ids(e->lines.items[i], text->length, text->vocab, ids + i * text->length)
                        : rins_tokenizer_encode(e->em->tokenizer, e->lines.items[i], ids + i * text->length);
        if (status != RINS_OK) {
            status =
                rins_fail_context(status, "'%s' line %lld", e->input_name, (long long)(e->first + i + 1));
            goto done;
        }
    }
    status = rins_embed_ids(e->em, ids, n, !e->raw, e->rows);
done:
    free(ids);
    return status;
}

static RinsStatus embed_all(Embedding *e) {
    const int64_t chunk = CHUNK_BATCHES * e->em->batch;
    e->rows = malloc((size_t)(chunk * rins_eval_model_dim(e->em)) * sizeof *e->rows);
    if (!e->rows) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %lld rows", (long long)chunk);
    rins_eval_progress(e->em, e->image ? "images" : "texts", 0, e->total);
    for (;;) {
        RINS_TRY(read_chunk(e, chunk));
        if (e->lines.n == 0) return RINS_OK;
        RINS_TRY(e->image ? embed_images(e) : embed_texts(e));
        rins_npy_rows(&e->out, e->rows, (int64_t)e->lines.n);
        e->first += (int64_t)e->lines.n;
        rins_eval_progress(e->em, e->image ? "images" : "texts", e->first, e->total);
    }
}

/* Lines in a file, for the bar; 0 for a pipe. */
static int64_t count_lines(FILE *file) {
    if (fseek(file, 0, SEEK_END) != 0) return 0;
    rewind(file);
    int64_t n = 0;
    int last = '\n';
    for (int c; (c = getc_unlocked(file)) != EOF; last = c) n += c == '\n';
    rewind(file);
    return n + (last != '\n');
}

static RinsStatus run(Embedding *e, RinsEvalFlags *eval, RinsRounds rounds, const char *out) {
    RinsStatus status = RINS_OK;
    const bool standard = !strcmp(e->input_name, "-");
    e->input = standard ? stdin : fopen(e->input_name, "r");
    if (!e->input) return RINS_FAIL(RINS_ERR_IO, "cannot open '%s': %s", e->input_name, strerror(errno));
    if (!standard) e->total = count_lines(e->input);
    RINS_TRY_DONE(rins_eval_flags_open(eval, e->image, !e->image, e->ids, rounds, &e->em));
    RINS_TRY_DONE(rins_npy_begin(&e->out, out, rins_eval_model_dim(e->em)));
    status = embed_all(e);
    rins_eval_bar_end(&eval->bar);
    if (status != RINS_OK) goto done;
    RINS_TRY_DONE(rins_npy_commit(&e->out));
    if (e->bad)
        rins_log(RINS_LOG_WARN, "%lld of %lld images are bad; their rows are NaN", (long long)e->bad,
                 (long long)e->first);
done:
    rins_npy_abort(&e->out);
    rins_lines_free(&e->lines);
    rins_eval_model_free(e->em);
    free(e->rows);
    if (!standard) fclose(e->input);
    return status;
}

int rins_cmd_embed(int argc, char **argv) {
    RinsEvalFlags eval = {0};
    Embedding e = {0};
    const char *rounds_text = NULL, *out = NULL;
    const RinsFlag flags[] = {
        RINS_EVAL_MODEL_FLAGS(eval),
        {"input", RINS_FLAG_STRING, &e.input_name, "LIST",
         "one image path or one text a line; - is standard input", true},
        {"ids", RINS_FLAG_BOOL, &e.ids, NULL, "texts are rows of token ids, used as they are"},
        {"raw", RINS_FLAG_BOOL, &e.raw, NULL, "do not normalise"},
        {"rounds", RINS_FLAG_STRING, &rounds_text, "R", "image=R,text=R"},
        {"skip-bad", RINS_FLAG_BOOL, &e.skip_bad, NULL,
         "write a row of NaN for a bad image instead of stopping"},
        {"out", RINS_FLAG_STRING, &out, "X.npy", "NumPy float32 (lines, dim), written whole or not at all",
         true},
        {NULL},
    };
    const RinsCli cli = {"rins embed",
                         "image|text --model M --input LIST --out X.npy [...]",
                         "Embeds every line of a list; row k is line k.",
                         flags,
                         1,
                         1,
                         &eval.common};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    RinsRounds rounds;
    RinsStatus status = rins_parse_rounds(rounds_text, &rounds);
    e.image = !strcmp(argv[0], "image");
    if (status == RINS_OK && !e.image && strcmp(argv[0], "text") != 0)
        status = RINS_FAIL(RINS_ERR_ARG, "rins embed takes image or text, not '%s'", argv[0]);
    if (status == RINS_OK && e.image && e.ids) status = RINS_FAIL(RINS_ERR_ARG, "--ids goes with texts");
    if (status == RINS_OK) status = run(&e, &eval, rounds, out);
    return rins_report(status);
}
