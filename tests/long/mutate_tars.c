/* mutate_tars ROUNDS FOLDER...: every file of the folders is opened as a shard in ROUNDS mutations, plain and through
   the file system as users do it, its samples are read, and nothing else may appear beside it. Deterministic. */
#include "data/source_damage.h"
#include "src/base/file.h"
#include "src/base/rng.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_GROWTH = 4096 };

typedef struct Tally {
    int64_t files, tars, opened, samples, good, damaged;
    double slowest;
    char dir[64], shard[80];
} Tally;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void repair_checksum(char *block) {
    unsigned sum = 8 * ' ';
    for (int i = 0; i < 512; i++) sum += i >= 148 && i < 156 ? 0 : (unsigned char)block[i];
    snprintf(block + 148, 8, "%06o", sum);
}

/* Bytes changed, cut, doubled or moved; half of the time checksums are made good again, so that lies are believed. */
static size_t mutate(char *data, size_t size, RinsRng *rng) {
    const uint64_t changes = 1 + rins_rng_below(rng, 16);
    for (uint64_t i = 0; i < changes && size; i++) {
        const size_t at = (size_t)rins_rng_below(rng, size);
        switch (rins_rng_below(rng, 6)) {
        case 0: data[at] = (char)rins_rng_u32(rng); break;
        case 1: data[at] ^= (char)(1u << rins_rng_below(rng, 8)); break;
        case 2: memset(data + at, rins_rng_below(rng, 2) ? 0 : 0xff, size - at < 64 ? size - at : 64); break;
        case 3: { /* header fields: size, type, name */
            static const int fields[] = {0, 100, 124, 130, 148, 156, 157, 257, 345};
            const size_t field = at / 512 * 512 + (size_t)fields[rins_rng_below(rng, 9)];
            if (field < size) data[field] = "0127LKxgS/\x80\xff"[rins_rng_below(rng, 12)];
            break;
        }
        case 4: /* lose some bytes */
            if (at + 1 < size) {
                const size_t n = (size_t)rins_rng_below(rng, size - at < 600 ? size - at : 600);
                memmove(data + at, data + at + n, size - at - n);
                size -= n;
            }
            break;
        default: { /* repeat some bytes */
            const size_t n = size - at < 512 ? size - at : 512, room = n < MAX_GROWTH / 16 ? n : MAX_GROWTH / 16;
            memmove(data + at + room, data + at, size - at);
            size += room;
        }
        }
    }
    if (rins_rng_below(rng, 2))
        for (size_t at = 0; at + 512 <= size; at += 512)
            if (!memcmp(data + at + 257, "ustar", 5)) repair_checksum(data + at);
    return size;
}

static void open_and_read(Tally *tally) {
    RinsSource *source;
    RinsSample sample = {0};
    char spec[100];
    snprintf(spec, sizeof spec, "wds:%s", tally->shard);
    const double before = now();
    if (rins_source_open(&source, spec) == RINS_OK) {
        int64_t places;
        const RinsSourceDamage *damage = rins_source_damage(source, &places);
        for (int64_t i = 0; i < places; i++) tally->damaged += damage[i].count;
        tally->opened++;
        for (int64_t i = 0; i < rins_source_count(source); i++) {
            tally->samples++;
            tally->good += rins_source_read(source, i, &sample, NULL) == RINS_OK;
        }
        rins_source_free(source);
    }
    rins_sample_free(&sample);
    const double took = now() - before;
    if (took > tally->slowest) tally->slowest = took;
}

static int count_entries(const char *path) {
    int n = 0;
    DIR *dir = opendir(path);
    while (dir && readdir(dir)) n++;
    if (dir) closedir(dir);
    return n;
}

static void put(const char *path, const char *data, size_t size) {
    unlink(path); /* file systems flush a file that is cut and written again */
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0) exit(2);
}

static void take_tar(Tally *tally, const char *path, int64_t rounds) {
    char *data;
    size_t size;
    if (rins_file_read(path, 64 << 20, &data, &size) != RINS_OK) return;
    char *copy = malloc(size + MAX_GROWTH + 16 * 512);
    if (!copy) exit(2);
    for (int64_t round = 0; round < rounds; round++) {
        RinsRng rng = rins_rng(RINS_RNG_TEST, 6, (uint64_t)tally->tars, (uint64_t)round);
        memcpy(copy, data, size);
        put(tally->shard, copy, round ? mutate(copy, size, &rng) : size); /* round 0: as it is */
        open_and_read(tally);
        tally->files++;
    }
    tally->tars++;
    free(copy);
    free(data);
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void take_folder(Tally *tally, const char *folder, int64_t rounds) {
    struct dirent **names;
    const int n = scandir(folder, &names, NULL, by_name);
    for (int i = 0; i < n; i++) {
        char *path = names[i]->d_name[0] == '.' ? NULL : rins_path_join(folder, names[i]->d_name);
        if (path) take_tar(tally, path, rounds);
        free(path);
        free(names[i]);
    }
    if (n >= 0) free(names);
}

int main(int argc, char **argv) {
    Tally tally = {.dir = "/tmp/rins-mutate-XXXXXX"};
    if (argc < 3 || !mkdtemp(tally.dir) || chdir(tally.dir) != 0) {
        fprintf(stderr, "usage: mutate_tars ROUNDS FOLDER...\n");
        return 2;
    }
    snprintf(tally.shard, sizeof tally.shard, "%s/m.tar", tally.dir);
    for (int i = 2; i < argc; i++) take_folder(&tally, argv[i], atoll(argv[1]));
    const int left = count_entries(tally.dir) - 2;
    printf("%lld tars, %lld mutations: %lld opened with %lld samples, %lld read, %lld damaged places; slowest %.3f s; "
           "%d other files written\n",
           (long long)tally.tars, (long long)tally.files, (long long)tally.opened, (long long)tally.samples,
           (long long)tally.good, (long long)tally.damaged, tally.slowest, left - 1);
    rins_remove_tree(tally.dir);
    return tally.tars == 0 || tally.slowest > 2 || left != 1;
}
