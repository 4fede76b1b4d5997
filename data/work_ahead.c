#include "data/work_ahead.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct Worker {
    RinsAhead *ahead;
    int number;
    pthread_t thread;
} Worker;

struct RinsAhead {
    RinsAheadFn *fill;
    void *user;
    int places, n_workers;
    Worker *workers;
    int64_t *sizes; /* (places) slots of the batch there */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t work, done;
    int64_t *left;                            /* (places) slots not yet filled */
    int64_t submitted, claim_batch, claim_at; /* batches submitted; the next slot to fill */
    bool stop;
};

/* The next slot to fill; false where there is none now. Called with the lock held. */
static bool claim(RinsAhead *ahead, int64_t *batch, int64_t *i) {
    while (ahead->claim_batch < ahead->submitted) {
        if (ahead->claim_at < ahead->sizes[ahead->claim_batch % ahead->places]) {
            *batch = ahead->claim_batch;
            *i = ahead->claim_at++;
            return true;
        }
        ahead->claim_batch++;
        ahead->claim_at = 0;
    }
    return false;
}

static void *work(void *user) {
    const Worker *worker = user;
    RinsAhead *ahead = worker->ahead;
    int64_t batch, i;
    pthread_mutex_lock(&ahead->lock);
    while (!ahead->stop) {
        if (!claim(ahead, &batch, &i)) {
            pthread_cond_wait(&ahead->work, &ahead->lock);
            continue;
        }
        pthread_mutex_unlock(&ahead->lock);
        ahead->fill(ahead->user, batch, i, worker->number);
        pthread_mutex_lock(&ahead->lock);
        if (--ahead->left[batch % ahead->places] == 0) pthread_cond_broadcast(&ahead->done);
    }
    pthread_mutex_unlock(&ahead->lock);
    return NULL;
}

/* Signals are the caller's: workers block them all. */
static RinsStatus start_workers(RinsAhead *ahead, int workers) {
    sigset_t all, before;
    RinsStatus status = RINS_OK;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (ahead->n_workers < workers && status == RINS_OK) {
        Worker *worker = &ahead->workers[ahead->n_workers];
        *worker = (Worker){.ahead = ahead, .number = ahead->n_workers};
        if (pthread_create(&worker->thread, NULL, work, worker) == 0)
            ahead->n_workers++;
        else
            status = RINS_FAIL(RINS_ERR_MEMORY, "cannot start loader thread %d", ahead->n_workers + 1);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

RinsStatus rins_ahead_open(RinsAhead **ahead, int places, int workers, RinsAheadFn *fill, void *user) {
    *ahead = NULL;
    if (places < 1 || workers < 0 || workers > RINS_AHEAD_MAX_WORKERS)
        return RINS_FAIL(RINS_ERR_ARG, "%d loader threads; there can be 0 to %d", workers, RINS_AHEAD_MAX_WORKERS);
    RinsAhead *made = calloc(1, sizeof *made);
    if (!made) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for loader threads");
    made->fill = fill, made->user = user, made->places = places;
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->work, NULL);
    pthread_cond_init(&made->done, NULL);
    made->workers = calloc((size_t)workers + 1, sizeof *made->workers);
    made->sizes = calloc((size_t)places, sizeof *made->sizes);
    made->left = calloc((size_t)places, sizeof *made->left);
    const RinsStatus status = made->workers && made->sizes && made->left
                                  ? start_workers(made, workers)
                                  : RINS_FAIL(RINS_ERR_MEMORY, "no memory for loader threads");
    if (status == RINS_OK)
        *ahead = made;
    else
        rins_ahead_free(made);
    return status;
}

void rins_ahead_free(RinsAhead *ahead) {
    if (!ahead) return;
    pthread_mutex_lock(&ahead->lock);
    ahead->stop = true;
    pthread_cond_broadcast(&ahead->work);
    pthread_mutex_unlock(&ahead->lock);
    for (int i = 0; i < ahead->n_workers; i++) pthread_join(ahead->workers[i].thread, NULL);
    pthread_cond_destroy(&ahead->work);
    pthread_cond_destroy(&ahead->done);
    pthread_mutex_destroy(&ahead->lock);
    free(ahead->workers), free(ahead->sizes), free(ahead->left);
    free(ahead);
}

void rins_ahead_submit(RinsAhead *ahead, int64_t n) {
    pthread_mutex_lock(&ahead->lock);
    const int64_t place = ahead->submitted % ahead->places;
    assert(ahead->left[place] == 0);
    if (ahead->claim_batch + ahead->places == ahead->submitted) /* an empty batch that no worker has passed yet */
        ahead->claim_batch++, ahead->claim_at = 0;
    ahead->sizes[place] = ahead->left[place] = n;
    ahead->submitted++;
    pthread_cond_broadcast(&ahead->work);
    pthread_mutex_unlock(&ahead->lock);
}

void rins_ahead_wait(RinsAhead *ahead, int64_t batch) {
    const int64_t place = batch % ahead->places;
    assert(batch < ahead->submitted);
    if (ahead->n_workers == 0) {
        for (int64_t i = ahead->sizes[place] - ahead->left[place]; i < ahead->sizes[place]; i++)
            ahead->fill(ahead->user, batch, i, 0);
        ahead->left[place] = 0;
        return;
    }
    pthread_mutex_lock(&ahead->lock);
    while (ahead->left[place] > 0) pthread_cond_wait(&ahead->done, &ahead->lock);
    pthread_mutex_unlock(&ahead->lock);
}
