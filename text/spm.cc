extern "C" {
#include "src/base/status.h"
}
#include "text/spm.h"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <unordered_map>
#include <vector>

struct RinsSpm {
    sentencepiece::SentencePieceProcessor processor;
};

namespace {

RinsStatus fail(RinsStatus code, const char *what, const char *why) {
    return RINS_FAIL(code, "%s: %s", what, why);
}

/* No exception passes into C. */
template <typename F> RinsStatus guarded(const char *what, F body) {
    try {
        return body();
    } catch (const std::bad_alloc &) {
        return fail(RINS_ERR_MEMORY, what, "out of memory");
    } catch (const std::exception &error) {
        return fail(RINS_ERR_INTERNAL, what, error.what());
    }
}

RinsStatus copy_out(const std::string &from, char **to) {
    *to = static_cast<char *>(std::malloc(from.size() + 1));
    if (!*to) return fail(RINS_ERR_MEMORY, "tokenizer", "out of memory");
    std::memcpy(*to, from.data(), from.size());
    (*to)[from.size()] = 0;
    return RINS_OK;
}

class Texts : public sentencepiece::SentenceIterator {
  public:
    Texts(RinsSpmNext *next, void *user) : next_(next), user_(user) { Next(); }
    bool done() const override { return done_; }
    void Next() override {
        const char *text = next_(user_);
        done_ = text == nullptr;
        if (!done_) value_ = text;
    }
    const std::string &value() const override { return value_; }
    sentencepiece::util::Status status() const override { return {}; }

  private:
    RinsSpmNext *next_;
    void *user_;
    bool done_ = false;
    std::string value_;
};

} // namespace

RinsStatus rins_spm_open(RinsSpm **spm, const char *data, size_t size, const char *label) {
    *spm = nullptr;
    return guarded(label, [&] {
        RinsSpm *made = new RinsSpm;
        const auto status = made->processor.LoadFromSerializedProto({data, size});
        if (!status.ok() || made->processor.GetPieceSize() <= 0) {
            delete made;
            return RINS_FAIL(RINS_ERR_FORMAT, "'%s' is not a SentencePiece model ('rins tokenizer train' makes one of texts)",
                             label);
        }
        *spm = made;
        return RINS_OK;
    });
}

void rins_spm_free(RinsSpm *spm) { delete spm; }

int32_t rins_spm_vocab(const RinsSpm *spm) { return spm->processor.GetPieceSize(); }
int32_t rins_spm_eos(const RinsSpm *spm) { return spm->processor.eos_id(); }
bool rins_spm_is_special(const RinsSpm *spm, int32_t id) {
    return spm->processor.IsControl(id) || spm->processor.IsUnknown(id);
}

RinsStatus rins_spm_encode(const RinsSpm *spm, const char *text, int64_t skip, int32_t *ids, int64_t room,
                           int64_t *n) {
    return guarded("tokenizer", [&] {
        std::vector<int> all;
        const auto status = spm->processor.Encode(text, &all);
        if (!status.ok())
            return RINS_FAIL(RINS_ERR_INTERNAL, "SentencePiece cannot encode: %s", status.error_message());
        const int64_t total = static_cast<int64_t>(all.size());
        *n = total > skip ? total - skip : 0;
        for (int64_t i = 0; i < *n && i < room; i++) ids[i] = all[static_cast<size_t>(skip + i)];
        return RINS_OK;
    });
}

RinsStatus rins_spm_decode(const RinsSpm *spm, const int32_t *ids, int64_t n, char **text) {
    return guarded("tokenizer", [&] {
        std::string out;
        const auto status = spm->processor.Decode(std::vector<int>(ids, ids + n), &out);
        if (!status.ok())
            return RINS_FAIL(RINS_ERR_INTERNAL, "SentencePiece cannot decode: %s", status.error_message());
        return copy_out(out, text);
    });
}

RinsStatus rins_spm_train(RinsSpmNext *next, void *user, int64_t vocab, char **model, size_t *size) {
    return guarded("tokenizer training", [&] {
        /* A fixed number of threads: the sums of expected counts, and so the pieces, depend on it. */
        const std::unordered_map<std::string, std::string> options = {{"model_type", "unigram"},
                                                                      {"vocab_size", std::to_string(vocab)},
                                                                      {"hard_vocab_limit", "false"},
                                                                      {"pad_id", "0"},
                                                                      {"eos_id", "1"},
                                                                      {"unk_id", "2"},
                                                                      {"bos_id", "-1"},
                                                                      {"num_threads", "4"},
                                                                      {"max_sentence_length", "65536"},
                                                                      {"minloglevel", "2"}};
        Texts texts(next, user);
        std::string trained;
        const auto status = sentencepiece::SentencePieceTrainer::Train(options, &texts, &trained);
        if (!status.ok())
            return RINS_FAIL(RINS_ERR_ARG, "cannot train a tokenizer of %lld pieces: %s",
                             static_cast<long long>(vocab), status.error_message());
        *size = trained.size();
        return copy_out(trained, model);
    });
}
