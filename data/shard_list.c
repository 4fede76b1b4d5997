#define _GNU_SOURCE
#include "data/shard_list.h"

#include "data/source_impl.h"
#include "src/base/file.h"

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool rins_is_tar_name(const char *name) {
    static const char *const endings[] = {".tar", ".tar.gz", ".tgz", ".tar.zst"};
    const size_t n = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        const size_t m = strlen(endings[i]);
        if (n > m && !strcasecmp(name + n - m, endings[i])) return true;
    }
    return false;
}

/* Takes the name over. */
static RinsStatus push(RinsStringList *list, char *name, const char *pattern) {
    if (list->n < RINS_MAX_SHARDS) return rins_strings_take(list, name);
    free(name);
    return RINS_FAIL(RINS_ERR_CONFIG, "'%s' stands for more than %d files", pattern, RINS_MAX_SHARDS);
}

/* head + middle[0..n) + the expansion of `tail` */
static RinsStatus expand_with(const char *head, size_t head_size, const char *middle, size_t n, const char *tail,
                              RinsStringList *list) {
    char *joined = NULL;
    if (asprintf(&joined, "%.*s%.*s%s", (int)head_size, head, (int)n, middle, tail) < 0)
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory for the names of '%s'", head);
    const RinsStatus status = rins_braces_expand(joined, list);
    free(joined);
    return status;
}

/* {first..last}: false where the inside is not two numbers. */
static bool parse_range(const char *inside, size_t n, long long *first, long long *last, int *width) {
    int used = 0;
    char text[64];
    if (n >= sizeof text || !isdigit((unsigned char)inside[0])) return false;
    memcpy(text, inside, n);
    text[n] = 0;
    if (sscanf(text, "%18lld..%18lld%n", first, last, &used) != 2 || (size_t)used != n) return false;
    const size_t digits = strspn(text, "0123456789");
    *width = text[0] == '0' ? (int)digits : 1;
    return isdigit((unsigned char)text[digits + 2]);
}

RinsStatus rins_braces_expand(const char *pattern, RinsStringList *list) {
    const char *open = strchr(pattern, '{');
    if (!open) return push(list, strdup(pattern), pattern);
    const char *close = strchr(open, '}');
    if (!close) return RINS_FAIL(RINS_ERR_CONFIG, "'%s' has a '{' that is not closed", pattern);
    const size_t head = (size_t)(open - pattern), n = (size_t)(close - open - 1);
    const char *inside = open + 1, *tail = close + 1;
    long long first, last;
    int width;
    if (memchr(inside, '{', n)) return RINS_FAIL(RINS_ERR_CONFIG, "'%s' has braces inside braces", pattern);
    if (parse_range(inside, n, &first, &last, &width)) {
        if (first > last)
            return RINS_FAIL(RINS_ERR_CONFIG, "'%s': the range {%.*s} goes down", pattern, (int)n, inside);
        if (last - first >= RINS_MAX_SHARDS)
            return RINS_FAIL(RINS_ERR_CONFIG, "'%s' stands for more than %d files", pattern, RINS_MAX_SHARDS);
        for (long long value = first; value <= last; value++) {
            char number[32];
            const int digits = snprintf(number, sizeof number, "%0*lld", width, value);
            RINS_TRY(expand_with(pattern, head, number, (size_t)digits, tail, list));
        }
        return RINS_OK;
    }
    if (!memchr(inside, ',', n))
        return RINS_FAIL(RINS_ERR_CONFIG, "'%s': {%.*s} is neither a range {00..12} nor a list {a,b}", pattern, (int)n,
                         inside);
    for (const char *at = inside; at <= close; at++) {
        const size_t length = strcspn(at, ",}");
        RINS_TRY(expand_with(pattern, head, at, length, tail, list));
        at += length;
    }
    return RINS_OK;
}

static RinsStatus add_matches(const char *pattern, bool tars_only, RinsStringList *list) {
    glob_t found = {0};
    RinsStatus status = RINS_OK;
    const int failed = glob(pattern, GLOB_NOSORT, NULL, &found);
    const size_t before = list->n;
    if (failed && failed != GLOB_NOMATCH) status = RINS_FAIL(RINS_ERR_IO, "cannot look for '%s'", pattern);
    for (size_t i = 0; status == RINS_OK && i < found.gl_pathc; i++)
        if (rins_is_tar_name(found.gl_pathv[i]) || !tars_only) status = push(list, strdup(found.gl_pathv[i]), pattern);
    globfree(&found);
    if (status == RINS_OK && list->n == before) status = RINS_FAIL(RINS_ERR_IO, "no shard matches '%s'", pattern);
    rins_strings_sort(list, before);
    return status;
}

RinsStatus rins_shard_list(const char *pattern, RinsStringList *list) {
    RinsStringList braced = {0};
    RinsStatus status = RINS_OK;
    RINS_TRY_DONE(rins_braces_expand(pattern, &braced));
    for (size_t i = 0; i < braced.n; i++) {
        char *name = braced.items[i];
        if (rins_path_is_dir(name)) {
            char *all = rins_path_join(name, "*");
            status = all ? add_matches(all, true, list) : RINS_FAIL(RINS_ERR_MEMORY, "no memory for '%s'", name);
            free(all);
        } else if (strpbrk(name, "*?[") && !rins_path_is_file(name)) {
            status = add_matches(name, false, list);
        } else {
            braced.items[i] = NULL;
            status = push(list, name, pattern);
        }
        if (status != RINS_OK) goto done;
    }
done:
    rins_strings_free(&braced);
    return status;
}
