#include "data/parallel.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

enum { MAX_THREADS = 4096 }; /* as many as --threads takes */

typedef struct Crew {
    pthread_mutex_t lock;
    int64_t next, n, failed; /* failed: lowest piece that failed, n where none did */
    RinsPieceFn *piece;
    void *user;
    RinsStatus status;
    char message[1024];
} Crew;

typedef struct Member {
    Crew *crew;
    int worker;
    pthread_t thread;
} Member;

static void *work(void *user) {
    const Member *member = user;
    Crew *crew = member->crew;
    for (;;) {
        pthread_mutex_lock(&crew->lock);
        const int64_t i = crew->failed < crew->n ? crew->n : crew->next++;
        pthread_mutex_unlock(&crew->lock);
        if (i >= crew->n) return NULL;
        const RinsStatus status = crew->piece(crew->user, i, member->worker);
        if (status == RINS_OK) continue;
        pthread_mutex_lock(&crew->lock);
        if (i < crew->failed) {
            crew->failed = i;
            crew->status = status;
            snprintf(crew->message, sizeof crew->message, "%s", rins_last_error());
        }
        pthread_mutex_unlock(&crew->lock);
    }
}

RinsStatus rins_parallel(int64_t n, int threads, RinsPieceFn *piece, void *user) {
    Crew crew = {.lock = PTHREAD_MUTEX_INITIALIZER, .n = n, .failed = n, .piece = piece, .user = user};
    Member members[MAX_THREADS];
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    if (threads > n) threads = (int)n;
    int started = 1; /* the caller is member 0 */
    for (; started < threads; started++) {
        members[started] = (Member){.crew = &crew, .worker = started};
        if (pthread_create(&members[started].thread, NULL, work, &members[started]) != 0) break;
    }
    members[0] = (Member){.crew = &crew};
    work(&members[0]);
    for (int i = 1; i < started; i++) pthread_join(members[i].thread, NULL);
    pthread_mutex_destroy(&crew.lock);
    if (crew.failed < n) return RINS_FAIL(crew.status, "%s", crew.message);
    return RINS_OK;
}
