#include "tools/eval_flags.h"

#include "text/tokenizer.h"
#include "tools/common.h"
#include "tools/notes.h"

#include <string.h>

const char *const rins_eval_cleanings[] = {"model", RINS_CLEANING_NAMES};

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

RinsStatus rins_eval_flags_open(RinsEvalFlags *flags, bool image, bool text, bool ids_only, RinsEvalModel **em) {
    RinsRounds rounds;
    RINS_TRY(rins_parse_rounds(flags->rounds, &rounds));
    const RinsEvalModelOptions options = {
        .image = image,
        .text = text,
        .ids_only = ids_only,
        .precision = flags->precision,
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
