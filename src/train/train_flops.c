#include "src/train/train_flops.h"

#include "src/train/rounds.h"

RinsStatus rins_expected_flops(const RinsModelConfig *config, double *per_pair) {
    RinsTowerRounds image, text;
    RINS_TRY(rins_tower_rounds(&config->image.encoder, &image));
    RINS_TRY(rins_tower_rounds(&config->text.encoder, &text));
    *per_pair = 0;
    for (int n = 1; n <= image.max || n <= text.max; n++) {
        const RinsRounds at = {.image = n <= image.max ? n : image.max, .text = n <= text.max ? n : text.max};
        RinsModelFlops flops;
        RINS_TRY(rins_model_flops(config, at, &flops));
        *per_pair += 3 * (rins_rounds_probability(&image, n) * flops.image_forward +
                          rins_rounds_probability(&text, n) * flops.text_forward);
    }
    return RINS_OK;
}
