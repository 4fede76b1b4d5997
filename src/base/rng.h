/* Counter-based randomness: a draw is a function of (key, counter) and of nothing else, so order, threads and
   resumption cannot change it. Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
   The stream is frozen by test vectors: runs of old versions must be repeatable. */
#ifndef RINS_BASE_RNG_H
#define RINS_BASE_RNG_H

#include <stdint.h>

/* What a key is for: different uses never share a stream. */
typedef enum RinsRngUse {
    RINS_RNG_INIT = 1,    /* (seed, parameter) */
    RINS_RNG_ROUNDS = 2,  /* (seed, step, tower) */
    RINS_RNG_AUGMENT = 3, /* (seed, epoch, sample) */
    RINS_RNG_SHUFFLE = 4, /* (seed, epoch) */
    RINS_RNG_SYNTH = 5,   /* (seed, scene) */
    RINS_RNG_TEST = 6,
    RINS_RNG_BOOTSTRAP = 7,
    RINS_RNG_SUBSTITUTE = 8, /* (seed, slot, attempt) */
    RINS_RNG_CAPTION = 9     /* (seed, epoch, sample): which caption or template */
} RinsRngUse;

typedef struct RinsRng {
    uint32_t key[2];
    uint32_t counter[4];
    uint32_t block[4];
    unsigned left; /* words of block not yet handed out */
} RinsRng;

/* Stream of 2^32 blocks for (use, seed, a, b). Tuples are hashed to 64 bits of key and 96 of counter: distinct ones
   share a stream only by a collision of both. */
RinsRng rins_rng(RinsRngUse use, uint64_t seed, uint64_t a, uint64_t b);

uint32_t rins_rng_u32(RinsRng *rng);
uint64_t rins_rng_u64(RinsRng *rng);
/* Uniform in [0, 1) with 53 bits. */
double rins_rng_uniform(RinsRng *rng);
/* Uniform integer in [0, n), without modulo bias; n >= 1. */
uint64_t rins_rng_below(RinsRng *rng, uint64_t n);
/* Standard normal (Box-Muller, one value per call). */
double rins_rng_normal(RinsRng *rng);
/* Standard normal truncated to [-2, 2], by rejection. */
double rins_rng_truncated_normal(RinsRng *rng);

/* Position `index` of a keyed pseudo-random permutation of [0, n): a bijection, O(1) memory, so a shuffled epoch
   needs no buffer and resumes from its index. Four-round Feistel network with cycle walking. */
uint64_t rins_permute(uint64_t index, uint64_t n, uint64_t seed, uint64_t epoch);

/* One Philox4x32-10 block, exposed for its test vectors. */
void rins_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* FNV-1a 64 of a string: keys init streams by parameter name, so adding a parameter leaves the others' init alone. */
uint64_t rins_hash_str(const char *text);
uint64_t rins_hash_bytes(const void *data, uint64_t n, uint64_t basis);
#define RINS_HASH_BASIS 0xcbf29ce484222325ull

#endif
