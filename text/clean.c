/* Text cleaning: what happens before SentencePiece. Facts about transformers:
   SiglipTokenizer.canonicalize_text and tokenize. */
#include "text/tokenizer.h"

#include "text/utf8.h"

#include <stdlib.h>
#include <string.h>

const char *const rins_cleaning_names[] = {RINS_CLEANING_NAMES};
const char *const rins_cleaning_file_names[] = {
    [RINS_CLEAN_CANONICALIZE] = "canonicalize",
    [RINS_CLEAN_HF_SIGLIP] = "hf_siglip",
    [RINS_CLEAN_LOWER] = "lower",
    [RINS_CLEAN_NONE] = "none",
    [RINS_CLEAN_NONE + 1] = NULL,
};
_Static_assert(sizeof rins_cleaning_names == sizeof rins_cleaning_file_names, "every cleaning has both names");

static const char piece_space[] = "\xE2\x96\x81"; /* U+2581, SentencePiece's visible space */

/* Python's string.punctuation. */
static bool is_punctuation(char c) {
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

static void drop_punctuation(char *text, bool underscore_is_space) {
    char *to = text;
    for (const char *at = text; *at; at++) {
        if (*at == '_' && underscore_is_space)
            *to++ = ' ';
        else if (!is_punctuation(*at))
            *to++ = *at;
    }
    *to = 0;
}

/* Every run of white space becomes one space; none is left at the ends. */
static void collapse_space(char *text) {
    char *to = text;
    bool pending = false;
    for (const char *at = text; *at;) {
        const char *start = at;
        if (rins_is_space(rins_utf8_next(&at))) {
            pending = true;
            continue;
        }
        if (pending && to > text) *to++ = ' ';
        pending = false;
        const size_t n = (size_t)(at - start);
        memmove(to, start, n);
        to += n;
    }
    *to = 0;
}

/* transformers marks the start of a text with U+2581 and turns those inside it to spaces. */
static void mark_start(const char *text, char *to) {
    const size_t n = strlen(piece_space);
    memcpy(to, piece_space, n);
    to += n;
    while (*text) {
        if (!strncmp(text, piece_space, n)) {
            *to++ = ' ';
            text += n;
        } else {
            *to++ = *text++;
        }
    }
    *to = 0;
}

RinsStatus rins_text_clean(const char *text, RinsCleaning cleaning, char **cleaned) {
    const int64_t bad = rins_utf8_invalid_at(text);
    if (bad >= 0) return RINS_FAIL(RINS_ERR_FORMAT, "text is not valid UTF-8 at byte %lld", (long long)bad);
    const size_t n = strlen(text);
    char *copy = malloc(n + sizeof piece_space);
    char *out = malloc(rins_utf8_lower_room(n + sizeof piece_space));
    if (!copy || !out) {
        free(copy), free(out);
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory to clean a text of %zu bytes", n);
    }
    memcpy(copy, text, n + 1);
    switch (cleaning) {
    case RINS_CLEAN_CANONICALIZE:
        drop_punctuation(copy, true);
        rins_utf8_lower(copy, true, out);
        collapse_space(out);
        break;
    case RINS_CLEAN_HF_SIGLIP:
        mark_start(text, copy);
        rins_utf8_lower(copy, true, out);
        drop_punctuation(out, false);
        collapse_space(out);
        break;
    case RINS_CLEAN_LOWER: rins_utf8_lower(copy, false, out); break;
    case RINS_CLEAN_NONE: memcpy(out, copy, n + 1); break;
    }
    free(copy);
    *cleaned = out;
    return RINS_OK;
}
