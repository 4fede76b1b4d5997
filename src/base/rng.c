#include "src/base/rng.h"

#include <math.h>
#include <string.h>

void rins_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        const uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

/* splitmix64's finaliser: spreads the bits of structured keys. */
static uint64_t mix(uint64_t z) {
    z += 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

RinsRng rins_rng(RinsRngUse use, uint64_t seed, uint64_t a, uint64_t b) {
    const uint64_t key = mix(seed ^ mix((uint64_t)use));
    const uint64_t stream = mix(mix(a) ^ (b + 0xD1B54A32D192ED03ull) * 0x9E3779B97F4A7C15ull);
    RinsRng rng = {
        .key = {(uint32_t)key, (uint32_t)(key >> 32)},
        .counter = {0, (uint32_t)(mix(a ^ mix(b)) & 0xffffffffu), (uint32_t)stream, (uint32_t)(stream >> 32)}};
    return rng;
}

uint32_t rins_rng_u32(RinsRng *rng) {
    if (rng->left == 0) {
        rins_philox(rng->counter, rng->key, rng->block);
        rng->counter[0]++;
        rng->left = 4;
    }
    return rng->block[4 - rng->left--];
}

uint64_t rins_rng_u64(RinsRng *rng) {
    const uint64_t low = rins_rng_u32(rng);
    return low | (uint64_t)rins_rng_u32(rng) << 32;
}

double rins_rng_uniform(RinsRng *rng) {
    return (double)(rins_rng_u64(rng) >> 11) * 0x1p-53;
}

uint64_t rins_rng_below(RinsRng *rng, uint64_t n) {
    const uint64_t threshold = -n % n; /* rejects the incomplete last interval */
    for (;;) {
        const uint64_t draw = rins_rng_u64(rng);
        const unsigned __int128 product = (unsigned __int128)draw * n;
        if ((uint64_t)product >= threshold) return (uint64_t)(product >> 64);
    }
}

double rins_rng_normal(RinsRng *rng) {
    const double u = 1.0 - rins_rng_uniform(rng), v = rins_rng_uniform(rng);
    return sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v);
}

double rins_rng_truncated_normal(RinsRng *rng) {
    for (;;) {
        const double z = rins_rng_normal(rng);
        if (fabs(z) <= 2.0) return z;
    }
}

uint64_t rins_permute(uint64_t index, uint64_t n, uint64_t seed, uint64_t epoch) {
    if (n < 2) return index;
    unsigned bits = 2;
    while (bits < 64 && ((uint64_t)1 << bits) < n) bits += 2;
    const unsigned half = bits / 2;
    const uint64_t mask = ((uint64_t)1 << half) - 1;
    const RinsRng base = rins_rng(RINS_RNG_SHUFFLE, seed, epoch, 0);
    uint64_t x = index;
    do { /* at most 4 tries on average: the domain is below 4 n */
        uint64_t left = x >> half, right = x & mask;
        for (uint32_t round = 0; round < 4; round++) {
            const uint32_t counter[4] = {(uint32_t)right, round, base.counter[2], base.counter[3]};
            uint32_t out[4];
            rins_philox(counter, base.key, out);
            const uint64_t next = left ^ (((uint64_t)out[1] << 32 | out[0]) & mask);
            left = right;
            right = next;
        }
        x = left << half | right;
    } while (x >= n);
    return x;
}

uint64_t rins_hash_bytes(const void *data, uint64_t n, uint64_t basis) {
    const unsigned char *bytes = data;
    uint64_t hash = basis;
    for (uint64_t i = 0; i < n; i++) hash = (hash ^ bytes[i]) * 0x100000001b3ull;
    return hash;
}

uint64_t rins_hash_str(const char *text) {
    return rins_hash_bytes(text, strlen(text), RINS_HASH_BASIS);
}
