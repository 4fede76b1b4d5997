/* rins data index: writes SHARD.index beside every shard, so that opening a data set scans nothing. */
#include "data/parallel.h"
#include "data/shard_list.h"
#include "data/source.h"
#include "data/tar_index.h"
#include "tools/data_actions.h"
#include "tools/flags.h"
#include "tools/progress.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

typedef struct Job {
    RinsStringList shards;
    bool force;
    RinsProgress progress;
    pthread_mutex_t lock;
    int64_t done, written, samples, bad[RINS_BAD_N];
    int64_t empty, first_empty; /* shards without a sample: they get no index */
} Job;

static RinsStatus index_shard(void *user, int64_t i, int worker) {
    Job *job = user;
    const char *shard = job->shards.items[i];
    RinsTarIndex index = {0};
    const bool fresh = !job->force && rins_tar_index_load(&index, shard) == RINS_OK;
    if (!fresh) {
        RINS_TRY(rins_tar_index_build(&index, shard));
        const RinsStatus status = index.n ? rins_tar_index_save(&index, shard) : RINS_OK;
        if (status != RINS_OK) {
            rins_tar_index_free(&index);
            return status;
        }
    }
    pthread_mutex_lock(&job->lock);
    job->done++;
    job->written += !fresh && index.n;
    if (index.n == 0 && (!job->empty++ || i < job->first_empty)) job->first_empty = i;
    job->samples += index.n;
    for (int c = 0; c < RINS_BAD_N; c++) job->bad[c] += index.bad[c];
    if (worker == 0) rins_progress_update(&job->progress, job->done, NULL); /* worker 0 is the calling thread */
    pthread_mutex_unlock(&job->lock);
    rins_tar_index_free(&index);
    return RINS_OK;
}

static void report(const Job *job) {
    printf("%lld samples in %zu shards, %lld indexed anew\n", (long long)job->samples, job->shards.n,
           (long long)job->written);
    for (int c = 0; c < RINS_BAD_N; c++)
        if (job->bad[c]) printf("left out (%s): %lld\n", rins_bad_names[c], (long long)job->bad[c]);
    if (job->empty && job->samples)
        printf("without a sample: %lld, the first: %s\n", (long long)job->empty, job->shards.items[job->first_empty]);
}

int rins_data_index(int argc, char **argv) {
    RinsCommon common = {0};
    Job job = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const RinsFlag flags[] = {{"force", RINS_FLAG_BOOL, &job.force, NULL, "also where an index fits its shard"}, {0}};
    const RinsCli cli = {
        "rins data index",
        "PATTERN... [--force]",
        "Writes SHARD.index beside each tar shard. PATTERN: braces {00000..00012}, wildcards or a folder.\n"
        "An index that no longer fits its shard is made anew, here and (in memory) wherever shards are read.",
        flags,
        1,
        -1,
        &common};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    RinsStatus status = RINS_OK;
    for (int i = 0; i < n_args && status == RINS_OK; i++)
        status = rins_shard_list(rins_source_path(argv[i]), &job.shards);
    if (status == RINS_OK) {
        const int threads = common.threads ? (int)common.threads : (int)sysconf(_SC_NPROCESSORS_ONLN);
        rins_progress_start(&job.progress, "index", 0, (int64_t)job.shards.n);
        status = rins_parallel((int64_t)job.shards.n, threads, index_shard, &job);
    }
    if (status == RINS_OK) {
        rins_progress_end(&job.progress, job.done, "shards");
        report(&job);
        if (job.samples == 0)
            status = RINS_FAIL(RINS_ERR_FORMAT, "none of the %zu shards holds a sample; the first: '%s'", job.shards.n,
                               job.shards.items[0]);
    }
    rins_strings_free(&job.shards);
    return rins_report(status);
}
