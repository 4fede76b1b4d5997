#define _GNU_SOURCE
#include "eval/embed_input.h"

#include "data/shard_list.h"
#include "src/base/file.h"
#include "src/base/rng.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

uint64_t rins_embed_input_hash(uint64_t hash, const char *row) {
    return rins_hash_bytes("\n", 1, rins_hash_bytes(row, strlen(row), hash));
}

RinsStatus rins_embed_input_line(RinsEmbedInput *input, RinsEmbedLine *line) {
    size_t room = 0;
    *line = (RinsEmbedLine){0};
    errno = 0;
    ssize_t n = getline(&line->text, &room, input->file);
    if (n < 0) {
        const int error = errno;
        free(line->text);
        line->text = NULL;
        if (error == ENOMEM) return RINS_FAIL(RINS_ERR_MEMORY, "no memory for a line of '%s'", input->name);
        return ferror(input->file) ? RINS_FAIL(RINS_ERR_IO, "cannot read '%s': %s", input->name, strerror(error))
                                   : RINS_OK;
    }
    if (n && line->text[n - 1] == '\n') line->text[--n] = 0;
    if (n && line->text[n - 1] == '\r') line->text[--n] = 0;
    line->cut = memchr(line->text, 0, (size_t)n) != NULL;
    return RINS_OK;
}

/* Lines of a regular file and their hash. */
static RinsStatus survey(RinsEmbedInput *input) {
    input->rows = 0;
    input->hash = RINS_HASH_BASIS;
    for (;;) {
        RinsEmbedLine line;
        RINS_TRY(rins_embed_input_line(input, &line));
        if (!line.text) break;
        input->hash = rins_embed_input_hash(input->hash, line.text);
        input->rows++;
        free(line.text);
    }
    input->has_hash = true;
    rewind(input->file);
    return RINS_OK;
}

/* Texts may lie in a .tsv or .json as well as in any other file of lines. */
static bool names_a_source(const char *name, bool image) {
    return image ? rins_source_recognises(name) : rins_source_path(name) != name || rins_path_is_dir(name);
}

RinsStatus rins_embed_input_open(RinsEmbedInput *input, const char *name, bool image) {
    *input = (RinsEmbedInput){.name = name, .rows = -1, .standard = !strcmp(name, "-")};
    if (names_a_source(name, image)) {
        if (!image)
            return RINS_FAIL(RINS_ERR_ARG, "'%s' is a source of images; texts come from a list, one a line", name);
        const RinsStatus opened = rins_source_open_view(&input->source, name, RINS_VIEW_IMAGES);
        if (opened == RINS_ERR_FORMAT && rins_path_is_file(name) && !rins_is_tar_name(name))
            return rins_fail_context(opened,
                                     "'%s' is taken for a data source by its ending; a list of paths needs "
                                     "another name, or --input -",
                                     name);
        RINS_TRY(opened);
        input->rows = rins_source_count(input->source);
        return RINS_OK;
    }
    if (image && rins_image_ending(name) && rins_path_is_file(name))
        return RINS_FAIL(RINS_ERR_ARG,
                         "'%s' is an image, not a list: put its path on a line of a text file, or of "
                         "standard input with --input -",
                         name);
    input->file = input->standard ? stdin : fopen(name, "re");
    if (!input->file) return RINS_FAIL(RINS_ERR_IO, "cannot open '%s': %s", name, strerror(errno));
    struct stat info;
    const bool regular = !input->standard && fstat(fileno(input->file), &info) == 0 && S_ISREG(info.st_mode);
    const RinsStatus status = regular ? survey(input) : RINS_OK;
    if (status != RINS_OK) rins_embed_input_close(input);
    return status;
}

void rins_embed_input_close(RinsEmbedInput *input) {
    if (input->file && !input->standard) fclose(input->file);
    rins_source_free(input->source);
    *input = (RinsEmbedInput){0};
}
