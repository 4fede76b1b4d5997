#include "eval/eval_rounds.h"

RinsStatus rins_resolve_rounds(const RinsModelConfig *config, RinsRounds asked, RinsRounds *rounds) {
    *rounds = asked;
    if (!asked.image) RINS_TRY(rins_encoder_rounds(&config->image.encoder, &rounds->image));
    return asked.text ? RINS_OK : rins_encoder_rounds(&config->text.encoder, &rounds->text);
}

void rins_put_rounds(RinsJsonWriter *json, RinsRounds rounds) {
    rins_json_open(json, "rounds", '{');
    rins_json_int(json, "image", rounds.image);
    rins_json_int(json, "text", rounds.text);
    rins_json_close(json);
}
