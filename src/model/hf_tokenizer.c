#include "src/model/hf_processor.h"

#include "src/base/log.h"

#include <stdlib.h>
#include <string.h>

/* A special token is a string or an object with its text under "content". */
static const char *token_text(const json_t *root, const char *key) {
    const json_t *value = json_object_get(root, key);
    return json_string_value(json_is_object(value) ? json_object_get(value, "content") : value);
}

/* The id that "added_tokens_decoder" {"id": {"content": text}} gives a token, else `otherwise`. */
static int64_t token_id(const json_t *root, const char *text, int64_t otherwise) {
    json_t *entry;
    const char *id;
    json_object_foreach(json_object_get(root, "added_tokens_decoder"), id, entry) {
        const char *content = json_string_value(json_object_get(entry, "content"));
        if (text && content && !strcmp(content, text)) return strtoll(id, NULL, 10);
    }
    return otherwise;
}

static RinsStatus read_own(const json_t *root, const char *cleaning, RinsTokenizerOptions *options) {
    for (int i = 0; rins_cleaning_file_names[i]; i++)
        if (!strcmp(cleaning, rins_cleaning_file_names[i])) {
            const json_t *pad = json_object_get(root, "rins_pad_id"), *eos = json_object_get(root, "rins_eos_id");
            options->cleaning = (RinsCleaning)i;
            options->pad_id = json_is_integer(pad) ? json_integer_value(pad) : -1;
            options->eos_id = json_is_integer(eos) ? json_integer_value(eos) : -1;
            return RINS_OK;
        }
    return RINS_FAIL(RINS_ERR_FORMAT, "rins_cleaning '%.40s' is unknown", cleaning);
}

static RinsStatus read_root(const json_t *root, bool gemma, RinsTokenizerOptions *options) {
    const char *own = json_string_value(json_object_get(root, "rins_cleaning"));
    if (own) return read_own(root, own, options);
    const json_t *lower = json_object_get(root, "do_lower_case");
    if (json_is_false(lower) && !gemma) return RINS_FAIL(RINS_ERR_UNSUPPORTED, "do_lower_case false is not supported");
    options->cleaning = !gemma ? RINS_CLEAN_HF_SIGLIP : json_is_false(lower) ? RINS_CLEAN_NONE : RINS_CLEAN_LOWER;
    const char *eos = token_text(root, "eos_token"), *pad = token_text(root, "pad_token");
    options->eos_id = token_id(root, eos, gemma ? RINS_GEMMA_EOS : -1);
    const bool pads_with_eos = !pad || (eos && !strcmp(pad, eos));
    options->pad_id = gemma ? token_id(root, pad, RINS_GEMMA_PAD) : pads_with_eos ? -1 : token_id(root, pad, -1);
    const json_t *longest = json_object_get(root, "model_max_length");
    if (longest && json_number_value(longest) < (double)options->length)
        rins_log(RINS_LOG_WARN,
                 "tokenizer_config.json: model_max_length %.0f is below the text tower's length: texts are "
                 "%lld ids",
                 json_number_value(longest), (long long)options->length);
    return RINS_OK;
}

RinsStatus rins_hf_tokenizer_read(const json_t *root, int64_t vocab, int64_t length, RinsTokenizerOptions *options) {
    *options = (RinsTokenizerOptions){.length = length};
    const char *class = json_string_value(json_object_get(root, "tokenizer_class"));
    const bool gemma = class ? strstr(class, "Gemma") || strstr(class, "Siglip2") : vocab == RINS_GEMMA_VOCAB;
    return read_root(root, gemma, options);
}

RinsStatus rins_hf_tokenizer_text(const RinsTokenizerOptions *options, char **text) {
    const bool siglip = options->cleaning == RINS_CLEAN_CANONICALIZE || options->cleaning == RINS_CLEAN_HF_SIGLIP;
    const bool pads_with_eos = options->pad_id < 0 || options->pad_id == options->eos_id;
    const char *eos = siglip ? "</s>" : "<eos>";
    json_t *root =
        json_pack("{s:s, s:s, s:b, s:I, s:[s], s:s, s:s, s:s, s:s, s:I, s:I}", "tokenizer_class",
                  siglip ? "SiglipTokenizer" : "GemmaTokenizer", "processor_class", "SiglipProcessor", "do_lower_case",
                  options->cleaning != RINS_CLEAN_NONE, "model_max_length", (json_int_t)options->length,
                  "model_input_names", "input_ids", "eos_token", eos, "pad_token", pads_with_eos ? eos : "<pad>",
                  "unk_token", "<unk>", "rins_cleaning", rins_cleaning_file_names[options->cleaning], "rins_pad_id",
                  (json_int_t)options->pad_id, "rins_eos_id", (json_int_t)options->eos_id);
    *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    json_decref(root);
    return *text ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory for tokenizer_config.json");
}
