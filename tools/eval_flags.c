#include "tools/eval_flags.h"

#include "tools/common.h"
#include "tools/notes.h"

#include "src/base/cpu.h"

#include <string.h>

const char *const rins_eval_cleanings[] = {"model", "canonicalize", "hf", "lower", "none", NULL};

void rins_eval_bar(void *user, const char *what, int64_t done, int64_t total) {
    RinsEvalBar *bar = user;
    if (!bar->what || strcmp(bar->what, what) != 0 || done < bar->done) {
        rins_eval_bar_end(bar);
        rins_progress_start(&bar->progress, what, done, total); /* done: by an earlier run */
        bar->what = what;
    }
    bar->done = done;
    rins_progress_update(&bar->progress, done, NULL);
    if (done == total && total > 0) rins_eval_bar_end(bar); /* 0: how many there are is not known */
}

void rins_eval_bar_end(RinsEvalBar *bar) {
    if (bar->what && bar->done == 0)
        rins_notes_bar(NULL);
    else if (bar->what)
        rins_progress_end(&bar->progress, bar->done, "done");
    bar->what = NULL;
    bar->done = 0;
}

/* As a config's precision, but asking for bf16 where there is none is left to the model to refuse. */
static RinsStatus choose_precision(int wanted, RinsPrecision *precision) {
    RinsCpu cpu;
    *precision = (RinsPrecision)wanted;
    if (wanted != RINS_PRECISION_AUTO) return RINS_OK;
    RINS_TRY(rins_cpu_detect(&cpu));
    *precision = rins_cpu_bf16(&cpu) ? RINS_PRECISION_BF16 : RINS_PRECISION_FP32;
    return RINS_OK;
}

RinsStatus rins_eval_flags_open(RinsEvalFlags *flags, bool image, bool text, bool ids_only, RinsEvalModel **em) {
    RinsRounds rounds;
    RinsPrecision precision;
    RINS_TRY(rins_parse_rounds(flags->rounds, &rounds));
    RINS_TRY(choose_precision(flags->precision, &precision));
    if (flags->batch < 0 || flags->batch > 65536)
        return RINS_FAIL(RINS_ERR_ARG, "--batch takes 1 to 65536, not %lld", (long long)flags->batch);
    const RinsEvalModelOptions options = {
        .image = image,
        .text = text,
        .ids_only = ids_only,
        .precision = precision,
        .batch = flags->batch,
        .threads = (int)flags->common.threads,
        .rounds = rounds,
        .tokenizer = flags->tokenizer,
        .cleaning = flags->cleaning - 1,
        .progress = rins_eval_bar,
        .progress_user = &flags->bar,
    };
    return rins_eval_model_open(em, flags->model, &options);
}
