#include "text/tokenizer.h"

#include "src/base/file.h"
#include "text/spm.h"

#include <stdlib.h>
#include <string.h>

struct RinsTokenizer {
    RinsSpm *spm;
    RinsCleaning cleaning;
    int64_t length, mark_length; /* mark_length: ids of `mark` alone */
    int32_t pad, eos;
};

/* transformers encodes this before every text and takes its ids away again, so that no dummy prefix is
   added to the text. */
static const char mark[] = "<unk>";

enum { MAX_MODEL_BYTES = 1 << 28, MAX_LENGTH = 1 << 20 };

static RinsStatus special_id(const RinsTokenizer *tokenizer, const char *name, int64_t asked, int64_t otherwise,
                             const char *path, int32_t *id) {
    const int64_t value = asked >= 0 ? asked : otherwise;
    if (value < 0)
        return RINS_FAIL(RINS_ERR_CONFIG, "'%s' has no %s token; give its id in tokenizer_config.json", path, name);
    if (value >= rins_spm_vocab(tokenizer->spm))
        return RINS_FAIL(RINS_ERR_MISMATCH, "%s id %lld is outside '%s', which has %d pieces", name, (long long)value,
                         path, rins_spm_vocab(tokenizer->spm));
    *id = (int32_t)value;
    return RINS_OK;
}

RinsStatus rins_tokenizer_open(RinsTokenizer **tokenizer, const char *path, const RinsTokenizerOptions *options) {
    RinsStatus status = RINS_OK;
    char *data = NULL;
    size_t size = 0;
    *tokenizer = NULL;
    if (options->length < 1 || options->length > MAX_LENGTH)
        return RINS_FAIL(RINS_ERR_ARG, "text length %lld is not in 1..%d", (long long)options->length, MAX_LENGTH);
    RinsTokenizer *made = calloc(1, sizeof *made);
    if (!made) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a tokenizer");
    made->cleaning = options->cleaning;
    made->length = options->length;
    RINS_TRY_DONE(rins_file_read(path, MAX_MODEL_BYTES, &data, &size));
    RINS_TRY_DONE(rins_spm_open(&made->spm, data, size, path));
    RINS_TRY_DONE(special_id(made, "eos", options->eos_id, rins_spm_eos(made->spm), path, &made->eos));
    RINS_TRY_DONE(special_id(made, "pad", options->pad_id, made->eos, path, &made->pad));
    if (made->cleaning == RINS_CLEAN_HF_SIGLIP)
        RINS_TRY_DONE(rins_spm_encode(made->spm, mark, 0, NULL, 0, &made->mark_length));
done:
    free(data);
    if (status == RINS_OK)
        *tokenizer = made;
    else
        rins_tokenizer_free(made);
    return status;
}

void rins_tokenizer_free(RinsTokenizer *tokenizer) {
    if (!tokenizer) return;
    rins_spm_free(tokenizer->spm);
    free(tokenizer);
}

int64_t rins_tokenizer_vocab(const RinsTokenizer *tokenizer) {
    return rins_spm_vocab(tokenizer->spm);
}
int64_t rins_tokenizer_length(const RinsTokenizer *tokenizer) {
    return tokenizer->length;
}

RinsStatus rins_tokenizer_encode(const RinsTokenizer *tokenizer, const char *text, int32_t *ids) {
    char *cleaned = NULL, *marked = NULL;
    RinsStatus status = rins_text_clean(text, tokenizer->cleaning, &cleaned);
    if (status != RINS_OK) return status;
    const char *encoded = cleaned;
    if (tokenizer->cleaning == RINS_CLEAN_HF_SIGLIP) {
        const size_t n = strlen(cleaned);
        marked = malloc(sizeof mark + n);
        if (!marked) {
            status = RINS_FAIL(RINS_ERR_MEMORY, "no memory to tokenise %zu bytes", n);
            goto done;
        }
        memcpy(marked, mark, sizeof mark - 1);
        memcpy(marked + sizeof mark - 1, cleaned, n + 1);
        encoded = marked;
    }
    int64_t n = 0;
    RINS_TRY_DONE(rins_spm_encode(tokenizer->spm, encoded, tokenizer->mark_length, ids, tokenizer->length - 1, &n));
    if (n > tokenizer->length - 1) n = tokenizer->length - 1;
    ids[n++] = tokenizer->eos;
    while (n < tokenizer->length) ids[n++] = tokenizer->pad;
done:
    free(cleaned), free(marked);
    return status;
}

RinsStatus rins_tokenizer_decode(const RinsTokenizer *tokenizer, const int32_t *ids, int64_t n, char **text) {
    int32_t *kept = malloc((size_t)(n + 1) * sizeof *kept);
    if (!kept) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to decode %lld ids", (long long)n);
    RinsStatus status = RINS_OK;
    int64_t count = 0;
    const int32_t vocab = rins_spm_vocab(tokenizer->spm);
    for (int64_t i = 0; i < n; i++) {
        if (ids[i] < 0 || ids[i] >= vocab) {
            status = RINS_FAIL(RINS_ERR_ARG, "token id %d is outside 0..%d", ids[i], vocab - 1);
            goto done;
        }
        const bool special =
            ids[i] == tokenizer->eos || ids[i] == tokenizer->pad || rins_spm_is_special(tokenizer->spm, ids[i]);
        if (!special) kept[count++] = ids[i];
    }
    status = rins_spm_decode(tokenizer->spm, kept, count, text);
done:
    free(kept);
    return status;
}
