/* Every fuzz target is one function, `fuzz_one`. With RINS_FUZZ_ENGINE it becomes libFuzzer's entry; without,
   a program that replays files and folders:  fuzz_jpeg [--max-ms N] [--shared FOLDER] PATH...  and prints
   outcomes and the slowest file. FOLDER is of the shared test data ($RINS_SHARED, or shared/ beside the
   source), where that is present. */
#ifndef RINS_TESTS_FUZZ_H
#define RINS_TESTS_FUZZ_H

#include "data/image.h"
#include "src/base/file.h"

#include <stdio.h>
#include <stdlib.h>

/* Never fails: it crashes, trips a sanitizer, or returns how the input was judged. */
static RinsBadCause fuzz_one(const uint8_t *data, size_t size);

/* Bugs that no sanitizer sees. */
#define FUZZ_CHECK(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                              \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

#ifdef RINS_FUZZ_ENGINE
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    (void)fuzz_one(data, size);
    return 0;
}
#else
#include <dirent.h>
#include <string.h>
#include <time.h>

typedef struct Replay {
    long files, outcomes[RINS_BAD_N];
    double total_ms, worst_ms;
    char worst[512];
} Replay;

static void replay_file(Replay *replay, const char *path) {
    char *data;
    size_t size;
    if (rins_file_read(path, 0, &data, &size) != RINS_OK) return;
    uint8_t *exact = malloc(size ? size : 1); /* no zero after it: reading past the end is seen */
    FUZZ_CHECK(exact);
    memcpy(exact, data, size);
    free(data);
    struct timespec a, b;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    const RinsBadCause cause = fuzz_one(exact, size);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
    free(exact);
    const double ms = 1e3 * (double)(b.tv_sec - a.tv_sec) + 1e-6 * (double)(b.tv_nsec - a.tv_nsec);
    replay->files++;
    replay->outcomes[cause]++;
    replay->total_ms += ms;
    if (ms <= replay->worst_ms) return;
    replay->worst_ms = ms;
    snprintf(replay->worst, sizeof replay->worst, "%s", path);
}

static void replay_path(Replay *replay, const char *path) {
    DIR *dir = opendir(path);
    if (!dir) {
        replay_file(replay, path);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.') continue;
        char *sub = rins_path_join(path, entry->d_name);
        FUZZ_CHECK(sub);
        replay_path(replay, sub);
        free(sub);
    }
    closedir(dir);
}

static void replay_shared(Replay *replay, const char *folder) {
    const char *shared = getenv("RINS_SHARED"), *root = getenv("RINS_SOURCE_ROOT");
    char *base = shared ? rins_path_join(shared, folder) : rins_path_join(root ? root : ".", "../shared");
    char *path = shared || !base ? base : rins_path_join(base, folder);
    FUZZ_CHECK(path);
    if (rins_path_is_dir(path)) replay_path(replay, path);
    if (path != base) free(base);
    free(path);
}

int main(int argc, char **argv) {
    Replay replay = {0};
    double max_ms = 0;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--max-ms") && i + 1 < argc)
            max_ms = atof(argv[++i]);
        else if (!strcmp(argv[i], "--shared") && i + 1 < argc)
            replay_shared(&replay, argv[++i]);
        else
            replay_path(&replay, argv[i]);
    }
    printf("%ld files, %.0f ms, slowest %.1f ms: %s\n", replay.files, replay.total_ms, replay.worst_ms, replay.worst);
    for (int i = 0; i < RINS_BAD_N; i++)
        if (replay.outcomes[i])
            printf("%s: %ld\n", i == RINS_BAD_NONE ? "fine" : rins_bad_names[i], replay.outcomes[i]);
    if (replay.files == 0) return 77; /* skipped */
    return max_ms > 0 && replay.worst_ms > max_ms;
}
#endif
#endif
