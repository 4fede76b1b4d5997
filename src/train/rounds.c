#include "src/train/rounds.h"

#include "src/base/rng.h"

#include <math.h>

RinsStatus rins_tower_rounds(const RinsEncoderConfig *encoder, RinsTowerRounds *rounds) {
    rounds->drop = encoder->recursion.drop;
    return rins_encoder_rounds(encoder, &rounds->max);
}

int rins_rounds_draw(const RinsTowerRounds *rounds, uint64_t seed, int64_t step, RinsTower tower) {
    RinsRng rng = rins_rng(RINS_RNG_ROUNDS, seed, (uint64_t)step, (uint64_t)tower);
    int n = 1;
    for (int i = 1; i < rounds->max; i++) n += rins_rng_uniform(&rng) >= rounds->drop;
    return n;
}

double rins_rounds_probability(const RinsTowerRounds *rounds, int n) {
    const int trials = rounds->max - 1, hits = n - 1;
    if (hits < 0 || hits > trials) return 0;
    double ways = 1;
    for (int i = 1; i <= hits; i++) ways = ways * (trials - hits + i) / i;
    return ways * pow(1 - rounds->drop, hits) * pow(rounds->drop, trials - hits);
}
