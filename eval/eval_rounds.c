#include "eval/eval_rounds.h"

static RinsStatus resolve(const RinsEncoderConfig *encoder, const char *tower, int asked, int *rounds) {
    RinsPlan plan = {0};
    *rounds = asked;
    if (!asked) return rins_encoder_rounds(encoder, rounds);
    const RinsStatus status = rins_encoder_plan(encoder, asked, NULL, &plan);
    rins_plan_free(&plan);
    return status == RINS_OK ? status : rins_fail_context(status, "%s=%d rounds", tower, asked);
}

RinsStatus rins_resolve_rounds(const RinsModelConfig *config, RinsRounds asked, RinsRounds *rounds) {
    RINS_TRY(resolve(&config->image.encoder, "image", asked.image, &rounds->image));
    return resolve(&config->text.encoder, "text", asked.text, &rounds->text);
}

void rins_put_rounds(RinsJsonWriter *json, RinsRounds rounds) {
    rins_json_open(json, "rounds", '{');
    rins_json_int(json, "image", rounds.image);
    rins_json_int(json, "text", rounds.text);
    rins_json_close(json);
}
