/* Stochastic RINS: how many rounds a tower runs at a training step (arXiv 2502.07503). */
#ifndef RINS_TRAIN_ROUNDS_H
#define RINS_TRAIN_ROUNDS_H

#include "src/nn/encoder_config.h"
#include "src/nn/params.h"

/* One tower's r (its signature's rounds) and p_s. */
typedef struct RinsTowerRounds {
    int max;
    double drop;
} RinsTowerRounds;

/* r and drop of one tower's encoder. */
RinsStatus rins_tower_rounds(const RinsEncoderConfig *encoder, RinsTowerRounds *rounds);

/* 1 + Binomial(max - 1, 1 - drop), a function of (seed, step, tower) alone. */
int rins_rounds_draw(const RinsTowerRounds *rounds, uint64_t seed, int64_t step, RinsTower tower);

/* P(draw = n), n = 1 .. max. */
double rins_rounds_probability(const RinsTowerRounds *rounds, int n);

#endif
