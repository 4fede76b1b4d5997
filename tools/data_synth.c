/* rins data synth: the synthetic world as shards, class folders and a table of hard negatives. */
#include "data/image_write.h"
#include "data/synth_files.h"
#include "src/base/file.h"
#include "tools/data_actions.h"
#include "tools/flags.h"
#include "tools/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PART_ALL, PART_TRAIN, PART_VAL, PART_HELDOUT, PART_HARD };
static const char *const part_names[] = {"all", "train", "val", "heldout", "hard", NULL};
static const char *const format_names[] = {"jpg", "png", NULL};

enum { SHEET_COLUMNS = 6, SHEET_ROWS = 3 };

/* The first scenes side by side as one PNG, their captions on standard output in reading order. */
static RinsStatus write_sheet(const RinsSynthFiles *files, const char *path) {
    if (files->size < RINS_SYNTH_MIN_SIDE || files->size > RINS_SYNTH_MAX_SIDE)
        return RINS_FAIL(RINS_ERR_ARG, "pictures of %d pixels a side: wanted %d to %d", files->size,
                         RINS_SYNTH_MIN_SIDE, RINS_SYNTH_MAX_SIDE);
    RinsSynthWorld world;
    RINS_TRY(rins_synth_world(&world, files->seed, RINS_SYNTH_TRAIN, files->level));
    if (files->mix) RINS_TRY(rins_synth_set_mix(&world, files->mix));
    const size_t side = (size_t)files->size, row = side * 3, one = side * row;
    uint8_t *sheet = malloc(one * SHEET_COLUMNS * SHEET_ROWS), *pixels = malloc(one), *data = NULL;
    float *scratch = malloc(one * sizeof *scratch);
    size_t size = 0;
    RinsStatus status = sheet && pixels && scratch ? RINS_OK : RINS_FAIL(RINS_ERR_MEMORY, "no memory for a sheet");
    for (size_t k = 0; status == RINS_OK && k < SHEET_COLUMNS * SHEET_ROWS; k++) {
        RinsSynthScene scene;
        char caption[RINS_SYNTH_TEXT];
        rins_synth_scene(&world, k, &scene);
        rins_synth_caption(&scene.meaning, caption);
        puts(caption);
        rins_synth_draw(&scene, files->size, scratch, pixels);
        for (size_t y = 0; y < side; y++)
            memcpy(sheet + ((k / SHEET_COLUMNS * side + y) * SHEET_COLUMNS + k % SHEET_COLUMNS) * row, pixels + y * row,
                   row);
    }
    if (status == RINS_OK)
        status = rins_png_encode(sheet, files->size * SHEET_COLUMNS, files->size * SHEET_ROWS, &data, &size);
    if (status == RINS_OK) status = rins_file_write(path, data, size);
    free(sheet);
    free(pixels);
    free(scratch);
    free(data);
    return status;
}

static void show_progress(void *user, int64_t done, int64_t total) {
    RinsProgress *progress = user;
    progress->total = total;
    rins_progress_update(progress, done, NULL);
}

static void keep_only(RinsSynthFiles *files, int part) {
    if (part == PART_ALL) return;
    if (part != PART_TRAIN) files->train = 0;
    if (part != PART_VAL) files->val = 0;
    if (part != PART_HELDOUT) files->per_class = 0;
    if (part != PART_HARD) files->hard = 0;
}

int rins_data_synth(int argc, char **argv) {
    RinsCommon common = {0};
    RinsSynthFiles files = {.train = 50000, .val = 1024, .per_class = 12, .hard = 256, .shard_samples = 10000};
    int64_t size = 64, seed = 0, level = 2;
    const char *sheet = NULL;
    int part = PART_ALL, format = 0, n_args;
    const RinsFlag flags[] = {
        {"out", RINS_FLAG_OUT_DIR, &files.dir, "DIR", "folder to write to: a new one, or a world to draw anew"},
        {"n", RINS_FLAG_INT, &files.train, "N", "training scenes (50000)"},
        {"val", RINS_FLAG_INT, &files.val, "N", "validation scenes (1024)"},
        {"per-class", RINS_FLAG_INT, &files.per_class, "N", "pictures of each class of heldout/ and seen/ (12)"},
        {"hard", RINS_FLAG_INT, &files.hard, "N", "hard negatives per skill (256)"},
        {"size", RINS_FLAG_INT, &size, "PIXELS", "side of the pictures (64)"},
        {"seed", RINS_FLAG_INT, &seed, "S", "which world; the held-out combinations are the same in all (0)",
         .max = INFINITY},
        {"level", RINS_FLAG_INT, &level, "L",
         "1: one thing, counts; 2: two things and relations; 3: groups, negation; 4: nested relations (2)"},
        {"mix", RINS_FLAG_STRING, &files.mix, "FORM=W,...",
         "shares of single count groups pair relation negation nested, instead of a level's"},
        {"split", RINS_FLAG_CHOICE, &part, "PART", "write only this: all, train, val, heldout, hard (all)",
         .names = part_names},
        {"format", RINS_FLAG_CHOICE, &format, "FORMAT", "jpg (quality 95) or png (jpg)", .names = format_names},
        {"sheet", RINS_FLAG_OUT, &sheet, "FILE.png", "instead of all that, show the first 18 scenes in one picture"},
        {"shard", RINS_FLAG_INT, &files.shard_samples, "N", "scenes per shard (10000)"},
        {0}};
    const RinsCli cli = {
        "rins data synth",
        "--out DIR [--n N] [--size PIXELS] [--seed S] [--level L]",
        "Draws scenes of coloured, textured shapes with captions that are true of them. 15 % of all\n"
        "(shape, colour, texture) combinations are held out of training and make a zero-shot test set.",
        flags,
        0,
        0,
        &common};
    const int exit_code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (exit_code != RINS_CLI_GO_ON) return exit_code;
    files.size = size > 0 && size < 100000 ? (int)size : 0;
    files.level = level > 0 && level < 1000 ? (int)level : 0;
    files.seed = (uint64_t)seed;
    files.png = format == 1;
    files.threads = (int)common.threads;
    keep_only(&files, part);
    if (sheet) return rins_report(write_sheet(&files, sheet));
    if (!files.dir) return rins_report(RINS_FAIL(RINS_ERR_ARG, "--out DIR is missing: the folder to write to"));
    RinsProgress progress;
    rins_progress_start(&progress, "draw", 0, 0);
    files.progress = show_progress;
    files.progress_user = &progress;
    const RinsStatus status = rins_synth_write(&files);
    if (status == RINS_OK) rins_progress_end(&progress, progress.total, "pictures");
    return rins_report(status);
}
