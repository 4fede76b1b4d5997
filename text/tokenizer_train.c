#include "text/tokenizer.h"

#include "src/base/file.h"
#include "src/base/rng.h"
#include "text/spm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beyond this many texts every k-th is taken: pieces no longer change, memory and time would. */
enum { MAX_TEXTS = 4000000 };

/* SentencePiece takes as candidates only strings that occur in two different words, so where every word
   comes in one form alone (a synthetic language) none could become a piece. Each word of such a small
   language is hence given once more, doubled: "blueblue" makes "blue" a candidate and weighs nothing.
   Natural text has inflections and far more words. */
enum { FEW_WORDS = 2048, SLOTS = 4 * FEW_WORDS };

typedef struct Words {
    char *slots[SLOTS]; /* open addressing by hash */
    int n, next;        /* next: the slot to double next */
} Words;

static void add_word(Words *words, const char *word, size_t n) {
    size_t at = (size_t)(rins_hash_bytes(word, n, RINS_HASH_BASIS) % SLOTS);
    while (words->slots[at] && (strncmp(words->slots[at], word, n) || words->slots[at][n])) at = (at + 1) % SLOTS;
    if (words->slots[at] || words->n > FEW_WORDS) return;
    words->slots[at] = strndup(word, n);
    words->n += words->slots[at] != NULL;
}

static void add_words(Words *words, const char *text) {
    while (*text && words->n <= FEW_WORDS) {
        const size_t n = strcspn(text, " ");
        if (n) add_word(words, text, n);
        text += n + (text[n] == ' ');
    }
}

/* malloc'd, NULL at the end. */
static char *next_doubled(Words *words) {
    if (words->n > FEW_WORDS) return NULL;
    while (words->next < SLOTS && !words->slots[words->next]) words->next++;
    if (words->next == SLOTS) return NULL;
    const char *word = words->slots[words->next++];
    const size_t n = strlen(word);
    char *doubled = malloc(2 * n + 1);
    if (doubled) snprintf(doubled, 2 * n + 1, "%s%s", word, word);
    return doubled;
}

static void free_words(Words *words) {
    for (int i = 0; words && i < SLOTS; i++) free(words->slots[i]);
    free(words);
}

typedef struct Lines {
    Words *words;
    FILE *file;
    char *line, *cleaned;
    size_t room;
    int64_t number, used, every;
    RinsStatus status;
} Lines;

static void trim_line_end(char *line, int64_t n) {
    while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r')) line[--n] = 0;
}

static const char *next_text(void *user) {
    Lines *lines = user;
    ssize_t n;
    while (lines->status == RINS_OK && (n = getline(&lines->line, &lines->room, lines->file)) >= 0) {
        if (lines->number++ % lines->every) continue;
        trim_line_end(lines->line, n);
        free(lines->cleaned);
        lines->cleaned = NULL;
        lines->status = rins_text_clean(lines->line, RINS_CLEAN_CANONICALIZE, &lines->cleaned);
        if (lines->status != RINS_OK) break;
        if (!lines->cleaned[0]) continue;
        lines->used++;
        add_words(lines->words, lines->cleaned);
        return lines->cleaned;
    }
    if (lines->status != RINS_OK) return NULL;
    free(lines->cleaned);
    return lines->cleaned = next_doubled(lines->words);
}

/* Lines of the file, and whether any has a character to learn from. */
static RinsStatus count_lines(FILE *file, const char *path, int64_t *count) {
    char *line = NULL;
    size_t room = 0;
    bool any = false;
    *count = 0;
    for (ssize_t n; (n = getline(&line, &room, file)) >= 0; (*count)++)
        for (ssize_t i = 0; i < n && !any; i++) any = (unsigned char)line[i] > ' ';
    free(line);
    if (ferror(file)) return RINS_FAIL(RINS_ERR_IO, "cannot read '%s': %s", path, strerror(errno));
    if (!any) return RINS_FAIL(RINS_ERR_FORMAT, "'%s' holds no text to train a tokenizer on", path);
    return RINS_OK;
}

RinsStatus rins_tokenizer_train(const char *input_path, int64_t vocab, const char *output_path) {
    if (vocab < RINS_LEAST_VOCAB || vocab > RINS_MOST_VOCAB)
        return RINS_FAIL(RINS_ERR_ARG, "a vocabulary of %lld is not in %d..%d", (long long)vocab, RINS_LEAST_VOCAB,
                         RINS_MOST_VOCAB);
    RinsStatus status = RINS_OK;
    char *model = NULL;
    size_t size = 0;
    Lines lines = {.file = fopen(input_path, "r")};
    if (!lines.file) return RINS_FAIL(RINS_ERR_IO, "cannot open '%s': %s", input_path, strerror(errno));
    lines.words = calloc(1, sizeof *lines.words);
    if (!lines.words) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory to train a tokenizer");
        goto done;
    }
    int64_t count = 0;
    RINS_TRY_DONE(count_lines(lines.file, input_path, &count));
    rewind(lines.file);
    lines.every = (count + MAX_TEXTS - 1) / MAX_TEXTS;
    status = rins_spm_train(next_text, &lines, vocab, &model, &size);
    if (lines.status != RINS_OK) { /* the reason SentencePiece saw too few texts */
        (void)rins_text_clean(lines.line, RINS_CLEAN_CANONICALIZE, &lines.cleaned);
        status = rins_fail_context(lines.status, "'%s' line %lld", input_path, (long long)lines.number);
        goto done;
    }
    if (status == RINS_OK && lines.used == 0)
        status = RINS_FAIL(RINS_ERR_FORMAT, "'%s' holds only punctuation", input_path);
    if (status != RINS_OK) goto done;
    status = rins_file_write(output_path, model, size);
done:
    fclose(lines.file);
    free_words(lines.words);
    free(lines.line), free(lines.cleaned), free(model);
    return status;
}
