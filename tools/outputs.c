#include "tools/outputs.h"

#include "data/shard_list.h"
#include "data/source.h"
#include "src/base/file.h"
#include "src/train/run_dir.h"

#include <string.h>
#include <strings.h>

static const char *text_of(const RinsFlag *flag) {
    return *(const char *const *)flag->value;
}

static bool is_file(const RinsFlag *flag) {
    return flag->type == RINS_FLAG_OUT || flag->type == RINS_FLAG_OUT_OR_STDOUT;
}

static bool is_output(const RinsFlag *flag) {
    return is_file(flag) || flag->type == RINS_FLAG_OUT_DIR;
}

static bool is_standard(const RinsFlag *flag) {
    return flag->type == RINS_FLAG_OUT_OR_STDOUT && !strcmp(text_of(flag), "-");
}

/* A file of a folder that this command will make. */
static bool will_have_folder(const RinsGiven *given, const char *path) {
    for (int i = 0; i < given->n_flags; i++)
        if (given->seen[i] && given->flags[i].type == RINS_FLAG_OUT_DIR &&
            !rins_path_is_dir(text_of(&given->flags[i])) && rins_path_lies_in(path, text_of(&given->flags[i])))
            return true;
    return false;
}

/* Is `word` the file `out`, by itself, as a data source ("table:FILE") or as a key's value? A hard link counts too. */
static bool names_file(const char *word, const char *out) {
    const char *value = strchr(word, '=');
    return rins_path_same_file(word, out) || rins_path_same_file(rins_source_path(word), out) ||
           (value && names_file(value + 1, out));
}

static RinsStatus check_not_given(const RinsGiven *given, const RinsFlag *out) {
    const char *word = NULL, *path = text_of(out);
    for (int i = 0; i < given->n_args && !word; i++)
        if (names_file(given->args[i], path)) word = given->args[i];
    for (int i = 0; i < given->n_flags && !word; i++)
        if (given->seen[i] && given->flags[i].type == RINS_FLAG_STRING && names_file(text_of(&given->flags[i]), path))
            word = text_of(&given->flags[i]);
    if (!word) return RINS_OK;
    return RINS_FAIL(RINS_ERR_ARG, "--%s '%s' would write over '%s', which the command is given: choose another file",
                     out->name, path, word);
}

/* Devices and pipes may take the text of several. */
static RinsStatus check_no_other(const RinsGiven *given, const RinsFlag *out) {
    if (rins_path_is_stream(text_of(out))) return RINS_OK;
    for (int i = 0; i < given->n_flags; i++) {
        const RinsFlag *other = &given->flags[i];
        if (other == out || !given->seen[i] || !is_output(other) || is_standard(other)) continue;
        if (rins_path_same_place(text_of(other), text_of(out)))
            return RINS_FAIL(RINS_ERR_ARG, "--%s and --%s are both '%s': choose another name for one of them",
                             other->name, out->name, text_of(out));
    }
    return RINS_OK;
}

/* Images and shards are data, wherever they lie: a slip of the hand is likelier than a page of that name. */
static RinsStatus check_name(const RinsFlag *out) {
    const char *image = rins_image_ending(text_of(out)), *wanted = rins_image_ending(out->arg);
    const bool tar = rins_is_tar_name(text_of(out));
    if (!tar && (!image || (wanted && !strcasecmp(image, wanted)))) return RINS_OK;
    return RINS_FAIL(RINS_ERR_ARG, "--%s '%s' has the name of %s, which it does not write: choose another name",
                     out->name, text_of(out),
                     tar      ? "a shard"
                     : wanted ? "another kind of image"
                              : "an image");
}

static RinsStatus check_output(const RinsGiven *given, const RinsFlag *out) {
    const char *path = text_of(out);
    const bool file = is_file(out);
    if (is_standard(out)) return RINS_OK;
    if (!strcmp(path, "-"))
        return RINS_FAIL(RINS_ERR_ARG, "--%s does not write to standard output; for a %s of that name give './-'",
                         out->name, file ? "file" : "folder");
    if (!(file && will_have_folder(given, path))) {
        const RinsStatus status = rins_output_check(path, !file);
        if (status != RINS_OK) return rins_fail_context(status, "--%s", out->name);
    }
    if (!file) return RINS_OK;
    RINS_TRY(check_not_given(given, out));
    RINS_TRY(check_no_other(given, out));
    RINS_TRY(check_name(out));
    if (!rins_run_dir_keeps(path)) return RINS_OK;
    return RINS_FAIL(RINS_ERR_ARG, "--%s '%s' is where a run keeps its record: choose another file", out->name, path);
}

RinsStatus rins_outputs_check(const RinsGiven *given) {
    for (int i = 0; i < given->n_flags; i++)
        if (given->seen[i] && is_output(&given->flags[i])) RINS_TRY(check_output(given, &given->flags[i]));
    return RINS_OK;
}
