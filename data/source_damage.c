#include "data/source_damage.h"

#include "data/source_impl.h"
#include "src/base/list.h"
#include "src/base/log.h"

#include <stdio.h>
#include <string.h>

enum { NAMED = 3 }; /* shards in a warning */

const RinsSourceDamage *rins_source_damage(const RinsSource *source, int64_t *n) {
    *n = (int64_t)source->n_damage;
    return source->damage;
}

RinsStatus rins_source_add_damage(RinsSource *source, const char *place, RinsBadCause cause, int64_t count,
                                  int64_t samples) {
    RinsSourceDamage *all = rins_list_grow(source->damage, source->n_damage, sizeof *all);
    if (!all) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to note what is damaged in '%s'", source->spec);
    source->damage = all;
    all[source->n_damage++] = (RinsSourceDamage){place, cause, count, samples};
    return RINS_OK;
}

void rins_source_shards(const RinsSource *source, int64_t *shards, int64_t *without) {
    *shards = source->shards;
    *without = 0;
    const char *last = NULL; /* one shard may be damaged in several ways */
    for (size_t i = 0; i < source->n_damage; i++) {
        const RinsSourceDamage *damage = &source->damage[i];
        if (damage->samples == 0 && damage->place != last) ++*without;
        last = damage->place;
    }
}

static const char *words(RinsBadCause cause, bool one) {
    switch (cause) {
    case RINS_BAD_MISSING: return one ? "key without an image" : "keys without an image";
    case RINS_BAD_TRUNCATED: return one ? "member cut off by the end" : "members cut off by the end";
    case RINS_BAD_TOO_LARGE: return one ? "member over 256 MB" : "members over 256 MB";
    default: return one ? "damaged or repeated member" : "damaged or repeated members";
    }
}

void rins_source_damage_describe(const RinsSourceDamage *damage, char *to, size_t size) {
    const bool one = damage->count == 1;
    if (damage->samples == 0 && damage->cause == RINS_BAD_ARCHIVE && one)
        snprintf(to, size, "%s: no sample in it", damage->place);
    else
        snprintf(to, size, "%s: %s%lld %s", damage->place, damage->samples ? "" : "no sample in it, ",
                 (long long)damage->count, words(damage->cause, one));
}

void rins_source_warn_of_damage(const RinsSource *source) {
    char text[1024] = "";
    const char *last = NULL;
    int64_t damaged = 0;
    size_t used = 0;
    for (size_t i = 0; i < source->n_damage; i++) {
        const RinsSourceDamage *damage = &source->damage[i];
        if (damage->cause == RINS_BAD_MISSING && damage->samples > 0) continue;
        damaged += damage->place != last;
        last = damage->place;
        if (damaged > NAMED || used >= sizeof text - 1) continue;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s", used ? "; " : "");
        if (used < sizeof text) {
            rins_source_damage_describe(damage, text + used, sizeof text - used);
            used += strlen(text + used);
        }
    }
    if (damaged)
        rins_log(RINS_LOG_WARN, "'%s': %lld of %lld shards damaged: %s%s; `rins data check` names all", source->spec,
                 (long long)damaged, (long long)source->shards, text, damaged > NAMED ? "; and others" : "");
}
