#include "tools/common.h"

#include "src/base/file.h"
#include "src/base/number.h"

#include <stdio.h>
#include <string.h>

RinsStatus rins_parse_rounds(const char *text, RinsRounds *rounds) {
    *rounds = (RinsRounds){0};
    for (const char *at = text; at && *at;) {
        const size_t n = strcspn(at, ","), name = strcspn(at, "=");
        int64_t value = 0;
        int *slot = NULL;
        if (name == 5 && !strncmp(at, "image", 5)) slot = &rounds->image;
        if (name == 4 && !strncmp(at, "text", 4)) slot = &rounds->text;
        if (!slot || name >= n || !rins_parse_int(at + name + 1, n - name - 1, &value) || value < 1 || value > 1000)
            return RINS_FAIL(RINS_ERR_ARG, "--rounds takes image=R,text=R with R of 1 to 1000, not '%s'", text);
        *slot = (int)value;
        at += n + (at[n] == ',');
    }
    return RINS_OK;
}

RinsStatus rins_write_json(const char *path, RinsJsonWriter *json) {
    RinsAtomicFile file = {0};
    RinsStatus status = RINS_OK;
    if (!path) goto done;
    if (!strcmp(path, "-")) {
        status = rins_json_flush(json, stdout);
        goto done;
    }
    RINS_TRY_DONE(rins_atomic_open(&file, path));
    RINS_TRY_DONE(rins_json_flush(json, file.stream));
    status = rins_atomic_commit(&file);
done:
    rins_atomic_abort(&file);
    rins_json_writer_free(json);
    return status;
}

void rins_name_bad(char *text, size_t room, int64_t index, const char *key, const char *message) {
    if (!key || !strncmp(message, key, strlen(key)))
        snprintf(text, room, "sample %lld: %s", (long long)index, message);
    else
        snprintf(text, room, "sample %lld (%s): %s", (long long)index, key, message);
}

void rins_cut_line_end(char *line) {
    size_t n = strlen(line);
    if (n && line[n - 1] == '\n') line[--n] = 0;
    if (n && line[n - 1] == '\r') line[n - 1] = 0;
}

static const char *scale(double value, double base, const char *const *units, int n, const char *suffix,
                         char text[32]) {
    int unit = 0;
    while (value >= 0.9995 * base && unit + 1 < n) value /= base, unit++;
    const int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(text, 32, "%.*f %s%s", decimals, value, units[unit], suffix);
    return text;
}

const char *rins_format_bytes(double bytes, char text[32]) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    return scale(bytes, 1024, units, 5, "", text);
}

const char *rins_format_si(double value, char text[32]) {
    static const char *const units[] = {"", "k", "M", "G", "T", "P", "E", "Z"};
    return scale(value, 1000, units, 8, "", text);
}
