#include "data/synth_list.h"

#include "src/base/file.h"
#include "src/base/json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const rins_synth_parts[RINS_SYNTH_PARTS] = {"train", "val", "per_class", "hard"};

/* The part that a path is of; -1: a path that no world has. */
static int part_of(const char *name) {
    static const struct {
        const char *start;
        RinsSynthPart part;
    } starts[] = {
        {"train-", RINS_SYNTH_PART_TRAIN},
        {"captions.txt", RINS_SYNTH_PART_TRAIN},
        {"val-", RINS_SYNTH_PART_VAL},
        {"heldout/", RINS_SYNTH_PART_CLASSES},
        {"heldout-classes.txt", RINS_SYNTH_PART_CLASSES},
        {"seen/", RINS_SYNTH_PART_CLASSES},
        {"seen-classes.txt", RINS_SYNTH_PART_CLASSES},
        {"templates.txt", RINS_SYNTH_PART_CLASSES},
        {"hard/", RINS_SYNTH_PART_HARD},
        {"hard.tsv", RINS_SYNTH_PART_HARD},
    };
    if (strstr(name, "..")) return -1;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (!strncmp(name, starts[i].start, strlen(starts[i].start))) return (int)starts[i].part;
    return -1;
}

/* Cuts the text at its ends of lines and returns the line at *at; NULL behind the last. A line without an end was being
   entered when the run was killed, and its file never made. */
static char *next_line(char **at) {
    char *line = *at, *end = strchr(line, '\n');
    if (!end) return NULL;
    *end = 0;
    *at = end + 1;
    return line;
}

typedef struct Former {
    const char *dir;
    char *text, *kept; /* files.txt as it was, and its lines of parts that stay */
    size_t size;       /* of text; it has zeros for ends of lines once they are sorted */
    bool stays[RINS_SYNTH_PARTS];
} Former;

/* Sorts the lines of files.txt into those that stay (joined in `kept`) and the others, one after the
   other in `text`. */
static RinsStatus sort_lines(Former *former, const int64_t *counts) {
    former->kept = malloc(former->size + 1);
    if (!former->kept) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for the files of '%s'", former->dir);
    char *at = former->text, *kept = former->kept, *goes = former->text;
    for (char *line; (line = next_line(&at));) {
        const int part = part_of(line);
        if (part < 0)
            return RINS_FAIL(RINS_ERR_FORMAT, "'%s/files.txt' names '%s', which no world has: give an empty folder",
                             former->dir, line);
        const size_t n = strlen(line) + 1;
        if (counts[part]) {
            memmove(goes, line, n);
            goes += n;
            continue;
        }
        former->stays[part] = true;
        memcpy(kept, line, n);
        kept[n - 1] = '\n';
        kept += n;
    }
    *kept = 0;
    former->size = (size_t)(goes - former->text);
    return RINS_OK;
}

/* Are the parts that stay of the same world as those to come? Takes their counts over. */
static RinsStatus check_stays(const Former *former, const char *path, const char *settings, int64_t *counts) {
    json_t *was = NULL, *wanted = NULL, *value;
    const char *key;
    RinsStatus status = RINS_OK;
    int part = 0;
    while (part < RINS_SYNTH_PARTS && !former->stays[part]) part++;
    if (part == RINS_SYNTH_PARTS) return RINS_OK;
    if (!rins_path_is_file(path))
        return RINS_FAIL(RINS_ERR_MISMATCH,
                         "'%s' is of a run that was not finished, and its part %s would stay: draw all parts, "
                         "remove the folder or give another",
                         former->dir, rins_synth_parts[part]);
    RINS_TRY_DONE(rins_json_read(path, 0, &was));
    RINS_TRY_DONE(rins_json_parse(settings, strlen(settings), "settings", &wanted));
    json_object_foreach(wanted, key, value) {
        if (json_equal(value, json_object_get(was, key))) continue;
        status = RINS_FAIL(RINS_ERR_MISMATCH,
                           "'%s' is of another %s, and its part %s would stay: draw all parts, remove the folder "
                           "or give another",
                           former->dir, key, rins_synth_parts[part]);
        goto done;
    }
    for (int i = 0; i < RINS_SYNTH_PARTS; i++)
        if (former->stays[i]) counts[i] = json_integer_value(json_object_get(was, rins_synth_parts[i]));
done:
    json_decref(was);
    json_decref(wanted);
    return status;
}

static RinsStatus remove_file(const char *path) {
    if (unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR) return RINS_OK;
    return RINS_FAIL(RINS_ERR_IO, "cannot remove '%s': %s", path, strerror(errno));
}

static RinsStatus remove_lines(const Former *former) {
    RinsStatus status = RINS_OK;
    const char *end = former->text + former->size;
    for (const char *line = former->text; line < end && status == RINS_OK; line += strlen(line) + 1) {
        char *path = rins_path_join(former->dir, line), *partial = path ? rins_atomic_partial(path) : NULL;
        status = partial ? remove_file(path) : RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
        if (status == RINS_OK) status = remove_file(partial); /* of a run that was killed */
        free(partial);
        free(path);
    }
    return status;
}

RinsStatus rins_synth_list_open(RinsSynthList *list, const char *dir, const char *settings,
                                int64_t counts[RINS_SYNTH_PARTS]) {
    Former former = {.dir = dir};
    RinsStatus status = RINS_OK;
    *list = (RinsSynthList){0};
    char *path = rins_path_join(dir, "files.txt"), *world = rins_path_join(dir, "world.json");
    if (!path || !world) {
        status = RINS_FAIL(RINS_ERR_MEMORY, "no memory for a path");
        goto done;
    }
    if (rins_path_is_file(path)) {
        RINS_TRY_DONE(rins_file_read(path, 0, &former.text, &former.size));
        RINS_TRY_DONE(sort_lines(&former, counts));
        RINS_TRY_DONE(check_stays(&former, world, settings, counts));
        RINS_TRY_DONE(remove_file(world));
        RINS_TRY_DONE(remove_lines(&former));
    } else if (!rins_dir_is_empty(dir)) {
        status = RINS_FAIL(RINS_ERR_ARG,
                           "'%s' is not empty and has no files.txt, so it is no world to draw again: give an "
                           "empty or a new folder",
                           dir);
        goto done;
    }
    RINS_TRY_DONE(rins_mkdirs(dir));
    RINS_TRY_DONE(rins_file_write(path, former.kept ? former.kept : "", former.kept ? strlen(former.kept) : 0));
    list->stream = fopen(path, "ae");
    if (!list->stream) status = RINS_FAIL(RINS_ERR_IO, "cannot write '%s': %s", path, strerror(errno));
done:
    free(former.text);
    free(former.kept);
    free(path);
    free(world);
    return status;
}

RinsStatus rins_synth_list_add(RinsSynthList *list, const char *name) {
    if (fprintf(list->stream, "%s\n", name) >= 0 && fflush(list->stream) == 0) return RINS_OK;
    return RINS_FAIL(RINS_ERR_IO, "cannot enter '%s' in files.txt: %s", name, strerror(errno));
}

void rins_synth_list_close(RinsSynthList *list) {
    if (list->stream) fclose(list->stream);
    *list = (RinsSynthList){0};
}
