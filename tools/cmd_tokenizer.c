/* rins tokenizer train|encode|decode */
#include "tools/command.h"
#include "tools/common.h"
#include "tools/flags.h"

#include "src/base/file.h"
#include "text/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A corpus may not hold as many pieces as were asked for: config.yaml must say how many there are. */
static RinsStatus note_pieces(const char *model, int64_t wanted) {
    RinsTokenizer *tokenizer;
    const RinsTokenizerOptions options = {.length = 1, .pad_id = -1, .eos_id = -1};
    RINS_TRY(rins_tokenizer_open(&tokenizer, model, &options));
    const int64_t pieces = rins_tokenizer_vocab(tokenizer);
    rins_tokenizer_free(tokenizer);
    if (pieces < wanted)
        fprintf(stderr, "rins: %s has %lld pieces, not %lld: the text offers no more\n", model, (long long)pieces,
                (long long)wanted);
    return RINS_OK;
}

static int run_train(int argc, char **argv) {
    const char *input = NULL, *out = NULL;
    int64_t vocab = 0;
    const RinsFlag flags[] = {
        {"input", RINS_FLAG_STRING, &input, "TXT", "one text a line, UTF-8", true},
        {"vocab", RINS_FLAG_INT, &vocab, "N", "pieces; fewer where the text offers no more", true,
         .min = RINS_LEAST_VOCAB, .max = RINS_MOST_VOCAB},
        {"out", RINS_FLAG_OUT, &out, "F", "the model file to write", true},
        {NULL},
    };
    const RinsCli cli = {"rins tokenizer train",
                         "--input TXT --vocab N --out F",
                         "Trains a unigram SentencePiece model on canonicalised text: pad 0, eos 1, unk 2.",
                         flags,
                         0,
                         0};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    RinsStatus status = rins_tokenizer_train(input, vocab, out);
    if (status == RINS_OK) status = note_pieces(out, vocab);
    return rins_report(status);
}

static RinsStatus encode_line(const RinsTokenizer *tokenizer, const char *text, int32_t *ids) {
    RINS_TRY(rins_tokenizer_encode(tokenizer, text, ids));
    const int64_t n = rins_tokenizer_length(tokenizer);
    for (int64_t i = 0; i < n; i++) printf(i ? " %d" : "%d", ids[i]);
    putchar('\n');
    return RINS_OK;
}

static RinsStatus decode_line(const RinsTokenizer *tokenizer, const char *line) {
    int32_t *ids = malloc((strlen(line) / 2 + 1) * sizeof *ids);
    char *text = NULL;
    RinsStatus status = RINS_OK;
    int64_t n = 0;
    if (!ids) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a line");
    for (const char *at = line + strspn(line, " \t"); *at; at += strspn(at, " \t")) {
        char *end;
        const long id = strtol(at, &end, 10);
        if (end == at || id < 0 || id > INT32_MAX) {
            status = RINS_FAIL(RINS_ERR_FORMAT, "'%.*s' is not a token id", (int)strcspn(at, " \t"), at);
            goto done;
        }
        ids[n++] = (int32_t)id;
        at = end;
    }
    RINS_TRY_DONE(rins_tokenizer_decode(tokenizer, ids, n, &text));
    puts(text);
done:
    free(ids), free(text);
    return status;
}

/* Every argument, or every line of standard input where there is none. */
static RinsStatus each_text(const RinsTokenizer *tokenizer, bool decode, char **args, int n_args) {
    RinsStatus status = RINS_OK;
    char *line = NULL;
    size_t room = 0;
    int64_t number = 0;
    int32_t *ids = malloc((size_t)rins_tokenizer_length(tokenizer) * sizeof *ids);
    if (!ids) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for ids");
    for (int i = 0; i < n_args && status == RINS_OK; i++)
        status = decode ? decode_line(tokenizer, args[i]) : encode_line(tokenizer, args[i], ids);
    while (n_args == 0 && status == RINS_OK && getline(&line, &room, stdin) >= 0) {
        rins_cut_line_end(line);
        number++;
        status = decode ? decode_line(tokenizer, line) : encode_line(tokenizer, line, ids);
        if (status != RINS_OK) status = rins_fail_context(status, "standard input line %lld", (long long)number);
    }
    free(line), free(ids);
    return status;
}

static int run_code(bool decode, int argc, char **argv) {
    const char *model = NULL;
    int64_t length = 64;
    int cleaning = RINS_CLEAN_CANONICALIZE;
    const RinsFlag flags[] = {
        {"model", RINS_FLAG_STRING, &model, "F", "a SentencePiece model file", true},
        {"clean", RINS_FLAG_CHOICE, &cleaning, "C", "text cleaning (canonicalize)", .names = rins_cleaning_names},
        {"length", RINS_FLAG_INT, &length, "L", "ids per text, cut or padded with eos (default 64)"},
        {NULL},
    };
    const RinsCli cli = {decode ? "rins tokenizer decode" : "rins tokenizer encode",
                         decode ? "--model F [\"ID ID ...\" ...]" : "--model F [TEXT ...]",
                         "Takes its arguments, or standard input line by line where there are none.",
                         flags,
                         0,
                         -1};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    RinsTokenizer *tokenizer = NULL;
    const RinsTokenizerOptions options = {
        .length = length, .pad_id = -1, .eos_id = -1, .cleaning = (RinsCleaning)cleaning};
    RinsStatus status = RINS_OK;
    if (rins_path_is_dir(model))
        status = RINS_FAIL(RINS_ERR_ARG, "'%s' is a folder; --model takes the SentencePiece model in it: spiece.model",
                           model);
    if (status == RINS_OK) status = rins_tokenizer_open(&tokenizer, model, &options);
    if (status == RINS_OK) status = each_text(tokenizer, decode, argv, n_args);
    rins_tokenizer_free(tokenizer);
    return rins_report(status);
}

static int run_encode(int argc, char **argv) {
    return run_code(false, argc, argv);
}
static int run_decode(int argc, char **argv) {
    return run_code(true, argc, argv);
}

int rins_cmd_tokenizer(int argc, char **argv) {
    static const RinsCommand actions[] = {
        {"train", "make a SentencePiece model of a text", run_train},
        {"encode", "texts to token ids", run_encode},
        {"decode", "token ids to texts", run_decode},
        {NULL, NULL, NULL},
    };
    static const RinsCommandSet set = {"rins tokenizer", "action", actions, NULL};
    return rins_run_command(&set, argc, argv);
}
