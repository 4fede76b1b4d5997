#include "data/shard_cache.h"

#include "data/tar_stream.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { N_ENTRIES = 256 };

typedef struct Entry {
    int64_t number; /* shard, -1: free */
    char *bytes;
    uint64_t size, room; /* decompressed bytes there are; bytes reserved of the budget */
    uint64_t used_at;
    int readers;
    bool loading;
} Entry;

struct RinsShardCache {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* an entry was loaded or let go */
    uint64_t max_bytes, held, clock;
    Entry entries[N_ENTRIES];
};

RinsStatus rins_shard_cache_new(RinsShardCache **cache, uint64_t max_bytes) {
    RinsShardCache *made = *cache = calloc(1, sizeof *made);
    if (!made) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for the shard cache");
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->changed, NULL);
    made->max_bytes = max_bytes;
    for (int i = 0; i < N_ENTRIES; i++) made->entries[i].number = -1;
    return RINS_OK;
}

void rins_shard_cache_free(RinsShardCache *cache) {
    if (!cache) return;
    for (int i = 0; i < N_ENTRIES; i++) free(cache->entries[i].bytes);
    pthread_cond_destroy(&cache->changed);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static Entry *find(RinsShardCache *cache, int64_t number) {
    for (int i = 0; i < N_ENTRIES; i++)
        if (cache->entries[i].number == number) return &cache->entries[i];
    return NULL;
}

static void drop(RinsShardCache *cache, Entry *entry) {
    cache->held -= entry->room;
    free(entry->bytes);
    *entry = (Entry){.number = -1};
}

/* An entry with `room` bytes of the budget, or NULL where all that could go is in use. */
static Entry *make_room(RinsShardCache *cache, uint64_t room) {
    for (;;) {
        Entry *oldest = NULL, *empty = NULL;
        for (int i = 0; i < N_ENTRIES; i++) {
            Entry *entry = &cache->entries[i];
            if (entry->number < 0)
                empty = entry;
            else if (entry->readers == 0 && (!oldest || entry->used_at < oldest->used_at))
                oldest = entry;
        }
        if (empty && cache->held + room <= cache->max_bytes) return empty;
        if (!oldest) return NULL;
        drop(cache, oldest);
    }
}

static RinsStatus read_once(const char *path, uint64_t offset, void *to, size_t n, size_t *got) {
    RinsTarStream *stream;
    RINS_TRY(rins_tar_open(&stream, path));
    *got = rins_tar_copy(stream, offset, to, n);
    rins_tar_close(stream);
    return RINS_OK;
}

/* Fills an entry that this thread marked as loading; the lock is not held. */
static RinsStatus load(Entry *entry, const char *path, uint64_t end) {
    size_t got = 0;
    entry->bytes = malloc(end ? end : 1);
    if (!entry->bytes)
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory for %llu decompressed bytes of '%s'", (unsigned long long)end,
                         path);
    RINS_TRY(read_once(path, 0, entry->bytes, end, &got));
    entry->size = got;
    return RINS_OK;
}

/* The entry of the shard with one reader more, loaded by this thread where nobody has it. Called with the lock held. */
static RinsStatus acquire(RinsShardCache *cache, int64_t number, const char *path, uint64_t end, Entry **entry) {
    for (;;) {
        Entry *found = find(cache, number);
        if (found && !found->loading) {
            found->readers++;
            found->used_at = ++cache->clock;
            *entry = found;
            return RINS_OK;
        }
        Entry *empty = found ? NULL : make_room(cache, end);
        if (!empty) {
            pthread_cond_wait(&cache->changed, &cache->lock);
            continue;
        }
        *empty = (Entry){.number = number, .room = end, .readers = 1, .loading = true, .used_at = ++cache->clock};
        cache->held += end;
        pthread_mutex_unlock(&cache->lock);
        const RinsStatus status = load(empty, path, end);
        pthread_mutex_lock(&cache->lock);
        empty->loading = false;
        if (status != RINS_OK) drop(cache, empty);
        pthread_cond_broadcast(&cache->changed);
        *entry = empty;
        return status;
    }
}

RinsStatus rins_shard_cache_read(RinsShardCache *cache, int64_t number, const char *path, uint64_t end, uint64_t offset,
                                 void *to, size_t n, size_t *got) {
    *got = 0;
    if (end > cache->max_bytes) return read_once(path, offset, to, n, got);
    Entry *entry;
    pthread_mutex_lock(&cache->lock);
    const RinsStatus status = acquire(cache, number, path, end, &entry);
    pthread_mutex_unlock(&cache->lock);
    if (status != RINS_OK) return status;
    if (offset < entry->size) {
        *got = n < entry->size - offset ? n : (size_t)(entry->size - offset);
        memcpy(to, entry->bytes + offset, *got);
    }
    pthread_mutex_lock(&cache->lock);
    entry->readers--;
    pthread_cond_broadcast(&cache->changed);
    pthread_mutex_unlock(&cache->lock);
    return RINS_OK;
}
